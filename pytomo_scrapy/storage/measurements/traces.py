"""Retention: take the bulk out of old measurements and leave every figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update

from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.schema.child_tables import CHILD_TABLES, below, packed_columns
from pytomo_scrapy.storage.schema.crawl_tables import DONE, crawl, frontier, measurement

# One transaction per batch: a crawl that stores at the same time waits for one batch, never for all.
_BATCH = 500


def prune(database: Database, before: datetime, *, is_dry_run: bool = False) -> Mapping[str, int]:
    """Delete traces, timelines, events, requests and samples of measurements started before, and frontiers of crawls
    finished before. Returns rows by table; a dry run only counts them.

    Measurements keep their downloads, streams, look-ups, pings, playbacks and figures: aggregates stay as they were,
    a replay is not possible any more. Raises StorageError.
    """
    counts: Counter[str] = Counter()
    last_id = 0
    while ids := _next_ids(database, before, last_id):
        with database.write() as connection:
            counts += _prune_measurements(connection, ids, is_dry_run=is_dry_run)
        last_id = ids[-1]
    counts["frontier"] += _prune_frontiers(database, before, is_dry_run=is_dry_run)
    return {name: count for name, count in counts.items() if count}


def began_before(before: datetime) -> ColumnElement[bool]:
    """Return the condition for the measurements that began before; of one without a start, that were stored before."""
    # As in the flat table: a measurement without a start belongs to the time at which it was stored.
    has_no_start = and_(measurement.c.started_at.is_(None), measurement.c.stored_at < before)
    return or_(measurement.c.started_at < before, has_no_start)


def _next_ids(database: Database, before: datetime, last_id: int) -> Sequence[int]:
    old = select(measurement.c.id).where(began_before(before), measurement.c.id > last_id)
    with database.read() as connection:
        return list(connection.execute(old.order_by(measurement.c.id).limit(_BATCH)).scalars())


def _prune_measurements(connection: Connection, ids: Sequence[int], *, is_dry_run: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    for child in CHILD_TABLES:
        table, is_old = child.table, below(child.table, ids)
        if child.is_bulk and is_dry_run:
            counts[table.name] += connection.execute(select(func.count()).select_from(table).where(is_old)).scalar_one()
        elif child.is_bulk:
            counts[table.name] += connection.execute(delete(table).where(is_old)).rowcount
        # Samples go and their rows stay: nothing that a dry run counts.
        elif not is_dry_run and (packed := packed_columns(table)):
            connection.execute(update(table).where(is_old).values(dict.fromkeys(packed)))
    return counts


def _prune_frontiers(database: Database, before: datetime, *, is_dry_run: bool) -> int:
    with database.read() as connection:
        finished = list(connection.execute(select(crawl.c.id).where(crawl.c.finished_at < before)).scalars())
    count = 0
    for crawl_id in finished:
        # A crawl that is reopened meanwhile keeps what it has to do.
        done = select(frontier.c.id).where(frontier.c.crawl_id == crawl_id, frontier.c.state == DONE)
        if is_dry_run:
            with database.read() as connection:
                count += connection.execute(select(func.count()).select_from(done.subquery())).scalar_one()
            continue
        while True:
            with database.write() as connection:
                batch = list(connection.execute(done.limit(_BATCH * 10)).scalars())
                if not batch:
                    break
                connection.execute(delete(frontier).where(frontier.c.id.in_(batch)))
            count += len(batch)
    return count
