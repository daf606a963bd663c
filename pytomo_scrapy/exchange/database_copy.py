"""Copy a whole database into another, SQLite to PostgreSQL or back: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from pytomo_scrapy.exchange.datasets import snapshot
from pytomo_scrapy.failures import SettingError, StorageError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.schema.columns import metadata
from pytomo_scrapy.storage.schema.figure_tables import figure_block, figure_column, figure_strip, page_change

BATCH_ROWS = 2000
# Written anew in the copy, by its own triggers and the next crawl: they repeat what the other tables hold, or note a
# change of this database.
_DERIVED = (figure_block, figure_column, figure_strip, page_change)


def copy_database(
    source: Database, target: Database, on_table: Callable[[str, int], object] = lambda name, rows: None
) -> dict[str, int]:
    """Copy every row, with its number, in one transaction; return the rows by table.

    The source is read as it is at one moment, also while a crawl writes to it. The rows of every table are counted in
    the copy before it is committed: killed at any instant, the target is as empty as it was, and the same call begins
    anew. `on_table` hears of each table that is done. Raises SettingError for a target that is the source or holds
    rows already, StorageError where one of them cannot be used or a count differs.
    """
    # Its own snapshot would be read while it is written, without an end.
    if source.shown_url == target.shown_url:
        raise SettingError(f"{target.shown_url} is the database itself: name another one to copy it to.")
    counts: dict[str, int] = {}
    try:
        # One transaction for all tables, however long: half a copy would look like a whole one.
        with snapshot(source) as reading, target.write() as writing:
            _demand_empty(writing, target)
            for table in _tables():
                counts[table.name] = _copy_table(reading, writing, table)
                if (found := _count(writing, table)) != counts[table.name]:
                    raise StorageError(
                        f"The copy of {table.name} has {found} rows, not {counts[table.name]}: nothing was copied."
                    )
                on_table(table.name, counts[table.name])
            if not target.is_sqlite:
                _advance_numbers(writing)
    except IntegrityError as error:
        raise StorageError(f"{target.shown_url} does not take a row: {error.orig}. Nothing was copied.") from error
    return counts


def _tables() -> list[Table]:
    """Return the tables, what is pointed to before what points to it."""
    return [table for table in metadata.sorted_tables if table not in _DERIVED]


def _demand_empty(connection: Connection, target: Database) -> None:
    for table in _tables():
        if _count(connection, table):
            raise SettingError(
                f"{target.shown_url} holds rows already ({table.name}): a copy needs a new or an empty database."
            )


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _copy_table(reading: Connection, writing: Connection, table: Table) -> int:
    count = 0
    # By key, so that rows of one table that point to earlier ones of it find these.
    rows = reading.execution_options(stream_results=True, yield_per=BATCH_ROWS).execute(
        select(table).order_by(*table.primary_key.columns)
    )
    with rows:
        for batch in rows.partitions():
            writing.execute(insert(table), [dict(row._mapping) for row in batch])
            count += len(batch)
    return count


def _advance_numbers(connection: Connection) -> None:
    """Let the next rows of a PostgreSQL database be numbered behind those that were copied with their numbers."""
    for table in _tables():
        key: Any = table.primary_key.columns.get("id")
        if key is None:
            continue
        sequence = connection.execute(text(f"SELECT pg_get_serial_sequence('{table.name}', 'id')")).scalar()
        last = connection.execute(select(func.max(key))).scalar()
        if sequence is not None and last is not None:
            connection.execute(
                text("SELECT setval(CAST(:sequence AS regclass), :last)"), {"sequence": sequence, "last": last}
            )
