"""A TLS server on loopback with the certificates of an authority of its own, which answers as a test wants it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[ssl.SSLSocket], None]

_MOST_CONNECTIONS = 50


@contextmanager
def serving(context: ssl.SSLContext, answer: Answer) -> Iterator[int]:
    """Serve one connection after the other while the block lasts. Gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(_MOST_CONNECTIONS):
            with suppress(ssl.SSLError, ConnectionError):
                try:
                    bare, _ = listener.accept()
                except OSError:
                    return
                bare.settimeout(5)
                with context.wrap_socket(bare, server_side=True) as connection:
                    if connection.recv(65536):
                        answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def body_of(size: int, status: str = "206 Partial Content") -> Answer:
    """Return an answer with a body of that many bytes."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: video/mp4\r\nContent-Length: {size}\r\n\r\n"
    return lambda connection: connection.sendall(head.encode() + bytes(size))
