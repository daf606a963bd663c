"""The packed columns of the web page beside DuckDB, over the same rows: how long its questions take, in what memory.

    python benchmarks/duckdb_columns.py DATABASE.db [--json]

DATABASE.db is a SQLite file as `benchmarks/dashboard.py --database` makes it. DuckDB is asked over a Parquet file
and over a database of its own, both made here of the same table. Its reader of SQLite files is an extension that it
downloads when first used; where that is not there, the time is that of SQLite reading the columns once for anybody.
Each is a process of its own: cold is its first answer with opening and importing, warm the best of three more.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import synthetic

YEAR_S = 365 * 86400
START_S, END_S = synthetic.END_S - YEAR_S, synthetic.END_S + 1
COLUMNS = (
    *("started_s", "vantage_id", "video_row_id", "is_valid", "is_session", "failure", "attribution", "ping_method"),
    *("is_started", "has_stall", "startup_delay_s", "waited_s", "stalled_s", "played_s", "delivery_bps", "rtt_min_s"),
    "mos_stalling_hossfeld2011",
)
_BIN = "least(CAST(floor(ln(greatest({0}, 1e-4) / 1e-4) / ln(1.01)) AS INTEGER), 8191)"
_PERIOD = f"started_s >= {START_S} AND started_s < {END_S}"
_VALID = f"FROM figure WHERE {_PERIOD} AND is_valid = 1"
_STEPS = f"2 * {_BIN.format('waited_s')} + CAST(startup_delay_s IS NULL AS INTEGER)"
_WIDTH_S = 86400
_BUCKET = f"(started_s - {START_S - START_S % _WIDTH_S}) // {_WIDTH_S}"
_CELL = f"(started_s - {START_S}) // {-(-YEAR_S // 28)}, video_row_id % 16"
# What the overview sums up, in DuckDB's words; the medians are made up: they do not change what it costs.
OVERVIEW = (
    "SELECT count(*), sum(is_valid), count(DISTINCT video_row_id), count(DISTINCT started_s // 86400),"
    f" count(DISTINCT vantage_id) FROM figure WHERE {_PERIOD}",
    f"SELECT failure, attribution, count(*) FROM figure WHERE {_PERIOD} GROUP BY ALL",
    f"SELECT {_STEPS} AS step, count(*) {_VALID} AND is_session = 1 GROUP BY step",
    f"SELECT {_BIN.format('delivery_bps')} AS bin, count(*) {_VALID} AND delivery_bps IS NOT NULL GROUP BY bin",
    f"SELECT ping_method, {_BIN.format('rtt_min_s')} AS bin, count(*) {_VALID} AND rtt_min_s IS NOT NULL GROUP BY ALL",
    f"SELECT {_CELL}, sum(CAST(is_session = 1 AND is_started = 0 AS INTEGER)), sum(is_session),"
    " sum(CASE WHEN is_started = 1 THEN has_stall END), sum(is_started), sum(stalled_s), sum(played_s),"
    " sum(mos_stalling_hossfeld2011), count(mos_stalling_hossfeld2011), sum(CAST(waited_s <= 0.7 AS INTEGER)),"
    " sum(CAST(delivery_bps <= 8e6 AS INTEGER)), count(delivery_bps), sum(CAST(rtt_min_s <= 0.02 AS INTEGER)),"
    f" count(rtt_min_s) {_VALID} GROUP BY ALL",
)
SERIES = (
    f"SELECT vantage_id, {_BUCKET}, count(*), count(delivery_bps), avg(delivery_bps), min(delivery_bps),"
    f" max(delivery_bps) {_VALID} GROUP BY ALL",
)
MEDIANS = (f"SELECT {_BUCKET}, {_STEPS} AS step, count(*) {_VALID} AND is_session = 1 GROUP BY ALL",)


def store_questions(path: str) -> dict[str, Callable[[], Any]]:
    """Return the questions as the page asks them: over the packed columns."""
    from pytomo_scrapy.analysis import overview, series
    from pytomo_scrapy.analysis.figures import PARAMETERS
    from pytomo_scrapy.analysis.selection import Selection
    from pytomo_scrapy.storage.database import open_database

    connection = open_database(f"sqlite:///{path}").engine.connect()
    chosen = Selection(START_S, END_S)
    medians = {"startup": 0.7, "delivery": 8e6, "rtt": 0.02}

    def sums() -> None:
        overview._facts(connection, chosen)
        overview._cells(connection, chosen, medians, "icmp_datagram")

    return {
        "overview": sums,
        "series": lambda: series.series(connection, chosen, PARAMETERS["delivery_bps"], compare="vantage"),
        "medians": lambda: series.series(connection, chosen, PARAMETERS["startup_delay_s"]),
    }


def duckdb_questions(path: str) -> dict[str, Callable[[], Any]]:
    """Return the same questions in SQL, over a Parquet file or a database of DuckDB's own."""
    import duckdb

    if path.endswith(".parquet"):
        connection = duckdb.connect()
        connection.execute(f"CREATE VIEW figure AS SELECT * FROM '{path}'")
    else:
        connection = duckdb.connect(path, read_only=True)
    asked = {"overview": OVERVIEW, "series": SERIES, "medians": MEDIANS}
    return {
        name: lambda all_=all_: [connection.execute(one).fetchall() for one in all_] for name, all_ in asked.items()
    }


