"""Whether a run without an end still goes on: a run that was killed has no end either."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, exists, or_, select

from pytomo_scrapy.storage.frontier import lease
from pytomo_scrapy.storage.frontier.owner import Owner
from pytomo_scrapy.storage.schema.crawl_tables import measurement, owner, run
from pytomo_scrapy.storage.schema.figure_tables import open_window

# A process registers and then begins its run. Between the two it stores what an earlier run left, and the clock may be
# set. A row of that time may be another process's: a run is dead when all of them are, and alive when all of them are.
_REGISTERED_BEFORE = timedelta(days=1)
_REGISTERED_AFTER = timedelta(minutes=1)


def is_over(connection: Connection, run_id: int, silent: timedelta, *, now: datetime | None = None) -> bool:
    """Return whether a run has ended, or its process has, or nothing has been heard of it for `silent`.

    The last is for a process that cannot be seen from here, of another machine or container, or that cannot be told
    from others of its time; one that is seen alive goes on however silent it is. True for a run that is not there.
    """
    row = connection.execute(select(run).where(run.c.id == run_id)).one_or_none()
    if row is None or row.ended_at is not None:
        return True
    is_dead = _is_dead(connection, row)
    return _is_silent(connection, row, (now or datetime.now(UTC)) - silent) if is_dead is None else is_dead


def _is_dead(connection: Connection, row: Any) -> bool | None:
    # Only who holds a frontier registers: the processes of that time are others'.
    if row.crawl_id is None:
        return None
    at = owner.c.created_at.between(row.started_at - _REGISTERED_BEFORE, row.started_at + _REGISTERED_AFTER)
    seen = {lease.is_dead(connection, Owner(*one[1:6])) for one in connection.execute(select(owner).where(at))}
    return seen.pop() if len(seen) == 1 else None


def _is_silent(connection: Connection, row: Any, since: datetime) -> bool:
    if row.started_at >= since:
        return False
    own = measurement.c.run_id == row.id
    # A measurement without a start belongs to the time at which it was stored.
    has_no_start = and_(measurement.c.started_at.is_(None), measurement.c.stored_at >= since)
    measured = exists().where(own, or_(measurement.c.started_at >= since, has_no_start))
    noted = exists().where(open_window.c.run_id == row.id, open_window.c.updated_at >= since)
    return not connection.execute(select(or_(measured, noted))).scalar_one()
