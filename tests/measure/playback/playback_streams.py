"""Streams made by hand for the player tests: 1000 bytes a media second, unless told otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from pytomo_scrapy.items import MediaSegment, MediaTimeline
from pytomo_scrapy.measure.playback.simulation import StreamTrace

BYTES_PER_S = 1000


def make_stream(
    steps: Sequence[tuple[float, float]], *, is_complete: bool = False, bytes_per_s: int = BYTES_PER_S
) -> StreamTrace:
    """Build a muxed stream of which `complete_s` seconds are there from `t_s` on."""
    counts = [round(complete_s * bytes_per_s) for _, complete_s in steps]
    timeline = MediaTimeline(
        kind="muxed", method="packets", offset_bytes=tuple(counts), complete_s=tuple(value for _, value in steps)
    )
    return StreamTrace(tuple(t for t, _ in steps), tuple(counts), timeline, is_complete)


def make_segmented(
    kind: str,
    arrivals: Sequence[tuple[float, int]],
    *,
    segment_s: float = 5.0,
    segment_bytes: int = 5000,
    count: int = 12,
    is_complete: bool = False,
) -> StreamTrace:
    """Build a stream of equal segments without a header, with the given (time, bytes in all) arrivals."""
    segments = tuple(
        MediaSegment(index * segment_bytes, (index + 1) * segment_bytes, index * segment_s, segment_s)
        for index in range(count)
    )
    timeline = MediaTimeline(
        kind=kind,
        method="packets",
        offset_bytes=tuple(segment.end_byte for segment in segments),
        complete_s=tuple(segment.start_s + segment.duration_s for segment in segments),
        segments=segments,
        duration_s=count * segment_s,
    )
    return StreamTrace(tuple(t for t, _ in arrivals), tuple(b for _, b in arrivals), timeline, is_complete)


def steady(rate_bytes_per_s: float, until_s: float, step_s: float = 0.1, share: float = 1.0) -> list[tuple[float, int]]:
    """Return arrivals of a constant rate, in steps."""
    steps = round(until_s / step_s)
    return [((index + 1) * step_s, round(rate_bytes_per_s * share * (index + 1) * step_s)) for index in range(steps)]
