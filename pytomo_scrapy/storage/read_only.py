"""Open a database for reading only: nothing is created, migrated or written, and no query runs for ever."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from pytomo_scrapy.failures import NotReadyError, OtherSchemaError, StorageError, TooSlowError
from pytomo_scrapy.storage import migrate
from pytomo_scrapy.storage.database import WHILE_SAME, connected_to_read, damage_of, read_once
from pytomo_scrapy.storage.room import Room
from pytomo_scrapy.storage.schema.figure_tables import page_change
from pytomo_scrapy.storage.shown_url import shown

QUERY_LIMIT_S = 4.0
_CACHE_KIB = 8_000
_POOL_TIMEOUT_S = 10.0
_CHECK_EVERY = 20_000  # virtual machine steps of SQLite: some 0.2 ms


class ReadDatabase:
    """A database that is only read, by its URL or its file. Thread-safe."""

    def __init__(self, where: str | Path, *, query_limit_s: float = QUERY_LIMIT_S) -> None:
        try:
            parsed = (
                URL.create("sqlite", database=str(where))
                if isinstance(where, Path)
                else make_url(where.replace("postgres://", "postgresql://", 1))
            )
        except (ArgumentError, ValueError):
            raise StorageError("The database's URL cannot be read.") from None
        self.path = Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None
        self.shown_url = shown(parsed)
        self._url = parsed
        self._query_limit_s = query_limit_s
        # With the file that it reads, as one value: several threads look at both.
        self._known: tuple[Engine | None, tuple[int, int] | None] = (None, None)
        self._room = Room()
        # What was read of the newest rows, and of what changes seldom, of the state with this version.
        self._same: tuple[str, dict[Any, Any]] = ("", {})

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database. Raises NotReadyError, TooSlowError or StorageError."""
        try:
            with connected_to_read(self._ready_engine(), self._room) as connection:
                yield connection.execution_options(**{WHILE_SAME: self._kept_while_same})
        except DBAPIError as error:
            raise _explained(error, self.shown_url) from error
        except PoolTimeoutError as error:
            raise StorageError("The database has too many readers: try again in a moment.") from error

    def _kept_while_same(self, connection: Connection) -> dict[Any, Any]:
        version = version_of(connection)
        known, kept = self._same
        if known != version:
            kept = {}
            self._same = (version, kept)
        return kept

    @property
    def file(self) -> tuple[int, int] | None:
        """Which file is read: another one that takes its name is another database. None of a server."""
        return self._known[1]

    def close(self) -> None:
        """Close every connection."""
        engine, _ = self._known
        if engine is not None:
            engine.dispose()

    def _ready_engine(self) -> Engine:
        file = None if self.path is None else _identity(self.path)
        known, known_file = self._known
        if known is not None and file == known_file:
            return known
        # Open connections go on reading a file that was deleted: a crawl anew would never be seen.
        self.close()
        self._known, self._same = (None, None), ("", {})
        engine = self._sqlite_engine(self.path) if self.path is not None else self._server_engine()
        with engine.connect() as connection:
            _demand_schema(connection)
        self._known = engine, file
        return engine

    def _sqlite_engine(self, path: Path) -> Engine:
        location = read_location(path)

        def connect() -> sqlite3.Connection:
            # The driver itself begins no transaction to read; `see_one_state` does.
            return sqlite3.connect(location, uri=True, timeout=2.0, check_same_thread=False, isolation_level=None)

        engine = create_engine(
            "sqlite://", creator=connect, poolclass=QueuePool, pool_size=2, max_overflow=4, pool_timeout=_POOL_TIMEOUT_S
        )

        def set_up(connection: sqlite3.Connection, record: Any) -> None:
            _set_up_sqlite(connection)
            limit = _Limit(self._query_limit_s, 5 * self._query_limit_s)
            connection.set_progress_handler(limit.is_over, _CHECK_EVERY)
            record.info["limit"] = limit

        def begin(connection: Connection, *_: Any) -> None:
            connection.info["limit"].begin()

        def see_one_state(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN")

        event.listen(engine, "connect", set_up)
        event.listen(engine, "before_cursor_execute", begin)
        event.listen(engine, "begin", see_one_state)
        return engine

    def _server_engine(self) -> Engine:
        url = self._url.set(drivername="postgresql+psycopg") if self._url.drivername == "postgresql" else self._url
        limit_ms = int(self._query_limit_s * 1000)
        options = f"-c default_transaction_read_only=on -c statement_timeout={limit_ms}"
        try:
            return create_engine(
                url,
                pool_size=2,
                max_overflow=4,
                pool_timeout=_POOL_TIMEOUT_S,
                pool_pre_ping=True,
                # All numbers of a page are of one state, as a transaction of SQLite gives it anyway.
                isolation_level="REPEATABLE READ",
                connect_args={"options": options, "connect_timeout": 5, **_binary_results(url)},
            )
        except ModuleNotFoundError as error:
            raise StorageError(f"The database driver {error.name!r} is not installed.") from error


def _identity(path: Path) -> tuple[int, int]:
    """Return which file has this name now. Raises NotReadyError where there is none."""
    try:
        facts = path.stat()
    except OSError:
        raise NotReadyError("There is no measurement yet.") from None
    return facts.st_dev, facts.st_ino


def _binary_results(url: URL) -> dict[str, Any]:
    """Let psycopg get results as PostgreSQL has them: packed columns would come as twice as many hex digits."""
    if url.get_driver_name() != "psycopg":
        return {}
    import psycopg

    class BinaryCursor(psycopg.Cursor[Any]):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self.format = psycopg.pq.Format.BINARY

    return {"cursor_factory": BinaryCursor}


def read_location(path: Path) -> str:
    """Return the URI by which SQLite opens a file and writes nothing beside it."""
    location = f"file:{quote(str(path.resolve()))}?mode=ro"
    # On a medium that cannot be written, SQLite cannot keep its index of the write-ahead log.
    return location if _can_open(location) else f"{location}&immutable=1"


def _can_open(location: str) -> bool:
    try:
        connection = sqlite3.connect(location, uri=True)
        try:
            connection.execute("SELECT 1 FROM sqlite_master")
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        pass  # not a database at all: the first question says so
    return True


def _set_up_sqlite(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA query_only=ON")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    try:
        # Some builds of SQLite lack its mathematical functions.
        connection.execute("SELECT ln(2.0)")
    except sqlite3.OperationalError:
        connection.create_function("ln", 1, math.log, deterministic=True)


class _Limit:
    """Ends a query of one SQLite connection that takes too long; the time of each query is counted anew.

    What counts is the processor time of the thread that asks, so that a busy machine does not refuse what an idle one
    answers; `wall_s` bounds it in any case.
    """

    def __init__(self, cpu_s: float, wall_s: float) -> None:
        self._limits = (cpu_s, wall_s)
        self._until = (math.inf, math.inf)

    def begin(self) -> None:
        self._until = (time.thread_time() + self._limits[0], time.monotonic() + self._limits[1])

    def is_over(self) -> bool:
        return time.thread_time() > self._until[0] or time.monotonic() > self._until[1]


def _demand_schema(connection: Connection) -> None:
    revision = migrate.revision_of(connection)
    if revision is None:
        raise NotReadyError("This is not a database of pytomo-scrapy, or its first crawl has not begun.")
    if revision == migrate.UNRELEASED:
        raise OtherSchemaError(
            f"This database was written before the first release of pytomo-scrapy: its schema ({revision}) is not read "
            "any more."
        )
    if revision > migrate.HEAD:
        raise OtherSchemaError(
            f"This database was written by a newer pytomo-scrapy (its schema is {revision}, this version reads "
            f"{migrate.HEAD}): upgrade pytomo-scrapy."
        )
    if revision != migrate.HEAD:
        raise OtherSchemaError(
            f"This database has the schema {revision} and this version reads {migrate.HEAD}: `pytomo db upgrade "
            "--database FILE` brings it up to date, and so does the next crawl with this version."
        )


def _explained(error: DBAPIError, shown_url: str) -> StorageError:
    words = " ".join(str(error.orig).split())
    if "interrupted" in words or "statement timeout" in words:
        return TooSlowError("The query took too long and was stopped: choose a shorter period or fewer conditions.")
    if "malformed" in words:
        return StorageError(damage_of(shown_url))
    if "not a database" in words:
        return NotReadyError("This file is not a database of pytomo-scrapy.")
    if "locked" in words:
        return StorageError("The database is locked by another program.")
    return StorageError(f"The database {shown_url} could not be read ({type(error.orig).__name__}).")


def version_of(connection: Connection) -> str:
    """Return a text that changes with whatever changes in the tables that pages are made from, old rows or new ones.

    Its cost is flat: one row of SQLite, about as many of PostgreSQL as there are writers.
    """

    def read() -> str:
        changes = connection.execute(select(page_change.c.number).order_by(page_change.c.number)).scalars()
        return "-".join(map(str, changes)) or "0"

    return read_once(connection, ("version",), read)


def newest_of(connection: Connection) -> str:
    """Return the number of the newest measurement, 0 where there is none; flat cost."""
    return str(connection.execute(text("SELECT MAX(measurement_id) FROM figure")).scalar() or 0)
