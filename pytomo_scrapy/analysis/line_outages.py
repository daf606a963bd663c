"""The account of outages: when nothing answered on a line, and how many sessions met it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, and_, func, select

from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.storage.schema.crawl_tables import measurement, vantage


@dataclass(frozen=True, slots=True)
class LineOutage:
    """One outage of a measuring point's line. `ended_at` None: the crawl stopped before its end."""

    vantage: str
    started_at: str
    ended_at: str | None
    duration_s: float | None
    session_count: int


def outages_where(connection: Connection, condition: ColumnElement[bool]) -> list[LineOutage]:
    """Return the outages of the measurements that meet `condition`, superseded ones among them, oldest first."""
    start, end = measurement.c.outage_started_at, measurement.c.outage_ended_at
    # Sessions that wait notice the end one after the other.
    met = (
        select(vantage.c.name, start, func.min(end, type_=end.type), func.count())
        .join(vantage, vantage.c.id == measurement.c.vantage_id)
        .where(condition, start.is_not(None))
        .group_by(vantage.c.id, vantage.c.name, start)
        .order_by(start, vantage.c.name)
    )
    return [_outage(*row) for row in connection.execute(met)]


def outages_in(connection: Connection, selection: Selection) -> list[LineOutage]:
    """Return the outages that began in the period of the selection, of its vantage point, provider or run.

    What else a selection asks of its rows, a line that is out cannot tell.
    """
    began = measurement.c.outage_started_at
    wanted = [began >= _moment(selection.start_s), began < _moment(selection.end_s)]
    columns = {
        "vantage": measurement.c.vantage_id, "run": measurement.c.run_id, "provider": vantage.c.provider,
    }  # fmt: skip
    wanted += [columns[name] == value for name, value in selection.equals.items() if name in columns]
    return outages_where(connection, and_(*wanted))


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _outage(name: str, started_at: datetime, ended_at: datetime | None, session_count: int) -> LineOutage:
    return LineOutage(
        vantage=name,
        started_at=started_at.isoformat(),
        ended_at=ended_at.isoformat() if ended_at else None,
        duration_s=(ended_at - started_at).total_seconds() if ended_at else None,
        session_count=session_count,
    )
