"""kill -9 at any instant, of the crawler or of its worker: nothing lost, nothing twice, no half row."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psutil
import pytest

from pytomo_scrapy.lab.world import build_world
from tests.e2e.long import Crawl, ask, assert_measured_once, kill, kill_worker, lab_environment, related_to, wait_until

# The full number takes five minutes; the seed is printed, so that a failure can be played again.
KILL_COUNT = int(os.environ.get("PYTOMO_TEST_KILLS", "8"))
SEED = int(os.environ.get("PYTOMO_TEST_SEED", "0")) or Random().getrandbits(32)
START = next(iter(build_world("clean").videos))


@pytest.fixture(scope="module")
def lab() -> Iterator[dict[str, str]]:
    with lab_environment() as environment:
        yield environment


def two_rounds(lab: dict[str, str], folder: Path, related: int) -> Crawl:
    arguments = ["-a", f"urls={START}", "-a", "max_rounds=2", "-a", f"max_per_page={related}", "-a",
                 f"max_per_url={related}", "-a", "seed=7"]  # fmt: skip
    return Crawl(lab, f"sqlite:///{folder / 'x.db'}", arguments, folder=folder)


def test_crawl_killed_at_random_instants_ends_with_every_video_once(lab: dict[str, str], tmp_path: Path) -> None:
    random = Random(SEED)
    related = min(20, KILL_COUNT + 6)
    crawl = two_rounds(lab, tmp_path, related)
    exit_codes = []
    for _ in range(KILL_COUNT):
        process = crawl.start()
        # From before the database is opened to some videos later.
        time.sleep(random.uniform(0.2, 6.0))
        exit_codes.append(process.poll())
        kill(process)
    assert crawl.finish() == 0, f"seed {SEED}: {crawl.last_log()}"
    assert exit_codes.count(None) >= 3, f"seed {SEED}: the crawl was too quick to be killed: {exit_codes}"
    assert_measured_once(crawl.database_url, related_to(START, related))
    assert ask(crawl.database_url, "PRAGMA integrity_check") == [("ok",)]
    assert not [path for path in tmp_path.iterdir() if path.is_dir() and any(path.rglob("*.media"))], "media left"


def test_worker_of_a_killed_crawler_ends_by_itself(lab: dict[str, str], tmp_path: Path) -> None:
    crawl = two_rounds(lab, tmp_path, 4)
    process = crawl.start()
    try:
        wait_until(lambda: bool(ask(crawl.database_url, "SELECT COUNT(*) FROM measurement")[0][0]))
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
    finally:
        kill(process)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def test_crawl_whose_worker_is_killed_goes_on_with_one_row_of_its_own_class(
    lab: dict[str, str], tmp_path: Path
) -> None:
    crawl = two_rounds(lab, tmp_path, 4)
    process = crawl.start()
    try:
        wait_until(lambda: bool(ask(crawl.database_url, "SELECT COUNT(*) FROM measurement")[0][0]))
        kill_worker(process)
        assert process.wait(90) == 0, crawl.last_log()
    finally:
        kill(process)
    assert_measured_once(crawl.database_url, related_to(START, 4))
    failures = ask(crawl.database_url, "SELECT failure FROM measurement WHERE failure IS NOT NULL")
    assert failures in ([], [("worker_died",)]), "the kill costs one row at most: it may fall between two windows"
