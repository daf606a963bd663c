"""Crawls a lab while the whole crawl is stopped for 0.5 to 5 s at random instants, and the same videos without that.

    python benchmarks/paused_windows.py --videos 12

A machine that stands still is not the line: no stall and no failure may be charged to the network that the same videos
do not have in a crawl that nothing stops. No process may take more than 500 MB.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, fields
from pathlib import Path
from random import Random

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.hostile.processes import MemoryWatch
from pytomo_scrapy.failures import attribution_of
from pytomo_scrapy.failures.failure_class import Attribution
from pytomo_scrapy.lab.launcher import running_lab
from pytomo_scrapy.lab.servers import LabOptions
from pytomo_scrapy.lab.world import build_world

PAUSE_S = (0.5, 5.0)
BETWEEN_S = (1.0, 6.0)
WINDOW_S = 4.0
RATIO = 3.0  # the line gives this multiple of the clip's rate: a healthy session does not stall
START_S, VIDEO_S = 300.0, 60.0  # what a crawl may take for its start, and for each video
MOST_MEMORY_MB = 500.0


@dataclass(slots=True)
class Report:
    """What was done, and what came of it."""

    pauses: int = 0
    paused_failures: Counter[str] = field(default_factory=Counter)
    control_failures: Counter[str] = field(default_factory=Counter)
    longest_gap_s: float = 0.0
    memory_mb: float = 0.0
    memory_of: str = ""
    wrong: list[str] = field(default_factory=list)

    def written(self) -> dict[str, object]:
        """Return it as JSON writes it, what is most frequent first."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: dict(value.most_common()) if isinstance(value, Counter) else value for name, value in values.items()
        }


def stop_tree(pid: int, time_s: float) -> None:
    """Stop a process and all that it started, for that time."""
    stopped = list[psutil.Process]()
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGSTOP)
                stopped.append(process)
    time.sleep(time_s)
    for process in stopped:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGCONT)


def crawl(
    database: Path, videos: list[str], environment: Mapping[str, str], report: Report, random: Random | None = None
) -> None:
    """Crawl the videos; with `random`, stop it again and again."""
    settings = {
        "PYTOMO_DATABASE_URL": f"sqlite:///{database}",
        "PYTOMO_DOWNLOAD_WINDOW_S": WINDOW_S,
        "PYTOMO_PACE_S": 0,
        "PYTOMO_PING_PACKETS": 1,
        "STATS_DUMP": 0,
    }
    words = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
    command = [sys.executable, "-m", "scrapy.cmdline", "crawl", "youtube", "-a", "urls=" + ",".join(videos), *words]
    log = database.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "-a", "related=0"], env=dict(environment), stdout=output, stderr=output)
    until_s = time.monotonic() + START_S + VIDEO_S * len(videos)
    with MemoryWatch(process.pid) as watch, ended(process):
        while random is not None and process.poll() is None and time.monotonic() < until_s:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(random.uniform(*BETWEEN_S))
                break
            stop_tree(process.pid, random.uniform(*PAUSE_S))
            report.pauses += 1
        try:
            code: int | str = process.wait(max(1.0, until_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            code = "no end"
    if code != 0:
        report.wrong.append(f"{database.stem}: {code}: {log.read_text(errors='replace')[-2000:]}")
    if watch.peak_mb > report.memory_mb:
        report.memory_mb, report.memory_of = watch.peak_mb, watch.peak_of


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Leave no process behind, whatever happens."""
    try:
        yield
    finally:
        process.kill()
        process.wait()


def charged(database: Path, failures: Counter[str], report: Report) -> dict[str, str]:
    """Return what each video has that is charged to the network; videos that have nothing are left out."""
    if not database.exists():
        return {}
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT v.video_id, m.failure, max(p.stall_count), max(d.probe_gap_s) FROM measurement m"
            " JOIN video v ON v.id = m.video_row_id LEFT JOIN playback p ON p.measurement_id = m.id"
            " LEFT JOIN download d ON d.measurement_id = m.id WHERE NOT m.is_superseded GROUP BY m.id"
        ).fetchall()
    found = {}
    for video_id, failure, stalls, gap_s in rows:
        failures[failure or "measured"] += 1
        report.longest_gap_s = max(report.longest_gap_s, gap_s or 0.0)
        if attribution_of(failure) is Attribution.NETWORK:
            found[video_id] = failure
        elif failure is None and stalls:
            found[video_id] = f"{stalls} stalls, longest gap {gap_s}"
    return found


def main() -> None:
    """Run and print the report; exit code 1 where the network is charged with a pause."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report = Report()
    videos = sorted(build_world("clean").videos)[: arguments.videos]
    with tempfile.TemporaryDirectory() as folder, running_lab(LabOptions("clean", clip_ratio=RATIO)) as lab:
        environment = lab.environment(os.environ)
        paused, control = Path(folder, "paused.db"), Path(folder, "control.db")
        crawl(paused, videos, environment, report, Random(arguments.seed))
        crawl(control, videos, environment, report)
        of_control = charged(control, report.control_failures, report)
        report.longest_gap_s = 0.0
        of_paused = charged(paused, report.paused_failures, report)
    report.wrong += [f"{video_id}: {said}" for video_id, said in of_paused.items() if video_id not in of_control]
    if report.memory_mb > MOST_MEMORY_MB:
        report.wrong.append(f"{report.memory_mb:.0f} MB: {report.memory_of}")
    print(json.dumps(report.written() | {"charged_in_control": of_control}, indent=2))
    raise SystemExit(bool(report.wrong))


if __name__ == "__main__":
    main()
