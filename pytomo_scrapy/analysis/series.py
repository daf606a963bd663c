"""Time series of one figure: at most MAX_BUCKETS buckets, summed up over packed columns, and never across a change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection

from pytomo_scrapy.analysis.breaks import Break
from pytomo_scrapy.analysis.columnar.blocks import Integers
from pytomo_scrapy.analysis.columnar.scan import ColumnScan, Counts, SelectedRows, top_groups
from pytomo_scrapy.analysis.daily.daily_read import LABEL, DayTally, days_of_figure, largest_groups
from pytomo_scrapy.analysis.daily.daily_tally import Tally
from pytomo_scrapy.analysis.figures import Figure
from pytomo_scrapy.analysis.histogram import MAX_STEPS, Histogram, steps_of
from pytomo_scrapy.analysis.selection import MAX_GROUPS, Selection, labels_of

MAX_BUCKETS = 600
MAX_CENSORED_BUCKETS = 120
# Widths that a person can name, in seconds.
_DAY = 86400
WIDTHS: tuple[int, ...] = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(hours * 3600 for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 7, 30, 90, 365)),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: for each bucket the mean (of censored figures the median), range and count."""

    label: str
    group: str | None
    value: list[float | None]
    low: list[float | None]
    high: list[float | None]
    count: list[int]
    known_count: int
    unknown_count: int
    mean: float | None


@dataclass(frozen=True, slots=True)
class Series:
    """A chart in SI units. `start_s[i]` is where bucket i begins."""

    parameter: Figure
    width_s: int
    start_s: list[int]
    lines: list[Line]
    left_out_count: int = 0  # further groups that are not drawn
    breaks: list[Break] = field(default_factory=list)


def width_for(length_s: int, buckets: int) -> int:
    """Return the narrowest nameable width that needs at most `buckets` buckets."""
    return next((width for width in WIDTHS if length_s <= width * buckets), WIDTHS[-1])


