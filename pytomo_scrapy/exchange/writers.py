"""Writers of export files: CSV, JSON lines, Parquet and SQLite, each a batch of rows at a time."""

from __future__ import annotations

import base64
import csv
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TextIO

from pytomo_scrapy.exchange.column_words import column_facts, column_words
from pytomo_scrapy.exchange.datasets import Dataset, ExportColumn
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.storage.schema.legacy_table import OLD_COLUMNS

FORMATS = ("csv", "jsonl", "parquet", "sqlite")
# Batches of a Parquet row group. While a file is written, one group's rows and every group's metadata are in memory:
# larger groups need more memory for rows, smaller groups more for metadata; a million rows need the least.
_GROUP_BATCHES = 20
# The scripts of Pytomo 3 and `import-legacy` look for a table of this name.
LEGACY_TABLE = "pytomo_crawl_export"

Rows = Sequence[Sequence[Any]]
_Change = Callable[[Sequence[Any]], Sequence[Any]]  # of the values of one column


class Writer(Protocol):
    """Takes batches of rows of one dataset."""

    def write(self, rows: Rows) -> None:
        """Write a batch."""

    def close(self) -> None:
        """Finish the file."""


def _instant(value: datetime) -> str:
    return value.isoformat(timespec="microseconds")


def _flag(value: Any) -> str:
    return "true" if value else "false"


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _columns_of(rows: Rows, changes: Mapping[int, _Change]) -> list[Sequence[Any]]:
    """Return the columns of a batch, some of them changed. Column by column: a step for each value takes longer."""
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for column_index, change in changes.items():
        columns[column_index] = change(columns[column_index])
    return columns


def _converted(rows: Rows, changes: Mapping[int, _Change]) -> Iterable[Sequence[Any]]:
    """Return the rows with some columns changed."""
    return zip(*_columns_of(rows, changes), strict=True) if changes else rows


def _each(change: Callable[[Any], Any]) -> _Change:
    """Return the change of a column that changes each of its values; NULL stays."""
    return lambda values: [None if value is None else change(value) for value in values]


def _changes(columns: Sequence[ExportColumn], by_kind: Mapping[str, _Change]) -> dict[int, _Change]:
    return {column_index: by_kind[column.kind] for column_index, column in enumerate(columns) if column.kind in by_kind}


_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_MAY_BE_FORMULA = frozenset((" ", *_FORMULA_STARTS))


def quoted_formula(text: str) -> str:
    """Return a text that a spreadsheet shows and does not run: with a quote before it, where it is a formula.

    **Source**: OWASP, "CSV Injection". Blanks before the sign change nothing.
    """
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _quoted_formulas(texts: Sequence[str | None]) -> Sequence[str | None]:
    # By its first sign nearly no text can be a formula.
    return [quoted_formula(text) if text is not None and text[:1] in _MAY_BE_FORMULA else text for text in texts]


class CsvWriter:
    """RFC 4180 with a header; NULL is an empty field, and so is an empty text. Formulas are quoted."""

    def __init__(self, out: TextIO, dataset: Dataset, *, keeps_formulas: bool = False) -> None:
        self._out = out
        self._writer = csv.writer(out, lineterminator="\n")
        self._writer.writerow([column.name for column in dataset.columns])
        changes = {"instant": _each(_instant), "flag": _each(_flag), "json": _each(_json_text), "blob": _each(_base64)}
        self._changes = _changes(dataset.columns, changes if keeps_formulas else {**changes, "text": _quoted_formulas})

    def write(self, rows: Rows) -> None:
        self._writer.writerows(_converted(rows, self._changes))

    def close(self) -> None:
        self._out.flush() if self._out is sys.stdout else self._out.close()


class JsonLinesWriter:
    """One object per line with every column; JSON columns are nested, blobs are base64."""

    def __init__(self, out: TextIO, dataset: Dataset) -> None:
        self._out = out
        self._names = [column.name for column in dataset.columns]
        self._changes = _changes(dataset.columns, {"instant": _each(_instant), "blob": _each(_base64)})

    def write(self, rows: Rows) -> None:
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        names = self._names
        lines = (encode(dict(zip(names, row, strict=True))) for row in _converted(rows, self._changes))
        self._out.write("\n".join(lines) + "\n")

    def close(self) -> None:
        self._out.flush() if self._out is sys.stdout else self._out.close()


def arrow_kinds(pyarrow: Any) -> dict[str, Any]:
    """Return Arrow's type for each kind of column."""
    return {
        "text": pyarrow.string(),
        "json": pyarrow.string(),
        "integer": pyarrow.int64(),
        "real": pyarrow.float64(),
        "flag": pyarrow.bool_(),
        "instant": pyarrow.timestamp("us", tz="UTC"),
        "blob": pyarrow.binary(),
    }


