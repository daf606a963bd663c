"""Reads what a line carries from the arrivals of a window's downloads."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

from pytomo_scrapy.measure.playback.adaptive.line import LOSS_FACTOR, SEGMENT_BYTES, LineTrace
from pytomo_scrapy.measure.playback.player_model import UNKNOWN_LINE, LineFacts, StreamTrace
from pytomo_scrapy.measure.playback.supply import without_demand

GRID_S = 0.02
RAMP_ROUND_TRIPS = 4  # in which the downloads themselves only begin
SMOOTHING_S, MOST_SMOOTHING_S = 0.5, 4.0  # lost pieces come again within about that
RAMP_SAMPLE_S = 1.0  # the line's rate right after, which stands for that time
LEAST_ROUND_TRIP_S = 0.001
MOST_ROUND_TRIP_S = 1.0
QUEUE_LEAST_BYTES = 65536
QUEUE_LEAST_S = 0.05
LEAST_PROBES = 10  # that show how much waits before the line
QUEUE_RANK = 0.9  # of the probes wait for no more than the queue holds: it is full before each loss only
PROBE_SPAN_S = 0.5  # around a probe, over which the line's rate counts


def line_trace(streams: Sequence[StreamTrace], horizon_s: float, facts: LineFacts = UNKNOWN_LINE) -> LineTrace:
    """Return what the line carried over time, all streams together, on an even grid.

    A connection that waits for a lost piece shows nothing and then all at once: bytes count evenly over such a gap.
    Where nothing was asked for the mean rate stands in, and that time is marked as unknown.
    """
    count = int(horizon_s / GRID_S) + 2
    grid = [GRID_S * index for index in range(count)]
    totals = [0.0] * count
    for stream in streams:
        for index, value in enumerate(_evenly(stream, grid)):
            totals[index] += value
    firsts = [stream.arrival_s[0] for stream in streams if stream.arrival_s]
    first_s = min(firsts, default=horizon_s)
    round_trip_s = _round_trip_s(streams) if facts.round_trip_s is None else facts.round_trip_s
    round_trip_s = min(max(round_trip_s, LEAST_ROUND_TRIP_S), MOST_ROUND_TRIP_S)
    rates = [after - before for before, after in pairwise(totals)]
    _stand_in_ramp(rates, first_s + RAMP_ROUND_TRIPS * round_trip_s)
    unknown = without_demand(streams, horizon_s)
    shown = LineFacts(round_trip_s, _under_load(facts.probes, horizon_s, unknown))
    rates = _smoothed(rates, shown)
    _stand_in_unknown(rates, unknown)
    carried = _summed(rates)
    return LineTrace(grid, carried, round_trip_s, _queue_bytes(carried, shown), unknown)


def _round_trip_s(streams: Sequence[StreamTrace]) -> float:
    """Return half of the time to the first byte, less what the line took for its packet, of the stream that was first.

    A connection is opened, and a request answered: two round trips. A slow line takes long for one packet.
    """
    times = [
        (stream.arrival_s[0], _packet_s(stream)) for stream in streams if len(stream.arrival_s) and stream.arrival_s[0]
    ]
    first_s, packet_s = min(times, default=(0.0, 0.0))
    return max(0.0, first_s - packet_s) / 2


def _packet_s(stream: StreamTrace) -> float:
    """Return how long the first packet was on the line, by the arrival after it. 0 where nothing came after it."""
    if len(stream.arrival_s) < 2 or stream.arrival_bytes[1] <= stream.arrival_bytes[0]:
        return 0.0
    packet_bytes = min(stream.arrival_bytes[0], SEGMENT_BYTES)
    gap_s = stream.arrival_s[1] - stream.arrival_s[0]
    return packet_bytes * gap_s / (stream.arrival_bytes[1] - stream.arrival_bytes[0])


def _queue_bytes(carried: Sequence[float], line: LineFacts) -> float:
    """Return how much waits before the line at the most, by the probes that waited longest.

    But so much that a connection whose window shrinks still fills the line, as the trace shows. Without enough probes:
    what the line's best rate carries in a round trip, as routers are sized.
    """
    round_trip_s = line.round_trip_s or 0.0
    step = int(1.0 / GRID_S)
    best = max((after - before for before, after in zip(carried, carried[step:], strict=False)), default=0.0)
    if len(line.probes) < LEAST_PROBES:
        return max(QUEUE_LEAST_BYTES, best * max(round_trip_s, QUEUE_LEAST_S))
    still_full = (1 / LOSS_FACTOR - 1) * best * round_trip_s
    return max(still_full, _waiting_bytes(carried, line.probes, round_trip_s))


def _under_load(
    probes: Sequence[tuple[float, float]], horizon_s: float, unknown: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return the probes that were sent while media were asked for: where nothing is, nothing waits."""
    return [
        (sent_s, round_trip_s)
        for sent_s, round_trip_s in probes
        if sent_s < horizon_s and not any(start_s <= sent_s < end_s for start_s, end_s in unknown)
    ]


