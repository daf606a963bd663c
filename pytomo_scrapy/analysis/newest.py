"""The newest figures of each vantage point, and the counts by class of failure, for a monitoring system."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from pytomo_scrapy.analysis.figures import GAUGES
from pytomo_scrapy.failures import was_refused
from pytomo_scrapy.storage.schema.crawl_tables import run, vantage
from pytomo_scrapy.storage.schema.figure_tables import figure

MAX_VANTAGES = 200
SHARE_ROWS = 200  # a share of refusals is over so many of a vantage point's newest measurements


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest measurement of one vantage point and service."""

    vantage: str
    provider: str
    service: str
    started_s: int
    values: dict[str, float | None]
    refusal_share: float | None = None  # of its last SHARE_ROWS measurements; None: nothing was asked


def newest_figures(connection: Connection) -> list[Newest]:
    """Return the newest row of each vantage point; each is found through an index, whatever the table holds."""
    vantages = connection.execute(select(vantage.c.id, vantage.c.name, vantage.c.provider).limit(MAX_VANTAGES)).all()
    found = []
    for point in vantages:
        # Single measurements are no state of the line.
        newest = select(func.max(figure.c.measurement_id)).where(figure.c.vantage_id == point.id, _is_of_a_crawl())
        key = connection.execute(newest).scalar()
        if key is None:
            continue
        columns = [figure.c.service, figure.c.started_s, *(figure.c[name] for name in GAUGES)]
        row = connection.execute(select(*columns).where(figure.c.measurement_id == key)).one()
        values = {name: _float(value) for name, value in zip(GAUGES, row[2:], strict=True)}
        share = _refusal_share(connection, point.id)
        found.append(Newest(point.name, point.provider, row[0] or "", row[1], values, share))
    return found


def _is_of_a_crawl() -> ColumnElement[bool]:
    return figure.c.run_id.not_in(select(run.c.id).where(run.c.is_ad_hoc))


def _refusal_share(connection: Connection, vantage_id: int) -> float | None:
    last = select(figure.c.failure).where(figure.c.vantage_id == vantage_id, _is_of_a_crawl())
    last = last.order_by(figure.c.measurement_id.desc()).limit(SHARE_ROWS)
    known = [refused for failure in connection.execute(last).scalars() if (refused := was_refused(failure)) is not None]
    return sum(known) / len(known) if known else None


class Totals:
    """Counts of rows by vantage point and class of failure that only ever grow: each call counts what is new."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._until_id = 0
        self._lock = threading.Lock()

    def read(self, connection: Connection) -> list[tuple[str, str, int]]:
        """Return (vantage point, class, rows so far); the class "" stands for no failure."""
        with self._lock:
            newest = connection.execute(select(func.max(figure.c.measurement_id))).scalar() or 0
            is_new = and_(figure.c.measurement_id > self._until_id, figure.c.measurement_id <= newest)
            names = {row.id: row.name for row in connection.execute(select(vantage.c.id, vantage.c.name))}
            for key, name in names.items():
                own = select(figure.c.failure, func.count()).where(figure.c.vantage_id == key, is_new)
                failed = connection.execute(own.where(figure.c.failure.is_not(None)).group_by(figure.c.failure)).all()
                row_count = connection.execute(
                    select(func.count()).where(figure.c.vantage_id == key, is_new)
                ).scalar_one()
                self._counts[(name, "")] += row_count - sum(count for _, count in failed)
                for failure, count in failed:
                    self._counts[(name, failure)] += count
            self._until_id = newest
            return [(name, failure, count) for (name, failure), count in sorted(self._counts.items())]


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