class ParquetWriter:
    """Zstandard, instants as UTC microseconds, JSON as text, blobs as bytes; the software's version in the metadata."""

    def __init__(self, path: Path, dataset: Dataset, about: Mapping[str, str]) -> None:
        pyarrow, parquet = _import_arrow()
        kinds = arrow_kinds(pyarrow)
        self._pyarrow = pyarrow
        described = [
            pyarrow.field(column.name, kinds[column.kind], metadata=column_facts(column.source))
            for column in dataset.columns
        ]
        self._schema = pyarrow.schema(described, metadata=dict(about))
        self._changes = _changes(dataset.columns, {"json": _each(_json_text)})
        # Few numbers repeat: dictionaries of them would only cost memory while a group is written.
        texts = [column.name for column in dataset.columns if column.kind == "text"]
        # Smallest and largest texts find nothing, and stay in memory for every group until the file is closed.
        numbers = [column.name for column in dataset.columns if column.kind in {"integer", "real", "flag", "instant"}]
        self._writer = parquet.ParquetWriter(
            path, self._schema, compression="zstd", use_dictionary=texts, write_statistics=numbers
        )
        self._batches: list[Any] = []

    def write(self, rows: Rows) -> None:
        columns = _columns_of(rows, self._changes)
        arrays = [
            self._pyarrow.array(values, type=field.type) for values, field in zip(columns, self._schema, strict=True)
        ]
        self._batches.append(self._pyarrow.record_batch(arrays, schema=self._schema))
        if len(self._batches) == _GROUP_BATCHES:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._batches:
            self._writer.write_table(self._pyarrow.Table.from_batches(self._batches))
            self._batches = []


def _import_arrow() -> tuple[Any, Any]:
    # Its own allocators keep freed memory back, which would count as ours. The writer of Parquet heeds only this.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise SettingError(
            "--format parquet needs pyarrow, which is not here: pip install 'pytomo-scrapy[parquet]', "
            "or take csv, jsonl or sqlite."
        ) from None
    return pyarrow, parquet


def keep_pandas_out() -> None:
    """Keep Arrow from importing pandas and NumPy at its first array: 70 MB that nothing of ours needs.

    For a process that does nothing else: `to_pandas` and `to_numpy` do not work in it afterwards.
    """
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        pyarrow, _ = _import_arrow()
        pyarrow.array([0])
    finally:
        sys.meta_path.remove(_NoPandas)


_NOT_NEEDED = frozenset(("pandas", "numpy"))


class _NoPandas:
    """An importer that finds neither pandas nor NumPy."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name in _NOT_NEEDED:
            raise ImportError(name)


class SqliteWriter:
    """A table of a SQLite file: instants as ISO 8601 text, flags 0 and 1, JSON as text."""

    _DECLARED: Mapping[str, str] = {
        "text": "TEXT", "json": "TEXT", "instant": "TEXT", "integer": "INTEGER", "flag": "INTEGER", "real": "REAL",
        "blob": "BLOB",
    }  # fmt: skip

    def __init__(self, path: Path, dataset: Dataset) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        name, declared = dataset.name, [self._DECLARED[column.kind] for column in dataset.columns]
        if name == "pytomo_crawl":
            name, declared = LEGACY_TABLE, [kind for _, kind in OLD_COLUMNS]
        shapes = [f'"{column.name}" {kind}' for column, kind in zip(dataset.columns, declared, strict=True)]
        # No other process reads the file yet, and after a power cut the export is written again.
        self._connection.execute("PRAGMA journal_mode=OFF")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute(f'CREATE TABLE "{name}" ({", ".join(shapes)})')
        self._insert = f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(shapes))})'
        self._changes = _changes(
            dataset.columns, {"instant": _each(_instant), "json": _each(_json_text), "flag": _each(int)}
        )

    def write(self, rows: Rows) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany(self._insert, map(tuple, _converted(rows, self._changes)))
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


def write_about(path: Path, about: Mapping[str, str], tables: Sequence[Dataset]) -> None:
    """Write the software's version, the selection, and what each column is, into a SQLite export."""
    rows = [
        (dataset.name, column.name, *column_words(column.source)) for dataset in tables for column in dataset.columns
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE export_info (name TEXT PRIMARY KEY, value TEXT)")
        connection.executemany("INSERT INTO export_info VALUES (?, ?)", list(about.items()))
        connection.execute(
            'CREATE TABLE export_columns ("table" TEXT, "column" TEXT, unit TEXT, meaning TEXT, "null" TEXT)'
        )
        connection.executemany("INSERT INTO export_columns VALUES (?, ?, ?, ?, ?)", rows)