def _waiting_bytes(carried: Sequence[float], probes: Sequence[tuple[float, float]], unloaded_s: float) -> float:
    """Return what lay before the probes that found most of it: their wait at the line's rate around them."""
    found: list[float] = []
    for sent_s, round_trip_s in probes:
        start, end = _around(int(sent_s / GRID_S), len(carried) - 1, PROBE_SPAN_S)
        rate_bytes = (carried[end] - carried[start]) / max(end - start, 1) / GRID_S  # a second
        found.append(max(0.0, round_trip_s - unloaded_s) * rate_bytes)
    return sorted(found)[int(QUEUE_RANK * (len(found) - 1))]


def _summed(rates: Sequence[float]) -> list[float]:
    return list(accumulate(rates, initial=0.0))


def _evenly(stream: StreamTrace, grid: Sequence[float]) -> list[float]:
    """Return the bytes that had arrived at the grid's times, evenly between two arrivals."""
    at_s: list[float] = []
    counts: list[int] = []
    for t_s, count in zip(stream.arrival_s, stream.arrival_bytes, strict=True):
        # What comes at once after a gap is counted at once.
        if at_s and int(t_s / GRID_S) == int(at_s[-1] / GRID_S):
            at_s[-1], counts[-1] = t_s, count
        else:
            at_s.append(t_s)
            counts.append(count)
    values: list[float] = []
    for t_s in grid:
        index = bisect_right(at_s, t_s)
        if index == 0:
            values.append(0.0)
        elif index == len(at_s):
            values.append(float(counts[-1]))
        else:
            span_s = at_s[index] - at_s[index - 1]
            values.append(counts[index - 1] + (counts[index] - counts[index - 1]) * (t_s - at_s[index - 1]) / span_s)
    return values


def _smoothed(rates: Sequence[float], line: LineFacts) -> list[float]:
    """Return the mean rates around each time: what a full queue lost came again later, and what followed it at once.

    Until a piece comes again its connection shows nothing, for as long as the queue takes to empty and a round trip;
    then everything shows that had come meanwhile. The line carried evenly through both.
    """
    sums = _summed(rates)
    queue_bytes, round_trip_s = _queue_bytes(sums, line), line.round_trip_s or 0.0
    count, smoothed = len(rates), list[float]()
    for index in range(count):
        start, end = _around(index, count, MOST_SMOOTHING_S)
        rate_bytes = (sums[end] - sums[start]) / (end - start) / GRID_S  # a second
        hole_s = round_trip_s + queue_bytes / max(rate_bytes, 1.0)
        start, end = _around(index, count, min(max(2 * hole_s, SMOOTHING_S), MOST_SMOOTHING_S))
        smoothed.append((sums[end] - sums[start]) / (end - start))
    return smoothed


def _around(index: int, count: int, span_s: float) -> tuple[int, int]:
    half = int(span_s / GRID_S / 2)
    return max(0, index - half), min(count, index + half + 1)


def _stand_in_ramp(rates: list[float], ramp_end_s: float) -> None:
    first = int(ramp_end_s / GRID_S)
    sample = rates[first : first + int(RAMP_SAMPLE_S / GRID_S)]
    if sample:
        mean = sum(sample) / len(sample)
        rates[:first] = [max(rate, mean) for rate in rates[:first]]


def _stand_in_unknown(rates: list[float], unknown: Sequence[tuple[float, float]]) -> None:
    is_unknown = [False] * len(rates)
    for start_s, end_s in unknown:
        for index in range(int(start_s / GRID_S), min(len(rates), int(end_s / GRID_S) + 1)):
            is_unknown[index] = True
    known = [rate for rate, flag in zip(rates, is_unknown, strict=True) if not flag]
    if known and any(is_unknown):
        mean = sum(known) / len(known)
        for index, flag in enumerate(is_unknown):
            if flag:
                rates[index] = mean
