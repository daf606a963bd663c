"""Differential tests in the database: stored whole, read back with their windows, judged again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from pytomo_scrapy.items import DifferentialTest, JudgedTest, NamedWindow
from pytomo_scrapy.items.stored import from_flat
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.measurements.repository import VantageFacts, find_vantage
from pytomo_scrapy.storage.measurements.rows import insert_all, insert_one, values_of
from pytomo_scrapy.storage.row_keys import row_number
from pytomo_scrapy.storage.schema.differential_tables import differential_test, differential_window


@dataclass(frozen=True, slots=True)
class StoredTest:
    """A test as it is stored, under its number."""

    id: int
    test: DifferentialTest
    windows: tuple[NamedWindow, ...] = ()


def save_test(database: Database, test: DifferentialTest, windows: Sequence[NamedWindow], point: VantageFacts) -> int:
    """Store a test with its windows, all or nothing; the same uuid twice is stored once. Returns its number.

    Raises StorageError.
    """
    with database.write() as connection:
        # A commit whose answer was lost is tried again.
        same = select(differential_test.c.id).where(differential_test.c.uuid == test.uuid)
        if (known := connection.execute(same).scalar()) is not None:
            return int(known)
        vantage_id = find_vantage(connection, point, store_public_ip=False)
        row = values_of(test, differential_test) | {"vantage_id": vantage_id}
        test_id = insert_one(connection, differential_test, row)
        rows = [values_of(one, differential_window) | {"differential_test_id": test_id} for one in windows]
        insert_all(connection, differential_window, rows)
    return test_id


def read_tests(connection: Connection) -> list[StoredTest]:
    """Return every test without its windows, the newest first."""
    rows = connection.execute(select(differential_test).order_by(differential_test.c.id.desc())).all()
    return [_stored(row) for row in rows]


def read_test(connection: Connection, number: int) -> StoredTest | None:
    """Return a test with its windows. None where there is none of that number."""
    same = differential_test.c.id == number
    # A number of more than 64 bits would be an error of the driver's, and there is no such row.
    row = connection.execute(select(differential_test).where(same)).one_or_none() if row_number(number) else None
    if row is None:
        return None
    column = differential_window.c
    windows = select(differential_window).where(column.differential_test_id == number).order_by(column.id)
    found = tuple(from_flat(NamedWindow, {**window._mapping}) for window in connection.execute(windows))
    return _stored(row, found)


def note_judgement(database: Database, number: int, judged: JudgedTest) -> None:
    """Store what a test's windows say by a later version of the method. Raises StorageError."""
    with database.write() as connection:
        this = update(differential_test).where(differential_test.c.id == number)
        connection.execute(this.values(**values_of(judged, differential_test)))


def _stored(row: Row[Any], windows: tuple[NamedWindow, ...] = ()) -> StoredTest:
    return StoredTest(row.id, from_flat(DifferentialTest, {**row._mapping}), windows)
