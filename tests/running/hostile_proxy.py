"""A proxy that stands for a service gone mad: every host is on this machine, and has the same answer."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from pytomo_scrapy.lab.authority import Authority


@contextlib.contextmanager
def hostile_proxy(answer: Callable[[socket.socket], None], folder: Path) -> Iterator[dict[str, str]]:
    """A proxy that gives every request of every host the same answer."""
    authority = Authority.create(folder)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                head = _read_head(self.request)
                host = head.split(b" ")[1].rpartition(b":")[0].decode()
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                with authority.server_context(host).wrap_socket(self.request, server_side=True) as client:
                    _read_head(client)
                    answer(client)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield {"https_proxy": url, "http_proxy": url, "SSL_CERT_FILE": str(authority.bundle_path)}
        server.shutdown()
        thread.join()


def _read_head(client: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        received = client.recv(65536)
        if not received:
            raise ConnectionError
        head += received
    return head
