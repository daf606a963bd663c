"""Reads what a line carries from the arrivals of a window's downloads."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from pytomo_scrapy.measure.playback.adaptive.line import LineTrace
from pytomo_scrapy.measure.playback.adaptive.tcp_packet import SEGMENT_BYTES
from pytomo_scrapy.measure.playback.adaptive.tcp_window import LOSS_FACTOR
from pytomo_scrapy.measure.playback.player_model import UNKNOWN_LINE, LineFacts, StreamTrace
from pytomo_scrapy.measure.playback.supply import without_demand

GRID_S = 0.02
RAMP_ROUND_TRIPS = 4  # in which the downloads themselves only begin
LEAST_HOLE_S, MOST_HOLE_S = 0.3, 4.0  # lost pieces come again within about that
RATE_SPAN_S = 4.0  # around a time, over which the line's rate counts
JUMP_SEGMENTS = 1.5  # that more than this comes at once had waited for a lost piece
LEAST_RAMP_S = 0.1  # that tells a rate by itself
RAMP_SAMPLE_S = 1.0  # the line's rate right after, which stands for that time
LEAST_ROUND_TRIP_S = 0.001
MOST_ROUND_TRIP_S = 1.0
QUEUE_LEAST_BYTES = 65536
QUEUE_LEAST_S = 0.05
LEAST_LOSSES = 10  # that tell of a line that loses packets by itself
LOSS_SEGMENTS, LOSS_GAP = 2.5, 0.7  # at once, after so many round trips: what waited for a lost packet
LOSS_MEDIAN = 1.5  # round trips for a lost packet to come again, where nothing waits (recorded links: 1.2, others 1.9)
LEAST_PROBES = 10  # that show how much waits before the line
QUEUE_RANK = 0.9  # of the probes wait for no more than the queue holds: it is full before each loss only
PROBE_SPAN_S = 0.5  # around a probe, over which the line's rate counts


def line_trace(streams: Sequence[StreamTrace], horizon_s: float, facts: LineFacts = UNKNOWN_LINE) -> LineTrace:
    """Return what the line carried over time, all streams together, on an even grid.

    A connection that waits for a lost piece shows nothing and then all at once: what then comes had arrived before, at
    the rate that the line goes on with. Where nothing was asked for the mean rate stands in, and that time is marked as
    unknown.
    """
    count = int(horizon_s / GRID_S) + 2
    grid = [GRID_S * index for index in range(count)]
    totals = [0.0] * count
    for stream in streams:
        for index, value in enumerate(_arrived(stream, grid)):
            totals[index] += value
    firsts = [stream.arrival_s[0] for stream in streams if stream.arrival_s]
    first_s = min(firsts, default=horizon_s)
    round_trip_s = _round_trip_s(streams) if facts.round_trip_s is None else facts.round_trip_s
    round_trip_s = min(max(round_trip_s, LEAST_ROUND_TRIP_S), MOST_ROUND_TRIP_S)
    unknown = without_demand(streams, horizon_s)
    shown = LineFacts(round_trip_s, _under_load(facts.probes, horizon_s, unknown))
    holes = _holes(totals, shown)
    _widen(holes, streams)
    carried = _filled(totals, streams, int(first_s / GRID_S), holes)
    rates = [after - before for before, after in pairwise(carried)]
    loss_share = _loss_share(streams, round_trip_s)
    if loss_share:
        rates = [_best_rate(carried) * GRID_S] * len(rates)  # what came is what its losses left of that
    ramp_s = RAMP_ROUND_TRIPS * round_trip_s
    # In a short time one read tells no rate: what it brought has come since the first byte could be there.
    begun_s = first_s if ramp_s >= LEAST_RAMP_S else min(first_s, 2 * round_trip_s)
    _stand_in_ramp(rates, begun_s, first_s + max(ramp_s, GRID_S))
    _stand_in_unknown(rates, unknown)
    carried = _summed(rates)
    return LineTrace(grid, carried, round_trip_s, _queue_bytes(carried, shown), unknown, loss_share)


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
    best = _best_rate(carried)
    if len(line.probes) < LEAST_PROBES:
        return max(QUEUE_LEAST_BYTES, best * max(round_trip_s, QUEUE_LEAST_S))
    still_full = (1 / LOSS_FACTOR - 1) * best * round_trip_s
    return max(still_full, _waiting_bytes(carried, line.probes, round_trip_s))


def _best_rate(carried: Sequence[float]) -> float:
    """Return the most that a second carried, bytes."""
    step = int(1.0 / GRID_S)
    return max((after - before for before, after in zip(carried, carried[step:], strict=False)), default=0.0)


def _loss_share(streams: Sequence[StreamTrace], round_trip_s: float) -> float:
    """Return the share of packets that were lost though nothing waited before the line. 0 where its queue was full.

    A packet that is lost there comes again after a round trip, and after a full queue as well where that lost it. Where
    nothing shows for more than half of the time, bytes come in bursts, and no loss can be told.
    """
    gaps_s: list[float] = []
    for stream in streams:
        for (before_s, after_s), (before, after) in zip(
            pairwise(stream.arrival_s), pairwise(stream.arrival_bytes), strict=True
        ):
            if after - before > LOSS_SEGMENTS * SEGMENT_BYTES and after_s - before_s > LOSS_GAP * round_trip_s:
                gaps_s.append(after_s - before_s)
    asked_s = sum(stream.arrival_s[-1] - stream.arrival_s[0] for stream in streams if stream.arrival_s)
    if (
        len(gaps_s) < LEAST_LOSSES
        or sorted(gaps_s)[len(gaps_s) // 2] > LOSS_MEDIAN * round_trip_s
        or sum(gaps_s) > asked_s / 2
    ):
        return 0.0
    return len(gaps_s) * SEGMENT_BYTES / sum(stream.arrival_bytes[-1] for stream in streams if stream.arrival_s)


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


def _arrived(stream: StreamTrace, grid: Sequence[float]) -> list[float]:
    """Return the bytes that had arrived at the grid's times."""
    counts = (0, *stream.arrival_bytes)
    return [float(counts[bisect_right(stream.arrival_s, t_s)]) for t_s in grid]


