"""Time series of one figure: buckets that hold enough rows to say something, summed up over packed columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection

from pytomo_scrapy.analysis.columnar.blocks import Integers
from pytomo_scrapy.analysis.columnar.counts import Counts
from pytomo_scrapy.analysis.columnar.scan import ColumnScan, SelectedRows, top_groups
from pytomo_scrapy.analysis.daily.daily_read import LABEL, DayTally, days_of_figure, largest_groups
from pytomo_scrapy.analysis.daily.daily_tally import Tally
from pytomo_scrapy.analysis.era import Change
from pytomo_scrapy.analysis.figures import Figure
from pytomo_scrapy.analysis.histogram import MAX_STEPS, Histogram, steps_of
from pytomo_scrapy.analysis.selection import MAX_GROUPS, Selection, labels_of
from pytomo_scrapy.analysis.wilson import wilson_interval

MAX_BUCKETS = 600
MAX_CENSORED_BUCKETS = 120
LEAST_ROWS = 30  # of a bucket, unless its width is chosen
FEW_ROWS = 10  # a point of fewer is drawn faint
# Widths that a person can name, in seconds.
_DAY = 86400
WIDTHS: tuple[int, ...] = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(hours * 3600 for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 7, 30, 90, 365)),
)
CHOSEN_WIDTHS = {"hour": 3600, "day": _DAY, "week": 7 * _DAY}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: for each bucket the mean (of censored figures the median), a band and the count.

    The band of a share is its 95 % interval by Wilson; of other figures it reaches from 10 to 90 % of the rows.
    """

    label: str
    group: str | None
    value: list[float | None]
    low: list[float | None]
    high: list[float | None]
    count: list[int]
    known_count: int
    unknown_count: int
    mean: float | None
    median: float | None = None  # of censored figures, which have no mean


@dataclass(frozen=True, slots=True)
class Series:
    """A chart in SI units. `start_s[i]` is where bucket i begins."""

    parameter: Figure
    width_s: int
    start_s: list[int]
    lines: list[Line]
    left_out_count: int = 0  # further groups that are not drawn
    breaks: list[Change] = field(default_factory=list)


def width_for(length_s: int, buckets: int) -> int:
    """Return the narrowest nameable width that needs at most `buckets` buckets."""
    return next((width for width in WIDTHS if length_s <= width * buckets), WIDTHS[-1])


@dataclass(frozen=True, slots=True)
class Buckets:
    """How time is cut: at most `most` buckets, of LEAST_ROWS rows or more, or `width_s` where it was chosen."""

    most: int = MAX_BUCKETS
    width_s: int | None = None


