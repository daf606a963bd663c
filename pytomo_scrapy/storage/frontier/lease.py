"""Leases on frontier rows: the database's clock, and taking back what a dead process holds."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Row,
    Select,
    Update,
    and_,
    bindparam,
    cast,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)

from pytomo_scrapy.storage.frontier import owner as owners
from pytomo_scrapy.storage.frontier.owner import Owner
from pytomo_scrapy.storage.schema.crawl_tables import IN_FLIGHT, QUEUED, frontier, owner

# Attempts that ended without a row, after which the others come first: it may be what kills the crawler.
SUSPECT_AFTER = 2
# The partial indexes are used only where the state stands in the statement itself, not as a parameter.
IS_QUEUED = frontier.c.state == literal_column(str(QUEUED))
IS_IN_FLIGHT = frontier.c.state == literal_column(str(IN_FLIGHT))

# What every claim asks is formed once: to form a statement takes longer than its answer.
_IS_IN_PASS = and_(frontier.c.crawl_id == bindparam("of_crawl"), frontier.c.pass_number == bindparam("of_pass"))
_TRIED = frontier.c.attempt_count
_PLACE = (frontier.c.depth, frontier.c.parent_id, frontier.c.place)
_QUEUED = select(frontier).where(_IS_IN_PASS, IS_QUEUED).limit(1).with_for_update(skip_locked=True)
_NEXT = _QUEUED.where(_TRIED < SUSPECT_AFTER).order_by(*_PLACE)
_LAST = _QUEUED.where(_TRIED >= SUSPECT_AFTER).order_by(_TRIED, *_PLACE)


@cache
def _held_by_others(is_sqlite: bool) -> Select[Any]:
    return (
        select(frontier.c.owner_id, func.min(frontier.c.lease_until_s) < _clock(is_sqlite))
        .where(_IS_IN_PASS, IS_IN_FLIGHT, frontier.c.owner_id != bindparam("own_id"))
        .group_by(frontier.c.owner_id)
    )


@cache
def _take(is_sqlite: bool) -> Update:
    values = {"state": IN_FLIGHT, "owner_id": bindparam("own_id"), "attempt_count": _TRIED + 1}
    until_s = _clock(is_sqlite) + bindparam("for_s", type_=Double)
    return update(frontier).where(frontier.c.id == bindparam("row_id")).values(**values, lease_until_s=until_s)


def _clock(is_sqlite: bool) -> ColumnElement[float]:
    """Return the clock of a statement that is formed once; on SQLite it is given with each, as `now_s`."""
    return bindparam("now_s", type_=Double) if is_sqlite else _SERVER_CLOCK


_SERVER_CLOCK = cast(func.extract("epoch", func.clock_timestamp()), Double)


def _given(connection: Connection, **values: Any) -> dict[str, Any]:
    return {**values, "now_s": time.time()} if connection.dialect.name == "sqlite" else values


def now_s(connection: Connection) -> ColumnElement[float]:
    """Return the clock that leases are compared with, in seconds since 1970: the server's where there is one."""
    return literal(time.time(), Double) if connection.dialect.name == "sqlite" else _SERVER_CLOCK


def next_queued(connection: Connection, crawl_id: int, pass_number: int) -> Row[Any] | None:
    """Lock and return the row to claim next. None where none is queued, or others are claiming all that are."""
    of_pass = {"of_crawl": crawl_id, "of_pass": pass_number}
    # Two questions: the first is answered from the index, over millions of rows.
    row = connection.execute(_NEXT, of_pass).one_or_none()
    return connection.execute(_LAST, of_pass).one_or_none() if row is None else row


def take(connection: Connection, row_id: int, own_id: int, lease_s: float) -> None:
    """Put a queued row in flight, under a lease of so many seconds."""
    given = _given(connection, row_id=row_id, own_id=own_id, for_s=lease_s)
    connection.execute(_take(connection.dialect.name == "sqlite"), given)


def register(connection: Connection, who: Owner) -> int:
    """Store a process that is about to claim. Returns its number."""
    values = {
        "token": who.token,
        "host": who.host,
        "machine": who.machine,
        "pid": who.pid,
        "process_started": who.process_started,
        "created_at": datetime.now(UTC),
    }
    return int(connection.execute(insert(owner).values(values).returning(owner.c.id)).scalar_one())


def take_back(connection: Connection, crawl_id: int, pass_number: int, own_id: int) -> int:
    """Queue again what others hold who are dead, or out of reach and past their lease. Returns how many rows.

    A process seen alive on this machine keeps its rows however old the lease is: a clock that jumped proves nothing.
    """
    in_flight = _held_by_others(connection.dialect.name == "sqlite")
    given = _given(connection, of_crawl=crawl_id, of_pass=pass_number, own_id=own_id)
    count = 0
    for owner_id, is_expired in connection.execute(in_flight, given).all():
        row = connection.execute(select(owner).where(owner.c.id == owner_id)).one_or_none()
        has_died = True if row is None else is_dead(connection, Owner(*row[1:6]))
        if has_died or (has_died is None and is_expired):
            count += _queue_again(connection, crawl_id, pass_number, owner_id, is_only_expired=not has_died)
    return count


def is_dead(connection: Connection, who: Owner) -> bool | None:
    """Return whether a process that is stored in this database has ended. None if that cannot be known from here."""
    return owners.is_dead(who, is_same_machine=connection.dialect.name == "sqlite")


def _queue_again(
    connection: Connection, crawl_id: int, pass_number: int, owner_id: int, *, is_only_expired: bool
) -> int:
    held = (
        select(frontier.c.id)
        .where(frontier.c.crawl_id == crawl_id, frontier.c.pass_number == pass_number, IS_IN_FLIGHT)
        .where(frontier.c.owner_id == owner_id)
    )
    # Who is out of reach may be renewing the other rows at this moment; the dead renew none.
    if is_only_expired:
        held = held.where(frontier.c.lease_until_s < now_s(connection))
    # A row that its owner is finishing right now is locked: leave it to its owner.
    ids = list(connection.execute(held.with_for_update(skip_locked=True)).scalars())
    if ids:
        connection.execute(
            update(frontier)
            .where(frontier.c.id.in_(ids), IS_IN_FLIGHT)
            .values(state=QUEUED, owner_id=None, lease_until_s=None)
        )
    return len(ids)