def _holes(totals: Sequence[float], line: LineFacts) -> list[int]:
    """Return for each time how many grid steps a lost piece may take to come again: twice a full queue's round trip."""
    queue_bytes, round_trip_s = _queue_bytes(totals, line), line.round_trip_s or 0.0
    last, holes = len(totals) - 1, list[int]()
    for index in range(len(totals)):
        start, end = _around(index, last, RATE_SPAN_S)
        rate_bytes = (totals[end] - totals[start]) / max(end - start, 1) / GRID_S  # a second
        hole_s = min(2 * (round_trip_s + queue_bytes / max(rate_bytes, 1.0)), MOST_HOLE_S)
        holes.append(int(hole_s / GRID_S))
    return holes


def _jumps(streams: Sequence[StreamTrace]) -> Iterator[tuple[int, int, int]]:
    """Tell of each time at which more than a packet came at once: steps of the arrival before and of this, bytes."""
    for stream in streams:
        for (before_s, after_s), (before, after) in zip(
            pairwise(stream.arrival_s), pairwise(stream.arrival_bytes), strict=True
        ):
            if after - before > JUMP_SEGMENTS * SEGMENT_BYTES:
                yield int(before_s / GRID_S), int(after_s / GRID_S) + 1, after - before - SEGMENT_BYTES


def _widen(holes: list[int], streams: Sequence[StreamTrace]) -> None:
    """Let a hole last as long as one stream showed nothing: no line carries all at once what then shows at once."""
    for before, after, _ in _jumps(streams):
        for index in range(before, min(after, len(holes))):
            holes[index] = max(holes[index], after - index)


def _held(streams: Sequence[StreamTrace], holes: Sequence[int]) -> list[float]:
    """Return the most bytes that may have waited for a lost piece at each time: those of later jumps."""
    steps = [0.0] * (len(holes) + 1)
    for before, after, count in _jumps(streams):
        if after < len(holes):
            steps[max(0, min(before, after - holes[after]))] += count
            steps[after] -= count
    return list(accumulate(steps[:-1]))


def _filled(totals: Sequence[float], streams: Sequence[StreamTrace], first: int, holes: Sequence[int]) -> list[float]:
    """Return the bytes that the line had carried, lost pieces and what waited for them at their own time.

    The least even curve above what had arrived, in steps no longer than a hole; never more than may have waited.
    """
    held, last = _held(streams, holes), len(totals) - 1
    carried = list(totals)
    index = first
    while index < last:
        most = max(1, holes[index], int(LEAST_HOLE_S / GRID_S))
        start = totals[index]
        steepest, corner = -1.0, index + 1
        for other in range(index + 1, min(last, index + most) + 1):
            slope = (totals[other] - start) / (other - index)
            if slope >= steepest:
                steepest, corner = slope, other
        for other in range(index + 1, corner):
            even = start + steepest * (other - index)
            carried[other] = max(carried[other - 1], totals[other], min(even, totals[other] + held[other]))
        index = corner
    return carried


def _around(index: int, count: int, span_s: float) -> tuple[int, int]:
    half = int(span_s / GRID_S / 2)
    return max(0, index - half), min(count, index + half + 1)


def _stand_in_ramp(rates: list[float], begun_s: float, ramp_end_s: float) -> None:
    """Let the mean of the second after it stand for the time in which the downloads only begin, if they had no more."""
    start, end = int(begun_s / GRID_S), int(ramp_end_s / GRID_S)
    sample = rates[end : end + int(RAMP_SAMPLE_S / GRID_S)]
    if sample and end:
        begun = sum(rates[start:end]) / max(1, end - start)
        rates[:end] = [max(sum(sample) / len(sample), begun)] * end


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
