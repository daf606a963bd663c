"""Quantiles of a delay that some sessions never reached: the Kaplan-Meier estimate, pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delay:
    """One session: after `seconds` it started, or it was given up without having started (right-censored)."""

    seconds: float
    is_started: bool


def survival_curve(delays: Iterable[Delay]) -> list[tuple[float, float]]:
    """Return (delay, share of sessions not yet started then), one point for each distinct delay of a start.

    A session censored at the very moment of a start counts as still waiting then, as is the custom.
    **Source**: Kaplan and Meier, J. Amer. Statist. Assoc. 53 (1958), the product-limit estimate.
    """
    starts: Counter[float] = Counter()
    ends: Counter[float] = Counter()
    for delay in delays:
        ends[delay.seconds] += 1
        starts[delay.seconds] += delay.is_started
    waiting, share = sum(ends.values()), 1.0
    curve = []
    for seconds in sorted(ends):
        if starts[seconds]:
            share *= 1 - starts[seconds] / waiting
            curve.append((seconds, share))
        waiting -= ends[seconds]
    return curve


def survival_quantile(curve: Sequence[tuple[float, float]], ratio: float) -> float | None:
    """Return the smallest delay by which at least `ratio` of the sessions had started. None where too few ever did."""
    # 1e-12: products of shares miss a quantile such as one half by rounding only.
    return next((seconds for seconds, share in curve if 1 - share >= ratio - 1e-12), None)


def quantile(values: Sequence[float], ratio: float) -> float | None:
    """Return the quantile of a sample, linear between its order statistics. None for an empty one."""
    if not values:
        return None
    ordered = sorted(values)
    place = ratio * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
