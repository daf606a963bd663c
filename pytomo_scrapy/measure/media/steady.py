"""Media that nobody has a file of: a constant bitrate, or a ladder of some, cut into segments of equal length."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from pytomo_scrapy.items import Ladder, MediaSegment, MediaTimeline, MediaTrack, TrackSegment

STEP_S = 0.1  # of the points at which media time is known
MAX_POINTS = 1_000_000


def steady_timeline(bitrate_bps: float, duration_s: float, segment_s: float, kind: str = "muxed") -> MediaTimeline:
    """Return the timeline of a stream of that bitrate. It is marked as linear: no file was read.

    Raises ValueError for what no stream can be.
    """
    is_length = segment_s > 0 and 0 < duration_s <= MAX_POINTS * STEP_S and duration_s / segment_s <= MAX_POINTS
    if not (0 < bitrate_bps < inf and is_length):
        raise ValueError(
            "bitrate, duration and segment length must be above 0, the duration a day at most, "
            f"and the segments {MAX_POINTS} at most"
        )
    count = max(1, round(duration_s / STEP_S))
    at_s = [duration_s * step / count for step in range(1, count + 1)]
    return MediaTimeline(
        kind,
        "linear",
        offset_bytes=tuple(_bytes(bitrate_bps, seconds) for seconds in at_s),
        complete_s=tuple(at_s),
        segments=tuple(_segments(bitrate_bps, duration_s, segment_s)),
        fallback_reason="no file: a constant bitrate was given",
        bitrate_bps=bitrate_bps,
        duration_s=duration_s,
    )


def steady_ladder(bitrates_bps: Sequence[float], duration_s: float, segment_s: float) -> Ladder:
    """Return a ladder of one file for each bitrate, sound and picture together. Raises ValueError as above."""
    tracks = []
    for bitrate_bps in sorted(bitrates_bps):
        timeline = steady_timeline(bitrate_bps, duration_s, segment_s)
        segments = tuple(
            TrackSegment(one.start_s, one.duration_s, one.end_byte - one.start_byte, one.start_byte)
            for one in timeline.segments
        )
        name = f"{bitrate_bps / 1e6:g} Mbit/s"
        size_bytes = timeline.offset_bytes[-1]
        tracks.append(MediaTrack("video", name, bitrate_bps, segments, source="declared", size_bytes=size_bytes))
    return Ladder(tuple(tracks))


def _segments(bitrate_bps: float, duration_s: float, segment_s: float) -> list[MediaSegment]:
    found, start_s, number = [], 0.0, 0
    while start_s < duration_s:
        number += 1
        end_s = min(number * segment_s, duration_s)
        found.append(MediaSegment(_bytes(bitrate_bps, start_s), _bytes(bitrate_bps, end_s), start_s, end_s - start_s))
        start_s = end_s
    return found


def _bytes(bitrate_bps: float, seconds: float) -> int:
    return round(bitrate_bps * seconds / 8)
