"""Byte ranges: which part of a file a request wants. Source: RFC 9110, 14.1.2."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytomo_scrapy.lab.http.request_heads import RequestHead


class RangeRefused(Exception):
    """Raised if a range lies outside of the file."""


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


def choose_span(request: RequestHead, size_bytes: int) -> Span:
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
