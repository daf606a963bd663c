"""What the tests of long crawls share: a lab that outlives a crawl, crawls to be killed, and what is left of them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

import psutil
from sqlalchemy import create_engine, text

from pytomo_scrapy.lab.world import build_world
from tests.e2e.conftest import ROOT, clean_environment, fresh_command
from tests.running.commands import command
from tests.running.commands import kill as kill_command
from tests.running.labs import shared_lab

Found = TypeVar("Found")
# Two crawlers on this machine stand for two machines, each with its own line.
TWO_LINES = ("-s", "PYTOMO_LINE=off")
LONGEST_LIFE_S = 8.0
QUICK = [
    "-s", "PYTOMO_DOWNLOAD_WINDOW_S=0.5", "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=1",
    "-s", "PYTOMO_PING_TIMEOUT_S=0.3", "-s", "PYTOMO_DOWNLOAD_LOADED_PROBES_PER_S=0", "-L", "INFO",
]  # fmt: skip


@contextlib.contextmanager
def lab_environment(world: str = "clean") -> Iterator[dict[str, str]]:
    """Give the environment that leads a crawl into the lab of this world: one that is up already, and stays."""
    yield shared_lab(world).environment(clean_environment())


@dataclass
class Crawl:
    """A crawl as a process that a test may kill, and start again by the same command."""

    environment: Mapping[str, str]
    database_url: str
    arguments: Sequence[str]
    settings: Sequence[str] = ()
    log: list[Path] = field(default_factory=list)
    folder: Path = Path()
    is_fresh: bool = False  # a Python of its own, for tests that look at its processes, its memory or its start
    entry: str = "scrapy"  # or a module of the tests that stands for it

    def start(self) -> subprocess.Popen[bytes]:
        unstored = self.folder / "unstored"
        words = (
            "crawl", "youtube", *self.arguments, *QUICK, "-s", f"PYTOMO_DATABASE_URL={self.database_url}",
            "-s", f"PYTOMO_UNSTORED_DIRECTORY={unstored}", *self.settings,
        )  # fmt: skip
        started = fresh_command(*words) if self.is_fresh else command(self.entry, *words)
        path = self.folder / f"crawl-{len(self.log)}-{os.urandom(3).hex()}.log"
        self.log.append(path)
        with path.open("wb") as log:
            return subprocess.Popen(
                started, cwd=ROOT, env={**self.environment, "TMPDIR": str(self.folder)}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def finish(self, timeout_s: float = 300) -> int:
        """Run to the end. Returns the exit code."""
        process = self.start()
        try:
            return process.wait(timeout_s)
        finally:
            kill(process)

    def last_log(self) -> str:
        return self.log[-1].read_text(errors="replace")[-6000:]


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the crawler alone, as the kernel does when memory ends; its worker has to notice by itself."""
    kill_command(process)


def window_process(folder: Path) -> psutil.Process | None:
    """Return the process that has a window open for a crawl whose TMPDIR is `folder`: it writes the media there."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            is_python = "python" in process.name()
            if is_python and any(
                _is_written(descriptor, folder) for descriptor in Path(f"/proc/{process.pid}/fd").iterdir()
            ):
                return process
    return None


def _is_written(descriptor: Path, folder: Path) -> bool:
    path = descriptor.readlink()
    if path.suffix != ".media" or not path.is_relative_to(folder):
        return False
    information = (descriptor.parents[1] / "fdinfo" / descriptor.name).read_text()
    return int(information.partition("flags:")[2].split()[0], 8) & os.O_ACCMODE != os.O_RDONLY


def wait_for(what: Callable[[], Found], timeout_s: float = 240) -> Found:
    """Return the first answer that holds."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        with contextlib.suppress(Exception):
            if found := what():
                return found
        time.sleep(0.25)
    raise AssertionError(f"not within {timeout_s} s")


def wait_until(what: Callable[[], bool], timeout_s: float = 240) -> None:
    wait_for(what, timeout_s)


def ask(database_url: str, statement: str) -> list[tuple[object, ...]]:
    """Ask a database of either kind."""
    engine = create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]
    finally:
        engine.dispose()


def related_to(video_id: str, count: int, rounds: int = 2) -> set[str]:
    """A video of the clean world with the first `count` that its page relates to it, and so on for further rounds."""
    videos = build_world("clean").videos
    found = newest = {video_id}
    for _ in range(rounds - 1):
        pages = ([one for one in videos[page].related if one != page][:count] for page in newest)
        newest = {one for page in pages for one in page} - found
        found = found | newest
    return found


def walk_arguments(video_id: str, count: int, rounds: int) -> list[str]:
    """What makes a crawl measure exactly `related_to` of the same."""
    return ["-a", f"urls={video_id}", "-a", f"max_rounds={rounds}", "-a", f"max_per_page={count}",
            "-a", f"max_per_url={count}", "-a", "seed=7"]  # fmt: skip


def kill_at_random_instants(crawl: Crawl, count: int, random: Random) -> None:
    """Start and kill a crawl `count` times: before its database is opened, in mid-window, after a video."""
    began_s = time.monotonic()
    life_s = 0.0
    for number in range(count):
        process = crawl.start()
        try:
            if life_s == 0:
                # How long a start takes depends on the machine, and what else it does.
                wait_until(lambda: bool(ask(crawl.database_url, "SELECT id FROM measurement LIMIT 1")))
                life_s = min(1.5 * (time.monotonic() - began_s), LONGEST_LIFE_S)
            else:
                time.sleep(random.uniform(0.1, life_s))
            assert process.poll() is None, f"it ended by itself before kill {number + 1}: {crawl.last_log()}"
        finally:
            kill(process)


def assert_measured_once(database_url: str, expected: set[str]) -> None:
    """Every expected video, no other, one whole row set for each."""
    rows = ask(database_url, "SELECT v.video_id FROM measurement m JOIN video v ON v.id = m.video_row_id")
    assert sorted(str(row[0]) for row in rows) == sorted(expected)
    assert ask(database_url, "SELECT COUNT(*) FROM measurement WHERE is_superseded") == [(0,)]
    left = ask(database_url, "SELECT COUNT(*) FROM frontier WHERE state <> 2")
    assert left == [(0,)], "everything that was found is done"
    halves = ask(
        database_url,
        "SELECT COUNT(*) FROM measurement m WHERE m.failure IS NULL AND ("
        " (SELECT COUNT(*) FROM download d WHERE d.measurement_id = m.id) <> 1"
        " OR NOT EXISTS (SELECT 1 FROM playback p WHERE p.measurement_id = m.id)"
        " OR NOT EXISTS (SELECT 1 FROM dns_lookup l WHERE l.measurement_id = m.id)"
        " OR NOT EXISTS (SELECT 1 FROM ping g WHERE g.measurement_id = m.id))",
    )
    assert halves == [(0,)], "no half row set"
