"""Export a million generated measurements to each format: seconds, peak memory, size, and whether it reads back equal.

    python benchmarks/export.py [ROWS [SHAPE-FORMAT ...]]

Every value of every row is read back with pandas (and so with pyarrow and sqlite3) and compared with the database; DuckDB
counts and sums every column of the text and Parquet files once more, against sqlite3's sums of the database. Exit code 1
where anything differs or takes more memory than it may. Needs pandas, pyarrow and duckdb (the extra `dev`).
"""

# ruff: noqa: E501
from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import duckdb
import pandas
from pyarrow import parquet
from sqlalchemy import Boolean, Integer
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import JSON, Double

from pytomo_scrapy.exchange.datasets import Dataset, ExportSelection, datasets
from pytomo_scrapy.exchange.writers import FORMATS
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.schema.columns import UtcDateTime
from pytomo_scrapy.storage.schema.crawl_tables import measurement, video
from pytomo_scrapy.storage.schema.measurement_tables import figure, legacy_row

LIMIT_BYTES = 200_000_000
_VIDEOS = 1000
_BATCH_ROWS = 20_000
_FIXED = {
    "id": "i", "measurement_id": "i", "run_id": "1", "vantage_id": "1", "crawl_id": "NULL", "video_row_id": f"i % {_VIDEOS} + 1",
    "uuid": "printf('%036d', i)", "digest": "printf('%032d', i)", "occurrence": "0", "source_id": "1", "is_superseded": "0",
    "old_id": "strftime('%Y-%m-%d %H:%M:%f', 1300000000 + i, 'unixepoch')", "service": "'youtube'", "video_id": "printf('%011d', i)",
}  # fmt: skip


def _expression(column: Any) -> str:
    """Return SQL for a value of row `i`; one in seven is NULL where the column may be."""
    if column.name in _FIXED:
        return _FIXED[column.name]
    kinds: tuple[tuple[type, str], ...] = (
        (UtcDateTime, "strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', 1750000000 + i, 'unixepoch')"),
        (JSON, "'{\"a\": ' || i || '}'"),
        (Boolean, "i % 2"),
        (Double, f"i * 0.37 + {len(column.name)}"),
        (Integer, "i % 9973"),
    )
    value = next((sql for kind, sql in kinds if isinstance(column.type, kind)), f"'{column.name} ' || (i % 501)")
    return f"CASE WHEN i % 7 = {len(column.name) % 7} THEN NULL ELSE {value} END" if column.nullable else value


def generate(path: Path, rows: int) -> None:
    """Fill a database."""
    open_database(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("INSERT INTO vantage (id, name, provider) VALUES (1, 'here', 'isp')")
    connection.execute(
        "INSERT INTO run (id, uuid, vantage_id, spider, arguments, settings, started_at) "
        "VALUES (1, 'r', 1, 'youtube', '{}', '{}', '2026-01-01T00:00:00.000000+00:00')"
    )
    connection.execute(
        "INSERT INTO legacy_source VALUES (1, 'f', 't', '2026-01-01T00:00:00.000000+00:00', 0, 0, 0, '{}', '')"
    )
    for table, count in ((video, _VIDEOS), (measurement, rows), (figure, rows), (legacy_row, rows)):
        names = ", ".join(column.name for column in table.columns)
        values = ", ".join(_expression(column) for column in table.columns)
        connection.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
            f"INSERT INTO {table.name} ({names}) SELECT {values} FROM n"
        )
    connection.commit()
    connection.close()


def run_export(database: Path, folder: Path, *words: str) -> tuple[float, int]:
    """Run `pytomo export` in a process of its own. Returns seconds and peak memory in bytes."""
    started_s = time.monotonic()
    words = ("export", "--database", str(database), *words, str(folder))
    # The peak is the process's own: what the kernel reports of a child includes its parent's before exec.
    code = (
        f"from pytomo_scrapy.cli.main import run; run({list(words)!r}); "
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return time.monotonic() - started_s, int(done.stdout.split()[-1]) * 1024


def is_equal(database: Path, data: Path, dataset: Dataset, file_format: str) -> bool:
    """Compare every value, a batch of rows at a time, and say on stderr where the first difference is."""
    with closing(sqlite3.connect(database)) as connection:
        own = pandas.read_sql_query(_statement(dataset), connection, chunksize=_BATCH_ROWS, dtype=object)
        for place, (ours, theirs) in enumerate(zip_longest(own, _batches(data, dataset, file_format))):
            if ours is None or theirs is None or len(ours) != len(theirs):
                print(f"  another number of rows, from row {place * _BATCH_ROWS}", file=sys.stderr)
                return False
            for column in dataset.columns:
                left, right = (_comparable(one[column.name], column.kind) for one in (ours, theirs))
                if not left.equals(right):
                    row = int((~((left == right) | (left.isna() & right.isna()))).to_numpy().argmax())
                    print(
                        f"  row {place * _BATCH_ROWS + row}, {column.name}: {left[row]!r} and {right[row]!r}",
                        file=sys.stderr,
                    )
                    return False
    return True


def _statement(dataset: Dataset) -> str:
    return str(dataset.statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))


