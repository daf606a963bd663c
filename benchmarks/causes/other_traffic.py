"""Traffic of another program: ADDRESS, d or u (down or up), connections, seconds. Imports little: it begins at once."""

from __future__ import annotations

import selectors
import socket
import sys
import time

TRAFFIC_PORT = 9000
CHUNK = bytes(65536)


def other_traffic(address: str, direction: str, count: int, until_s: float) -> None:
    """Receive (`d`) or send (`u`) over some connections for a time."""
    chosen, end_s = selectors.DefaultSelector(), time.monotonic() + until_s
    for _ in range(count):
        connection = socket.create_connection((address, TRAFFIC_PORT), timeout=until_s)
        connection.sendall(direction.encode())
        connection.setblocking(False)
        chosen.register(connection, selectors.EVENT_READ if direction == "d" else selectors.EVENT_WRITE)
    print("ready", flush=True)
    while time.monotonic() < end_s:
        for key, _ in chosen.select(0.2):
            try:
                if direction == "d":
                    if not key.fileobj.recv(65536):  # type: ignore[union-attr]
                        return
                else:
                    key.fileobj.send(CHUNK)  # type: ignore[union-attr]
            except BlockingIOError:
                pass
            except OSError:
                return


if __name__ == "__main__":
    other_traffic(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
