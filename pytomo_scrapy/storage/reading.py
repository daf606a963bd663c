"""Open a database for commands that only read: nothing is created, and a folder that cannot be written will do."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import weakref
from pathlib import Path

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from pytomo_scrapy.failures import AbsentError, StorageError
from pytomo_scrapy.storage import migrate
from pytomo_scrapy.storage.database import (
    Database,
    begin_sqlite,
    bring_up_to_date,
    create_engine_of,
    is_no_database,
    opening_error,
    parse_url,
)
from pytomo_scrapy.storage.lock_waits import BUSY_TIMEOUT_S
from pytomo_scrapy.storage.read_only import read_location

# A larger file of an older schema is not copied at every look: it is brought up to date once.
MAX_COPY_BYTES = 256 * 1024 * 1024


def open_for_reading(url: str) -> Database:
    """Open a database without a write. A file of an older schema is read through a copy that is brought up to date.

    Raises AbsentError where there is none, StorageError with one sentence where it cannot be read, or where it is of an
    older schema and too large to copy: the sentence says which command brings it up to date.
    """
    parsed = parse_url(url)
    database = _read_only(parsed) if parsed.get_backend_name() == "sqlite" else _of_server(parsed)
    try:
        with database.engine.connect() as connection:
            revision = migrate.revision_of(connection)
    except DBAPIError as error:
        database.close()
        raise StorageError(opening_error(database, error)) from error
    if revision == migrate.HEAD:
        return database
    database.close()
    # One without a schema is empty, or something else's: its copy tells which.
    if database.is_sqlite and (revision is None or _path_of(parsed).stat().st_size <= MAX_COPY_BYTES):
        return _copied(parsed)
    raise StorageError(migrate.outdated(revision, database.shown_url))


def revision_at(url: str) -> str | None:
    """Return the schema revision of a database, and change nothing. None where there is none, or nothing of ours in it.

    Raises StorageError where that cannot be told, such as of a server that is away.
    """
    parsed = parse_url(url)
    try:
        database = _read_only(parsed) if parsed.get_backend_name() == "sqlite" else Database(create_engine_of(parsed))
    except AbsentError:
        return None
    try:
        with database.engine.connect() as connection:
            return migrate.revision_of(connection)
    except DBAPIError as error:
        if is_no_database(error):
            return None
        raise StorageError(opening_error(database, error)) from error
    finally:
        database.close()


def _path_of(url: URL) -> Path:
    # SQLAlchemy has taken the options off already: a `?` that is left belongs to the name.
    return Path(str(url.database).removeprefix("file:"))


def _copied(url: URL) -> Database:
    """Return a copy of a file of an older schema, brought up to date; it goes when nobody reads it any more."""
    folder = Path(tempfile.mkdtemp(prefix="pytomo-older-"))
    copy = folder / "copy.db"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(copy, timeout=BUSY_TIMEOUT_S, check_same_thread=False, isolation_level=None)

    # Known by the name of the file that was asked for, in sentences too.
    engine = create_engine(url, creator=connect)
    forget = weakref.finalize(engine, shutil.rmtree, folder, True)
    event.listen(engine, "engine_disposed", lambda _: forget())
    event.listen(engine, "begin", begin_sqlite)
    database = Database(engine)
    try:
        source = sqlite3.connect(read_location(_path_of(url)), uri=True, timeout=BUSY_TIMEOUT_S)
        target = connect()
        try:
            source.backup(target)
        finally:
            source.close()
            target.close()
        bring_up_to_date(database)
    except (DBAPIError, sqlite3.Error, OSError) as error:
        database.close()
        raise StorageError(
            f"The database {database.shown_url} is of an older version, and no copy of it could be made to read from "
            f"({type(error).__name__}): `pytomo db upgrade` brings it up to date."
        ) from error
    except StorageError:
        database.close()
        raise
    return database


def check_there(url: str) -> None:
    """Look whether a database is there that is about to be changed: to open it would make an empty file of it.

    Raises AbsentError for a file that is not there. Whether a server has the database, opening it says.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        _existing(parsed)


def _existing(url: URL) -> Path:
    path = _path_of(url)
    if path.is_dir():
        raise StorageError(
            f"The database {path} is a folder: --database or PYTOMO_DATABASE_URL must name a file in it."
        )
    if not path.exists():
        raise AbsentError(f"There is no database {path}: `pytomo crawl` makes one, --database names another.")
    return path


def _of_server(url: URL) -> Database:
    # What a report says in several places is of one state, as a transaction of SQLite gives it anyway.
    return Database(create_engine_of(url).execution_options(isolation_level="REPEATABLE READ"))


def _read_only(url: URL) -> Database:
    location = read_location(_existing(url))

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
