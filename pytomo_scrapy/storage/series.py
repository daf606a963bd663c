"""Time series of one figure: buckets in SQL, at most MAX_BUCKETS of them, and never an average across a change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, case, cast, func, literal

from pytomo_scrapy.storage.dashboard_breaks import Break
from pytomo_scrapy.storage.dashboard_parameters import Parameter
from pytomo_scrapy.storage.dashboard_schema import figure
from pytomo_scrapy.storage.dashboard_selection import Selection, Source, labels_of, pieces, top_groups
from pytomo_scrapy.storage.distribution import bin_middle, log_bin, weighted_quantile

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
    """One line of a chart: for each bucket the mean (of censored figures the Kaplan-Meier median), range and count."""

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

    parameter: Parameter
    width_s: int
    start_s: list[int]
    lines: list[Line]
    left_out_count: int = 0  # further groups that are not drawn
    breaks: list[Break] = field(default_factory=list)


def width_for(length_s: int, buckets: int) -> int:
    """Return the narrowest nameable width that needs at most so many buckets."""
    return next((width for width in WIDTHS if length_s <= width * buckets), WIDTHS[-1])


def series(
    connection: Connection,
    selection: Selection,
    parameter: Parameter,
    *,
    compare: str | None = None,
    buckets: int = MAX_BUCKETS,
    breaks: Sequence[Break] = (),
) -> Series:
    """Return the figure over time. Rows on both sides of a break are never in one bucket."""
    source = Source(selection, parameter, compare)
    groups: list[Any] = [None]
    left_out = 0
    if compare is not None:
        groups, left_out = top_groups(connection, source)
    limit = min(buckets, MAX_CENSORED_BUCKETS) if parameter.is_censored else buckets
    width_s = width_for(selection.length_s, limit)
    first_s = selection.start_s - selection.start_s % width_s
    era = _era(breaks)
    bucket = cast((figure.c.started_s - literal(first_s, BigInteger)) // literal(width_s, BigInteger), BigInteger)
    read = _read_censored if parameter.is_censored else _read_means
    cells: _Cells = defaultdict(dict)
    for piece in pieces(connection, selection, width_s):
        read(connection, Source(piece, parameter, compare), parameter, bucket, era, groups, cells)
    places = sorted({place for group in groups for place in cells[group]})
    labels = labels_of(connection, compare, groups) if compare is not None else ["all"]
    starts = [_start_s(place, first_s, width_s, breaks) for place in places]
    lines = [
        _line(label, group, [cells[group].get(place) for place in places], parameter)
        for label, group in zip(labels, groups, strict=True)
    ]
    return Series(parameter, width_s, starts, lines, left_out, list(breaks))


@dataclass(frozen=True, slots=True)
class _Cell:
    value: float | None
    low: float | None
    high: float | None
    known_count: int
    row_count: int


_Cells = defaultdict[Any, dict[tuple[int, int], _Cell]]


def _era(breaks: Sequence[Break]) -> ColumnElement[Any]:
    total: ColumnElement[Any] = literal(0, Integer)
    for one in breaks:
        total = total + case((figure.c.started_s >= one.at_s, 1), else_=0)
    return total


def _start_s(place: tuple[int, int], first_s: int, width_s: int, breaks: Sequence[Break]) -> int:
    """A bucket that a break cuts in two begins, for its second half, at the break."""
    bucket, era = place
    start_s = first_s + bucket * width_s
    return max(start_s, sorted(one.at_s for one in breaks)[era - 1]) if era else start_s


def _read_means(
    connection: Connection,
    source: Source,
    parameter: Parameter,
    bucket: ColumnElement[Any],
    era: ColumnElement[Any],
    groups: Sequence[Any],
    cells: _Cells,
) -> None:
    value = source.value(parameter.name)
    columns = [bucket.label("bucket"), era.label("era"), func.avg(value), func.min(value), func.max(value)]
    query = source.select(*columns, func.count(value), func.count(), *_group_columns(source))
    query = query.group_by("bucket", "era", *_group_columns(source))
    for row in connection.execute(_of_groups(query, source, groups)):
        key = row[7] if source.group is not None else None
        mean = None if row[2] is None else float(row[2])
        cells[key][(row[0], row[1])] = _Cell(mean, _float(row[3]), _float(row[4]), row[5], row[6])


def _read_censored(
    connection: Connection,
    source: Source,
    parameter: Parameter,
    bucket: ColumnElement[Any],
    era: ColumnElement[Any],
    groups: Sequence[Any],
    cells: _Cells,
) -> None:
    waited = source.waited(parameter.name)
    reached = case((source.value(parameter.name).is_not(None), 1), else_=0)
    columns = [bucket.label("bucket"), era.label("era"), log_bin(waited).label("bin"), reached.label("reached")]
    query = source.select(*columns, func.count(), *_group_columns(source)).where(figure.c.is_session == 1)
    query = query.group_by("bucket", "era", "bin", "reached", *_group_columns(source))
    tables: defaultdict[Any, defaultdict[tuple[int, int], list[tuple[float, bool, int]]]]
    tables = defaultdict(lambda: defaultdict(list))
    for row in connection.execute(_of_groups(query, source, groups)):
        if row[2] is not None:
            key = row[5] if source.group is not None else None
            tables[key][(row[0], row[1])].append((bin_middle(row[2]), bool(row[3]), row[4]))
    for key, table in tables.items():
        for place, rows in table.items():
            count = sum(row[2] for row in rows)
            low, middle, high = (weighted_quantile(rows, ratio) for ratio in (0.1, 0.5, 0.9))
            known = sum(row[2] for row in rows if row[1])
            cells[key][place] = _Cell(middle, low, high, known, count)


def _group_columns(source: Source) -> list[ColumnElement[Any]]:
    return [] if source.group is None else [source.group]


def _of_groups(query: Any, source: Source, groups: Sequence[Any]) -> Any:
    return query if source.group is None else query.where(source.group.in_(groups))


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _line(label: str, group: Any, cells: Sequence[_Cell | None], parameter: Parameter) -> Line:
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
