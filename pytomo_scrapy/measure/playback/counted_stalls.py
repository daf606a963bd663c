"""Which stalls count."""

from __future__ import annotations

from collections.abc import Sequence

from pytomo_scrapy.items import Interval

MIN_STALL_S = 0.1  # a shorter halt is not counted as a stall
LONG_STALL_S = 1.0


def counted_stalls(stalls: Sequence[Interval], least_s: float) -> list[Interval]:
    """Return the stalls of at least that length."""
    return [stall for stall in stalls if stall.duration_s >= least_s]
