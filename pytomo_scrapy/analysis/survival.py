"""How many sessions had started by when, where some were given up and others could never start. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytomo_scrapy.measure.window.throughput import quantile as quantile_of_sorted


@dataclass(frozen=True, slots=True)
class Delay:
    """One session. After `seconds` it started, or failed for good, or its window was over (right-censored)."""

    seconds: float
    is_started: bool
    is_failed: bool = False


def incidence_curve(delays: Iterable[Delay]) -> list[tuple[float, float]]:
    """Return (delay, share of all sessions started by then), one point for each distinct delay of a start.

    A failure competes with the start: such a session stays among all, and never starts. A session whose window was
    over leaves those at risk at its own horizon; one that is over at the very moment of a start still waited then.
    Without failures the share is one minus that of Kaplan and Meier. **Source**: Aalen and Johansen, Scand. J.
    Statist. 5 (1978); Kaplan and Meier, J. Amer. Statist. Assoc. 53 (1958).
    """
    starts: Counter[float] = Counter()
    failures: Counter[float] = Counter()
    ends: Counter[float] = Counter()
    for delay in delays:
        ends[delay.seconds] += 1
        starts[delay.seconds] += delay.is_started
        failures[delay.seconds] += delay.is_failed and not delay.is_started
    at_risk, waiting, started = sum(ends.values()), 1.0, 0.0
    curve = []
    for seconds in sorted(ends):
        if starts[seconds]:
            started += waiting * starts[seconds] / at_risk
            curve.append((seconds, started))
        waiting *= 1 - (starts[seconds] + failures[seconds]) / at_risk
        at_risk -= ends[seconds]
    return curve


def incidence_quantile(curve: Sequence[tuple[float, float]], ratio: float) -> float | None:
    """Return the smallest delay by which at least `ratio` of the sessions had started. None where too few ever did."""
    # 1e-12: sums of shares miss a quantile such as one half by rounding only.
    return next((seconds for seconds, share in curve if share >= ratio - 1e-12), None)


def quantile(values: Sequence[float], ratio: float) -> float | None:
    """Return the quantile of a sample in any order, linear between its values. None for an empty one."""
    return quantile_of_sorted(sorted(values), ratio) if values else None
