"""How long `pytomo explain` takes over many stored rows: the sessions of kept lines, copied.

    python benchmarks/autopsy.py --keep FOLDER ...
    python benchmarks/explain.py FOLDER/line101/line.db [--rows 100000] [--good-share 0.8]

The lines of benchmarks/autopsy.py have more bad sessions than any real one: good ones are copied more often, up to the
share that is asked for. Every row has its traces, samples and requests.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from pytomo_scrapy.analysis.autopsy.judging import judge_matching
from pytomo_scrapy.storage.database import open_database

STEP = 100_000  # between the numbers of two copies
# Of each table: its own number, where it has one, and what it points to.
TABLES = {
    "measurement": ("id",),
    "download": ("id", "measurement_id"),
    "stream": ("id", "measurement_id", "download_id"),
    "arrival_trace": ("stream_id",),
    "media_timeline": ("stream_id",),
    "http_request": ("id", "download_id"),
    "tcp_connection": ("id", "download_id"),
    "playback": ("id", "measurement_id"),
    "playback_event": ("id", "playback_id"),
    "ping": ("id", "measurement_id"),
    "dns_lookup": ("id", "measurement_id"),
    "figure": ("measurement_id",),
}
_OWNED = {
    "measurement": "id IN ({0})",
    "arrival_trace": "stream_id IN (SELECT id FROM stream WHERE measurement_id IN ({0}))",
    "media_timeline": "stream_id IN (SELECT id FROM stream WHERE measurement_id IN ({0}))",
    "http_request": "download_id IN (SELECT id FROM download WHERE measurement_id IN ({0}))",
    "tcp_connection": "download_id IN (SELECT id FROM download WHERE measurement_id IN ({0}))",
    "playback_event": "playback_id IN (SELECT id FROM playback WHERE measurement_id IN ({0}))",
}


def copy(connection: sqlite3.Connection, ids: list[int], number: int) -> None:
    """Add a copy of these measurements with all that is below them."""
    chosen = ", ".join(map(str, ids))
    for table, keys in TABLES.items():
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        values = [
            f"{name} + {number * STEP}" if name in keys else f"uuid || '-{number}'" if name == "uuid" else name
            for name in columns
        ]
        condition = _OWNED.get(table, "measurement_id IN ({0})").format(chosen)
        names = ", ".join(columns)
        connection.execute(f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {table} WHERE {condition}")


def fill(path: Path, rows: int, good_share: float) -> float:
    """Copy the sessions of a database until it has so many. Returns the share of bad ones."""
    with closing(open_database(f"sqlite:///{path}")) as database:
        judge_matching(database, {})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        everything = [row[0] for row in connection.execute("SELECT id FROM measurement ORDER BY id")]
        bad = {row[0] for row in connection.execute("SELECT DISTINCT measurement_id FROM autopsy")}
        good = [key for key in everything if key not in bad]
        count, bad_count, number = len(everything), len(bad), 0
        while count < rows:
            number += 1
            has_bad = bad_count <= (1 - good_share) * count
            ids = everything if has_bad else good
            copy(connection, ids, number)
            count += len(ids)
            bad_count += len(bad) if has_bad else 0
        connection.commit()
    return bad_count / count


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("database", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--good-share", type=float, default=0.8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copies.db"
        shutil.copy(options.database, path)
        bad_share = fill(path, options.rows, options.good_share)
        for is_kept in (False, True):
            with closing(open_database(f"sqlite:///{path}")) as database:
                began_s, began_cpu_s = time.perf_counter(), time.process_time()
                summary = judge_matching(database, {}, is_kept=is_kept)
                took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
            each_ms, cpu_ms = 1e3 * took_s / summary.sessions, 1e3 * cpu_s / summary.sessions
            print(
                f"{summary.sessions} sessions, {bad_share:.0%} of them bad, {'kept' if is_kept else 'not kept'}: "
                f"{each_ms:.2f} ms a session, {cpu_ms:.2f} ms of processor"
            )


if __name__ == "__main__":
    main()
