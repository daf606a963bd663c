"""Heads of HTTP/1.1 requests and responses, as the proxy and the media hosts read and write them.

Not h11, which keeps a connection within the protocol: a media host's faults break it on purpose, and the proxy turns
a connection from plain text to TLS between two requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

HEAD_MAX_BYTES = 64 * 1024


class BadRequest(Exception):
    """Raised if a client does not speak HTTP/1.1 as we do; the text is a sentence for it."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """One request's head, its header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    keeps_alive: bool

    @property
    def path(self) -> str:
        """Return the target's path, without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """Return the query's parameters, decoded."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def host(self) -> str:
        """Return the host's name in lower case, without its port."""
        return self.headers.get("host", "").rpartition("]")[2].partition(":")[0].lower()


async def read_head(reader: asyncio.StreamReader) -> RequestHead | None:
    """Read the next request's head of a connection. None when the client has closed it. Raises BadRequest."""
    try:
        return parse_head(await reader.readuntil(b"\r\n\r\n"))
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise BadRequest("The request's header has no end.") from None
        return None
    except asyncio.LimitOverrunError:
        raise BadRequest("The request's header is too long.") from None


def parse_head(head: bytes) -> RequestHead:
    """Read a request's head, which ends with its empty line. Raises BadRequest."""
    # Every byte is a letter there: what a client writes into a header is its own business.
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest("The request line is not HTTP/1.1.")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest("A header line has no colon.")
        headers[name.strip().lower()] = value.strip()
    connection = headers.get("connection", "").lower()
    keeps_alive = connection != "close" if words[2] == "HTTP/1.1" else connection == "keep-alive"
    return RequestHead(words[0], words[1], headers, keeps_alive)


def response_head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """Write a response's head with its empty line."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
