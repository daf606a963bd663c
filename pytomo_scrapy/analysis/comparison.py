"""Groups of measurements compared with the first of them: figures, differences, and how sure they are. Pure.

Arrays go in and results come out; nothing here knows of a database. `pytomo_scrapy.analysis.compared` reads the arrays
of a selection. Definitions and what simulated studies say of the intervals: docs/metrics.md, "Comparisons".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytomo_scrapy.analysis.clustered import Cells, Spread, cells_of, spread_in, spread_of
from pytomo_scrapy.analysis.columnar.passing import side_by_side
from pytomo_scrapy.analysis.matching import Design, Match, design_of, match
from pytomo_scrapy.analysis.strata_test import shown_by_holm
from pytomo_scrapy.analysis.student_t import two_sided_chance
from pytomo_scrapy.analysis.weighted_values import WeightedValues

LEAST_ROWS = 20  # of each group: below, nothing is said
MANY_ROWS = 100_000  # below, a second thread takes longer to begin than it saves

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
    tasks = _tasks(rows, group_count, is_of_times)
    # Each holds some 70 MB of a million rows while it lasts.
    is_large = len(rows.groups) >= MANY_ROWS
    of_tasks = side_by_side(_compared, tasks) if is_large else map(_compared, tasks)
    by_name = {(one.group, one.figure): one for part in of_tasks for one in part}
    found = [by_name[group, figure.name] for group in range(1, group_count) for figure in rows.figures]
    chances = {
        f"{one.group} {one.figure}": one.chance for one in found if one.chance is not None and one.value is not None
    }
    shown = shown_by_holm(chances)
    return [replace(one, is_shown=f"{one.group} {one.figure}" in shown) for one in found]


@dataclass(frozen=True, slots=True)
class _TwoGroups:
    """The rows of the first group and of another one."""

    group: int
    rows: Integers  # their places among all rows
    design: Design
    cells: Cells

    def known(self, figure: ComparedFigure) -> Mask:
        """Return of which rows a figure is known."""
        return ~np.isnan(figure.values[self.rows])

    def matched(self, is_known: Mask, *, is_of_times: bool) -> _Matched | None:
        """Return what the rows whose figure is known are matched by. None: too few rows."""
        design, cells = self.design, self.cells
        if not is_known.all():
            known = np.flatnonzero(is_known)
            design, cells = design.taken(known), cells.taken(known)
        second_count = int(design.is_second.sum())
        if min(second_count, len(design.is_second) - second_count) < LEAST_ROWS:
            return None
        found = match(design, is_of_times=is_of_times)
        if found is None:
            return None
        second = design.is_second
        if not found.is_used.all():
            used = np.flatnonzero(found.is_used)
            second, cells = second[used], cells.taken(used)
        return _Matched(found, second, cells)


@dataclass(frozen=True, slots=True)
class _Matched:
    """What rows are matched by, and of those used which are of the second group, and their cells."""

    match: Match
    second: Mask
    cells: Cells

    def spread(self, scores: Values) -> Spread | None:
        """Return how far a figure moves by the scores of the rows used."""
        return spread_in(self.cells, scores, self.match.lost)


def _two_groups(rows: ComparedRows, group: int) -> _TwoGroups:
    places = np.flatnonzero((rows.groups == 0) | (rows.groups == group))
    design = design_of(rows.groups[places] == group, rows.started_s[places], rows.videos[places], rows.pairs[places])
    return _TwoGroups(group, places, design, cells_of(rows.clusters.days[places], rows.clusters.videos[places]))


class _Task(NamedTuple):
    """Figures that are known of the same rows of two groups."""

    two: _TwoGroups
    figures: Sequence[ComparedFigure]
    is_of_times: bool


def _tasks(rows: ComparedRows, group_count: int, is_of_times: bool) -> Iterator[_Task]:
    for group in range(1, group_count):
        # Who measured what when is the same for all figures of a group, and some are known of the same rows.
        two = _two_groups(rows, group)
        alike: dict[bytes, list[ComparedFigure]] = {}
        for figure in rows.figures:
            alike.setdefault(sha256(np.packbits(two.known(figure)).tobytes()).digest(), []).append(figure)
        for figures in alike.values():
            yield _Task(two, figures, is_of_times)


def _compared(task: _Task) -> list[Difference]:
    is_known = task.two.known(task.figures[0])
    matched = task.two.matched(is_known, is_of_times=task.is_of_times)
    return [_difference(task.two, figure, is_known, matched, task.is_of_times) for figure in task.figures]


def _difference(
    two: _TwoGroups, figure: ComparedFigure, is_known: Mask, matched: _Matched | None, is_of_times: bool
) -> Difference:
    nothing = Difference(figure.name, two.group)
    if matched is None:
        return nothing
    values = figure.values[two.rows][is_known]
    if not matched.match.is_used.all():
        values = values[matched.match.is_used]
    nothing = replace(nothing, basis=matched.match.basis, row_count=len(values))
    compare = _medians if figure.way is Way.MEDIAN else _means
    found, is_larger = compare(nothing, values, matched)
    found = replace(found, is_worse=found.value is not None and is_larger == figure.is_better_low)
    # Groups that were never measured at the same time differ in more than their name.
    return found if matched.match.is_comparable or not is_of_times else replace(found, chance=None)


def _scores(column: Values, matched: Match) -> tuple[float, Values]:
    """Return the difference of a column's mean between the groups, like with like, and the score of each row."""
    left = matched.effects.left_of(column)
    value = float(matched.weights @ left)
    left -= value * matched.group
    left *= matched.weights
    return value, left


def _value(column: Values, matched: Match) -> float:
    """Return the difference alone: weights that no effect is left in meet nothing of an effect in the column."""
    return float(matched.weights @ (column if matched.effects.is_exact else matched.effects.left_of(column)))


def _means(made: Difference, values: Values, matched: _Matched) -> tuple[Difference, bool]:
    """Return the difference, and whether the second group's figure is the larger one."""
    value, scores = _scores(values, matched.match)
    spread = matched.spread(scores)
    made = replace(made, value=value)
    if spread is None or not spread.error:
        return made, value > 0
    made = replace(
        made,
        low=value - spread.reach,
        high=value + spread.reach,
        chance=_chance(value, spread),
        is_of_these_days=spread.is_of_these_days,
    )
    return made, value > 0


def _chance(value: float, spread: Spread) -> float:
    """Return how probable a difference as large is where there is none, by the jackknife's somewhat larger variance."""
    return two_sided_chance(value / _error(spread), spread.degrees)


def _error(spread: Spread) -> float:
    return spread.error * math.sqrt(1 + 1 / spread.degrees)


def _medians(made: Difference, values: Values, matched: _Matched) -> tuple[Difference, bool]:
    """The interval of the share below the median, half of it read back in each group's values (Woodruff 1952).

    With whether the second group's values are the larger ones: where both medians lie in one lump, by the test.
    """
    # Negative weights stay: without them videos and days would not be the same in both groups.
    second, weights = matched.second, matched.match.weights
    # By their places: a mask of two groups in turn takes five times as long.
    of_first, of_second = np.flatnonzero(~second), np.flatnonzero(second)
    first = WeightedValues(values[of_first], -weights[of_first])
    other = WeightedValues(values[of_second], weights[of_second])
    middle, own = first.quantile(0.5), other.quantile(0.5)
    if middle is None or own is None or middle <= 0:
        return made, False
    _, scores = _scores((values <= np.where(second, own, middle)).astype(np.float64), matched.match)
    spread = matched.spread(scores)
    value = own / middle - 1
    made = replace(made, value=value)
    if spread is None or not spread.error:
        return made, value > 0
    half = _error(spread) / spread.error * spread.reach / 2
    low, high = _ratio(other, first, -half), _ratio(other, first, half)
    same = _value((values <= middle).astype(np.float64), matched.match)
    made = replace(
        made,
        low=None if low is None else low - 1,
        high=None if high is None else high - 1,
        chance=_chance(same, spread),
        is_of_these_days=spread.is_of_these_days,
    )
    return made, value > 0 or (value == 0 and same < 0)


def _ratio(other: WeightedValues, first: WeightedValues, half: float) -> float | None:
    """Return the ratio of the medians, one moved by `half` as a share and the other against it. None: no bound."""
    above, below = other.quantile(0.5 + half), first.quantile(0.5 - half)
    if below is None:
        return 0.0  # the first group's may be as long as any
    return above / below if above is not None and below > 0 else None


def group_spread(above: Values, below: Values, clusters: Clusters) -> Spread | None:
    """Return the spread of a ratio of sums: numerator and denominator by row, or summed by day and group of videos."""
    total = float(below.sum())
    if total <= 0:
        return None
    is_there = (below != 0) | (above != 0)
    scores = (above - float(above.sum()) / total * below) / total
    kept = clusters.masked(is_there)
    return spread_of(scores[is_there], kept.days, kept.videos)
