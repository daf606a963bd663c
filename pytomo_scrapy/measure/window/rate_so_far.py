"""The delivery rate of a window that is still open, for a live display."""

from __future__ import annotations

from collections.abc import Sequence

from pytomo_scrapy.measure.window.stream import Stream
from pytomo_scrapy.measure.window.throughput import mean_rate_bps


def rate_so_far_bps(streams: Sequence[Stream], t0_s: float, idle: Sequence[tuple[float, float]]) -> float | None:
    """Return the rate by the definition of the stored one. None before there is one."""
    traces = [stream.trace for stream in streams if stream.trace.first_s is not None]
    if not traces:
        return None
    first_s = min(trace.first_s or 0.0 for trace in traces) - t0_s
    last_s = max(trace.last_s or trace.first_s or 0.0 for trace in traces) - t0_s
    return mean_rate_bps(sum(stream.received_bytes for stream in streams), first_s, last_s, idle)
