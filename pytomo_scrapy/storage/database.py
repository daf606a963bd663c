"""Open a database by its URL: create it and migrate it, or say in one sentence why that failed."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from pytomo_scrapy.failures import AwayError, RefusedError, StorageError
from pytomo_scrapy.storage import migrate
from pytomo_scrapy.storage.away import is_away, may_come_back
from pytomo_scrapy.storage.lock_waits import BUSY_TIMEOUT_S, CONNECT_TIMEOUT_S, LockWaits
from pytomo_scrapy.storage.room import Room
from pytomo_scrapy.storage.scrub import scrub
from pytomo_scrapy.storage.shown_url import shown

OWNERS_ALONE = 0o600  # where a line was, what it could and what was watched is nobody else's business
# A server that vanished without a word is noticed within half a minute, not after the kernel's quarter of an hour.
_DEAD_PEER = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}
_RIGHT_URLS = "sqlite:///FOLDER/FILE.db or postgresql://USER:PASSWORD@HOST/DATABASE"
# Any constant does; it only has to be the same in every pytomo that meets another one at one server.
_MIGRATION_LOCK = 7_086_611

# An option of connections that only read: a place for what was read of the one state that they see.
READ_ONCE = "read_once"
ROOM = "room"  # another: the memory that what is kept may take
WHILE_SAME = "while_same"  # a third: gives such a place for the state that a connection sees, also if others saw it
Found = TypeVar("Found")


class Database:
    """An open, migrated database. Thread-safe; on SQLite one write transaction at a time."""

    def __init__(self, engine: Engine, waits: LockWaits | None = None) -> None:
        self.engine = engine
        self._waits = waits
        self.shown_url = shown(engine.url)
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._writer = engine.execution_options(is_write=True)
        self._write_lock = threading.Lock() if self.is_sqlite else nullcontext()
        self._file: tuple[int, int] | None = None
        self._room = Room()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection inside one transaction: all of it is committed or none. Raises StorageError."""
        with self._write_lock, self._sentences("written"):
            with self._writer.begin() as connection:
                yield connection
            # Behind the commit: what went into a file that has no name any more is not stored.
            self._demand_same_file()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database. Raises StorageError."""
        with self._sentences("read"), connected_to_read(self.engine, self._room) as connection:
            yield connection

    def hurry(self) -> None:
        """Wait a few seconds more for the locks of others, all calls together; those under way too."""
        if self._waits is not None:
            self._waits.hurry()

    def close(self) -> None:
        """Close every connection."""
        if self._waits is not None:
            self._waits.close()
        self.engine.dispose()

    def remember_file(self) -> None:
        """Note which file the database is. A file that takes its name later is another database."""
        self._file = self._file_now()

    def _demand_same_file(self) -> None:
        if self._file is not None and self._file_now() != self._file:
            raise StorageError(
                f"The database {self.shown_url} was deleted or replaced while it was open: put its file back."
            )

    def _file_now(self) -> tuple[int, int] | None:
        if not self.is_sqlite:
            return None
        try:
            facts = Path(str(self.engine.url.database)).stat()
        except OSError:
            return None
        return facts.st_dev, facts.st_ino

    @contextmanager
    def _sentences(self, verb: str) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            if _is_damage(str(error.orig)) and self.is_sqlite:
                raise RefusedError(damage_of(self.shown_url)) from error
            kind = StorageError if is_away(error) else RefusedError
            raise kind(f"The database {self.shown_url} could not be {verb}: {reason_of(error)}.") from error


def connected_to_read(engine: Engine, room: Room) -> Connection:
    """Return a connection that reads one state of the database, with a place for what is to be read once."""
    return engine.connect().execution_options(**{READ_ONCE: {}, ROOM: room})


def read_once(connection: Connection, key: tuple[object, ...], read: Callable[[], Found]) -> Found:
    """Return what `read` finds, and the same again from a connection that only reads: it sees one state."""
    kept: dict[tuple[object, ...], Found] | None = connection.get_execution_options().get(READ_ONCE)
    if kept is None:
        return read()
    if key not in kept:
        kept[key] = read()
    return kept[key]


def kept_while_same(connection: Connection) -> dict[Any, Any] | None:
    """Return a place for what holds as long as nothing changes, for the next connections too where these may share it.

    None for a connection that writes.
    """
    options = connection.get_execution_options()
    find: Callable[[Connection], dict[Any, Any]] | None = options.get(WHILE_SAME)
    if find is None:
        return options.get(READ_ONCE)
    return read_once(connection, (WHILE_SAME,), lambda: find(connection))


def _is_damage(words: str) -> bool:
    # A "disk I/O error" is not among them: a full quota or a drive that was pulled out leaves a file that is whole.
    return "malformed" in words


def damage_of(shown_url: str) -> str:
    """Say that a database is damaged, and what to do."""
    return (
        f"The database {shown_url} is damaged: end what writes to it, keep a copy of its files, save what can be read "
        "with `sqlite3 FILE .recover | sqlite3 NEW.db`, and go on with the new file."
    )


def is_no_database(error: DBAPIError) -> bool:
    """Tell whether a file is none of SQLite's."""
    return "not a database" in str(error.orig)


