"""One answer of SABR that holds a whole video, for the comparison of transports (download.py).

Its segments are those of the default quality: 5 s of 720p at 2.5 Mbit/s in parts of 262 144 bytes and the rest, with
10 s of sound at 129 kbit/s between two of them, as in logged answers (docs/sabr.md). One answer, since a server of
files gives it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytomo_scrapy.items.sabr_source import SabrClient, SabrFormat, SabrSource
from pytomo_scrapy.lab.sabr.server_messages import FormatName, SentHeader, SentInitialization, Span
from pytomo_scrapy.lab.sabr.ump_writer import media_parts, ump_number, ump_part
from pytomo_scrapy.measure.sabr.sabr_plan import SabrPlan

LAST_MODIFIED = 7
SEGMENT_BYTES, SEGMENT_MS = {"video": 1_562_500, "audio": 161_300}, {"video": 5000, "audio": 10_000}
INIT_BYTES = 1000
FORMATS = {"video": FormatName(134, LAST_MODIFIED), "audio": FormatName(140, LAST_MODIFIED)}


def write_answer(path: Path, size_bytes: int, head: bytes) -> int:
    """Write an answer with about `size_bytes` of media, whose files begin with `head`. Returns their exact number."""
    pairs = max(1, size_bytes // (2 * SEGMENT_BYTES["video"] + SEGMENT_BYTES["audio"]))
    counts = {"video": 2 * pairs, "audio": pairs}
    with path.open("wb") as answer:
        for kind, name in FORMATS.items():
            answer.write(_initialization(kind, name, counts[kind]))
            answer.writelines(_segment(kind, 0, head.ljust(INIT_BYTES, b"\0")))
        for number in range(1, counts["video"] + 1):
            answer.writelines(_segment("video", number, bytes(SEGMENT_BYTES["video"])))
            if number % 2:
                answer.writelines(_segment("audio", number // 2 + 1, bytes(SEGMENT_BYTES["audio"])))
    return sum(INIT_BYTES + counts[kind] * SEGMENT_BYTES[kind] for kind in FORMATS)


def answer_plan(url: str, host: str, port: int) -> SabrPlan:
    """Return what a session asks for that gets this answer."""
    formats = tuple(SabrFormat(name.itag, kind, LAST_MODIFIED) for kind, name in FORMATS.items())
    return SabrPlan(SabrSource(url, host, port, "AAAA", SabrClient(101, "1.02"), formats), formats)


def _initialization(kind: str, name: FormatName, count: int) -> bytes:
    end_ms, spans = count * SEGMENT_MS[kind], (Span(0, INIT_BYTES // 2), Span(INIT_BYTES // 2 + 1, INIT_BYTES - 1))
    return ump_part(42, SentInitialization("video", name, end_ms, count, f"{kind}/mp4", *spans, end_ms, 1000))


def _segment(kind: str, number: int, content: bytes) -> Iterator[bytes]:
    """Yield the parts of a segment; number 0 is the init segment."""
    header_id, length_bytes = (0 if kind == "video" else 1), SEGMENT_BYTES[kind]
    header = SentHeader(header_id, "video", FORMATS[kind].itag, LAST_MODIFIED, is_init=not number)
    header.format_id, header.content_length = FORMATS[kind], len(content)
    if number:
        header.start_range, header.sequence = INIT_BYTES + (number - 1) * length_bytes, number
        header.start_ms, header.duration_ms = (number - 1) * SEGMENT_MS[kind], SEGMENT_MS[kind]
    yield ump_part(20, header)
    yield from media_parts(header_id, memoryview(content))
    yield ump_part(22, ump_number(header_id))
