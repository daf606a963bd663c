"""A media host's answer, decided before a byte is sent. No sockets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from pytomo_scrapy.lab.http.ranges import Span

_NOTHING = memoryview(b"")


class Ending(Enum):
    """The end of a connection after the body bytes of an answer."""

    NORMAL = "it is kept or closed as the request says"
    CLOSE = "it is closed cleanly, TLS included"
    RESET = "it is reset, once everything sent has been acknowledged"
    HANG = "it stays open and silent"


@dataclass(frozen=True, slots=True)
class Answer:
    """One response: its head, its body and how it ends."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: memoryview = _NOTHING
    # The Content-Length; None: the body's own length.
    declared_bytes: int | None = None
    first_byte: int = 0  # of the file
    ending: Ending = Ending.NORMAL
    delay_s: float = 0.0
    has_endless_header: bool = False
    is_chunked: bool = False  # its body is framed already, without a declared length

    @property
    def length_bytes(self) -> int:
        """Return the length that the head declares."""
        return len(self.body) if self.declared_bytes is None else self.declared_bytes


def plain_answer(status: int, text: str = "", headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """Return an answer that carries a line of text."""
    return Answer(status, [("Content-Type", "text/plain"), *headers], memoryview(f"{text}\n".encode()))


@dataclass(frozen=True, slots=True)
class Transfer:
    """A permitted request for bytes that exist: the file that they are of, and which they are."""

    content: memoryview
    mime: str
    span: Span
    segment: int | None = None  # its number, where the content is a segment with an address of its own

    def answer(self) -> Answer:
        """Return the answer of a host without fault."""
        span = self.span
        headers = [("Content-Type", self.mime), ("Accept-Ranges", "bytes"), ("Cache-Control", "private, max-age=21299")]
        if span.is_partial:
            headers.append(("Content-Range", f"bytes {span.first}-{span.end - 1}/{len(self.content)}"))
        body = self.content[span.first : span.end]
        return Answer(206 if span.is_partial else 200, headers, body, span.size_bytes, span.first)

    def cut(self, end: int, ending: Ending) -> Answer:
        """Return the answer that declares everything and sends nothing from byte `end` of the file on."""
        if self.span.end <= end:
            return self.answer()
        return replace(self.answer(), body=self.content[self.span.first : max(self.span.first, end)], ending=ending)
