"""How a selection was measured: on which lines, by which windows, clients and versions, and of which videos."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

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
    """Return how the rows of a selection whose era is settled were measured."""
    chosen = and_(*conditions(selection))
    counts = {
        name: [
            (str(row[0]), row[1])
            for row in connection.execute(
                select(figure.c[name], func.count())
                .where(chosen, figure.c[name].is_not(None))
                .group_by(figure.c[name])
                .order_by(func.count().desc(), figure.c[name])
            )
        ]
        for name in _COUNTED
    }
    ways = connection.execute(
        select(
            figure.c.vantage_id,
            download.c.mode,
            download.c.window_s,
            download.c.access_technology,
            download.c.contract_bps,
            download.c.interface_kind,
            func.count().label("row_count"),
        )
        .join(
            download,
            and_(download.c.measurement_id == figure.c.measurement_id, download.c.place == figure.c.place),
        )
        .where(chosen)
        .group_by(*(download.c[name] for name in ("mode", "window_s", "access_technology", "contract_bps")))
        .group_by(figure.c.vantage_id, download.c.interface_kind)
    ).all()
    run_ids = select(figure.c.run_id).where(chosen).distinct()
    runs = connection.execute(
        select(*(run.c[name] for name in _VERSIONS), crawl.c.name.label("crawl"))
        .outerjoin(crawl, crawl.c.id == run.c.crawl_id)
        .where(run.c.id.in_(run_ids))
        .order_by(run.c.id)
    ).all()
    return Method(
        lines=_lines(connection, chosen, ways),
        windows=_windows(ways),
        counts=counts,
        versions={name: _distinct(getattr(row, name) for row in runs) for name in _VERSIONS},
        crawls=_distinct(row.crawl for row in runs),
        run_count=len(runs),
    )


def _lines(connection: Connection, chosen: Any, ways: Sequence[Row[Any]]) -> list[MeasuredLine]:
    rows = connection.execute(
        select(vantage.c.id, vantage.c.name, vantage.c.provider, func.count().label("row_count"))
        .join(figure, figure.c.vantage_id == vantage.c.id)
        .where(chosen)
        .group_by(vantage.c.id, vantage.c.name, vantage.c.provider)
        .order_by(vantage.c.name, vantage.c.provider)
    )
    return [
        MeasuredLine(
            name=row.name,
            provider=row.provider,
            row_count=row.row_count,
            access=_distinct(way.access_technology for way in ways if way.vantage_id == row.id),
            contract_bps=_distinct(way.contract_bps for way in ways if way.vantage_id == row.id),
            interfaces=_distinct(way.interface_kind for way in ways if way.vantage_id == row.id),
        )
        for row in rows
    ]


def _windows(ways: Sequence[Row[Any]]) -> list[tuple[str, float, int]]:
    sums: defaultdict[tuple[str, float], int] = defaultdict(int)
    for way in ways:
        if way.window_s is not None:
            sums[(way.mode or _NOT_SAID, way.window_s)] += way.row_count
    return sorted(((mode, window_s, count) for (mode, window_s), count in sums.items()), key=lambda one: -one[2])


def _distinct(values: Any) -> list[Any]:
    """Return each value once, in the order of the first ones, without what is not known."""
    return list(dict.fromkeys(value for value in values if value is not None))
