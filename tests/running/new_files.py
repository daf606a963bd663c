"""New SQLite files by the statements that the migrations come to: a tenth of the time of running these.

The migrations themselves are tested where they run: tests marked `migrates`, and where a Python starts of its own.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, create_engine, text

from pytomo_scrapy.storage import migrate

# Set in the environment of tests that want the migrations, and so of the commands that they run.
VARIABLE = "PYTOMO_TEST_MIGRATES"
really_upgrade = migrate.upgrade
# The versions of the format, for writing and reading: 2 for a write-ahead log (https://www.sqlite.org/fileformat2.html)
_WAL = slice(18, 20)


@cache
def statements() -> tuple[str, ...]:
    """Return what the migrations make of an empty SQLite file."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        really_upgrade(connection, "a new file")
        made = connection.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"))
        found = tuple(made.scalars())
    engine.dispose()
    return (*found, f"INSERT INTO alembic_version VALUES ('{migrate.HEAD}')")


@cache
def _content() -> bytes:
    """Return what the statements make of a file, as a crawl leaves it."""
    with closing(sqlite3.connect(":memory:")) as connection:
        with connection:
            for statement in statements():
                connection.execute(statement)
        content = bytearray(connection.serialize())
    content[_WAL] = b"\2\2"
    return bytes(content)


def place(path: Path) -> None:
    """Make a new file where a Python of its own, or a test that opens it next, would run the migrations."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(_content())


def upgrade(connection: Connection, shown_url: str) -> None:
    """Stand for `migrate.upgrade`."""
    if connection.dialect.name != "sqlite" or migrate.revision_of(connection) is not None:
        really_upgrade(connection, shown_url)
        return
    # By the driver itself: SQLAlchemy would look at each of some hundred statements.
    file = connection.connection.cursor()
    for statement in statements():
        file.execute(statement)
    file.close()


def prepare() -> None:
    """Do what each process that is forked would do for itself."""
    statements()
    _content()


def use() -> None:
    """Make new files so in this process, from now on, unless its environment wants the migrations."""
    if VARIABLE not in os.environ:
        migrate.upgrade = upgrade
