"""The intercepting proxy: it answers CONNECT and plain requests itself, with certificates of the lab's CA."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import ssl
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from pytomo_scrapy.lab.http.request_heads import BadRequest, read_head, response_head
from pytomo_scrapy.lab.http.service_messages import Request, Response
from pytomo_scrapy.lab.serving import LabServer, open_listener

logger = logging.getLogger(__name__)

Answer = Callable[[Request], Response]

_MOST_BODY_BYTES = 4 * 1024 * 1024
_IDLE_TIMEOUT_S = 60.0
_LEAST_GZIP_BYTES = 1024


class InterceptingProxy(LabServer):
    """Listens on one address and hands every request to `answer`; `context_for` gives the TLS context of a host."""

    def __init__(
        self, answer: Answer, context_for: Callable[[str], ssl.SSLContext], address: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__()
        self._answer = answer
        self._context_for = context_for
        self._address = address
        self._wanted_port = port
        self.port = 0

    async def start(self) -> None:
        """Start to listen; `port` is then known. Raises OSError where the address is not this machine's."""
        listener = open_listener(self._address, self._wanted_port)
        self.port = listener.getsockname()[1]
        await self._listen(listener, self._serve)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        if peer is None:  # a client that was killed is gone by now
            return
        tunnel_host: str | None = None
        while True:
            try:
                request = await asyncio.wait_for(_read_request(reader, writer, peer[0], tunnel_host), _IDLE_TIMEOUT_S)
            except BadRequest as error:
                await _write(writer, Response(400, f"{error}\n".encode(), "text/plain"), keep_alive=False)
                return
            if request is None:
                return
            if request.method == "CONNECT" and tunnel_host is None:
                tunnel_host = request.host
                if not await self._open_tunnel(writer, tunnel_host):
                    return
                continue
            answer = _compress(request, self._answer_safely(request))
            await _write(writer, answer, request.keeps_alive, with_body=request.method != "HEAD")
            if not request.keeps_alive:
                return

    async def _open_tunnel(self, writer: asyncio.StreamWriter, host: str) -> bool:
        try:
            context = self._context_for(host)
        except (OSError, ValueError) as error:
            logger.warning("No certificate for %r: %s", host, error)
            await _write(
                writer, Response(502, f"The lab has no certificate for {host!r}.\n".encode()), keep_alive=False
            )
            return False
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        await writer.start_tls(context)
        return True

    def _answer_safely(self, request: Request) -> Response:
        try:
            return self._answer(request)
        except Exception:
            # A bug of the lab must look like one, not like a network that hangs up.
            logger.exception("The lab could not answer %s %s%s", request.method, request.host, request.path)
            return Response(500, b"The lab failed to answer; its log has the traceback.\n", "text/plain")


async def _read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client_address: str, tunnel_host: str | None
) -> Request | None:
    """Read the next request of a connection. None when the client has closed it."""
    head = await read_head(reader)
    if head is None:
        return None
    if head.headers.get("expect", "").lower() == "100-continue":
        # A client that waits for leave posts by itself only after a second.
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _read_body(reader, head.headers)
    scheme, host, target = "https", tunnel_host, head.target
    if head.method == "CONNECT":
        host, target = head.target.rpartition(":")[0].strip("[]").lower(), ""
    elif host is None:
        parts = urlsplit(head.target)
        if not parts.hostname:
            raise BadRequest("This is the offline lab's proxy: it takes CONNECT and requests with an absolute URL.")
        scheme, host = parts.scheme, parts.hostname
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Request(head.method, scheme, host, target, head.headers, body, client_address, head.keeps_alive)


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    body = b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := _chunk_size(await reader.readline()):
            body += await reader.readexactly(size)
            await reader.readline()
            if len(body) > _MOST_BODY_BYTES:
                raise BadRequest("The request's body is too long.")
        while (await reader.readline()).strip():
            continue
    elif length := headers.get("content-length"):
        if not length.isdigit() or int(length) > _MOST_BODY_BYTES:
            raise BadRequest("The request's Content-Length is not usable.")
        body = await reader.readexactly(int(length))
    if body and headers.get("content-encoding", "").lower() == "gzip":
        with contextlib.suppress(OSError, EOFError):
            body = gzip.decompress(body)
    return body


def _chunk_size(line: bytes) -> int:
    try:
        size = int(line.split(b";")[0], 16)
    except ValueError:
        raise BadRequest("A chunk's size is not a number.") from None
    if not 0 <= size <= _MOST_BODY_BYTES:
        raise BadRequest("A chunk's size is not usable.")
    return size


def _compress(request: Request, response: Response) -> Response:
    if "gzip" not in request.headers.get("accept-encoding", "") or len(response.body) < _LEAST_GZIP_BYTES:
        return response
    # Level 1 and no time: quick, and the same bytes at each run.
    headers = (*response.headers, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
    return Response(response.status, gzip.compress(response.body, 1, mtime=0), response.content_type, headers)


async def _write(writer: asyncio.StreamWriter, response: Response, keep_alive: bool, with_body: bool = True) -> None:
    headers = [("Content-Type", response.content_type), ("Server", "ESF")]
    # RFC 9110 8.6: no length where there is no content.
    if response.status != HTTPStatus.NO_CONTENT:
        headers.append(("Content-Length", str(len(response.body))))
    headers += [*response.headers, ("Connection", "keep-alive" if keep_alive else "close")]
    writer.write(response_head(response.status, headers) + (response.body if with_body else b""))
    await writer.drain()
