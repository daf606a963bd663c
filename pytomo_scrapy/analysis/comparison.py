"""Groups of measurements compared with the first of them: figures, differences, and how sure they are. Pure.

Arrays go in and results come out; nothing here knows of a database. `pytomo_scrapy.analysis.compared` reads the arrays
of a selection. Definitions and what simulated studies say of the intervals: docs/metrics.md, "Comparisons".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pytomo_scrapy.analysis.clustered import Spread, spread_of
from pytomo_scrapy.analysis.fixed_effects import without_effects
from pytomo_scrapy.analysis.matching import Design, Match, match
from pytomo_scrapy.analysis.strata_test import shown_by_holm
from pytomo_scrapy.analysis.student_t import two_sided_chance

LEAST_ROWS = 20  # of each group: below, nothing is said

Integers = NDArray[np.int64]
Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Way(StrEnum):
    """How a figure sums up its rows."""

    SHARE = "share"
    MEAN = "mean"
    MEDIAN = "median"


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """A figure by its rows. NaN: not known, or it does not apply. Infinite: never reached, of a median."""

    name: str
    way: Way
    is_better_low: bool
    values: Values = field(repr=False)


@dataclass(frozen=True, slots=True)
class Clusters:
    """Of each row the day and the group of videos that it shares its luck with."""

    days: Integers
    videos: Integers

    def masked(self, mask: Mask) -> Clusters:
        """Return the rows where the mask is true."""
        return Clusters(self.days[mask], self.videos[mask])


@dataclass(frozen=True, slots=True)
class ComparedRows:
    """The rows of a comparison: of each its group (-1: of none), who measured what when, and the figures."""

    groups: Integers
    started_s: Integers
    videos: Integers
    pairs: Integers  # -1: of no pair
    clusters: Clusters
    figures: Sequence[ComparedFigure]


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of a group less that of the first group, like with like.

    A median's is relative: 0.2 is a fifth more. `low` and `high` bound the 95 % interval of this one comparison;
    `is_shown` says whether it holds among all comparisons of the answer (Holm).
    """

    figure: str
    group: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None  # of a difference as large, if there were none
    basis: str = ""  # what the groups are matched by
    row_count: int = 0
    is_of_these_days: bool = False
    is_shown: bool = False
    is_worse: bool = False

    @property
    def verdict(self) -> str:
        """Return worse, better or cannot tell."""
        return ("worse" if self.is_worse else "better") if self.is_shown else "cannot tell"


def differences(rows: ComparedRows, group_count: int, *, is_of_times: bool = True) -> list[Difference]:
    """Compare each further group with the first one, figure by figure. All are tested together at 5 % (Holm).

    Groups that were never measured on the same days are not told apart: what differs may be the times. Not
    `is_of_times` takes that for what is asked, as before and after a change.
    """
    found = [
        _difference(rows, figure, group, is_of_times) for group in range(1, group_count) for figure in rows.figures
    ]
    chances = {
        f"{one.group} {one.figure}": one.chance for one in found if one.chance is not None and one.value is not None
    }
    shown = shown_by_holm(chances)
    is_better_low = {figure.name: figure.is_better_low for figure in rows.figures}
    return [
        replace(
            one,
            is_shown=f"{one.group} {one.figure}" in shown,
            is_worse=one.value is not None and (one.value > 0) == is_better_low[one.figure],
        )
        for one in found
    ]


def _difference(rows: ComparedRows, figure: ComparedFigure, group: int, is_of_times: bool) -> Difference:
    nothing = Difference(figure.name, group)
    is_asked = ((rows.groups == 0) | (rows.groups == group)) & ~np.isnan(figure.values)
    is_second = rows.groups[is_asked] == group
    if min(int(is_second.sum()), int((~is_second).sum())) < LEAST_ROWS:
        return nothing
    design = Design(is_second, rows.started_s[is_asked], rows.videos[is_asked], rows.pairs[is_asked])
    matched = match(design, is_of_times=is_of_times)
    if matched is None:
        return nothing
    used = matched.is_used
    values, second = figure.values[is_asked][used], is_second[used]
    clusters = rows.clusters.masked(is_asked).masked(used)
    nothing = replace(nothing, basis=matched.basis, row_count=len(values))
    compare = _medians if figure.way is Way.MEDIAN else _means
    found = compare(nothing, values, second, matched, clusters)
    # Groups that were never measured at the same time differ in more than their name.
    return found if matched.is_comparable or not is_of_times else replace(found, chance=None)


