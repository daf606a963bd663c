"""Throughput figures of a window, as pure functions of its arrival trace. Definitions: docs/download.md."""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from heapq import merge

from pytomo_scrapy.items import Throughput

Arrivals = Sequence[tuple[float, int]]  # (t_s, bytes that arrived then), in order of time
Spans = Sequence[tuple[float, float]]  # (start_s, end_s), in order, not overlapping

BIN_S = 1.0
SLOW_START_S = 2.0
# A mean over less than this says more about a socket buffer than about the path.
MIN_ACTIVE_S = 0.01


def join_arrivals(traces: Iterable[tuple[Sequence[float], Sequence[int]]]) -> list[tuple[float, int]]:
    """Merge the (arrival_s, cumulative bytes) traces of several streams into single arrivals in order of time."""
    return list(merge(*(_increments(times, totals) for times, totals in traces)))


def measure_throughput(arrivals: Arrivals, no_demand: Spans = ()) -> Throughput:
    """Return mean and 1 s bins of the body bytes between the first arrival and the last, no-demand time left out."""
    if not arrivals:
        return Throughput()
    first_s, last_s = arrivals[0][0], arrivals[-1][0]
    idle_s = _overlap_s(no_demand, first_s, last_s)
    active_s = last_s - first_s - idle_s
    low, median, p95, high = _bin_figures(arrivals, no_demand)
    return Throughput(
        active_s=active_s,
        no_demand_s=sum(end - start for start, end in no_demand),
        delivery_bps=_rate(sum(count for _, count in arrivals), active_s, MIN_ACTIVE_S),
        delivery_after_2s_bps=_rate_after(arrivals, no_demand, SLOW_START_S),
        bin_min_bps=low,
        bin_median_bps=median,
        bin_p95_bps=p95,
        bin_max_bps=high,
    )


def mean_rate_bps(received_bytes: int, first_s: float, last_s: float, no_demand: Spans = ()) -> float | None:
    """Return the delivery rate of bytes that came between two instants, as `measure_throughput` gives it at the end."""
    return _rate(received_bytes, last_s - first_s - _overlap_s(no_demand, first_s, last_s), MIN_ACTIVE_S)


def bins(arrivals: Arrivals, no_demand: Spans = ()) -> list[float]:
    """Return the rates (bits per second) of the complete 1 s bins, counted from the first arrival.

    A bin that the last arrival does not reach is left out, and so is one in which nothing was asked for at some time.
    """
    if not arrivals:
        return []
    first_s, last_s = arrivals[0][0], arrivals[-1][0]
    counts = [0] * int((last_s - first_s) / BIN_S)
    for t_s, count in arrivals:
        bucket = int((t_s - first_s) / BIN_S)
        if bucket < len(counts):
            counts[bucket] += count
    return [
        count * 8 / BIN_S
        for bucket, count in enumerate(counts)
        if not _overlap_s(no_demand, first_s + bucket * BIN_S, first_s + (bucket + 1) * BIN_S)
    ]


def quantile(values: Sequence[float], share: float) -> float:
    """Return the quantile of sorted values by linear interpolation. Source: Hyndman & Fan 1996, type 7."""
    position = (len(values) - 1) * share
    low = int(position)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (position - low)


def _increments(times: Sequence[float], totals: Sequence[int]) -> Iterable[tuple[float, int]]:
    before = 0
    for t_s, total in zip(times, totals, strict=True):
        yield t_s, total - before
        before = total


def _bin_figures(
    arrivals: Arrivals, no_demand: Spans
) -> tuple[float, float, float, float] | tuple[None, None, None, None]:
    rates = sorted(bins(arrivals, no_demand))
    if not rates:
        return None, None, None, None
    return rates[0], statistics.median(rates), quantile(rates, 0.95), rates[-1]


def _rate_after(arrivals: Arrivals, no_demand: Spans, skip_s: float) -> float | None:
    from_s, last_s = arrivals[0][0] + skip_s, arrivals[-1][0]
    index = bisect_right(arrivals, from_s, key=lambda arrival: arrival[0])
    active_s = last_s - from_s - _overlap_s(no_demand, from_s, last_s)
    # Less than a bin of time after the cut would be a ratio of tiny numbers.
    return _rate(sum(count for _, count in arrivals[index:]), active_s, BIN_S)


def _rate(count: int, active_s: float, at_least_s: float) -> float | None:
    return count * 8 / active_s if active_s >= at_least_s else None


def _overlap_s(spans: Spans, start_s: float, end_s: float) -> float:
    return sum(max(0.0, min(end, end_s) - max(start, start_s)) for start, end in spans)
