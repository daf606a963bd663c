"""What the list of a stream's segments says of its media time, beside what the bytes themselves say."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from pytomo_scrapy.items import MediaSegment, MediaTimeline, StreamPart

MAX_SEGMENTS = 20_000


def listed_s(parts: Sequence[StreamPart]) -> float | None:
    """Return the length of the media that the list declares. None without a segment."""
    media = [part for part in parts if part.duration_s is not None]
    return media[-1].start_s + (media[-1].duration_s or 0.0) - media[0].start_s if media else None


def header_bytes(parts: Sequence[StreamPart]) -> int:
    """Return the length of the header in front of the first segment."""
    return parts[0].end_byte if parts and parts[0].duration_s is None else 0


def listed_rate_bps(parts: Sequence[StreamPart]) -> float | None:
    """Return the mean bit rate of the segments that came whole. None where none did."""
    whole = [part for part in parts if part.is_whole and part.duration_s]
    seconds = sum(part.duration_s or 0.0 for part in whole)
    return 8 * sum(part.end_byte - part.start_byte for part in whole) / seconds if seconds else None


def segments_of_parts(parts: Sequence[StreamPart]) -> tuple[MediaSegment, ...]:
    """Return the segments that a player asks for, with their bytes; a header in mid-stream counts to what it precedes.

    Nobody knows the bytes of segments that did not come whole: those of the mean rate stand in. Empty where none came.
    """
    rate_bps = listed_rate_bps(parts)
    if rate_bps is None:
        return ()
    segments: list[MediaSegment] = []
    first_s = next(part.start_s for part in parts if part.duration_s is not None)
    end_byte = header_bytes(parts)
    for part in parts[1 if end_byte else 0 :][:MAX_SEGMENTS]:
        if part.duration_s is None:
            continue
        start_byte = end_byte
        guess = start_byte + max(1, round(rate_bps * part.duration_s / 8))
        end_byte = part.end_byte if part.is_whole else max(guess, part.end_byte)
        if end_byte > start_byte and part.duration_s > 0:
            segments.append(MediaSegment(start_byte, end_byte, part.start_s - first_s, part.duration_s))
    return tuple(segments)


def timeline_of_parts(timeline: MediaTimeline, parts: Sequence[StreamPart], reason: str | None) -> MediaTimeline:
    """Return a timeline of whole segments, by the list alone: for media that cannot be read as one file."""
    first_s = next((part.start_s for part in parts if part.duration_s is not None), 0.0)
    whole = [part for part in parts if part.is_whole and part.duration_s]
    if not whole:
        return replace(timeline, failure="no_media_data", failure_detail="no segment is whole")
    return replace(
        timeline,
        method="segments",
        offset_bytes=tuple(part.end_byte for part in whole),
        complete_s=tuple(accumulate((part.start_s + (part.duration_s or 0.0) - first_s for part in whole), max)),
        segments=segments_of_parts(parts),
        init_bytes=header_bytes(parts),
        duration_s=listed_s(parts),
        bitrate_bps=listed_rate_bps(parts),
        fallback_reason=reason,
        failure=None,
        failure_detail=None,
    )


def has_several_headers(parts: Sequence[StreamPart]) -> bool:
    """Tell whether a further header has come: from there on it is another file, whose clock may tick otherwise."""
    return sum(part.duration_s is None and part.end_byte > part.start_byte for part in parts) > 1


def join_runs(
    streams: Sequence[int],
    positions: Sequence[int | None],
    times: Sequence[list[int | None]],
    ticks_s: dict[int, float],
    parts: Sequence[StreamPart],
) -> None:
    """Let the times behind each discontinuity go on where the list says that the media goes on.

    `times` are decoding and presentation times, changed in place; `ticks_s` the seconds of a tick by stream.
    """
    begins = [part for place, part in enumerate(parts) if place == 0 or part.run != parts[place - 1].run]
    if len(begins) < 2:
        return
    starts = [part.start_byte for part in begins]
    # A packet without a position belongs to where the one before it lies.
    runs, place = [], 0
    for at in positions:
        place = place if at is None else at
        runs.append(max(0, bisect_right(starts, place) - 1))
    first_s: dict[int, float] = {}
    for run, stream, tick in zip(runs, streams, times[-1], strict=True):
        if tick is not None and stream in ticks_s:
            first_s[run] = min(first_s.get(run, float("inf")), tick * ticks_s[stream])
    if 0 not in first_s:
        return
    shift_s = [
        first_s[0] + begin.start_s - begins[0].start_s - first_s.get(run, 0.0) for run, begin in enumerate(begins)
    ]
    for column in times:
        for index, (run, stream, tick) in enumerate(zip(runs, streams, column, strict=True)):
            if run and tick is not None and stream in ticks_s:
                column[index] = tick + round(shift_s[run] / ticks_s[stream])
