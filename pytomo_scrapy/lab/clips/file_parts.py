"""Where the top-level parts of an MP4 or WebM file lie: enough to name its ranges and to damage it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# Source: the Matroska element registry, RFC 9559.
_EBML_HEADER, _SEGMENT = 0x1A45DFA3, 0x18538067
_ELEMENTS = {
    _EBML_HEADER: "EBML",
    _SEGMENT: "Segment",
    0x114D9B74: "SeekHead",
    0x1549A966: "Info",
    0x1654AE6B: "Tracks",
    0x1C53BB6B: "Cues",
    0x1F43B675: "Cluster",
    0x1254C367: "Tags",
    0xEC: "Void",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One box or element: its bytes are `start` up to, without, `end`; its payload begins at `body`."""

    name: str
    start: int
    body: int
    end: int


def mp4_boxes(content: bytes) -> Iterator[Part]:
    """Yield the top-level boxes of an MP4 file. Source: ISO/IEC 14496-12, 4.2."""
    start = 0
    while start + 8 <= len(content):
        size = int.from_bytes(content[start : start + 4], "big")
        body = start + 8
        if size == 1:
            size, body = int.from_bytes(content[body : body + 8], "big"), start + 16
        end = len(content) if size == 0 else start + size
        if end <= start:
            return
        yield Part(content[start + 4 : start + 8].decode("latin-1"), start, body, end)
        start = end


def ebml_elements(content: bytes) -> Iterator[Part]:
    """Yield the EBML header and the children of the segment of a WebM file. Source: RFC 8794, 4 to 6."""
    start = 0
    while start + 2 <= len(content):
        identity, after = _vint(content, start, keeps_marker=True)
        size, body = _vint(content, after, keeps_marker=False)
        if identity == _SEGMENT:
            start = body
            continue
        yield Part(_ELEMENTS.get(identity, f"{identity:X}"), start, body, body + size)
        start = body + size


def _vint(content: bytes, start: int, *, keeps_marker: bool) -> tuple[int, int]:
    first = content[start]
    length = 9 - first.bit_length()
    value = int.from_bytes(content[start : start + length], "big")
    if not keeps_marker:
        value &= (1 << (7 * length)) - 1
    return value, start + length