def measure(path: str, question: str) -> None:
    """Print what one question costs in this process."""
    started_s = time.perf_counter()
    questions = duckdb_questions(path) if path.endswith((".parquet", ".duckdb")) else store_questions(path)
    opened_s = time.perf_counter() - started_s
    times = []
    for _ in range(4):
        begin_s = time.perf_counter()
        questions[question]()
        times.append(time.perf_counter() - begin_s)
    # Not getrusage: its peak is also that of the process that started this one.
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    peak_mb = int(peak.split()[1]) / 1024
    print(json.dumps({"cold_s": opened_s + times[0], "warm_s": min(times[1:]), "peak_mb": peak_mb}))


def made(source: Path, folder: Path) -> tuple[dict[str, Path], dict[str, float]]:
    """Write the columns as Parquet and as a DuckDB database. Returns their paths, and what SQLite's part of it took."""
    import duckdb
    import pyarrow

    raw = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    started_s = time.perf_counter()
    for _ in raw.execute(f"SELECT {', '.join(f'sum({name})' for name in COLUMNS)} FROM figure"):
        scanned_s = time.perf_counter() - started_s
    paths = {"DuckDB's own file": folder / "figure.duckdb", "DuckDB over Parquet": folder / "figure.parquet"}
    connection = duckdb.connect(str(paths["DuckDB's own file"]))
    rows = raw.execute(f"SELECT {', '.join(COLUMNS)} FROM figure ORDER BY measurement_id")
    is_there = False
    while part := rows.fetchmany(100_000):
        batch = pyarrow.table(dict(zip(COLUMNS, map(list, zip(*part, strict=True)), strict=True)))
        assert batch.num_rows == len(part)
        # Kinds from the first batch: none of its columns is empty.
        connection.execute(
            "INSERT INTO figure SELECT * FROM batch" if is_there else "CREATE TABLE figure AS FROM batch"
        )
        is_there = True
    connection.execute(f"COPY figure TO '{paths['DuckDB over Parquet']}'")
    connection.close()
    quoted = ", ".join(f"'{name}'" for name in COLUMNS)
    packed = raw.execute(f"SELECT sum(length(content)) FROM figure_column WHERE name IN ({quoted})").fetchone()[0]
    sizes = {name: path.stat().st_size / 1e6 for name, path in paths.items()}
    return paths, {"packed columns MB": packed / 1e6, "SQLite scan s": scanned_s} | {
        f"{n} MB": s for n, s in sizes.items()
    }


def import_s(module: str) -> float:
    """Return how long a module takes to import, in a process of its own."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    return min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(3))


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--question", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.question:
        measure(str(options.database), options.question)
        return
    with tempfile.TemporaryDirectory() as folder:
        paths, facts = made(options.database, Path(folder))
        facts |= {f"import {module} s": import_s(module) for module in ("numpy", "duckdb")}
        found: dict[str, dict[str, Any]] = {}
        for question in ("overview", "series", "medians"):
            for name, path in {"packed columns": options.database, **paths}.items():
                command = [sys.executable, __file__, str(path), "--question", question]
                found.setdefault(question, {})[name] = json.loads(subprocess.check_output(command))
    if options.json:
        print(json.dumps({"facts": facts, "questions": found}))
        return
    print("\n".join(f"{name:32} {value:9.3f}" for name, value in facts.items()))
    for question, of in found.items():
        for name, one in of.items():
            ratio = one["warm_s"] / of["packed columns"]["warm_s"]
            print(f"{question:9} {name:20} cold {one['cold_s']:6.2f} s  warm {one['warm_s']:6.3f} s ({ratio:.2f} of the"
                  f" packed columns)  {one['peak_mb']:5.0f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
