"""How long a video kept the line idle: statistics of the times between two windows."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence


def idle_figures(idle_s: Sequence[float], ahead_count: int) -> Mapping[str, float]:
    """Return median, mean and longest time between two windows, by the names of their stats. Empty without any.

    Videos that are prepared together, `ahead_count` of them, have their windows one right after the other: what they
    waited for together is shared among them. Else the median over single gaps would be 0 for every crawl that prepares
    two at a time.
    """
    if not idle_s:
        return {}
    together = min(ahead_count, len(idle_s))
    # Over every run of so many gaps, since where one group of videos ends and the next begins is not known here.
    shares = [statistics.fmean(idle_s[start : start + together]) for start in range(len(idle_s) - together + 1)]
    return {
        "pytomo/gate/idle_s": round(statistics.median(shares), 3),
        "pytomo/gate/idle_mean_s": round(statistics.fmean(idle_s), 3),
        "pytomo/gate/idle_max_s": round(max(idle_s), 3),
    }
