"""How much disk a fleet needs: bytes a measurement by table, over synthetic rows, and what that is in a year.

python -m benchmarks.disk sqlite:////tmp/disk.db
python -m benchmarks.disk postgresql://pytomo@127.0.0.1/empty --lines 20 --per-minute 1

The database must be new or empty. Synthetic traces are small: those of a real window of 30 s are 6 kB on a slow line
and 20 kB at most on a usual one (tests/storage/measurements/test_blobs.py); their part of the sum is a lower bound.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from benchmarks.synthetic import fill
from pytomo_scrapy.analysis.columnar.sealing import seal_all
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.schema.columns import metadata

MINUTES_A_YEAR = 365 * 24 * 60
# Deleted by `pytomo prune --older-than AGE`; the rest is figures, which stay.
BULK = ("arrival_trace", "media_timeline", "http_request", "playback_event")


def table_bytes(database: Database) -> dict[str, int]:
    """Return what each table takes on disk, its indexes included."""
    with database.read() as connection:
        if database.is_sqlite:
            query = "SELECT m.tbl_name, SUM(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name GROUP BY 1"
            return {name: int(size) for name, size in connection.execute(text(query))}
        sizes = {}
        for name in metadata.tables:
            size = connection.execute(text(f"SELECT pg_total_relation_size('{name}')")).scalar_one()
            sizes[name] = int(size)
        return sizes


def measure(url: str, rows: int) -> dict[str, float]:
    """Fill an empty database. Returns the bytes a measurement of every table."""
    with closing(open_database(url)) as database:
        before = table_bytes(database)
        fill(database, rows, days=30, traces=rows)
        seal_all(database)
        if not database.is_sqlite:
            with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
        after = table_bytes(database)
    return {name: (after[name] - before.get(name, 0)) / rows for name in after if after[name] > before.get(name, 0)}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--lines", type=int, default=20)
    parser.add_argument("--per-minute", type=float, default=1.0)
    given = parser.parse_args()
    sizes = measure(given.url if "://" in given.url else f"sqlite:///{Path(given.url).absolute()}", given.rows)
    for name, size in sorted(sizes.items(), key=lambda one: -one[1])[:12]:
        print(f"{name:18} {size:9.0f} bytes a measurement{'  (pruned)' if name in BULK else ''}")
    bulk = sum(size for name, size in sizes.items() if name in BULK)
    figures = sum(sizes.values()) - bulk
    count = given.lines * given.per_minute * MINUTES_A_YEAR
    print(f"{'figures':18} {figures:9.0f} bytes a measurement, {figures * count / 1e9:6.0f} GB a year")
    print(f"{'traces':18} {bulk:9.0f} bytes a measurement, {bulk * count / 1e9:6.0f} GB a year")
    print(f"{count / 1e6:.1f} million measurements a year: {given.lines} lines, {given.per_minute:g} a minute each")


if __name__ == "__main__":
    main()
