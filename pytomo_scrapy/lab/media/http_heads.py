"""As much of HTTP/1.1 as a media host speaks: request heads, byte ranges, response heads. No sockets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

HEAD_MAX_BYTES = 32 * 1024


class BadRequest(Exception):
    """Raised if a request's head cannot be read."""


class RangeRefused(Exception):
    """Raised if a range lies outside of the file."""


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


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes to send: `first` up to, without, `end`."""

    first: int
    end: int
    is_partial: bool  # asked for by a Range header, thus answered by 206

    @property
    def size_bytes(self) -> int:
        """Return how many bytes these are."""
        return self.end - self.first


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


def choose_span(request: Request, size_bytes: int) -> Span:
    """Return which bytes of a file of `size_bytes` a request wants, by its header or its `range` parameter.

    A malformed or multiple range counts as none. Raises RangeRefused where 416 is due. Source: RFC 9110, 14.1.2.
    """
    parameter = request.query.get("range")
    if parameter:
        span = _parse_range(parameter, size_bytes)
        return Span(span[0], span[1], is_partial=False) if span else Span(0, size_bytes, is_partial=False)
    unit, _, value = request.headers.get("range", "").partition("=")
    span = _parse_range(value, size_bytes) if unit.strip().lower() == "bytes" else None
    return Span(*span, is_partial=True) if span else Span(0, size_bytes, is_partial=False)


def _parse_range(value: str, size_bytes: int) -> tuple[int, int] | None:
    match = re.fullmatch(r"\s*(\d*)-(\d*)\s*", value)
    if match is None or match.group(0).strip() == "-":
        return None
    first, last = match.groups()
    if not first:
        if int(last) == 0 or size_bytes == 0:
            raise RangeRefused(value)
        return max(0, size_bytes - int(last)), size_bytes
    if last and int(last) < int(first):
        return None
    if int(first) >= size_bytes:
        raise RangeRefused(value)
    return int(first), min(size_bytes, int(last) + 1) if last else size_bytes


def response_head(status: int, headers: Sequence[tuple[str, str]]) -> bytes:
    """Write a response's head with its empty line."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
