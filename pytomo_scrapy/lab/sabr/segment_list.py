"""The segments of a lab's file, read from its index: what SABR sends, one at a time."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pytomo_scrapy.lab.clips.clip import ClipStream


@dataclass(frozen=True, slots=True)
class FileSegment:
    """A segment by its bytes and its time. `sequence` counts from 1; bytes up to, without, `end`."""

    sequence: int
    start: int
    end: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class SegmentList:
    """A file's segments, and the length of what comes before them: header and index."""

    init_bytes: int
    segments: tuple[FileSegment, ...]


def read_segments(stream: ClipStream, content: memoryview) -> SegmentList | None:
    """Read the `sidx` box of a fragmented MP4 file. None for a file of another kind.

    Source: ISO/IEC 14496-12, 8.16.3.
    """
    if stream.index_range is None or not stream.mime.endswith("/mp4"):
        return None
    first, last = stream.index_range
    box = bytes(content[first : last + 1])
    version, (scale,) = box[8], struct.unpack_from(">I", box, 16)
    offset_at = 28 if version else 24
    offset = struct.unpack_from(">Q" if version else ">I", box, offset_at)[0]
    counts_at = offset_at + (8 if version else 4)
    (count,) = struct.unpack_from(">H", box, counts_at + 2)
    start, ticks, segments = last + 1 + offset, 0, []
    for number in range(count):
        size, duration, _ = struct.unpack_from(">III", box, counts_at + 4 + 12 * number)
        end, end_ticks = start + (size & 0x7FFF_FFFF), ticks + duration
        times = round(ticks * 1000 / scale), round(end_ticks * 1000 / scale)
        segments.append(FileSegment(number + 1, start, end, *times))
        start, ticks = end, end_ticks
    return SegmentList(last + 1 + offset, tuple(segments))
