"""What a segment player can draw on: the bytes of all streams together over time, and the segments of each stream."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from operator import sub

from pytomo_scrapy.items import MediaSegment, MediaTimeline
from pytomo_scrapy.measure.playback.player_model import INFINITE, StreamTrace

MAX_SEGMENTS = 20_000
ASSUMED_SEGMENT_S = 5.0  # where a file lists no segments: the usual length in the service's own streams
STAND_IN_STEP_S = 0.01  # steps of the supply that is assumed after the last file was whole


@dataclass(frozen=True, slots=True)
class Supply:
    """Bytes received of all streams together, from t0, and the times in which nothing was asked for."""

    at_s: Sequence[float]
    total_bytes: Sequence[float]
    unknown_s: Sequence[tuple[float, float]] = ()

    def bytes_at(self, t_s: float) -> float:
        """Return the bytes received by `t_s`."""
        count = bisect_right(self.at_s, t_s)
        return self.total_bytes[count - 1] if count else 0.0

    def time_of(self, total_bytes: float) -> float:
        """Return when `total_bytes` had been received; infinite where they never were."""
        index = bisect_left(self.total_bytes, total_bytes)
        return self.at_s[index] if index < len(self.at_s) else INFINITE

    def is_unknown(self, from_s: float, to_s: float) -> bool:
        """Tell whether nothing was asked for at some time between: what the line would have given is unknown."""
        return any(start_s < to_s and from_s < end_s for start_s, end_s in self.unknown_s)


def summed_supply(streams: Sequence[StreamTrace], horizon_s: float, *, is_certain: bool = False) -> Supply:
    """Add up the arrivals of all streams.

    Where nothing was asked for, because every file was whole or had enough ahead, another player would still be
    fetching: the mean rate of the other times stands in there, and those times are marked as unknown. `is_certain`
    counts what arrived alone: no line can give less.
    """
    times: list[float] = []
    counts: list[float] = []
    for stream in streams:
        arrived = stream.arrival_bytes[: bisect_right(stream.arrival_s, horizon_s)]
        times.extend(stream.arrival_s[: len(arrived)])
        counts.extend(map(sub, arrived, chain((0,), arrived)))
    unknown = without_demand(streams, horizon_s) if times else []
    for t_s, count in () if is_certain else _stand_in(times, counts, unknown):
        times.append(t_s)
        counts.append(count)
    # Sorting indices instead of pairs: every arrival of a window passes here, and floats alone compare faster.
    order = sorted(range(len(times)), key=times.__getitem__)
    at_s = list(map(times.__getitem__, order))
    return Supply(at_s, list(accumulate(map(counts.__getitem__, order))), unknown)


def _stand_in(
    times: Sequence[float], counts: Sequence[float], unknown: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return arrivals at the mean rate of the known times, in the unknown ones."""
    if not unknown:
        return []
    first_s, last_s = min(times), max(times)
    idle_s = sum(max(0.0, min(end_s, last_s) - max(start_s, first_s)) for start_s, end_s in unknown)
    step = sum(counts) / max(last_s - first_s - idle_s, STAND_IN_STEP_S) * STAND_IN_STEP_S
    return [
        (start_s + STAND_IN_STEP_S * (index + 1), step)
        for start_s, end_s in unknown
        for index in range(int((end_s - start_s) / STAND_IN_STEP_S))
    ]


def without_demand(streams: Sequence[StreamTrace], horizon_s: float) -> list[tuple[float, float]]:
    """Return the times in which no stream asked for anything: while one still did, it had the line to itself.

    A stream that is complete asks no more.
    """
    common: list[tuple[float, float]] = [(0.0, horizon_s)] if streams else []
    for stream in streams:
        idle = list(stream.no_demand_s)
        if stream.is_complete and stream.arrival_s:
            idle.append((stream.arrival_s[-1], horizon_s))
        common = [
            (max(span[0], gap[0]), min(span[1], gap[1]))
            for span in common
            for gap in idle
            if max(span[0], gap[0]) < min(span[1], gap[1])
        ]
    return common


def known_segments(timeline: MediaTimeline) -> Sequence[MediaSegment]:
    """Return the segments of a stream up to its end.

    A file without an index shows only the segments that arrived: the rest, up to the declared duration, are assumed to
    have the same size. Where even that is missing, segments of ASSUMED_SEGMENT_S are cut from the timeline.
    """
    segments = list(timeline.segments) or _cut_segments(timeline)
    if not segments:
        return segments
    last = segments[-1]
    step_s, step_bytes = segments[0].duration_s, segments[0].end_byte - segments[0].start_byte
    end_s = timeline.duration_s or 0.0
    while last.start_s + last.duration_s < end_s - 0.5 * step_s and len(segments) < MAX_SEGMENTS:
        start_s = last.start_s + last.duration_s
        last = MediaSegment(last.end_byte, last.end_byte + step_bytes, start_s, min(step_s, end_s - start_s))
        segments.append(last)
    return segments


def _cut_segments(timeline: MediaTimeline) -> list[MediaSegment]:
    segments: list[MediaSegment] = []
    start_byte, start_s = timeline.init_bytes, 0.0
    for offset, complete_s in zip(timeline.offset_bytes, timeline.complete_s, strict=True):
        if complete_s >= start_s + ASSUMED_SEGMENT_S or offset == timeline.offset_bytes[-1]:
            if offset > start_byte and complete_s > start_s:
                segments.append(MediaSegment(start_byte, offset, start_s, complete_s - start_s))
            start_byte, start_s = offset, complete_s
    return segments
