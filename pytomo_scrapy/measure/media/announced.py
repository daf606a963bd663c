"""Media time from what SABR's headers say of each segment, where the file itself cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytomo_scrapy.items import MediaSegment, MediaTimeline

METHOD = "headers"


def announced_timeline(read: MediaTimeline, segments: Sequence[MediaSegment]) -> MediaTimeline:
    """Return a timeline by the segments that came whole; `read` is what the file told, if it told anything.

    Of several qualities that follow each other only the headers know the time: then the file's own declarations are
    those of the first.
    """
    offsets: list[int] = []
    complete_s: list[float] = []
    kept: list[MediaSegment] = []
    for segment in sorted(segments, key=lambda one: one.end_byte):
        end_s = segment.start_s + segment.duration_s
        if segment.duration_s <= 0 or (offsets and (segment.end_byte <= offsets[-1] or end_s <= complete_s[-1])):
            continue
        offsets.append(segment.end_byte)
        complete_s.append(end_s)
        kept.append(segment)
    if not kept:
        return read
    media_bytes = sum(segment.end_byte - segment.start_byte for segment in kept)
    return replace(
        read,
        method=METHOD,
        offset_bytes=tuple(offsets),
        complete_s=tuple(complete_s),
        segments=tuple(kept),
        init_bytes=kept[0].start_byte,
        is_index_last=False,
        fallback_reason=None,
        bitrate_bps=8 * media_bytes / sum(segment.duration_s for segment in kept),
        failure=None,
        failure_detail=None,
    )