def _scores(column: Values, second: Mask, matched: Match) -> tuple[float, Values]:
    """Return the difference of a column's mean between the groups, like with like, and the score of each row."""
    left = without_effects(column, matched.factors)
    value = float(matched.weights @ left)
    group = without_effects(second.astype(np.float64), matched.factors)
    return value, matched.weights * (left - value * group)


def _means(made: Difference, values: Values, second: Mask, matched: Match, clusters: Clusters) -> Difference:
    value, scores = _scores(values, second, matched)
    spread = spread_of(scores, clusters.days, clusters.videos, matched.lost)
    made = replace(made, value=value)
    if spread is None or not spread.error:
        return made
    return replace(
        made,
        low=value - spread.reach,
        high=value + spread.reach,
        chance=_chance(value, spread),
        is_of_these_days=spread.is_of_these_days,
    )


def _chance(value: float, spread: Spread) -> float:
    """Return how probable a difference as large is where there is none, by the jackknife's somewhat larger variance."""
    error = spread.error * math.sqrt(1 + 1 / spread.degrees)
    return two_sided_chance(value / error, spread.degrees)


def _medians(made: Difference, values: Values, second: Mask, matched: Match, clusters: Clusters) -> Difference:
    """The interval of the share below the median, read back in the second group's values (Woodruff 1952)."""
    weights = np.maximum(np.where(second, matched.weights, -matched.weights), 0.0)
    first, other = (WeightedValues(values[mask], weights[mask]) for mask in (~second, second))
    middle, own = first.quantile(0.5), other.quantile(0.5)
    if middle is None or own is None or middle <= 0:
        return made
    _, scores = _scores((values <= np.where(second, own, middle)).astype(np.float64), second, matched)
    spread = spread_of(scores, clusters.days, clusters.videos, matched.lost)
    made = replace(made, value=own / middle - 1)
    if spread is None or not spread.error:
        return made
    low, high = (other.quantile(0.5 + side * spread.reach) for side in (-1, 1))
    same, _ = _scores((values <= middle).astype(np.float64), second, matched)
    return replace(
        made,
        low=None if low is None else low / middle - 1,
        high=None if high is None else high / middle - 1,
        chance=_chance(same, spread),
        is_of_these_days=spread.is_of_these_days,
    )


class WeightedValues:
    """Quantiles of values that do not count alike; infinite ones were never reached."""

    def __init__(self, values: Values, weights: Values) -> None:
        order = np.argsort(values, kind="stable")
        self._values = values[order]
        total = np.cumsum(weights[order])
        self._shares = total / total[-1] if len(total) and total[-1] > 0 else total

    def quantile(self, ratio: float) -> float | None:
        """Return the least value with at least that share at or below it. None where it was never reached."""
        position = int(np.searchsorted(self._shares, min(max(ratio, 1e-9), 1.0) - 1e-12))
        if position >= len(self._values) or np.isinf(self._values[position]):
            return None
        return float(self._values[position])


def group_spread(above: Values, below: Values, clusters: Clusters) -> Spread | None:
    """Return the spread of a ratio of sums: numerator and denominator by row, or summed by day and group of videos."""
    total = float(below.sum())
    if total <= 0:
        return None
    is_there = (below != 0) | (above != 0)
    scores = (above - float(above.sum()) / total * below) / total
    kept = clusters.masked(is_there)
    return spread_of(scores[is_there], kept.days, kept.videos)
