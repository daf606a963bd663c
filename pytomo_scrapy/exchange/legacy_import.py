"""Import databases of Pytomo 3: every row once, and a count of what could not be read and why."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import delete, func, select, text, update

from pytomo_scrapy import __version__
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.measurements.rows import insert_one
from pytomo_scrapy.storage.schema.legacy_table import OLD_COLUMNS, column_of, legacy_row, legacy_source

TABLE_PREFIX = "pytomo_crawl_"
BATCH_ROWS = 5000
# Older versions lacked some columns; without these two a row says neither when nor what.
_DEMANDED = ("id", "url")
# Of a whole number: a database holds up to 2 to the 63rd, which a float rounds up to.
_TOO_LARGE = 2.0**63


class _UnreadableError(ValueError):
    """Raised for a row that cannot be kept as it is; the text is the reason that is counted."""


@dataclass(slots=True)
class Imported:
    """The result for one table. `known_count` rows were there from an earlier import."""

    file_name: str
    table_name: str
    row_count: int = 0
    known_count: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)
    ignored_columns: tuple[str, ...] = ()

    @property
    def unreadable_count(self) -> int:
        """Return how many rows could not be read."""
        return self.unreadable.total()


def import_legacy(database: Database, path: Path) -> Iterator[Imported]:
    """Import every table `pytomo_crawl_*` of a file, in batches; an interrupted import is completed by the next.

    Raises StorageError if the file is not a database of Pytomo 3.
    """
    with closing(_open(path)) as source:
        for table_name in _tables(source, path):
            yield _import_table(database, source, path.name, table_name)


def _open(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise StorageError(f"{path} is not a file.")
    # Read-only, so that a database in use or on a read-only disk can be imported too.
    source = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
    source.text_factory = _decoded
    return source


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        # Pytomo 3 wrote bytes of whatever the page was encoded in; this loses none of them.
        return raw.decode("latin-1")


def _tables(source: sqlite3.Connection, path: Path) -> list[str]:
    try:
        rows = source.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    except sqlite3.DatabaseError as error:
        raise StorageError(f"{path} cannot be read as a SQLite database: {error}.") from error
    found = [str(name) for (name,) in rows if str(name).lower().startswith(TABLE_PREFIX)]
    if not found:
        raise StorageError(f"{path} has no table {TABLE_PREFIX}*: it is not a database of Pytomo 3.")
    return found


def _import_table(database: Database, source: sqlite3.Connection, file_name: str, table_name: str) -> Imported:
    result = Imported(file_name, table_name)
    quoted = '"' + table_name.replace('"', '""') + '"'
    columns = [str(row[1]) for row in source.execute(f"PRAGMA table_info({quoted})")]
    index_of = {name.lower(): column_index for column_index, name in enumerate(columns)}
    known = {name.lower() for name, _ in OLD_COLUMNS}
    result.ignored_columns = tuple(name for name in columns if name.lower() not in known)
    absent = [name for name in _DEMANDED if name not in index_of]
    if absent:
        (count,) = source.execute(f"SELECT COUNT(*) FROM {quoted}").fetchone()
        result.unreadable[f"the table has no column {' and no '.join(absent)}"] += count
        return result
    rows = _values(_read(source, quoted, result), index_of, result)
    _store(database, rows, result)
    return result


def _read(source: sqlite3.Connection, quoted: str, result: Imported) -> Iterator[tuple[Any, ...]]:
    read_count = 0
    try:
        for row in source.execute(f"SELECT * FROM {quoted}"):
            read_count += 1
            yield row
    except sqlite3.DatabaseError as error:
        result.unreadable[f"the file is damaged ({error})"] += max(_row_count(source, quoted) - read_count, 1)


def _row_count(source: sqlite3.Connection, quoted: str) -> int:
    """Return how many rows there should be, by the last row number: a damaged file ends a full scan."""
    try:
        return int(source.execute(f"SELECT MAX(rowid) FROM {quoted}").fetchone()[0] or 0)
    except sqlite3.DatabaseError:
        return 0


def _values(rows: Iterator[tuple[Any, ...]], index_of: Mapping[str, int], result: Imported) -> Iterator[dict[str, Any]]:
    """Yield the rows as they are stored, each with its digest. Rows that cannot be stored are counted by reason."""
    # By a number of eight bytes: each row of a table of millions is remembered.
    seen: Counter[int] = Counter()
    wanted = [(name, _READERS[kind], index_of.get(name.lower())) for name, kind in OLD_COLUMNS]
    for row in rows:
        try:
            values = {
                column_of(name): None if column_index is None else read(name, row[column_index])
                for name, read, column_index in wanted
            }
        except _UnreadableError as reason:
            result.unreadable[str(reason)] += 1
            continue
        digest = blake2b(repr(tuple(values.values())).encode(), digest_size=16)
        # Two rows of one table may be the same in all values; a second import of them must not be a third.
        key = int.from_bytes(digest.digest()[:8], "little")
        values |= {"digest": digest.hexdigest(), "occurrence": seen[key]}
        seen[key] += 1
        yield values


def _instant(name: str, value: Any) -> str:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _UnreadableError(f"{name} is not a time") from None
    return str(value)


def _text(name: str, value: Any) -> str | None:
    if isinstance(value, bytes):
        raise _UnreadableError(f"{name} is not a text")
    if value is None and name == "Url":
        raise _UnreadableError("Url is missing")
    # PostgreSQL takes no NUL in a text.
    if isinstance(value, str) and "\x00" in value:
        raise _UnreadableError(f"{name} holds a NUL character")
    return None if value is None else str(value)


def _real(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _UnreadableError(f"{name} is not a number") from None
    if not math.isfinite(number):
        raise _UnreadableError(f"{name} is not a finite number")
    return number


def _whole(name: str, value: Any) -> int | None:
    number = _real(name, value)
    if number is None:
        return None
    if number != int(number):
        raise _UnreadableError(f"{name} is not a whole number")
    if abs(number) >= _TOO_LARGE:
        raise _UnreadableError(f"{name} is too large for a whole number")
    # An integer above 2**53 is not a float.
    return value if isinstance(value, int) else int(number)


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "TIMESTAMP": _instant, "text": _text, "real": _real, "int": _whole,
}  # fmt: skip


def _store(database: Database, rows: Iterator[dict[str, Any]], result: Imported) -> None:
    source_id: int | None = None
    offered_count = 0
    names = [column.name for column in legacy_row.columns if column.name != "id"]
    statement = text(
        f"INSERT INTO legacy_row ({', '.join(names)}) VALUES ({', '.join(':' + name for name in names)}) "
        "ON CONFLICT (digest, occurrence) DO NOTHING"
    )
    for batch in _batches(rows):
        with database.write() as connection:
            if source_id is None:
                source_id = insert_one(connection, legacy_source, _source_row(result))
            connection.execute(statement, [{**row, "source_id": source_id} for row in batch])
        offered_count += len(batch)
    if source_id is None:
        return
    with database.write() as connection:
        of_source = legacy_row.c.source_id == source_id
        result.row_count = int(
            connection.execute(select(func.count()).select_from(legacy_row).where(of_source)).scalar_one()
        )
        result.known_count = offered_count - result.row_count
        is_this_source = legacy_source.c.id == source_id
        if result.row_count == 0:
            connection.execute(delete(legacy_source).where(is_this_source))
        else:
            connection.execute(update(legacy_source).where(is_this_source).values(_source_row(result)))


def _source_row(result: Imported) -> dict[str, Any]:
    return {
        "file_name": result.file_name,
        "table_name": result.table_name,
        "imported_at": datetime.now(UTC),
        "row_count": result.row_count,
        "known_count": result.known_count,
        "unreadable_count": result.unreadable_count,
        "unreadable": dict(result.unreadable),
        "software_version": __version__,
    }


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch
