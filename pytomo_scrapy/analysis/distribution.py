"""Distributions of a figure in bounded size: CDF, one figure against another, and by hour of the week."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sqlalchemy import Connection

from pytomo_scrapy.analysis.columnar.counts import Counts
from pytomo_scrapy.analysis.columnar.scan import ColumnScan, Mask, SelectedRows, top_groups
from pytomo_scrapy.analysis.figures import Figure
from pytomo_scrapy.analysis.histogram import MAX_STEPS, Histogram, bin_end, steps_of
from pytomo_scrapy.analysis.selection import MAX_GROUPS, Selection, labels_of

MAX_SCATTER_POINTS = 3000
HOURS_OF_WEEK = 168


@dataclass(frozen=True, slots=True)
class Curve:
    """A cumulative distribution: up to `value[i]` there is `share[i]` of all."""

    label: str
    group: str | None
    value: list[float]
    share: list[float]
    known_count: int
    censored_count: int
    unknown_count: int
    median: float | None
    failed_count: int = 0  # sessions that would never have got there

    @property
    def row_count(self) -> int:
        """Return how many rows it is of."""
        return self.known_count + self.censored_count + self.failed_count + self.unknown_count


@dataclass(frozen=True, slots=True)
class Scatter:
    """Points of two figures. `shown_count` of `known_count` rows, chosen evenly by a hash of their ids."""

    x: list[float]
    y: list[float]
    measurement_id: list[int]
    known_count: int


@dataclass(frozen=True, slots=True)
class HeatMap:
    """For each hour of the week, Monday 0 h first: the mean (of censored figures the median) and the number of rows."""

    value: list[float | None]
    count: list[int]
    offset_s: int


def curves(
    connection: Connection, selection: Selection, parameter: Figure, *, compare: str | None = None
) -> tuple[list[Curve], int]:
    """Return the distribution of a figure, a curve for each group, and how many further groups are left out."""
    groups: list[Any] = [None]
    left_out = 0
    if compare is not None:
        groups, left_out = top_groups(ColumnScan(connection, selection, parameter, compare), MAX_GROUPS)
    scan = ColumnScan(connection, selection, parameter, compare)
    counts: list[Counts] = [Counts() for _ in groups]
    unknown = [0] * len(groups)
    for rows in scan:
        steps = steps_of(rows, parameter)
        # Others than sessions were never on the way to a figure that can end early: they would count as unknown.
        is_asked = rows.plain("is_session") == 1 if parameter.is_censored else np.full(len(rows), True)
        numbers = scan.groups(rows) if compare is not None else None
        for group_index, group in enumerate(groups):
            own = is_asked if numbers is None else is_asked & (numbers == scan.group_number(group))
            counts[group_index].add(steps[own & (steps >= 0)])
            unknown[group_index] += int((own & (steps < 0)).sum())
    labels = labels_of(connection, compare, groups) if compare is not None else ["all"]
    rows_of = zip(labels, groups, counts, unknown, strict=True)
    return [_curve(label, group, Histogram(*count.merged()), lost) for label, group, count, lost in rows_of], left_out


def _curve(label: str, group: Any, histogram: Histogram, unknown: int) -> Curve:
    return Curve(
        label=label,
        group=None if group is None else str(group),
        value=[bin_end(bin_number) for bin_number in histogram.bins.tolist()],
        share=histogram.shares.tolist(),
        known_count=histogram.known_count,
        censored_count=histogram.row_count - histogram.known_count - histogram.failed_count,
        failed_count=histogram.failed_count,
        unknown_count=unknown,
        median=histogram.quantile(0.5),
    )


def scatter(connection: Connection, selection: Selection, x: Figure, y: Figure) -> Scatter:
    """Return at most about MAX_SCATTER_POINTS points of the rows that have both figures."""
    scan = ColumnScan(connection, selection, x if x.is_playback else y)
    known = sum(int(_has_both(rows, x, y).sum()) for rows in scan)
    found: list[list[Any]] = [[], [], []]
    for rows in scan:
        ids = rows.whole("measurement_id")
        shown = _has_both(rows, x, y)
        if known > MAX_SCATTER_POINTS:
            # A multiplicative hash of the id: neighbours, which one crawl measured in turn, are thinned independently.
            shown &= ((ids % 65536) * 40503) % 65536 < 65536 * MAX_SCATTER_POINTS // known
        for column, values in zip(found, (rows.value(x.name), rows.value(y.name), ids), strict=True):
            column += values[shown].tolist()
    return Scatter(found[0], found[1], found[2], known)


def _has_both(rows: SelectedRows, x: Figure, y: Figure) -> Mask:
    return ~np.isnan(rows.value(x.name)) & ~np.isnan(rows.value(y.name))


def heat_map(connection: Connection, selection: Selection, parameter: Figure, offset_s: int) -> HeatMap:
    """Return the figure by hour of the week, on clocks that are `offset_s` ahead of UTC."""
    total, known = np.zeros(HOURS_OF_WEEK), np.zeros(HOURS_OF_WEEK, dtype=np.int64)
    counts = Counts()
    for rows in ColumnScan(connection, selection, parameter):
        # 1970 began on a Thursday, three days after a Monday.
        hour = (rows.whole("started_s") + (offset_s + 3 * 86400)) // 3600 % HOURS_OF_WEEK
        if parameter.is_censored:
            steps = steps_of(rows, parameter)
            counts.add(hour[steps >= 0] * MAX_STEPS + steps[steps >= 0])
            continue
        values = rows.value(parameter.name)
        is_known = ~np.isnan(values)
        known += np.bincount(hour[is_known], minlength=HOURS_OF_WEEK)
        total += np.bincount(hour[is_known], weights=values[is_known], minlength=HOURS_OF_WEEK)
    if not parameter.is_censored:
        means = [s / n if n else None for s, n in zip(total.tolist(), known.tolist(), strict=True)]
        return HeatMap(means, known.tolist(), offset_s)
    keys, sizes = counts.merged()
    ends = np.searchsorted(keys, np.arange(HOURS_OF_WEEK + 1) * MAX_STEPS)
    hours = [Histogram(keys[a:b] % MAX_STEPS, sizes[a:b]) for a, b in pairwise(ends)]
    return HeatMap(
        [hour_histogram.quantile(0.5) for hour_histogram in hours],
        [hour_histogram.row_count for hour_histogram in hours],
        offset_s,
    )
