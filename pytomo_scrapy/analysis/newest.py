"""The newest figures of each vantage point, and what was counted of it so far, for a monitoring system."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, func, or_, select, true

from pytomo_scrapy.analysis.columnar.blocks import Integers, Values
from pytomo_scrapy.analysis.columnar.scan import SelectedRows, rows_from
from pytomo_scrapy.analysis.figures import GAUGES
from pytomo_scrapy.failures import was_refused
from pytomo_scrapy.items import Cause
from pytomo_scrapy.storage.schema.crawl_tables import run, vantage
from pytomo_scrapy.storage.schema.figure_tables import BLOCK_ROWS, figure

MAX_VANTAGES = 200
_LATE_ROWS = 1024
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
        # Not the maximum: with a condition, that reads every row of the vantage point.
        own = select(figure.c.measurement_id).where(figure.c.vantage_id == point.id, is_counted)
        key = connection.execute(own.order_by(figure.c.measurement_id.desc()).limit(1)).scalar()
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
    # What this machine spoiled is no session that counts, and has a cause.
    is_judged = or_(figure.c.is_session == 1, figure.c.cause.is_not(None))
    last = select(figure.c.cause).where(figure.c.vantage_id == vantage_id, is_judged, is_counted)
    causes = connection.execute(last.order_by(figure.c.measurement_id.desc()).limit(SHARE_ROWS)).scalars().all()
    return {str(cause): causes.count(cause) / len(causes) for cause in Cause} if causes else {}


@dataclass(frozen=True, slots=True)
class Total:
    """What was counted of one vantage point so far. Every number only ever grows."""

    vantage: str
    by_failure: dict[str, int]  # rows; "" stands for no failure
    session_count: int  # valid, and a player ran or the network ended it before; what follows is of these alone
    stalled_session_count: int
    stall_count: int
    stalled_s: float
    played_s: float
    refusal_count: int  # of all rows
    startup_counts: tuple[int, ...]  # sessions that started within each of STARTUP_BOUNDS_S
    startup_s: float  # of the sessions that started, together


# The edges of the histogram of startup: a picture within 2 s is what viewers expect, 10 s is what they leave after.
STARTUP_BOUNDS_S = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0)
_SUMMED = ("is_session", "has_stall", "stall_count", "stalled_s", "played_s")
_SUM_COUNT = 1 + len(_SUMMED) + 1 + len(STARTUP_BOUNDS_S)  # rows, sums, startup, and the histogram


class Totals:
    """Sums by vantage point that only ever grow: each call adds what is new.

    Of two crawls at one PostgreSQL the later number may be committed first: a row that comes up to `_LATE_ROWS` numbers
    behind the newest is counted too.
    """

    def __init__(self, *, has_ad_hoc: bool = False) -> None:
        self._has_ad_hoc = has_ad_hoc
        self._failures: dict[str, Counter[str]] = {}
        self._sums: dict[str, Values] = {}
        self._floor = 0  # what has a number up to here is counted, or comes too late
        self._counted: Integers = np.zeros(0, dtype=np.int64)  # above it
        self._lock = threading.Lock()

    def read(self, connection: Connection) -> list[Total]:
        """Return the sums of each vantage point, by name."""
        with self._lock:
            newest = connection.execute(select(func.max(figure.c.measurement_id))).scalar() or 0
            names = self._names(connection)
            self._add_rows(connection, newest, names)
            return [self._total(name) for name in sorted(self._sums)]

    def _names(self, connection: Connection) -> dict[int, str]:
        names = {row.id: row.name for row in connection.execute(select(vantage.c.id, vantage.c.name))}
        for name in names.values():
            self._failures.setdefault(name, Counter())
            self._sums.setdefault(name, np.zeros(_SUM_COUNT))
        return names

    def _add_rows(self, connection: Connection, newest: int, names: Mapping[int, str]) -> None:
        single = [] if self._has_ad_hoc else connection.execute(select(run.c.id).where(run.c.is_ad_hoc)).scalars().all()
        # By packed columns: of a million rows in the table itself it would take ten times as long.
        added = [self._counted]
        for rows in rows_from(connection, self._floor // BLOCK_ROWS):
            ids = rows.whole("measurement_id")
            is_new = (ids > self._floor) & (ids <= newest) & ~np.isin(ids, self._counted)
            added.append(ids[is_new])
            if single:
                is_new &= ~np.isin(rows.whole("run_id"), single)
            vantages = rows.whole("vantage_id")
            for vantage_id in np.unique(vantages[is_new]).tolist():
                if vantage_id not in names:  # it came between the two questions
                    names = self._names(connection)
                self._add(names[vantage_id], rows.masked(is_new & (vantages == vantage_id)))
        self._floor = max(self._floor, newest - _LATE_ROWS)
        known = np.concatenate(added)
        self._counted = known[known > self._floor]

    def _add(self, name: str, rows: SelectedRows) -> None:
        # What a window showed before the service or this tool ended it is of no session: a share would be above 1.
        sessions = rows.masked(rows.plain("is_session") == 1)
        startup = sessions.plain("startup_delay_s")
        within = np.searchsorted(np.sort(startup[~np.isnan(startup)]), STARTUP_BOUNDS_S, side="right")
        sums = [np.nansum(sessions.plain(column)) for column in _SUMMED]
        self._sums[name] += np.array([len(rows), *sums, np.nansum(startup), *within])
        codes, counts = np.unique(rows.words("failure"), return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            self._failures[name][rows.text(code) or ""] += count

    def _total(self, name: str) -> Total:
        failures, sums = self._failures[name], self._sums[name].tolist()
        refused = sum(count for failure, count in failures.items() if was_refused(failure or None))
        return Total(
            vantage=name,
            by_failure={"": 0, **failures},
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
