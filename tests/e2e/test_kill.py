"""kill -9 at any instant, of the crawler or of its worker: nothing lost, nothing twice, no half row."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psutil
import pytest

from pytomo_scrapy.lab.world import build_world
from tests.e2e.conftest import clean_environment
from tests.e2e.long import (
    Crawl,
    ask,
    assert_measured_once,
    kill,
    kill_at_random_instants,
    lab_environment,
    related_to,
    wait_for,
    wait_until,
    walk_arguments,
    window_process,
)
from tests.running.labs import shared_lab

# A failure names its seed, so that it can be played again.
KILL_COUNT = int(os.environ.get("PYTOMO_TEST_KILLS", "3"))
# Of a walk over three rounds: more videos than kills.
WIDTH, SABR_WIDTH = (2, 2) if KILL_COUNT < 6 else (5, 3)
SEED = int(os.environ.get("PYTOMO_TEST_SEED", "0")) or Random().getrandbits(32)
START = next(iter(build_world("clean").videos))


@pytest.fixture(scope="module")
def lab() -> Iterator[dict[str, str]]:
    with lab_environment() as environment:
        yield environment


def walk(lab: dict[str, str], folder: Path, count: int, rounds: int = 2) -> Crawl:
    arguments = walk_arguments(START, count, rounds)
    return Crawl(lab, f"sqlite:///{folder / 'x.db'}", arguments, folder=folder)


def test_crawl_killed_at_random_instants_ends_with_every_video_once(lab: dict[str, str], tmp_path: Path) -> None:
    crawl = walk(lab, tmp_path, WIDTH, rounds=3)
    # One video a life at most: it is not through before the last kill. The pace is not part of its name.
    crawl.settings = ["-s", "PYTOMO_PACE_S=8"]
    kill_at_random_instants(crawl, KILL_COUNT, Random(SEED))
    crawl.settings = []
    assert crawl.finish() == 0, f"seed {SEED}: {crawl.last_log()}"
    assert_measured_once(crawl.database_url, related_to(START, WIDTH, rounds=3))
    assert ask(crawl.database_url, "PRAGMA integrity_check") == [("ok",)]
    assert not [path for path in tmp_path.iterdir() if path.is_dir() and any(path.rglob("*.media"))], "media left"


def test_crawl_over_sabr_killed_at_random_instants_is_resumed(lab: dict[str, str], tmp_path: Path) -> None:
    crawl = walk(lab, tmp_path, SABR_WIDTH)
    # Windows long enough to be killed inside a session, and a pace that leaves most videos to the resumption.
    over_sabr = ["-s", "PYTOMO_TRANSPORT=sabr", "-s", "PYTOMO_DOWNLOAD_WINDOW_S=2"]
    crawl.settings = [*over_sabr, "-s", "PYTOMO_PACE_S=8"]
    kill_at_random_instants(crawl, min(KILL_COUNT // 2, 3), Random(SEED))
    crawl.settings = over_sabr
    assert crawl.finish() == 0, f"seed {SEED}: {crawl.last_log()}"
    assert_measured_once(crawl.database_url, related_to(START, SABR_WIDTH))
    rows = ask(crawl.database_url, "SELECT failure, transport, received_bytes FROM download")
    # A file with both tracks in one has no session of its own.
    assert {(failure, transport) for failure, transport, _ in rows} <= {(None, "sabr"), ("no_sabr_url", "sabr")}
    assert any(received for _, _, received in rows)
    assert not [path for path in tmp_path.iterdir() if path.is_dir() and any(path.rglob("*.media"))], "media left"


def test_worker_of_a_killed_crawler_ends_by_itself(lab: dict[str, str], tmp_path: Path) -> None:
    crawl = walk(lab, tmp_path, 2)
    crawl.is_fresh = True
    process = crawl.start()
    try:
        wait_until(lambda: bool(ask(crawl.database_url, "SELECT COUNT(*) FROM measurement")[0][0]))
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
    finally:
        kill(process)
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive


def test_crawl_whose_worker_is_killed_goes_on_with_one_row_of_its_own_class(
    tmp_path: Path,
) -> None:
    # From hosts that are hardly faster than the media: a window is as long as it may be, to be found on a busy machine.
    crawl = walk(shared_lab("clean", 1.5).environment(clean_environment()), tmp_path, 3)
    crawl.settings = ["-s", "PYTOMO_DOWNLOAD_WINDOW_S=4"]
    process = crawl.start()
    try:
        wait_until(lambda: bool(ask(crawl.database_url, "SELECT COUNT(*) FROM measurement")[0][0]))
        worker = wait_for(lambda: window_process(tmp_path))
        worker.kill()
        assert process.wait(90) == 0, crawl.last_log()
    finally:
        kill(process)
    assert_measured_once(crawl.database_url, related_to(START, 3))
    failures = ask(crawl.database_url, "SELECT failure FROM measurement WHERE failure IS NOT NULL")
    assert failures in ([], [("worker_died",)]), "the kill costs one row at most: it may fall between two windows"
