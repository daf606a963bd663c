"""Servers on loopback for the window's tests: each connection is handed to a function that behaves as it likes."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Handler = Callable[[socket.socket, "Request"], None]
BODY = bytes(range(256)) * 4096  # 1 MiB


class Request:
    """The head of one request as the server got it."""

    def __init__(self, head: bytes) -> None:
        self.head = head.decode("latin-1")
        self.target = self.head.split()[1] if len(self.head.split()) > 1 else ""

    def field(self, name: str) -> str | None:
        match = re.search(rf"^{name}:\s*(.*?)\r?$", self.head, re.MULTILINE | re.IGNORECASE)
        return match[1] if match else None

    @property
    def range(self) -> tuple[int, int] | None:
        match = re.match(r"bytes=(\d+)-(\d+)", self.field("Range") or "")
        return (int(match[1]), int(match[2])) if match else None


class Server:
    """A listening socket with a thread for each connection; `requests` and `connection_count` are what came."""

    def __init__(self, handler: Handler, context: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, 0), family=family, backlog=16)
        self._handler, self._context = handler, context
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.address = address
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[Request] = []
        self.connection_count = 0
        self._is_closed = threading.Event()
        self._start(self._accept)

    def close(self) -> None:
        self._is_closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(5)

    def wait(self, seconds: float) -> None:
        """Stand still until the server is closed, at most `seconds`."""
        self._is_closed.wait(seconds)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._is_closed.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connection_count += 1
            self._sockets.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
                self._sockets.append(connection)
            while (head := read_head(connection)) is not None:
                request = Request(head)
                self.requests.append(request)
                self._handler(connection, request)
        with contextlib.suppress(OSError):
            connection.close()


def read_head(connection: socket.socket) -> bytes | None:
    head = b""
    while b"\r\n\r\n" not in head:
        part = connection.recv(65536)
        if not part:
            return None
        head += part
    return head


@contextlib.contextmanager
def serving(handler: Handler, context: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> Iterator[Server]:
    server = Server(handler, context, address)
    try:
        yield server
    finally:
        server.close()


def answer(status: str, *fields: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", *fields]
    if not any(line.lower().startswith("content-length") for line in fields):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def media_head(length: int, *fields: str) -> bytes:
    return answer("200 OK", "Content-Type: video/mp4", f"Content-Length: {length}", *fields)


def serve_body(connection: socket.socket, request: Request) -> None:
    """Behave well: whole files and ranges of BODY, on a connection that is kept."""
    serve_range(connection, request, BODY)


def serve_range(connection: socket.socket, request: Request, body: bytes) -> None:
    if request.range is None:
        connection.sendall(media_head(len(body)) + body)
        return
    first, last = request.range[0], min(request.range[1], len(body) - 1)
    content_range = f"Content-Range: bytes {first}-{last}/{len(body)}"
    part = body[first : last + 1]
    connection.sendall(answer("206 Partial Content", "Content-Type: video/mp4", content_range, body=part))


def reset(connection: socket.socket) -> None:
    """End a connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Authority:
    """A certificate authority of the tests' own."""

    def __init__(self, directory: Path, name: str = "Window Test CA") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._build(self._name, self._key, is_ca=True)
        self.bundle = directory / "ca.pem"
        self.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def context(self, host: str, *, is_expired: bool = False, alpn: tuple[str, ...] = ("http/1.1",)) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._build(name, key, host=host, is_expired=is_expired)
        path = self._directory / f"{host}-{is_expired}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        context.set_alpn_protocols(list(alpn))
        return context

    def certificate(self, host: str) -> Path:
        """The file with key and certificate that `context` made for `host`."""
        return self._directory / f"{host}-False.pem"

    def _build(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        host: str | None = None,
        is_ca: bool = False,
        is_expired: bool = False,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        ends = now - datetime.timedelta(days=1) if is_expired else now + datetime.timedelta(days=2)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=3))
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )
        if host is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def never_answer(connection: socket.socket, request: Request) -> None:
    """Wait for a byte, and say nothing."""
    connection.recv(1)


def say(response: bytes) -> Handler:
    """Answer every request with this."""
    return lambda connection, request: connection.sendall(response)
