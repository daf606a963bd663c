"""Sends a packet, and looks a name up, as what is not in the lab may."""

from __future__ import annotations

import socket
from contextlib import suppress

if __name__ == "__main__":
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("198.51.100.9", 9))
    with suppress(OSError):
        socket.getaddrinfo("www.example.com", 80)
