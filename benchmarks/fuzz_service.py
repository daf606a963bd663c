"""Crawls a lab whose service damages its answers, each field's type, size and nesting, and looks for what that broke.

    python benchmarks/fuzz_service.py --crawls 20 --videos 40

Every crawl must end by itself with 0, every video have exactly one row, no row be of `unknown_failure`, no process take
more than 500 MB, and no video more time than its stages promise. The same seed damages the same answers, as far as they
are asked for in the same order.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, fields
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.hostile.processes import MemoryWatch
from benchmarks.hostile.service import Hostility, hostile_lab
from pytomo_scrapy.lab.servers import LabOptions
from pytomo_scrapy.lab.world import build_world

MOST_MEMORY_MB = 500.0
CRAWL = (sys.executable, "-m", "scrapy.cmdline", "crawl", "youtube")
TIMEOUT_S = 4.0  # of a request of the resolution, here
RESOLVE_S = 4 * TIMEOUT_S + 2.0  # what `resolve_video` promises, and what a busy machine adds
WINDOW_S = 0.5
WINDOW_END_S = WINDOW_S + 0.25 + 1.0
SETTINGS = {
    "PYTOMO_DOWNLOAD_WINDOW_S": WINDOW_S,
    "PYTOMO_RESOLVE_TIMEOUT_S": TIMEOUT_S,
    "PYTOMO_RESOLVE_MAX_WAIT_S": 1,
    "PYTOMO_BOT_CHECK_PAUSE_S": 0,
    "PYTOMO_PACE_S": 0,
    "PYTOMO_PING_PACKETS": 1,
    "PYTOMO_PING_TIMEOUT_S": 0.3,
    "PYTOMO_DOWNLOAD_LOADED_PROBES_PER_S": 0,
    "PYTOMO_BACKOFF_RETRY_S": 0,  # a refusal stops nothing, so that every video is met
    "PYTOMO_BACKOFF_PAUSE_S": 0,
    "DOWNLOAD_TIMEOUT": 10,
    "STATS_DUMP": 0,
}


@dataclass(slots=True)
class Report:
    """What came of all crawls."""

    crawls: int = 0
    videos: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    damaged_answers: int = 0
    wrong: list[str] = field(default_factory=list)
    memory_mb: float = 0.0
    memory_of: str = ""
    longest_crawl_s: float = 0.0

    def written(self) -> dict[str, object]:
        """Return it as JSON writes it, what is most frequent first."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: dict(value.most_common()) if isinstance(value, Counter) else value for name, value in values.items()
        }


def arguments_of(number: int, videos: int, seed: int) -> tuple[list[str], set[str] | None]:
    """Return what crawl `number` is asked for, and the videos that it must measure. None: as many as it finds.

    Every second one walks from the service's own lists over related videos.
    """
    if number % 2:
        return ["-a", f"max_crawled_url={videos}", "-a", "time_frame=week", "-a", f"seed={seed + number}"], None
    ids = sorted(build_world("clean").videos)
    chosen = Random(f"{seed}:{number}").sample(ids, min(videos, len(ids)))
    return ["-a", "urls=" + ",".join(chosen), "-a", "related=0"], set(chosen)


def crawl(number: int, videos: int, seed: int, share: float, folder: Path, report: Report) -> None:
    """Run one crawl in a hostile lab of its own, and add to the report what it left behind."""
    arguments, expected = arguments_of(number, videos, seed)
    log, damages = folder / "crawl.log", folder / "damages.log"
    damages.touch()
    database = folder / "x.db"
    settings = SETTINGS | {
        "PYTOMO_DATABASE_URL": f"sqlite:///{database}",
        "PYTOMO_UNSTORED_DIRECTORY": folder / "outbox",
    }
    words = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
    limit_s = videos * (RESOLVE_S * 3 + WINDOW_END_S + 15)
    with hostile_lab(LabOptions("clean", seed=0), Hostility(seed * 1000 + number, share, str(damages))) as lab:
        environment = lab.environment(os.environ) | {"TMPDIR": str(folder)}
        ended_in_s = run(words, arguments, environment, log, limit_s, number, report)
    report.longest_crawl_s = max(report.longest_crawl_s, ended_in_s)
    report.crawls += 1
    report.damaged_answers += len(damages.read_text(errors="replace").splitlines())
    if database.exists():
        judge(number, database, expected, report)
    else:
        report.wrong.append(f"crawl {number}: no database")


