"""Distributions in bounded size: histograms of 1 % bins, CDF and quantiles from them, scatter and heat map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sqlalchemy import Connection

from pytomo_scrapy.analysis.columnar.blocks import Places, Values
from pytomo_scrapy.analysis.columnar.scan import Counts, Mask, Rows, Scan, top_groups
from pytomo_scrapy.analysis.figures import Figure
from pytomo_scrapy.analysis.selection import MAX_GROUPS, Selection, labels_of

# Bins of 1 %: a quantile from them is within half of that.
BIN_RATIO = 1.01
_LEAST = 1e-4
MAX_STEPS = 16_384  # up to 1e-4 * 1.01 ** 8192, which is beyond every figure
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


def log_bins(values: Values) -> Places:
    """Return the bins of 1 % that values fall into, -1 for NaN; 0, and what is smaller than the least, is in bin 0."""
    with np.errstate(invalid="ignore"):
        bins = np.log(np.maximum(values, _LEAST) / _LEAST) / math.log(BIN_RATIO)
    return np.where(np.isnan(values), -1, np.minimum(np.nan_to_num(bins), MAX_STEPS // 2 - 1)).astype(np.int64)


def steps_of(rows: Rows, parameter: Figure) -> Places:
    """Return for each row its step in a histogram, -1 where its value is not known or is not asked of it.

    A step is twice the bin, and one more where the row never got there: of one bin, those that did come first.
    """
    value = rows.value(parameter.name)
    if not parameter.is_censored:
        bins = log_bins(value)
        return np.where(bins >= 0, 2 * bins, -1)
    bins = log_bins(rows.waited(parameter.name))
    is_asked = (rows.plain("is_session") == 1) & (bins >= 0)
    return np.where(is_asked, 2 * bins + np.isnan(value), -1)


class Histogram:
    """Counts by step. Quantiles from them are Kaplan-Meier's, the same as of `survival.survival_quantile`."""

    def __init__(self, steps: Places, counts: Places) -> None:
        is_reached = steps % 2 == 0
        self.row_count = int(counts.sum())
        self.known_count = int(counts[is_reached].sum())
        waiting = self.row_count - np.cumsum(counts) + counts
        left = np.cumprod(np.where(is_reached, 1 - counts / np.maximum(waiting, 1), 1.0))
        self.bins = steps[is_reached] // 2
        self.shares: Values = 1 - left[is_reached]  # up to the end of each of the bins

    def quantile(self, ratio: float) -> float | None:
        """Return the middle of the bin by which that share had got there. None where too few ever did."""
        place = int(np.searchsorted(self.shares, ratio - 1e-12))
        return bin_middle(int(self.bins[place])) if place < len(self.bins) else None


def bin_middle(place: int) -> float:
    """Return the value in the middle of a bin."""
    return 0.0 if place == 0 else float(_LEAST * BIN_RATIO ** (place + 0.5))


def bin_end(place: int) -> float:
    """Return the value where a bin ends."""
    return float(_LEAST * BIN_RATIO ** (place + 1))


def curves(
    connection: Connection, selection: Selection, parameter: Figure, *, compare: str | None = None
) -> tuple[list[Curve], int]:
    """Return the distribution of a figure, a curve for each group, and how many further groups are left out."""
    groups: list[Any] = [None]
    left_out = 0
    if compare is not None:
        groups, left_out = top_groups(Scan(connection, selection, parameter, compare), MAX_GROUPS)
    scan = Scan(connection, selection, parameter, compare)
    counts: list[Counts] = [Counts() for _ in groups]
    unknown = [0] * len(groups)
    for rows in scan:
        steps = steps_of(rows, parameter)
        is_asked = rows.plain("is_session") == 1 if parameter.is_censored else np.full(len(rows), True)
        numbers = scan.groups(rows) if compare is not None else None
        for place, group in enumerate(groups):
            own = is_asked if numbers is None else is_asked & (numbers == scan.group_number(group))
            counts[place].add(steps[own & (steps >= 0)])
            unknown[place] += int((own & (steps < 0)).sum())
    labels = labels_of(connection, compare, groups) if compare is not None else ["all"]
    rows_of = zip(labels, groups, counts, unknown, strict=True)
    return [_curve(label, group, Histogram(*one.merged()), lost) for label, group, one, lost in rows_of], left_out


def _curve(label: str, group: Any, histogram: Histogram, unknown: int) -> Curve:
    return Curve(
        label=label,
        group=None if group is None else str(group),
        value=[bin_end(place) for place in histogram.bins.tolist()],
        share=histogram.shares.tolist(),
        known_count=histogram.known_count,
        censored_count=histogram.row_count - histogram.known_count,
        unknown_count=unknown,
        median=histogram.quantile(0.5),
    )


def scatter(connection: Connection, selection: Selection, x: Figure, y: Figure) -> Scatter:
    """Return at most about MAX_SCATTER_POINTS points of the rows that have both figures."""
    scan = Scan(connection, selection, x if x.is_playback else y)
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


def _has_both(rows: Rows, x: Figure, y: Figure) -> Mask:
    return ~np.isnan(rows.value(x.name)) & ~np.isnan(rows.value(y.name))


def heat_map(connection: Connection, selection: Selection, parameter: Figure, offset_s: int) -> HeatMap:
    """Return the figure by hour of the week, on clocks that are `offset_s` ahead of UTC."""
    total, known = np.zeros(HOURS_OF_WEEK), np.zeros(HOURS_OF_WEEK, dtype=np.int64)
    counts = Counts()
    for rows in Scan(connection, selection, parameter):
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
    return HeatMap([one.quantile(0.5) for one in hours], [one.row_count for one in hours], offset_s)
