"""Quantiles of a delay that some sessions never reached: the Kaplan-Meier estimate, pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytomo_scrapy.measure.window.throughput import quantile as quantile_of_sorted


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
    """Return the quantile of a sample in any order, linear between its values. None for an empty one."""
    return quantile_of_sorted(sorted(values), ratio) if values else None
