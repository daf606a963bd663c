"""Retention over years: whole measurements are deleted, the aggregates of their days stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, and_, delete, func, or_, select
from sqlalchemy.exc import IntegrityError

from pytomo_scrapy.analysis.daily.daily_write import DAY_S, add_days, days_of
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.measurements.traces import began_before
from pytomo_scrapy.storage.schema.child_tables import CHILD_TABLES, below
from pytomo_scrapy.storage.schema.crawl_tables import DONE, frontier, measurement, video
from pytomo_scrapy.storage.schema.figure_tables import (
    BLOCK_ROWS,
    STRIP_BLOCKS,
    figure,
    figure_block,
    figure_column,
    figure_strip,
)

_ATTEMPTS = 3


def day_of(before: datetime) -> datetime:
    """Return the beginning of that day: only whole days of UTC are aggregated."""
    return datetime.fromtimestamp(int(before.timestamp()) // DAY_S * DAY_S, UTC)


def prune_measurements(database: Database, before: datetime, *, is_dry_run: bool = False) -> Mapping[str, int]:
    """Delete the measurements of the days before that of `before`, and add them to the aggregates of their days.

    A measurement whose video is still queued for another try stays, and the newest of all: its number is not given
    again. A transaction for every block of the flat table: a process killed at any instant has counted nothing twice.
    Returns rows by table; a dry run only counts the measurements. Raises StorageError.
    """
    counts: Counter[str] = Counter()
    newest = _newest(database)
    block: int | None = _next_block(database, before, newest, -1)
    while block is not None:
        if is_dry_run:
            with database.read() as connection:
                counts["measurement"] += len(_old_ids(connection, block, before, newest))
        else:
            counts += _prune_block(database, block, before, newest)
        block = _next_block(database, before, newest, block)
    return {name: count for name, count in counts.items() if count}


def _newest(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.max(measurement.c.id))).scalar() or 0


def _next_block(database: Database, before: datetime, newest: int, last: int) -> int | None:
    first = (last + 1) * BLOCK_ROWS
    later = select(measurement.c.id).where(
        measurement.c.id >= first, measurement.c.id < newest, began_before(day_of(before))
    )
    with database.read() as connection:
        found = connection.execute(later.order_by(measurement.c.id).limit(1)).scalar()
    return None if found is None else int(found) // BLOCK_ROWS


def _old_ids(connection: Connection, block: int, before: datetime, newest: int) -> list[int]:
    claimed = and_(frontier.c.id == measurement.c.claim_id, frontier.c.crawl_id == measurement.c.crawl_id)
    query = (
        select(measurement.c.id)
        .outerjoin(frontier, claimed)
        .where(measurement.c.id >= block * BLOCK_ROWS, measurement.c.id < min((block + 1) * BLOCK_ROWS, newest))
        .where(began_before(day_of(before)), or_(frontier.c.id.is_(None), frontier.c.state == DONE))
    )
    return list(connection.execute(query).scalars())


def _prune_block(database: Database, block: int, before: datetime, newest: int) -> Counter[str]:
    for attempt in range(_ATTEMPTS):
        try:
            with database.write() as connection:
                # A process that packs the block or stores a row of it waits for us, or we wait for it.
                connection.execute(select(figure_block).where(figure_block.c.block == block).with_for_update())
                ids = _old_ids(connection, block, before, newest)
                # What was superseded is in no aggregate. What else the flat table lacks could not be added: it stays.
                flat = select(figure.c.measurement_id).where(figure.c.measurement_id.in_(ids))
                counted = list(connection.execute(flat).scalars())
                if counted:
                    add_days(connection, days_of(connection, block, counted))
                replaced = select(measurement.c.id).where(measurement.c.id.in_(ids), measurement.c.is_superseded)
                return delete_measurements(connection, block, counted + list(connection.execute(replaced).scalars()))
        except IntegrityError:
            # A crawl at the same server measured one of the videos again between our look and our deletion.
            if attempt + 1 == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def delete_measurements(connection: Connection, block: int, ids: Sequence[int]) -> Counter[str]:
    """Delete measurements of one block with all below them, and videos that nobody measured then. Returns rows."""
    videos = set(connection.execute(select(measurement.c.video_row_id).where(measurement.c.id.in_(ids))).scalars())
    parts = [(child.table, below(child.table, ids)) for child in CHILD_TABLES]
    parts += [(figure, figure.c.measurement_id.in_(ids)), (measurement, measurement.c.id.in_(ids))]
    counts: Counter[str] = Counter()
    for table, is_old in parts:
        counts[table.name] += connection.execute(delete(table).where(is_old)).rowcount
    is_unused = ~select(measurement.c.id).where(measurement.c.video_row_id == video.c.id).exists()
    counts["video"] += connection.execute(delete(video).where(video.c.id.in_(videos), is_unused)).rowcount
    # The triggers unsealed the block; a block without rows needs no packing.
    own = figure.c.measurement_id.between(block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS - 1)
    if connection.execute(select(figure.c.measurement_id).where(own).limit(1)).first() is None:
        connection.execute(delete(figure_column).where(figure_column.c.block == block))
        connection.execute(delete(figure_strip).where(figure_strip.c.strip == block // STRIP_BLOCKS))
        connection.execute(delete(figure_block).where(figure_block.c.block == block))
    return counts
