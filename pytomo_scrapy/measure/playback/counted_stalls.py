"""Which stalls count, and which starts are slow."""

from __future__ import annotations

from collections.abc import Sequence

from pytomo_scrapy.items import Interval

MIN_STALL_S = 0.1  # a shorter halt is not counted as a stall
LONG_STALL_S = 1.0
# A look-up and startup that take longer are slow: viewers begin to leave then.
# Source: Krishnan and Sitaraman, Video Stream Quality Impacts Viewer Behavior, IMC 2012.
SLOW_STARTUP_S = 2.0


def counted_stalls(stalls: Sequence[Interval], least_s: float) -> list[Interval]:
    """Return the stalls of at least that length."""
    return [stall for stall in stalls if stall.duration_s >= least_s]