def series(
    connection: Connection,
    selection: Selection,
    parameter: Figure,
    *,
    compare: str | None = None,
    buckets: int = MAX_BUCKETS,
    breaks: Sequence[Break] = (),
) -> Series:
    """Return the figure over time. Rows on both sides of a break are never in one bucket."""
    groups: list[Any] = [None]
    left_out = 0
    if compare is not None:
        groups, left_out = top_groups(ColumnScan(connection, selection, parameter, compare), MAX_GROUPS)
    limit = min(buckets, MAX_CENSORED_BUCKETS) if parameter.is_censored else buckets
    width_s = width_for(selection.length_s, limit)
    first_s = selection.start_s - selection.start_s % width_s
    grid = _Grid(first_s, width_s, -(-(selection.end_s - first_s) // width_s), sorted(change.at_s for change in breaks))
    scan = ColumnScan(connection, selection, parameter, compare)
    read = _read_censored if parameter.is_censored else _read_means
    cells = read(scan, parameter, grid, groups) if groups else defaultdict(dict)
    days = days_of_figure(connection, selection, parameter, compare)
    day_groups = largest_groups(days) if compare is not None else [None] if days else []
    day_cells = _read_days(days, parameter, grid)
    if day_groups and compare is None and not cells[None]:
        groups = []
    cell_keys = sorted(
        {
            bucket_and_era
            for group_cells in (cells, day_cells)
            for group in group_cells
            for bucket_and_era in group_cells[group]
        }
    )
    starts = [_start_s(bucket_and_era, first_s, width_s, breaks) for bucket_and_era in cell_keys]
    lines = [
        _line(label, group, [group_cells[group].get(bucket_and_era) for bucket_and_era in cell_keys], parameter)
        for own, group_cells, word in ((groups, cells, "{}"), (day_groups, day_cells, "{} (" + LABEL + ")"))
        for label, group in zip(_labels(connection, compare, own, word), own, strict=True)
    ]
    return Series(parameter, width_s, starts, lines, left_out, list(breaks))


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


_Cells = defaultdict[Any, dict[tuple[int, int], _Cell]]


@dataclass(frozen=True, slots=True)
class _Grid:
    """The cells of a chart: eras between breaks, and buckets of time in each."""

    first_s: int
    width_s: int
    bucket_count: int
    breaks_s: Sequence[int]

    @property
    def size(self) -> int:
        return self.bucket_count * (len(self.breaks_s) + 1)

    def cells(self, started: Integers) -> Integers:
        """Return the cell of each row."""
        era = np.searchsorted(np.array(self.breaks_s, dtype=np.int64), started, side="right")
        found: Integers = era * self.bucket_count + (started - self.first_s) // self.width_s
        return found

    def bucket_and_era(self, cell: int) -> tuple[int, int]:
        """Return the bucket and the era of a cell."""
        era, bucket = divmod(cell, self.bucket_count)
        return bucket, era


def _start_s(bucket_and_era: tuple[int, int], first_s: int, width_s: int, breaks: Sequence[Break]) -> int:
    """A bucket that a break cuts in two begins, for its second half, at the break."""
    bucket, era = bucket_and_era
    start_s = first_s + bucket * width_s
    return max(start_s, sorted(change.at_s for change in breaks)[era - 1]) if era else start_s


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


def _read_means(scan: ColumnScan, parameter: Figure, grid: _Grid, groups: Sequence[Any]) -> _Cells:
    size = grid.size * len(groups)
    total, known, row_counts = np.zeros(size), np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    for found in scan:
        rows, keys = _keys(scan, found, grid, groups)
        values = rows.value(parameter.name)
        row_counts += np.bincount(keys, minlength=size)
        is_known = ~np.isnan(values)
        keys, values = keys[is_known], values[is_known]
        known += np.bincount(keys, minlength=size)
        total += np.bincount(keys, weights=values, minlength=size)
        np.minimum.at(low, keys, values)
        np.maximum.at(high, keys, values)
    cells: _Cells = defaultdict(dict)
    for key in np.flatnonzero(row_counts).tolist():
        group, cell = divmod(key, grid.size)
        count = int(known[key])
        known_cell = _Cell(
            float(total[key]) / max(count, 1), float(low[key]), float(high[key]), count, int(row_counts[key])
        )
        cells[groups[group]][grid.bucket_and_era(cell)] = (
            known_cell if count else _Cell(None, None, None, 0, int(row_counts[key]))
        )
    return cells


def _read_censored(scan: ColumnScan, parameter: Figure, grid: _Grid, groups: Sequence[Any]) -> _Cells:
    counts = Counts()
    for found in scan:
        rows, keys = _keys(scan, found, grid, groups)
        steps = steps_of(rows, parameter)
        counts.add(keys[steps >= 0] * MAX_STEPS + steps[steps >= 0])
    keys, sizes = counts.merged()
    cells: _Cells = defaultdict(dict)
    for key in np.unique(keys // MAX_STEPS).tolist():
        begin, end = np.searchsorted(keys, (key * MAX_STEPS, (key + 1) * MAX_STEPS))
        histogram = Histogram(keys[begin:end] % MAX_STEPS, sizes[begin:end])
        group, cell = divmod(key, grid.size)
        low, middle, high = (histogram.quantile(ratio) for ratio in (0.1, 0.5, 0.9))
        cells[groups[group]][grid.bucket_and_era(cell)] = _Cell(
            middle, low, high, histogram.known_count, histogram.row_count
        )
    return cells


def _read_days(days: Sequence[DayTally], parameter: Figure, grid: _Grid) -> _Cells:
    """Add up the days whose measurements were deleted: a day is where it begins, and no break cuts it."""
    total: defaultdict[Any, defaultdict[tuple[int, int], Tally]] = defaultdict(lambda: defaultdict(Tally))
    for day in days:
        cell = int(grid.cells(np.array([day.day_s], dtype=np.int64))[0])
        total[day.group][grid.bucket_and_era(cell)] += day.tally
    cells: _Cells = defaultdict(dict)
    for group, tallies in total.items():
        for bucket_and_era, tally in tallies.items():
            middle, low, high = tally.mean, tally.low, tally.high
            if parameter.is_censored:
                low, middle, high = (tally.histogram.quantile(ratio) for ratio in (0.1, 0.5, 0.9))
            cells[group][bucket_and_era] = _Cell(middle, low, high, tally.known_count, tally.row_count)
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