def reason_of(error: DBAPIError) -> str:
    """Return the driver's own words on one line, without credentials."""
    words = " ".join(str(error.orig).split()).rstrip(".")
    return scrub(words) or type(error.orig).__name__


def open_database(
    url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S, after_migration: Callable[[Database], object] | None = None
) -> Database:
    """Open, create and migrate the database. Raises StorageError with one sentence that says what is wrong.

    An AwayError is one that may be over in a minute.

    `after_migration` is called where an older database was brought to this version's schema.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        _prepare_folder(parsed)
    engine = create_engine_of(parsed, busy_timeout_s)
    database = Database(engine, LockWaits(engine, busy_timeout_s))
    try:
        if bring_up_to_date(database) and after_migration is not None:
            after_migration(database)
    except DBAPIError as error:
        database.close()
        kind = AwayError if may_come_back(error) else StorageError
        raise kind(opening_error(database, error)) from error
    except StorageError:
        database.close()
        raise
    database.remember_file()
    return database


def parse_url(url: str) -> URL:
    """Read the URL of a database of either kind. Raises StorageError."""
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url)
    except (ArgumentError, ValueError):
        raise StorageError(f"PYTOMO_DATABASE_URL is not a database URL: it must be like {_RIGHT_URLS}.") from None
    backend = parsed.get_backend_name()
    if backend not in {"sqlite", "postgresql"}:
        raise StorageError(f"PYTOMO_DATABASE_URL names the database {backend!r}: it must be like {_RIGHT_URLS}.")
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise StorageError("PYTOMO_DATABASE_URL names no file: a database in memory would lose every measurement.")
    # SQLAlchemy before 2.1 takes a bare postgresql:// for psycopg2.
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def _prepare_folder(url: URL) -> None:
    name = str(url.database)
    if name.startswith("file:"):
        return  # a URI of SQLite's, whose own parameters say whether a file may be made
    path = Path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise StorageError(f"The folder {path.parent} of the database cannot be created: {why}.") from error
    if path.is_dir():
        raise StorageError(f"The database {path} is a folder: PYTOMO_DATABASE_URL must name a file in it.")
    # Made before SQLite does it: its journals take the file's mode. A file that is there keeps what its owner gave it,
    # and what is in the way has a sentence of its own when the database is opened.
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, OWNERS_ALONE))


def create_engine_of(url: URL, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Engine:
    """Return the engine of a database that is read and written. Raises StorageError."""
    is_sqlite = url.get_backend_name() == "sqlite"
    options: dict[str, Any] = (
        {"connect_args": {"timeout": busy_timeout_s}}
        if is_sqlite
        # A server that was restarted leaves dead connections in the pool: test each before use.
        else {"connect_args": {"connect_timeout": CONNECT_TIMEOUT_S, **_DEAD_PEER}, "pool_pre_ping": True}
    )
    try:
        engine = create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise StorageError(
            f"The database driver {error.name!r} is not installed: pip install 'pytomo-scrapy[postgres]'."
        ) from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise StorageError(f"PYTOMO_DATABASE_URL cannot be used: it must be like {_RIGHT_URLS}.") from error
    if is_sqlite:
        event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own transaction handling begins late and leaves DDL outside: `begin_sqlite` begins instead.
    connection.isolation_level = None
    _use_wal(connection)
    # FULL: a commit survives a power cut, which a probe in a cupboard does meet; one fsync a video is nothing.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _use_wal(connection: sqlite3.Connection) -> None:
    # Two processes that create a file at once: the switch to WAL reports "locked" without the busy timeout.
    for attempt in range(50):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == 49:
                raise
            time.sleep(0.02)


def begin_sqlite(connection: Connection) -> None:
    """Begin a transaction of reading, since the driver is told to begin none."""
    connection.exec_driver_sql("BEGIN")


def bring_up_to_date(database: Database) -> bool:
    """Migrate the database where it needs it. Returns whether it was an older one of ours."""
    with database.engine.connect() as connection:
        if migrate.revision_of(connection) == migrate.HEAD:
            return False
    with database._writer.begin() as connection:
        if not database.is_sqlite:
            # Another one may migrate for as long as it takes.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        # Read again under the lock: another process may have migrated meanwhile.
        revision = migrate.revision_of(connection)
        if revision is None and inspect(connection).get_table_names():
            raise StorageError(
                f"The database {database.shown_url} holds tables of something else: "
                "PYTOMO_DATABASE_URL must name an empty database or one of pytomo-scrapy."
            )
        if revision != migrate.HEAD:
            migrate.upgrade(connection, database.shown_url)
    return revision is not None


def opening_error(database: Database, error: DBAPIError) -> str:
    """Say in one sentence why a database cannot be opened."""
    words = str(error.orig)
    if _is_damage(words):
        return damage_of(database.shown_url)
    if is_no_database(error):
        return f"The file of {database.shown_url} is not a SQLite database: choose another PYTOMO_DATABASE_URL."
    if "readonly" in words or "unable to open" in words:
        return f"The database {database.shown_url} cannot be opened for writing: check the permissions of its folder."
    if "locked" in words:
        return f"The database {database.shown_url} is locked by another program: end it or choose another database."
    if database.is_sqlite:
        return f"The database {database.shown_url} cannot be opened: {reason_of(error)}."
    return f"The database server of {database.shown_url} cannot be used: {reason_of(error)}."
