"""Judge stored sessions, keep the verdicts, and say how they moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from pytomo_scrapy.analysis.autopsy.explaining import explain
from pytomo_scrapy.analysis.autopsy.stored_sessions import SessionReader
from pytomo_scrapy.items import Autopsy
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.measurements.read import matching
from pytomo_scrapy.storage.measurements.rows import values_of
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from pytomo_scrapy.storage.schema.figure_tables import figure
from pytomo_scrapy.storage.schema.measurement_tables import autopsy

_PAGE = 500
# Pages whose verdicts are stored together: a commit waits for the disk, and 10 000 sessions hold no writer up for long.
_KEPT_PAGES = 20

Verdicts = Mapping[int, tuple[Autopsy, ...]]  # by the session's number; no verdict: a good one


@dataclass(slots=True)
class JudgingSummary:
    """What was judged, and how the causes moved against what was stored."""

    sessions: int = 0
    bad_sessions: int = 0
    without_trace: int = 0  # thinned out: their stored verdicts stay
    causes: Counter[str] = field(default_factory=Counter)  # of the sessions: of what cost the viewer most
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts, ready for JSON."""
        return {
            "sessions": self.sessions,
            "bad_sessions": self.bad_sessions,
            "without_trace": self.without_trace,
            "causes": dict(self.causes.most_common()),
            "moved": [{"from": before, "to": after, "sessions": n} for (before, after), n in self.moved.most_common()],
        }


def judge(
    connection: Connection, ids: Sequence[int], reader: SessionReader | None = None
) -> dict[int, tuple[Autopsy, ...]]:
    """Return the verdicts over these stored sessions. A session whose trace was thinned out is left out."""
    sessions = (reader or SessionReader()).read(connection, ids)
    return {session.id: explain(session.evidence) for session in sessions if session.is_traced}


def judge_matching(database: Database, filters: Mapping[str, Any], *, is_kept: bool = True) -> JudgingSummary:
    """Judge every matching session anew. `is_kept` stores the verdicts in place of earlier ones."""
    summary, reader, last_id = JudgingSummary(), SessionReader(), 0
    pages: list[Verdicts] = []
    while ids := _next_ids(database, filters, last_id):
        with database.read() as connection:
            found = judge(connection, ids, reader)
            before = _stored_causes(connection, ids)
        _count(summary, ids, found, before)
        pages += [found] if is_kept else []
        last_id = ids[-1]
        if len(pages) == _KEPT_PAGES:
            _keep_pages(database, pages)
            pages = []
    if pages:
        _keep_pages(database, pages)
    return summary


def _count(summary: JudgingSummary, ids: Sequence[int], found: Verdicts, before: Mapping[int, str | None]) -> None:
    summary.sessions += len(ids)
    summary.without_trace += len(ids) - len(found)
    for key, verdicts in found.items():
        earlier, after = before.get(key) or "none", str(verdicts[0].cause) if verdicts else "none"
        if verdicts:
            summary.bad_sessions += 1
            summary.causes[after] += 1
        if earlier != after:
            summary.moved[earlier, after] += 1


def _keep_pages(database: Database, pages: Sequence[Verdicts]) -> None:
    with database.write() as connection:
        for found in pages:
            keep(connection, found)


def keep(connection: Connection, found: Verdicts) -> None:
    """Store verdicts in place of those of the same sessions, with the cause that the web page shows.

    A session that was deleted since it was judged is left out.
    """
    before = _stored_causes(connection, list(found))
    known = [key for key, cause in before.items() if cause is not None]
    if known:
        connection.execute(delete(autopsy).where(autopsy.c.measurement_id.in_(known)))
    rows = [{"measurement_id": key, **values_of(verdict, autopsy)} for key in before for verdict in found[key]]
    if rows:
        connection.execute(insert(autopsy), rows)
    shown = [
        {"key": key, "new_cause": first and str(first.cause), "new_symptom": first and str(first.symptom)}
        for key, first in ((key, next(iter(found[key]), None)) for key in before)
        if first is not None or before[key] is not None
    ]
    if shown:
        connection.execute(_SHOW, shown)


# What is shown as before is not written again: its block of packed columns would have to be packed anew.
_SHOW = (
    update(figure)
    .where(
        figure.c.measurement_id == bindparam("key"),
        or_(
            figure.c.cause.is_distinct_from(bindparam("new_cause")),
            figure.c.symptom.is_distinct_from(bindparam("new_symptom")),
        ),
    )
    .values(cause=bindparam("new_cause"), symptom=bindparam("new_symptom"))
)


def judge_stored(database: Database, measurement_id: int) -> None:
    """Judge a session that was stored just now, and keep the verdict."""
    with database.read() as connection:
        found = judge(connection, [measurement_id])
    if any(found.values()):
        with database.write() as connection:
            keep(connection, found)


def stored_verdicts(connection: Connection, measurement_id: int) -> list[Mapping[str, Any]]:
    """Return the stored verdicts over a session, the worst first."""
    rows = select(autopsy).where(autopsy.c.measurement_id == measurement_id).order_by(autopsy.c.number)
    return [dict(row._mapping) for row in connection.execute(rows)]


def _stored_causes(connection: Connection, ids: Sequence[int]) -> dict[int, str | None]:
    """Return what these sessions are put down to, of those that are there. None: not judged, or good."""
    worst = (autopsy.c.measurement_id == measurement.c.id) & (autopsy.c.number == 0)
    rows = (
        select(measurement.c.id, autopsy.c.cause)
        .select_from(measurement.outerjoin(autopsy, worst))
        .where(measurement.c.id.in_(list(ids)))
    )
    return {row.id: row.cause for row in connection.execute(rows)}


def _next_ids(database: Database, filters: Mapping[str, Any], last_id: int) -> Sequence[int]:
    wanted = select(measurement.c.id).where(matching(**filters), measurement.c.id > last_id)
    with database.read() as connection:
        return list(connection.execute(wanted.order_by(measurement.c.id).limit(_PAGE)).scalars())