def series(
    connection: Connection,
    selection: Selection,
    parameter: Figure,
    *,
    compare: str | None = None,
    buckets: Buckets = Buckets(),
) -> Series:
    """Return the figure over time, of a selection whose era is settled."""
    groups: list[Any] = [None]
    left_out = 0
    if compare is not None:
        groups, left_out = top_groups(ColumnScan(connection, selection, parameter, compare), MAX_GROUPS)
    width_s = _width(connection, selection, parameter, buckets, max(len(groups), 1))
    first_s = selection.start_s - selection.start_s % width_s
    grid = _Grid(first_s, width_s, -(-(selection.end_s - first_s) // width_s))
    scan = ColumnScan(connection, selection, parameter, compare)
    cells, medians = _read(scan, parameter, grid, groups) if groups else (defaultdict(dict), {})
    days = days_of_figure(connection, selection, parameter, compare)
    day_groups = largest_groups(days) if compare is not None else [None] if days else []
    day_cells = _read_days(days, parameter, grid)
    # The days have all there is: a line without a point would only be a name in the legend.
    if day_groups and compare is None and not cells[None]:
        groups = []
    numbers = sorted(
        {cell for group_cells in (cells, day_cells) for group in group_cells for cell in group_cells[group]}
    )
    lines = [
        replace(
            _line(label, group, [group_cells[group].get(cell) for cell in numbers], parameter),
            median=medians.get(group) if own is groups else None,
        )
        for own, group_cells, word in ((groups, cells, "{}"), (day_groups, day_cells, "{} (" + LABEL + ")"))
        for label, group in zip(_labels(connection, compare, own, word), own, strict=True)
    ]
    starts = [first_s + cell * width_s for cell in numbers]
    return Series(parameter, width_s, starts, lines, left_out, list(selection.era.changes))


def _width(connection: Connection, selection: Selection, parameter: Figure, buckets: Buckets, line_count: int) -> int:
    """Return the width of the buckets: the narrowest that is allowed and leaves enough rows in nearly all of them."""
    limit = min(buckets.most, MAX_CENSORED_BUCKETS) if parameter.is_censored else buckets.most
    narrowest = width_for(selection.length_s, limit)
    if buckets.width_s is not None:
        return max(buckets.width_s, narrowest)
    counts = Counts()
    for rows in ColumnScan(connection, selection, parameter):
        counts.add(rows.whole("started_s") // narrowest)
    numbers, sizes = counts.merged()
    for width in WIDTHS:
        if width < narrowest:
            continue
        _, index = np.unique(numbers * narrowest // width, return_inverse=True)
        in_bucket = np.bincount(index, weights=sizes)
        # The first and the last bucket may be cut by the period.
        if int((in_bucket < LEAST_ROWS * line_count).sum()) <= max(2, len(in_bucket) // 10):
            return width
    return WIDTHS[-1]


def _labels(connection: Connection, compare: str | None, groups: Sequence[Any], word: str) -> list[str]:
    labels = labels_of(connection, compare, list(groups)) if compare is not None else ["all"] * len(groups)
    return [word.format(label) for label in labels]


@dataclass(frozen=True, slots=True)
class _Cell:
    value: float | None
    low: float | None
    high: float | None
    known_count: int
    row_count: int


_Cells = defaultdict[Any, dict[int, _Cell]]


@dataclass(frozen=True, slots=True)
class _Grid:
    """The buckets of time of a chart."""

    first_s: int
    width_s: int
    size: int

    def cells(self, started: Integers) -> Integers:
        """Return the bucket of each row."""
        found: Integers = (started - self.first_s) // self.width_s
        return found


def _keys(scan: ColumnScan, rows: SelectedRows, grid: _Grid, groups: Sequence[Any]) -> tuple[SelectedRows, Integers]:
    """Return the rows of the groups that are drawn, and for each its group and cell in one number."""
    if groups == [None]:
        return rows, grid.cells(rows.whole("started_s"))
    numbers = scan.groups(rows)
    group_index = np.full(len(rows), -1, dtype=np.int64)
    for index, group in enumerate(groups):
        group_index[numbers == scan.group_number(group)] = index
    drawn_rows = rows.masked(group_index >= 0)
    return drawn_rows, group_index[group_index >= 0] * grid.size + grid.cells(drawn_rows.whole("started_s"))


def _read(
    scan: ColumnScan, parameter: Figure, grid: _Grid, groups: Sequence[Any]
) -> tuple[_Cells, dict[Any, float | None]]:
    """Return the buckets of each group, and of a censored figure the median of each group."""
    size = grid.size * len(groups)
    total, row_counts = np.zeros(size), np.zeros(size, dtype=np.int64)
    counts = Counts()
    for found in scan:
        rows, keys = _keys(scan, found, grid, groups)
        values, steps = rows.value(parameter.name), steps_of(rows, parameter)
        row_counts += np.bincount(keys, minlength=size)
        is_known = ~np.isnan(values)
        total += np.bincount(keys[is_known], weights=values[is_known], minlength=size)
        counts.add(keys[steps >= 0] * MAX_STEPS + steps[steps >= 0])
    keys, sizes = counts.merged()
    ends = np.searchsorted(keys, np.arange(size + 1) * MAX_STEPS)
    cells: _Cells = defaultdict(dict)
    for key in np.flatnonzero(row_counts).tolist():
        begin, end = ends[key], ends[key + 1]
        histogram = Histogram(keys[begin:end] % MAX_STEPS, sizes[begin:end])
        group, cell = divmod(key, grid.size)
        rows_of_cell = histogram.row_count if parameter.is_censored else int(row_counts[key])
        if rows_of_cell:
            cells[groups[group]][cell] = _cell(parameter, float(total[key]), histogram, rows_of_cell)
    if not parameter.is_censored:
        return cells, {}
    bounds = ends[:: max(grid.size, 1)]
    medians = {
        group: Histogram(keys[begin:end] % MAX_STEPS, sizes[begin:end]).quantile(0.5)
        for group, begin, end in zip(groups, bounds[:-1], bounds[1:], strict=True)
    }
    return cells, medians


def _cell(parameter: Figure, total: float, histogram: Histogram, row_count: int) -> _Cell:
    known = histogram.known_count
    if not known:
        return _Cell(None, None, None, 0, row_count)
    low, middle, high = (histogram.quantile(ratio) for ratio in (0.1, 0.5, 0.9))
    if not parameter.is_censored:
        middle = total / known
    if parameter.is_flag:
        low, high = wilson_interval(round(total), known) or (None, None)
    return _Cell(middle, low, high, known, row_count)


def _read_days(days: Sequence[DayTally], parameter: Figure, grid: _Grid) -> _Cells:
    """Add up the days whose measurements were deleted: a day is where it begins."""
    total: defaultdict[Any, defaultdict[int, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for day in days:
        total[day.group][int(grid.cells(np.array([day.day_s], dtype=np.int64))[0])] += day.tally
    cells: _Cells = defaultdict(dict)
    for group, tallies in total.items():
        for cell, tally in tallies.items():
            cells[group][cell] = _cell(parameter, tally.total, tally.histogram, tally.row_count)
    return cells


def _line(label: str, group: Any, cells: Sequence[_Cell | None], parameter: Figure) -> Line:
    known = sum(cell.known_count for cell in cells if cell)
    rows = sum(cell.row_count for cell in cells if cell)
    total = sum(cell.value * cell.known_count for cell in cells if cell and cell.value is not None)
    return Line(
        label=label,
        group=None if group is None else str(group),
        value=[cell.value if cell else None for cell in cells],
        low=[cell.low if cell else None for cell in cells],
        high=[cell.high if cell else None for cell in cells],
        count=[cell.row_count if cell else 0 for cell in cells],
        known_count=known,
        unknown_count=rows - known,
        mean=total / known if known and not parameter.is_censored else None,
    )
