"""Addresses that no media are fetched from: this machine, its link, its own network.

A service that leads to one is refused.
What is judged is the address that a socket is opened to, not a name: names and numbers can be written in many ways.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Callable
from typing import Any

import pycurl

from pytomo_scrapy.config import PathConfig

# Source: RFC 6890 and the IANA registries that it began. Documentation's networks are left out: they lead nowhere.
_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
# Networks whose addresses hold an IPv4 address in their last 32 bits: mapped, compatible, and NAT64's two.
# Source: RFC 4291, RFC 6052, RFC 8215.
_EMBEDDING = tuple(ipaddress.ip_network(n) for n in ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48"))
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")  # holds one in bits 16 to 48. Source: RFC 3056

SocketOpener = Callable[[int, Any], Any]


def is_private(address: str) -> bool:
    """Tell whether `address` is loopback, link-local, private, multicast or none. False for what is no address."""
    try:
        parsed = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and _is_in(parsed, (*_EMBEDDING, _SIX_TO_FOUR)):
        shift = 80 if parsed in _SIX_TO_FOUR else 0
        embedded = ipaddress.IPv4Address(int(parsed) >> shift & 0xFFFFFFFF)
        return _is_in(parsed, _PRIVATE) or _is_in(embedded, _PRIVATE)
    return _is_in(parsed, _PRIVATE)


def _is_in(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...],
) -> bool:
    return any(address in network for network in networks)


def is_refused(address: str, path: PathConfig) -> bool:
    """Tell whether media may not be fetched from `address`."""
    return not path.is_private_allowed and is_private(address)


class GuardedSockets:
    """Opens the sockets of a transfer for curl, but for those to an address that is refused.

    `open_socket` opens what somebody else closes. Without one curl takes a duplicate of ours.
    """

    def __init__(self, path: PathConfig, *, is_direct: bool, open_socket: SocketOpener | None = None) -> None:
        self._path = path
        self._is_direct = is_direct
        self._open_socket = open_socket or self._open_own
        self._own: list[socket.socket] = []
        self.is_opened = False  # the transfer has a connection of its own
        self.refused_address: str | None = None
        self.open_error: int | None = None  # why no socket could be opened, of which curl says only that it failed

    def open(self, purpose: int, address: Any) -> Any:
        """Return a socket, or what tells curl that there is none."""
        # A proxy may have any address: the user named it.
        if self._is_direct and is_refused(str(address.addr[0]), self._path):
            self.refused_address = str(address.addr[0])
            return pycurl.SOCKET_BAD
        try:
            # As Python's own sockets do: what listens to this process's connections hears of curl's too.
            sys.audit("pycurl.open_socket", address.addr)
            opened = self._open_socket(purpose, address)
            self.is_opened = True
            return opened
        except OSError as error:
            self.open_error = error.errno
            return pycurl.SOCKET_BAD

    def close(self) -> None:
        """Close our ends."""
        for opened in self._own:
            opened.close()

    def _open_own(self, purpose: int, address: Any) -> socket.socket:
        self._own.append(socket.socket(address.family, address.socktype, address.protocol))
        return self._own[-1]
