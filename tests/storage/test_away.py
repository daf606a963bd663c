"""Which errors of a database say that it is away: its locks, disks and connections, and nothing about a value."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from pytomo_scrapy.failures import RefusedError, StorageError
from pytomo_scrapy.storage.database import Database, open_database


def kind_of(database: Database, provoke: Callable[[Connection], object]) -> type[StorageError]:
    with pytest.raises(StorageError) as raised, database.write() as connection:
        provoke(connection)
    return raised.type


REFUSED: dict[str, Callable[[Connection], object]] = {
    "object": lambda connection: connection.execute(text("SELECT :x"), {"x": {"a": 1}}),
    "no table": lambda connection: connection.execute(text("SELECT * FROM nothing_of_this_name")),
    "syntax": lambda connection: connection.execute(text("SELEC 1")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_statement_that_can_never_succeed_is_refused(name: str, each_database: Database) -> None:
    assert kind_of(each_database, REFUSED[name]) is RefusedError


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT CAST('12 views' AS BIGINT)",
        "SELECT CAST(3000000000 AS INTEGER)",
        # Too long for an index: an operational error by its name.
        "CREATE TEMPORARY TABLE t (a TEXT PRIMARY KEY);"
        " INSERT INTO t SELECT string_agg(md5(n::text), '') FROM generate_series(1, 500) n",
    ],
)
def test_value_that_postgresql_cannot_keep_is_refused(statement: str, postgres_url: str) -> None:
    database = open_database(postgres_url)
    assert kind_of(database, lambda connection: connection.exec_driver_sql(statement)) is RefusedError
    database.close()


@pytest.mark.parametrize("state", ["08006", "40001", "53100", "55P03", "57P01", "58030", "25006"])
def test_server_in_trouble_is_away(state: str, postgres_url: str) -> None:
    database = open_database(postgres_url)
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '{state}'; END $$"
    assert kind_of(database, lambda connection: connection.exec_driver_sql(raising)) is StorageError
    database.close()


def test_locked_file_is_away(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}", busy_timeout_s=0.05)
    other = sqlite3.connect(tmp_path / "x.db")
    other.execute("BEGIN IMMEDIATE")
    assert kind_of(database, lambda connection: connection) is StorageError
    other.close()
    database.close()


def test_full_disk_is_away(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")

    def fill(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1")
        connection.exec_driver_sql("CREATE TABLE big AS SELECT randomblob(10000000) AS a")

    assert kind_of(database, fill) is StorageError
    database.close()
