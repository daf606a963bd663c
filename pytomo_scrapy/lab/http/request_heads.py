"""Heads of HTTP/1.1 requests and responses, as a media host reads and writes them. No sockets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

HEAD_MAX_BYTES = 32 * 1024


class BadRequest(Exception):
    """Raised if a request's head cannot be read."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request's head, its header names in lower case."""

    method: str
    path: str
    raw_query: str
    headers: dict[str, str]
    keeps_alive: bool

    @property
    def query(self) -> dict[str, str]:
        """Return the query's parameters, decoded."""
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    @property
    def host(self) -> str:
        """Return the host's name in lower case, without its port."""
        return self.headers.get("host", "").rpartition("]")[2].partition(":")[0].lower()


def parse_request(head: bytes) -> Request:
    """Read a request's head, which ends with its empty line. Raises BadRequest."""
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest(lines[0][:100])
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    connection = headers.get("connection", "").lower()
    keeps_alive = connection != "close" if parts[2] == "HTTP/1.1" else connection == "keep-alive"
    target = urlsplit(parts[1])
    return Request(parts[0], target.path, target.query, headers, keeps_alive)


def response_head(status: int, headers: Sequence[tuple[str, str]]) -> bytes:
    """Write a response's head with its empty line."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
