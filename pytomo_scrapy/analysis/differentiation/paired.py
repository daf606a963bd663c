"""The paired verdict: rates of the two windows of each pair, by the machinery that compares groups. Pure.

What both windows of a pair share (the hour, the drift of the line) falls out of their difference; the pairs are the
clusters that the bootstrap draws. Its variance needs no drawing (`analysis/clustered`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from pytomo_scrapy.analysis.comparison import LEAST_ROWS, Clusters, ComparedFigure, ComparedRows, Way, differences

# Of the first part of a test, whose spread says how many more there must be.
LEAST_PAIRS = LEAST_ROWS
# A false accusation is dearer than a test that tells nothing: the chance of one, and of finding what is there.
ERROR = 0.01
POWER = 0.98

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """How the service's name differs from the neutral one: -0.2 is a fifth slower. `low` and `high` bound 95 %.

    None: fewer pairs than are needed to say anything, or pairs without any difference between them.
    """

    pair_count: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None  # of a difference as large, if there were none

    @property
    def is_shown(self) -> bool:
        """Tell whether the names differ."""
        return self.chance is not None and self.chance < ERROR


def compare_pairs(pairs: Sequence[tuple[float, float]]) -> PairedDifference:
    """Compare pairs of rates (service, neutral), bits per second, above 0."""
    count = len(pairs)
    numbers = np.arange(count, dtype=np.int64)
    both = np.concatenate([numbers, numbers])
    values = np.log(np.array([pair[1] for pair in pairs] + [pair[0] for pair in pairs], dtype=np.float64))
    rows = ComparedRows(
        groups=np.repeat(np.array([0, 1], dtype=np.int64), count),
        started_s=both,
        videos=both,
        pairs=both,
        clusters=Clusters(np.zeros(2 * count, dtype=np.int64), both),
        figures=[ComparedFigure("rate", Way.MEAN, False, values)],
    )
    [found] = differences(rows, 2)
    if found.value is None:
        return PairedDifference(count)
    low, high = (None if bound is None else math.expm1(bound) for bound in (found.low, found.high))
    return PairedDifference(count, math.expm1(found.value), low, high, found.chance)


def spread_of_pairs(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return the standard deviation of the logarithm of the pairs' ratios. None under two pairs."""
    logs = [math.log(service / neutral) for service, neutral in pairs]
    return statistics.stdev(logs) if len(logs) > 1 else None


def pairs_for(spread: float, effect_ratio: float) -> int:
    """Return how many pairs find a service that is slower by `effect_ratio` with POWER, at ERROR. LEAST_PAIRS at least.

    `spread` is that of `spread_of_pairs`, of the first LEAST_PAIRS: a test may go on for what its own variance asks for
    (Wittes and Brittain, Statist. Med. 9, 1990), since its size is not chosen by the difference that it found. The
    normal formula, and what the few degrees of freedom of a t test cost (Guenther, Amer. Statist. 35, 1981).
    """
    bound = _NORMAL.inv_cdf(1 - ERROR / 2)
    strength = bound + _NORMAL.inv_cdf(POWER)
    needed = (strength * spread / math.log1p(-effect_ratio)) ** 2 + bound**2 / 2
    return max(LEAST_PAIRS, math.ceil(needed))
