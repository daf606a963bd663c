"""A disk that fills: nothing damaged, nothing measured lost, one sentence, and the same command goes on."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytomo_scrapy.lab.world import build_world
from tests.conftest import missing
from tests.e2e.long import Crawl, ask, assert_measured_once, kill, lab_environment, wait_until

WORLD = list(build_world("clean").videos)[:4]
SMALL_DISK = "1m"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system in memory that is full after a few measurements."""
    if os.geteuid() != 0:
        missing("mounting a small file system needs root")
    # Not below pytest's own folder: what is still mounted where a run was killed would fail every later run.
    disk = Path(tempfile.mkdtemp(prefix="pytomo-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        disk.rmdir()
        missing(f"a small file system cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)
    disk.rmdir()


def grow(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)


def crawl_on(disk: Path, environment: dict[str, str], folder: Path, patience_s: float) -> Crawl:
    arguments = ["-a", "urls=" + ",".join(WORLD), "-a", "related=0"]
    settings = ["-s", f"PYTOMO_DATABASE_PATIENCE_S={patience_s}"]
    return Crawl(environment, f"sqlite:///{disk / 'x.db'}", arguments, settings, folder=folder)


def test_full_disk_stops_the_crawl_with_a_sentence_and_the_next_run_goes_on(small_disk: Path, tmp_path: Path) -> None:
    with lab_environment() as environment:
        crawl = crawl_on(small_disk, environment, tmp_path, 1)
        assert crawl.finish() == 3, crawl.last_log()
        log = crawl.last_log()
        assert "Traceback" not in log
        assert log.count(" ERROR: ") == 1 and "disk is full" in log
        stored = ask(crawl.database_url, "SELECT uuid FROM measurement")
        assert 0 < len(stored) < len(WORLD)
        kept = {path.stem.partition("-")[2] for path in (tmp_path / "unstored").glob("*.measurement")}
        assert kept, "what was measured is kept on another disk"
        grow(small_disk)
        assert crawl.finish() == 0, crawl.last_log()
    assert_measured_once(crawl.database_url, set(WORLD))
    assert kept <= {str(row[0]) for row in ask(crawl.database_url, "SELECT uuid FROM measurement")}
    assert ask(crawl.database_url, "PRAGMA integrity_check") == [("ok",)]


def test_crawl_goes_on_by_itself_when_somebody_makes_room(small_disk: Path, tmp_path: Path) -> None:
    with lab_environment() as environment:
        crawl = crawl_on(small_disk, environment, tmp_path, 120)
        process = crawl.start()
        try:
            wait_until(lambda: "The crawl waits up to" in crawl.last_log())
            grow(small_disk)
            assert process.wait(120) == 0, crawl.last_log()
        finally:
            kill(process)
    assert_measured_once(crawl.database_url, set(WORLD))
