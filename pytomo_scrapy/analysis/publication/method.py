"""How a selection was measured: on which lines, by which windows, clients and versions, and of which videos."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, and_, func, select

from pytomo_scrapy.analysis.selection import Selection, conditions
from pytomo_scrapy.storage.schema.crawl_tables import crawl, run, vantage
from pytomo_scrapy.storage.schema.figure_tables import figure
from pytomo_scrapy.storage.schema.measurement_tables import download

Counts = Sequence[tuple[str, int]]

# Columns of the flat table whose values are counted: what a row was measured with, or of.
_COUNTED = (
    "service",
    "client",
    "player",
    "transport",
    "address_family",
    "resolver",
    "source_kind",
    "height_px",
    "mode",
)
_VERSIONS = ("software_version", "schema_version", "yt_dlp_version", "scrapy_version", "python_version", "platform")
_NOT_SAID = "not said"


@dataclass(frozen=True, slots=True)
class MeasuredLine:
    """One vantage point. What its user says of the line is in it as it was said."""

    name: str
    provider: str
    row_count: int
    access: Sequence[str]
    contract_bps: Sequence[int]
    interfaces: Sequence[str]


@dataclass(frozen=True, slots=True)
class Method:
    """What a reader needs to know of a measurement. Counts are of the rows that figures count, most frequent first."""

    lines: Sequence[MeasuredLine] = ()
    windows: Sequence[tuple[str, float, int]] = ()  # mode, seconds, rows
    counts: Mapping[str, Counts] = field(default_factory=dict)
    versions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    crawls: Sequence[str] = ()
    run_count: int = 0

    def shares(self, name: str) -> list[tuple[str, float]]:
        """Return the values of a column with their shares of the rows that have one."""
        counts = self.counts.get(name, ())
        whole = sum(count for _, count in counts)
        return [(value, count / whole) for value, count in counts]

    @property
    def players(self) -> list[str]:
        """Return the players that a tenth of the sessions or more are of: those that the figures rest on."""
        return [name for name, share in self.shares("player") if share >= 0.1]


def method_of(connection: Connection, selection: Selection) -> Method:
    """Return how the rows of a selection whose era is settled were measured.

    The flat table is read once. What a window was allowed, its interface and what the user says of the line are
    those of the first window of each mode in a run.
    """
    groups = connection.execute(
        select(
            *(figure.c[name] for name in ("run_id", "vantage_id", *_COUNTED)),
            func.count().label("row_count"),
            func.min(figure.c.measurement_id).label("first_id"),
        )
        .where(and_(*conditions(selection)))
        .group_by(*(figure.c[name] for name in ("run_id", "vantage_id", *_COUNTED)))
    ).all()
    runs = _runs(connection, {row.run_id for row in groups})
    windows = _windows(connection, groups)
    return Method(
        lines=_lines(connection, groups, windows),
        windows=_summed((one.mode or _NOT_SAID, one.window_s, count) for one, count in windows if one.window_s),
        counts={name: _counts(groups, name) for name in _COUNTED},
        versions={name: _distinct(getattr(row, name) for row in runs) for name in _VERSIONS},
        crawls=_distinct(row.crawl for row in runs),
        run_count=len(runs),
    )


def _counts(groups: Sequence[Any], name: str) -> list[tuple[str, int]]:
    sums: defaultdict[str, int] = defaultdict(int)
    for row in groups:
        value = row._mapping[name]
        if value is not None:
            sums[str(value)] += row.row_count
    return sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))


def _runs(connection: Connection, run_ids: set[int]) -> list[Any]:
    columns = [run.c[name] for name in _VERSIONS]
    joined = select(*columns, crawl.c.name.label("crawl")).outerjoin(crawl, crawl.c.id == run.c.crawl_id)
    found: list[Any] = []
    for ids in batched(sorted(run_ids)):
        found += connection.execute(joined.where(run.c.id.in_(ids)).order_by(run.c.id)).all()
    return found


def _windows(connection: Connection, groups: Sequence[Any]) -> list[tuple[Any, int]]:
    """Return a window of each run and mode, with the number of rows that it stands for."""
    first: dict[tuple[int, str | None], int] = {}
    sums: defaultdict[tuple[int, str | None], int] = defaultdict(int)
    for row in groups:
        key = (row.run_id, row.mode)
        sums[key] += row.row_count
        first[key] = min(first.get(key, row.first_id), row.first_id)
    columns = ("mode", "window_s", "access_technology", "contract_bps", "interface_kind")
    query = select(figure.c.run_id, figure.c.vantage_id, *(download.c[name] for name in columns)).join(
        download, and_(download.c.measurement_id == figure.c.measurement_id, download.c.place == figure.c.place)
    )
    found: list[Any] = []
    for ids in batched(sorted(first.values())):
        found += connection.execute(query.where(figure.c.measurement_id.in_(ids))).all()
    return [(one, sums[one.run_id, one.mode]) for one in found]


def _summed(windows: Iterable[tuple[str, float, int]]) -> list[tuple[str, float, int]]:
    sums: defaultdict[tuple[str, float], int] = defaultdict(int)
    for mode, window_s, count in windows:
        sums[mode, window_s] += count
    return sorted(((mode, window_s, count) for (mode, window_s), count in sums.items()), key=lambda one: -one[2])


def _lines(connection: Connection, groups: Sequence[Any], windows: Sequence[tuple[Any, int]]) -> list[MeasuredLine]:
    counts: defaultdict[int, int] = defaultdict(int)
    for row in groups:
        counts[row.vantage_id] += row.row_count
    known = connection.execute(
        select(vantage.c.id, vantage.c.name, vantage.c.provider)
        .where(vantage.c.id.in_(sorted(counts)))
        .order_by(vantage.c.name, vantage.c.provider)
    )
    return [
        MeasuredLine(
            name=row.name,
            provider=row.provider,
            row_count=counts[row.id],
            access=_distinct(one.access_technology for one, _ in windows if one.vantage_id == row.id),
            contract_bps=_distinct(one.contract_bps for one, _ in windows if one.vantage_id == row.id),
            interfaces=_distinct(one.interface_kind for one, _ in windows if one.vantage_id == row.id),
        )
        for row in known
    ]


def batched(ids: Sequence[int], size: int = 500) -> Iterator[Sequence[int]]:
    """Yield the ids in parts that a database takes in one question."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _distinct(values: Any) -> list[Any]:
    """Return each value once, in the order of the first ones, without what is not known."""
    return list(dict.fromkeys(value for value in values if value is not None))
