"""Distributions in bounded size: histograms in SQL, CDF and Kaplan-Meier quantiles from them, scatter and heat map."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, case, cast, func

from pytomo_scrapy.storage.dashboard_parameters import Parameter
from pytomo_scrapy.storage.dashboard_schema import figure
from pytomo_scrapy.storage.dashboard_selection import Selection, Source, labels_of, pieces, top_groups

# Bins of 1 %: a quantile from them is within half of that.
BIN_RATIO = 1.01
_LEAST = 1e-4
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


def log_bin(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the bin of 1 % that a value falls into; 0, and what is smaller than the least, falls into bin 0."""
    least = case((value > _LEAST, value), (value.is_not(None), _LEAST))
    # PostgreSQL's cast rounds and SQLite's cuts: the division of whole thousandths cuts in both.
    return cast(func.ln(least / _LEAST) / math.log(BIN_RATIO) * 1000, Integer) // 1000


def bin_middle(place: int) -> float:
    """Return the value in the middle of a bin."""
    return 0.0 if place == 0 else _LEAST * BIN_RATIO ** (place + 0.5)


def bin_end(place: int) -> float:
    """Return the value where a bin ends."""
    return float(_LEAST * BIN_RATIO ** (place + 1))


def weighted_quantile(rows: Iterable[tuple[float, bool, int]], ratio: float) -> float | None:
    """Return the Kaplan-Meier quantile of (delay, was it reached, how many sessions). None where too few reached it.

    The same estimate as `survival.survival_quantile`, from counts instead of sessions.
    """
    ordered = sorted(rows, key=lambda row: (row[0], not row[1]))
    waiting, share = sum(count for _, _, count in ordered), 1.0
    for seconds, is_reached, count in ordered:
        if is_reached:
            share *= 1 - count / waiting
            if 1 - share >= ratio - 1e-12:
                return seconds
        waiting -= count
    return None


def curves(
    connection: Connection, selection: Selection, parameter: Parameter, *, compare: str | None = None
) -> tuple[list[Curve], int]:
    """Return the distribution of a figure, a curve for each group, and how many further groups are left out."""
    groups: list[Any] = [None]
    left_out = 0
    if compare is not None:
        groups, left_out = top_groups(connection, Source(selection, parameter, compare))
    tables = _tables(connection, selection, parameter, compare, groups)
    labels = labels_of(connection, compare, groups) if compare is not None else ["all"]
    return [
        _curve(label, one, _rows(tables[one]), parameter) for label, one in zip(labels, groups, strict=True)
    ], left_out


# How many rows there are of (bin, or None for unknown; was it reached).
_Table = Counter[tuple[int | None, bool]]
_Rows = list[tuple[int | None, bool, int]]


def _rows(table: _Table) -> _Rows:
    return [(place, reached, count) for (place, reached), count in table.items()]


def _tables(
    connection: Connection, selection: Selection, parameter: Parameter, compare: str | None, groups: Sequence[Any]
) -> defaultdict[Any, _Table]:
    """Count rows by bin for each group; unknown values have the bin None."""
    tables: defaultdict[Any, _Table] = defaultdict(Counter)
    for piece in pieces(connection, selection):
        source = Source(piece, parameter, compare)
        query = _binned(source, parameter, [] if source.group is None else [source.group])
        if source.group is not None:
            query = query.where(source.group.in_(groups))
        for place, reached, count, *key in connection.execute(query):
            tables[key[0] if key else None][(place, bool(reached))] += count
    return tables


def _binned(source: Source, parameter: Parameter, keys: Sequence[ColumnElement[Any]]) -> Select[Any]:
    value = source.value(parameter.name)
    binned = source.waited(parameter.name) if parameter.is_censored else value
    reached = case((value.is_not(None), 1), else_=0).label("reached")
    labelled = [key.label(f"key{place}") for place, key in enumerate(keys)]
    query = source.select(log_bin(binned).label("bin"), reached, func.count(), *labelled)
    query = query.group_by("bin", "reached", *(key.name for key in labelled))
    return query.where(figure.c.is_session == 1) if parameter.is_censored else query


def _curve(label: str, group: Any, rows: _Rows, parameter: Parameter) -> Curve:
    unknown = sum(count for place, _, count in rows if place is None)
    counted = [(place, reached, count) for place, reached, count in rows if place is not None]
    waiting = total = sum(count for _, _, count in counted)
    value, share = [], []
    left = 1.0
    for place, reached, count in sorted(counted, key=lambda row: (row[0], not row[1])):
        if reached:
            left *= 1 - count / waiting
            value.append(bin_end(place))
            share.append(1 - left)
        waiting -= count
    censored = sum(count for _, reached, count in counted if not reached)
    return Curve(
        label=label,
        group=None if group is None else str(group),
        value=value,
        share=share,
        known_count=total - censored,
        censored_count=censored,
        unknown_count=unknown,
        median=_quantile(rows, 0.5),
    )


def _quantile(rows: _Rows, ratio: float) -> float | None:
    return weighted_quantile(
        [(bin_middle(place), reached, count) for place, reached, count in rows if place is not None], ratio
    )


def scatter(connection: Connection, selection: Selection, x: Parameter, y: Parameter) -> Scatter:
    """Return at most about MAX_SCATTER_POINTS points of the rows that have both figures."""
    source = Source(selection, x if x.is_playback else y)
    values = [source.value(x.name), source.value(y.name)]
    both = source.select(func.count()).where(*(value.is_not(None) for value in values))
    known = int(connection.execute(both).scalar_one())
    query = source.select(*values, figure.c.measurement_id).where(*(value.is_not(None) for value in values))
    if known > MAX_SCATTER_POINTS:
        # A multiplicative hash of the id: neighbours, which one crawl measured in turn, are thinned independently.
        hashed = ((figure.c.measurement_id % 65536) * 40503) % 65536
        query = query.where(hashed < 65536 * MAX_SCATTER_POINTS // known)
    rows = connection.execute(query.limit(2 * MAX_SCATTER_POINTS)).all()
    return Scatter([float(row[0]) for row in rows], [float(row[1]) for row in rows], [row[2] for row in rows], known)


def heat_map(connection: Connection, selection: Selection, parameter: Parameter, offset_s: int) -> HeatMap:
    """Return the figure by hour of the week, on clocks that are `offset_s` ahead of UTC."""
    source = Source(selection, parameter)
    # 1970 began on a Thursday, three days after a Monday.
    hour = ((figure.c.started_s + (offset_s + 3 * 86400)) // 3600) % HOURS_OF_WEEK
    value: list[float | None] = [None] * HOURS_OF_WEEK
    count = [0] * HOURS_OF_WEEK
    if parameter.is_censored:
        tables: defaultdict[int, _Table] = defaultdict(Counter)
        for piece in pieces(connection, selection):
            for place, reached, rows, key in connection.execute(_binned(Source(piece, parameter), parameter, [hour])):
                tables[key][(place, bool(reached))] += rows
        for key, table in tables.items():
            value[key] = _quantile(_rows(table), 0.5)
            count[key] = sum(table.values())
        return HeatMap(value, count, offset_s)
    known = source.value(parameter.name)
    query = source.select(hour.label("hour"), func.avg(known), func.count(known)).group_by("hour")
    for place, mean, known_count in connection.execute(query):
        value[place] = None if mean is None else float(mean)
        count[place] = known_count
    return HeatMap(value, count, offset_s)