def run(
    words: list[str], arguments: list[str], environment: Mapping[str, str], log: Path, limit_s: float, number: int,
    report: Report,
) -> float:  # fmt: skip
    """Run the crawl until it ends by itself or its time is over. Returns how long it took, seconds."""
    command = [*CRAWL, *arguments, *words]
    began_s = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=dict(environment), stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    with MemoryWatch(process.pid) as watch:
        try:
            code: int | None = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = None
            process.kill()
            process.wait()
    if code != 0:
        said = "did not end" if code is None else f"ended with {code}"
        report.wrong.append(f"crawl {number} {said}: {log.read_text(errors='replace')[-600:]}")
    for told in log.read_text(errors="replace").split("Traceback")[1:]:
        # Of an exception of yt-dlp's own the log keeps the traceback: somebody will want to mend it there.
        if told.rfind("/pytomo_scrapy/") >= told.rfind("/yt_dlp/"):
            report.wrong.append(f"crawl {number}: Traceback{told[:1500]}")
    if watch.peak_mb > report.memory_mb:
        report.memory_mb, report.memory_of = watch.peak_mb, watch.peak_of
    if watch.peak_mb > MOST_MEMORY_MB:
        report.wrong.append(f"crawl {number}: {watch.peak_mb:.0f} MB in {watch.peak_of}")
    return time.monotonic() - began_s


def judge(number: int, database: Path, expected: set[str] | None, report: Report) -> None:
    """Compare what is stored with what is promised."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT v.video_id, m.failure, m.failure_detail, m.resolve_elapsed_s FROM measurement m"
            " JOIN video v ON v.id = m.video_row_id WHERE NOT m.is_superseded"
        ).fetchall()
        left = connection.execute("SELECT count(*) FROM frontier WHERE state = 1").fetchone()[0]
        late = connection.execute("SELECT max(elapsed_s) FROM download").fetchone()[0] or 0.0
    measured = [row[0] for row in rows]
    report.videos += len(measured)
    report.failures.update(row[1] or "measured" for row in rows)
    if len(set(measured)) != len(measured) or left:
        report.wrong.append(f"crawl {number}: {len(measured) - len(set(measured))} twice, {left} still claimed")
    if expected is not None and set(measured) != expected:
        missing, more = sorted(expected - set(measured)), sorted(set(measured) - expected)
        report.wrong.append(f"crawl {number}: without a row {missing}, not asked for {more}")
    for video_id, failure, detail, resolve_s in rows:
        if failure == "unknown_failure":
            report.wrong.append(f"crawl {number}: {video_id} is unknown_failure: {detail}")
        if resolve_s is not None and resolve_s > RESOLVE_S * 3:  # up to three resolutions, each as another guest
            report.wrong.append(f"crawl {number}: {video_id} was resolved for {resolve_s:.1f} s")
    if late > WINDOW_END_S:
        report.wrong.append(f"crawl {number}: a window of {late:.2f} s")


def main() -> None:
    """Run and print the report; exit code 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crawls", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the number of the first crawl")
    parser.add_argument("--videos", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.9, help="of the answers that are damaged")
    parser.add_argument("--keep", type=Path, help="a folder for the logs and databases of all crawls")
    arguments = parser.parse_args()
    report = Report()
    for number in range(arguments.first, arguments.first + arguments.crawls):
        folder = (
            Path(tempfile.mkdtemp(prefix="pytomo-fuzz-")) if arguments.keep is None else arguments.keep / str(number)
        )
        folder.mkdir(parents=True, exist_ok=True)
        try:
            crawl(number, arguments.videos, arguments.seed, arguments.share, folder, report)
        finally:
            if arguments.keep is None:
                shutil.rmtree(folder)
    print(json.dumps(report.written(), indent=2))
    raise SystemExit(bool(report.wrong))


if __name__ == "__main__":
    main()