def _batches(data: Path, dataset: Dataset, file_format: str) -> Iterator[pandas.DataFrame]:
    if file_format == "parquet":
        for batch in parquet.ParquetFile(data).iter_batches(_BATCH_ROWS):
            yield batch.to_pandas(integer_object_nulls=True)
    elif file_format == "sqlite":
        name = "pytomo_crawl_export" if dataset.name == "pytomo_crawl" else dataset.name
        with closing(sqlite3.connect(data)) as connection:
            yield from pandas.read_sql_query(f"SELECT * FROM {name}", connection, chunksize=_BATCH_ROWS, dtype=object)
    elif file_format == "csv":
        yield from pandas.read_csv(data, dtype=object, chunksize=_BATCH_ROWS, keep_default_na=False, na_values=[""])
    else:
        with data.open(encoding="utf-8") as lines:
            while batch := [json.loads(line) for line in islice(lines, _BATCH_ROWS)]:
                yield pandas.DataFrame(batch, dtype=object)


def _comparable(values: Any, kind: str) -> Any:
    """Return a column in one form, whichever program it was read with."""
    values = values.reset_index(drop=True)
    if kind in {"integer", "real"}:
        return pandas.Series([None if pandas.isna(one) else float(one) for one in values], dtype="float64")
    if kind == "flag":
        return values.map({1: 1.0, 0: 0.0, "true": 1.0, "false": 0.0}).astype("float64")  # True is 1
    if kind == "instant":
        return pandas.to_datetime(values, utc=True, format="ISO8601").astype("datetime64[us, UTC]")
    if kind == "json":
        texts = [one if isinstance(one, dict) else json.loads(one) if isinstance(one, str) else None for one in values]
        return pandas.Series([json.dumps(one) for one in texts], dtype=object)
    return values.astype(object).where(values.notna(), None)


def counted(data: Path, dataset: Dataset, file_format: str) -> tuple[Any, ...]:
    """Return what DuckDB counts and sums of a file, a pair for each column of numbers or text."""
    # Left to itself, DuckDB takes a text that looks like a time for one.
    types = {
        one.name: "VARCHAR" if one.kind == "text" else "DOUBLE" if one.kind != "json" else "JSON"
        for one in dataset.columns
    }
    types |= {one.name: "VARCHAR" for one in dataset.columns if one.kind in {"instant", "flag"}}
    source = {
        "csv": f"read_csv('{data}', header=true, all_varchar=true)",
        "jsonl": f"read_json('{data}', format='newline_delimited', columns={types})",
        "parquet": f"read_parquet('{data}')",
    }[file_format]
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '2GB'")
        row = connection.execute(f"SELECT {_sums(dataset, 'sum({}::DOUBLE)')} FROM {source}").fetchone()
    assert row is not None
    return _rounded(row)


def counted_here(database: Path, dataset: Dataset) -> tuple[Any, ...]:
    """Return the same of the database, by sqlite3."""
    with closing(sqlite3.connect(database)) as connection:
        return _rounded(
            connection.execute(f"SELECT {_sums(dataset, 'sum({} + 0.0)')} FROM ({_statement(dataset)})").fetchone()
        )


def _sums(dataset: Dataset, number: str) -> str:
    parts = ["count(*)"]
    for column in dataset.columns:
        if column.kind in {"integer", "real", "text"}:
            total = number.format(column.name) if column.kind != "text" else f"sum(length({column.name}))"
            parts += [f"count({column.name})", total]
    return ", ".join(parts)


def _rounded(row: Sequence[Any]) -> tuple[Any, ...]:
    # Sums of a million floats in another order differ in their last digits.
    return tuple(None if one is None else float(f"{one:.9g}") for one in row)


def examine(database: Path, folder: Path, shape: str, file_format: str) -> bool:
    """Export once and print a line about it. Returns whether all is as it ought to be."""
    (dataset,) = datasets(shape, ExportSelection())
    out = folder / f"{file_format}-{shape}"
    elapsed_s, peak_bytes = run_export(database, out, "--format", file_format, f"--{shape}")
    data = out / ("pytomo_export.db" if file_format == "sqlite" else f"{dataset.name}.{file_format}")
    verdicts = {
        "memory": peak_bytes < LIMIT_BYTES,
        "pandas": is_equal(database, data, dataset, file_format),
        "DuckDB": file_format == "sqlite" or counted(data, dataset, file_format) == counted_here(database, dataset),
    }
    print(
        f"{shape} {file_format}: {elapsed_s:.0f} s, {peak_bytes / 1e6:.0f} MB of memory, {data.stat().st_size / 1e6:.0f} MB file; "
        + ", ".join(f"{name} {'ok' if verdict else 'NOT OK'}" for name, verdict in verdicts.items()),
        flush=True,
    )
    data.unlink()
    return all(verdicts.values())


def main() -> None:
    """Print a line for each format and shape."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chosen = sys.argv[2:] or [f"{shape}-{file_format}" for shape in ("wide", "legacy") for file_format in FORMATS]
    with tempfile.TemporaryDirectory(prefix="pytomo-export-") as folder:
        database = Path(folder) / "big.db"
        generate(database, rows)
        verdicts = [examine(database, Path(folder), *one.split("-")) for one in chosen]
    sys.exit(0 if all(verdicts) else 1)


if __name__ == "__main__":
    main()
