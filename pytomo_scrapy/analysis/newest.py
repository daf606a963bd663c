"""The newest figures of each vantage point, and what was counted of it so far, for a monitoring system."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, select, true

from pytomo_scrapy.analysis.figures import GAUGES
from pytomo_scrapy.failures import was_refused
from pytomo_scrapy.items import Cause
from pytomo_scrapy.storage.schema.crawl_tables import run, vantage
from pytomo_scrapy.storage.schema.figure_tables import figure

MAX_VANTAGES = 200
_FEW_RUNS = 200
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
    cause_shares: Mapping[str, float] = field(default_factory=dict)  # of its last SHARE_ROWS sessions, by cause


def newest_figures(connection: Connection, *, has_ad_hoc: bool = False) -> list[Newest]:
    """Return the newest row of each vantage point; each is found through an index, whatever the table holds.

    Single measurements are no state of the line: they are left out unless asked for.
    """
    is_counted = counted_rows(connection, has_ad_hoc)
    vantages = connection.execute(select(vantage.c.id, vantage.c.name, vantage.c.provider).limit(MAX_VANTAGES)).all()
    found = []
    for point in vantages:
        newest = select(func.max(figure.c.measurement_id)).where(figure.c.vantage_id == point.id, is_counted)
        key = connection.execute(newest).scalar()
        if key is None:
            continue
        columns = [figure.c.service, figure.c.started_s, *(figure.c[name] for name in GAUGES)]
        row = connection.execute(select(*columns).where(figure.c.measurement_id == key)).one()
        values = {name: _float(value) for name, value in zip(GAUGES, row[2:], strict=True)}
        share = _refusal_share(connection, point.id, is_counted)
        causes = _cause_shares(connection, point.id, is_counted)
        found.append(Newest(point.name, point.provider, row[0] or "", row[1], values, share, causes))
    return found


def counted_rows(connection: Connection, has_ad_hoc: bool) -> ColumnElement[bool]:
    """Return the condition for the rows that a monitoring system is told of: gauges, counters and histogram alike."""
    single = select(run.c.id).where(run.c.is_ad_hoc)
    # Mostly there are none, or few: the question per row is left out, or short.
    few = connection.execute(single.limit(_FEW_RUNS + 1)).scalars().all()
    if has_ad_hoc or not few:
        return true()
    return figure.c.run_id.not_in(few if len(few) <= _FEW_RUNS else single)


def _refusal_share(connection: Connection, vantage_id: int, is_counted: ColumnElement[bool]) -> float | None:
    last = select(figure.c.failure).where(figure.c.vantage_id == vantage_id, is_counted)
    last = last.order_by(figure.c.measurement_id.desc()).limit(SHARE_ROWS)
    known = [refused for failure in connection.execute(last).scalars() if (refused := was_refused(failure)) is not None]
    return sum(known) / len(known) if known else None


def _cause_shares(connection: Connection, vantage_id: int, is_counted: ColumnElement[bool]) -> dict[str, float]:
    """Return the share of the newest sessions that were bad for each cause, those without one too: as 0."""
    last = select(figure.c.cause).where(figure.c.vantage_id == vantage_id, figure.c.is_session == 1, is_counted)
    causes = connection.execute(last.order_by(figure.c.measurement_id.desc()).limit(SHARE_ROWS)).scalars().all()
    return {str(cause): causes.count(cause) / len(causes) for cause in Cause} if causes else {}


@dataclass(frozen=True, slots=True)
class Total:
    """What was counted of one vantage point so far. Every number only ever grows."""

    vantage: str
    by_failure: dict[str, int]  # rows; "" stands for no failure
    session_count: int  # valid, and a player ran or the network ended it before
    stalled_session_count: int
    stall_count: int
    stalled_s: float
    played_s: float
    refusal_count: int
    startup_counts: tuple[int, ...]  # sessions that started within each of STARTUP_BOUNDS_S
    startup_s: float  # of the sessions that started, together


# The edges of the histogram of startup: a picture within 2 s is what viewers expect, 10 s is what they leave after.
STARTUP_BOUNDS_S = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0)
_STARTUP = case((figure.c.is_session == 1, figure.c.startup_delay_s))
_SUMS = (
    func.count(),
    func.sum(figure.c.is_session),
    func.sum(figure.c.has_stall),
    func.sum(figure.c.stall_count),
    func.sum(figure.c.stalled_s),
    func.sum(figure.c.played_s),
    func.sum(_STARTUP),
    *(func.sum(case((bound_s >= _STARTUP, 1), else_=0)) for bound_s in STARTUP_BOUNDS_S),
)


class Totals:
    """Sums by vantage point that only ever grow: each call adds what is new."""

    def __init__(self, *, has_ad_hoc: bool = False) -> None:
        self._has_ad_hoc = has_ad_hoc
        self._failures: dict[str, Counter[str]] = {}
        self._sums: dict[str, list[float]] = {}
        self._until_id = 0
        self._lock = threading.Lock()

    def read(self, connection: Connection) -> list[Total]:
        """Return the sums of each vantage point, by name."""
        with self._lock:
            newest = connection.execute(select(func.max(figure.c.measurement_id))).scalar() or 0
            is_new = and_(figure.c.measurement_id > self._until_id, figure.c.measurement_id <= newest)
            is_new = and_(is_new, counted_rows(connection, self._has_ad_hoc))
            for row in connection.execute(select(vantage.c.id, vantage.c.name)).all():
                self._add(connection, row.name, and_(figure.c.vantage_id == row.id, is_new))
            self._until_id = newest
            return [self._total(name) for name in sorted(self._sums)]

    def _add(self, connection: Connection, name: str, condition: ColumnElement[bool]) -> None:
        failures = self._failures.setdefault(name, Counter())
        sums = self._sums.setdefault(name, [0.0] * len(_SUMS))
        new = connection.execute(select(*_SUMS).where(condition)).one()
        failed = select(figure.c.failure, func.count()).where(condition, figure.c.failure.is_not(None))
        rows = connection.execute(failed.group_by(figure.c.failure)).all()
        counts = {str(row.failure): int(row[1]) for row in rows}
        failures.update(counts)
        failures[""] += new[0] - sum(counts.values())
        for index, value in enumerate(new):
            sums[index] += float(value or 0)

    def _total(self, name: str) -> Total:
        failures, sums = self._failures[name], self._sums[name]
        refused = sum(count for failure, count in failures.items() if was_refused(failure or None))
        return Total(
            vantage=name,
            by_failure=dict(failures),
            session_count=int(sums[1]),
            stalled_session_count=int(sums[2]),
            stall_count=int(sums[3]),
            stalled_s=sums[4],
            played_s=sums[5],
            refusal_count=refused,
            startup_counts=tuple(map(int, sums[7:])),
            startup_s=sums[6],
        )


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
