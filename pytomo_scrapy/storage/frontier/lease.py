"""Leases on frontier rows: the database's clock, and taking back what a dead process holds."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Row,
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


def now_s(connection: Connection) -> ColumnElement[float]:
    """Return the clock that leases are compared with, in seconds since 1970: the server's where there is one."""
    if connection.dialect.name == "sqlite":
        return literal(time.time(), Double)
    return cast(func.extract("epoch", func.clock_timestamp()), Double)


def next_queued(connection: Connection, is_in_pass: ColumnElement[bool]) -> Row[Any] | None:
    """Lock and return the row to claim next. None where none is queued, or others are claiming all that are."""
    place = (frontier.c.depth, frontier.c.parent_id, frontier.c.place)
    queued = select(frontier).where(is_in_pass, IS_QUEUED).limit(1).with_for_update(skip_locked=True)
    tried = frontier.c.attempt_count
    # Two questions: the first is answered from the index, over millions of rows.
    row = connection.execute(queued.where(tried < SUSPECT_AFTER).order_by(*place)).one_or_none()
    if row is not None:
        return row
    return connection.execute(queued.where(tried >= SUSPECT_AFTER).order_by(tried, *place)).one_or_none()


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
    in_flight = (
        select(frontier.c.owner_id, func.min(frontier.c.lease_until_s) < now_s(connection))
        .where(frontier.c.crawl_id == crawl_id, frontier.c.pass_number == pass_number, IS_IN_FLIGHT)
        .where(frontier.c.owner_id != own_id)
        .group_by(frontier.c.owner_id)
    )
    count = 0
    for owner_id, is_expired in connection.execute(in_flight).all():
        row = connection.execute(select(owner).where(owner.c.id == owner_id)).one_or_none()
        is_dead = True if row is None else _is_dead(connection, Owner(*row[1:6]))
        if is_dead or (is_dead is None and is_expired):
            count += _queue_again(connection, crawl_id, pass_number, owner_id, is_only_expired=not is_dead)
    return count


def _is_dead(connection: Connection, who: Owner) -> bool | None:
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
