"""Export a million generated measurements to each format: seconds, peak memory, size, and whether it reads back equal.

    python benchmarks/export.py [ROWS]

Needs pyarrow and duckdb for what is read back.
"""

# ruff: noqa: E501
from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Boolean, Integer
from sqlalchemy.types import JSON, Double

from pytomo_scrapy.storage.columns import UtcDateTime
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.details import figure, legacy_row
from pytomo_scrapy.storage.export_files import FORMATS
from pytomo_scrapy.storage.schema import measurement, video

LIMIT_BYTES = 200_000_000
_VIDEOS = 1000
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
        f"from pytomo_scrapy.cli import run; run({list(words)!r}); "
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return time.monotonic() - started_s, int(done.stdout.split()[-1]) * 1024


def fingerprint(source: str, shape: str) -> tuple[Any, ...]:
    """Return sums over what DuckDB reads there."""
    columns = (
        ("measurement_id", "delivery_bps", "stall_count", "title", "url")
        if shape == "wide"
        else ("PingMin", "DownloadBytes", "StatusCode", "Service", "CacheUrl")
    )
    parts = [f"round(sum({name}::DOUBLE), 3), count({name})" for name in columns[:3]]
    parts += [f"sum(length({name})), count({name})" for name in columns[3:]]
    connection = duckdb.connect()
    connection.execute("SET memory_limit = '2GB'")
    row = connection.execute(f"SELECT count(*), {', '.join(parts)} FROM {source}").fetchone()
    assert row is not None
    return row


def main() -> None:
    """Print a line for each format and shape."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="pytomo-export-") as folder:
        database = Path(folder) / "big.db"
        generate(database, rows)
        for shape in ("wide", "legacy"):
            prints = {}
            for file_format in FORMATS:
                out = Path(folder) / f"{file_format}-{shape}"
                elapsed_s, peak_bytes = run_export(database, out, "--format", file_format, f"--{shape}")
                name = "measurements" if shape == "wide" else "pytomo_crawl"
                data = out / ("pytomo_export.db" if file_format == "sqlite" else f"{name}.{file_format}")
                table = name if shape == "wide" else "pytomo_crawl_export"
                source = {
                    "csv": f"read_csv('{data}', header=true)",
                    "jsonl": f"read_json('{data}', format='newline_delimited')",
                    "parquet": f"read_parquet('{data}')",
                    "sqlite": f"sqlite_scan('{data}', '{table}')",
                }[file_format]
                prints[file_format] = (
                    fingerprint(source, shape) if file_format != "sqlite" else _sqlite(data, table, shape)
                )
                verdict = "ok" if peak_bytes < LIMIT_BYTES else "TOO MUCH"
                size_mb = data.stat().st_size / 1e6
                print(
                    f"{shape} {file_format}: {elapsed_s:.0f} s, {peak_bytes / 1e6:.0f} MB ({verdict}), {size_mb:.0f} MB file",
                    flush=True,
                )
                print(f"  {prints[file_format]}", flush=True)
                data.unlink()
            print("all formats read back equal" if len(set(prints.values())) == 1 else "FORMATS DIFFER", flush=True)


def _sqlite(data: Path, table: str, shape: str) -> tuple[Any, ...]:
    columns = (
        ("measurement_id", "delivery_bps", "stall_count", "title", "url")
        if shape == "wide"
        else ("PingMin", "DownloadBytes", "StatusCode", "Service", "CacheUrl")
    )
    parts = [f"round(total({name}), 3), count({name})" for name in columns[:3]]
    parts += [f"sum(length({name})), count({name})" for name in columns[3:]]
    connection = sqlite3.connect(data)
    try:
        return tuple(connection.execute(f"SELECT count(*), {', '.join(parts)} FROM {table}").fetchone())
    finally:
        connection.close()


if __name__ == "__main__":
    main()
