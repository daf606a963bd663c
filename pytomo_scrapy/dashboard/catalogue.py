"""The databases that the page may show. A visitor chooses one by its id; no path ever comes from outside."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nlargest
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytomo_scrapy.storage.read_only import ReadDatabase

_SUFFIXES = {".db", ".sqlite", ".sqlite3"}
MAX_FILES = 1000
MAX_OPEN = 8  # each with connections and their caches


@dataclass(frozen=True, slots=True)
class Entry:
    """One database of the archive."""

    id: str
    name: str
    size_bytes: int | None
    changed_at: datetime | None
    where: str | Path


class Catalogue:
    """What `-f`, `-d` and PYTOMO_DATABASE_URL name. Opens no database before it is used. Thread-safe."""

    def __init__(self, url: str, directory: Path | None = None) -> None:
        self._url = url
        self._directory = directory
        self._shown: ReadDatabase | None = None
        self._health: ReadDatabase | None = None
        self._open: dict[str, ReadDatabase] = {}  # chosen from the archive
        self._lock = threading.Lock()

    @property
    def _own(self) -> ReadDatabase:
        with self._lock:
            if self._shown is None:
                self._shown = _reader(self._url)
            return self._shown

    def for_health(self) -> ReadDatabase:
        """Return the default database through a connection of its own: many answers under way hold up no health."""
        with self._lock:
            if self._health is None:
                self._health = _reader(self._url)
            return self._health

    @property
    def own_id(self) -> str:
        """Return the id of the database that is shown if the visitor chose none."""
        path = self._own.path
        return _id_of(path.resolve().as_posix() if path is not None else self._own.shown_url)

    def entries(self) -> list[Entry]:
        """Return every database there is now, newest first."""
        found = {self.own_id: self._own_entry()}
        if self._directory is not None and self._directory.is_dir():
            for path in _files_in(self._directory):
                entry = _file_entry(path)
                found.setdefault(entry.id, entry)
        oldest = datetime.min.replace(tzinfo=UTC)
        return sorted(found.values(), key=lambda entry: entry.changed_at or oldest, reverse=True)

    def database(self, key: str | None) -> tuple[str, ReadDatabase] | None:
        """Return the database with that id, for None the default one. None if there is no such id."""
        wanted = key or self.own_id
        if wanted == self.own_id:
            return wanted, self._own
        with self._lock:
            if wanted in self._open:
                return wanted, self._open[wanted]
        entry = next((entry for entry in self.entries() if entry.id == wanted), None)
        if entry is None:
            return None
        with self._lock:
            if wanted not in self._open:
                self._make_room()
                self._open[wanted] = _reader(entry.where)
            return wanted, self._open[wanted]

    def close(self) -> None:
        """Close every database."""
        with self._lock:
            for database in (self._shown, self._health, *self._open.values()):
                if database is not None:
                    database.close()

    def _make_room(self) -> None:
        if len(self._open) >= MAX_OPEN:
            self._open.pop(next(iter(self._open))).close()

    def _own_entry(self) -> Entry:
        path = self._own.path
        if path is None:
            return Entry(self.own_id, self._own.shown_url, None, datetime.now(UTC), self._url)
        return _file_entry(path, url=self._url)


def _reader(where: str | Path) -> ReadDatabase:
    # Late: the web page's first answer need not wait for SQLAlchemy.
    from pytomo_scrapy.storage.read_only import ReadDatabase

    return ReadDatabase(where)


def newest_file(directory: Path) -> Path | None:
    """Return the database of a folder that changed last. None where there is none."""
    return next(iter(_files_in(directory)), None)


def newest_filled_file(directory: Path) -> Path | None:
    """Return the database of a folder that changed last among those that hold a measurement. None where none does."""
    return next((path for path in _files_in(directory) if holds_measurements(path)), None)


def holds_measurements(path: Path) -> bool:
    """Return whether a file is a database of ours with a measurement in it. It is only read."""
    for mode in ("mode=ro", "mode=ro&immutable=1"):  # the second where the folder cannot be written
        address = f"{path.resolve().as_uri()}?{mode}"
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
            return connection.execute("SELECT 1 FROM measurement LIMIT 1").fetchone() is not None
    return False


def _files_in(directory: Path) -> list[Path]:
    """Return the databases of a folder, the newest first."""
    # The newest of very many: those of nightly crawls are named by their day, and the last days come last.
    files = (path for path in directory.iterdir() if path.suffix in _SUFFIXES and path.is_file())
    return nlargest(MAX_FILES, files, key=_changed_s)


def _changed_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # deleted since it was listed
        return 0.0


def _file_entry(path: Path, url: str | None = None) -> Entry:
    name, key = path.name, _id_of(path.resolve().as_posix())
    address = url or path.resolve()
    try:
        status = path.stat()
    except OSError:
        return Entry(key, name, None, None, address)
    return Entry(key, name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC), address)


def _id_of(location: str) -> str:
    return hashlib.sha256(location.encode()).hexdigest()[:12]
