"""Open a database for commands that only read: nothing is created, and a folder that cannot be written will do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from pytomo_scrapy.failures import AbsentError, StorageError
from pytomo_scrapy.storage import migrate
from pytomo_scrapy.storage.database import (
    Database,
    begin_sqlite,
    create_engine_of,
    open_database,
    opening_error,
    parse_url,
)
from pytomo_scrapy.storage.lock_waits import BUSY_TIMEOUT_S
from pytomo_scrapy.storage.read_only import read_location


def open_for_reading(url: str) -> Database:
    """Open a database without a write; one of an older schema is brought up to date as every command does.

    Raises AbsentError where there is none, StorageError with one sentence where it cannot be read.
    """
    parsed = parse_url(url)
    database = _read_only(parsed) if parsed.get_backend_name() == "sqlite" else Database(create_engine_of(parsed))
    try:
        with database.engine.connect() as connection:
            is_current = migrate.revision_of(connection) == migrate.HEAD
    except DBAPIError as error:
        database.close()
        raise StorageError(opening_error(database, error)) from error
    if is_current:
        return database
    database.close()
    return open_database(url)


def _read_only(url: URL) -> Database:
    path = Path(str(url.database).removeprefix("file:"))
    if path.is_dir():
        raise StorageError(f"The database {path} is a folder: PYTOMO_DATABASE_URL must name a file in it.")
    if not path.exists():
        raise AbsentError(f"There is no database {path}: PYTOMO_DATABASE_URL must name the file of a crawl.")
    location = read_location(path)

    def connect() -> sqlite3.Connection:
        # The driver itself begins no transaction: `begin_sqlite` does.
        connection = sqlite3.connect(
            location, uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False, isolation_level=None
        )
        connection.execute("PRAGMA query_only=ON")
        return connection

    engine = create_engine(url, creator=connect)
    event.listen(engine, "begin", begin_sqlite)
    return Database(engine)
