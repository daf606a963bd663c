"""A proxy that stands for a service gone mad: every host is on this machine, and answers as a test wants it."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from pytomo_scrapy.lab.authority import Authority

Answer = Callable[[socket.socket], None]


def hostile_proxy(answer: Answer, folder: Path) -> contextlib.AbstractContextManager[dict[str, str]]:
    """A proxy that gives every request of every host the same answer."""
    return choosing_proxy(lambda _: answer, folder)


@contextlib.contextmanager
def choosing_proxy(choose: Callable[[bytes], Answer], folder: Path) -> Iterator[dict[str, str]]:
    """A proxy that gives every request the answer that `choose` returns for it, its body included."""
    authority = Authority.create(folder)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                head = _read_head(self.request)
                host = head.split(b" ")[1].rpartition(b":")[0].decode()
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                with authority.server_context(host).wrap_socket(self.request, server_side=True) as client:
                    choose(_read_request(client))(client)

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


def _read_request(client: socket.socket) -> bytes:
    request = _read_head(client)
    declared = re.search(rb"(?i)\r\ncontent-length: *(\d+)", request)
    end = request.index(b"\r\n\r\n") + 4 + int(declared[1] if declared else 0)
    while len(request) < end and (received := client.recv(65536)):
        request += received
    return request


def _read_head(client: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        received = client.recv(65536)
        if not received:
            raise ConnectionError
        head += received
    return head
