"""Several crawlers on one PostgreSQL, and a server that goes away for a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytomo_scrapy.lab.world import build_world
from tests.e2e.long import TWO_LINES, Crawl, ask, assert_measured_once, kill, lab_environment, wait_until
from tests.e2e.postgres import PostgresServer, server

__all__ = ["server"]

WORLD = list(build_world("clean").videos)


@pytest.fixture(scope="module")
def lab() -> Iterator[dict[str, str]]:
    with lab_environment() as environment:
        yield environment


def listed(lab: dict[str, str], url: str, folder: Path, count: int) -> Crawl:
    arguments = ["-a", "urls=" + ",".join(WORLD[:count]), "-a", "related=0"]
    return Crawl(lab, url, arguments, ["-s", "PYTOMO_VANTAGE=one", *TWO_LINES], folder=folder)


def measured(url: str) -> int:
    return int(str(ask(url, "SELECT COUNT(*) FROM measurement")[0][0]))


@pytest.mark.alone
def test_two_crawlers_measure_videos_in_about_half_the_time_of_one(
    lab: dict[str, str], server: PostgresServer, tmp_path: Path
) -> None:
    wanted, pace_s = WORLD[:6], 7.0
    url = server.new_database(server.template())
    crawls = [listed(lab, url, tmp_path, len(wanted)) for _ in range(2)]
    for crawl in crawls:
        crawl.settings = [*crawl.settings, "-s", f"PYTOMO_PACE_S={pace_s}"]
    processes = [crawl.start() for crawl in crawls]
    try:
        wait_until(lambda: measured(url) >= 1)
        started_s = time.monotonic()
        assert [process.wait(200) for process in processes] == [0, 0], crawls[0].last_log()
        elapsed_s = time.monotonic() - started_s
    finally:
        for process in processes:
            kill(process)
    assert_measured_once(url, set(wanted))
    # One crawler alone needs its pace for each: 42 s at least. Two need half of it, and some seconds to end.
    assert elapsed_s < 0.75 * pace_s * len(wanted)
    shares = sorted(int(str(row[0])) for row in ask(url, "SELECT COUNT(*) FROM measurement GROUP BY run_id"))
    assert len(shares) == 2 and shares[0] >= 2


def test_crawl_waits_for_a_server_that_is_away_at_its_start_and_for_20_s_later_and_loses_nothing(
    lab: dict[str, str], server: PostgresServer, tmp_path: Path
) -> None:
    url = server.new_database()  # the crawl makes its tables, too
    crawl = listed(lab, url, tmp_path, 4)
    waits = "The crawl waits up to 600 s for it."
    server.stop("fast")
    process = crawl.start()
    try:
        try:
            wait_until(lambda: waits in crawl.last_log() or process.poll() is not None)
            assert process.poll() is None, crawl.last_log()
        finally:
            server.start()
        wait_until(lambda: measured(url) >= 1)
        server.stop()
        try:
            time.sleep(20)
            assert process.poll() is None, crawl.last_log()
        finally:
            server.start()
        assert process.wait(120) == 0, crawl.last_log()
    finally:
        kill(process)
    assert_measured_once(url, set(WORLD[:4]))
    assert crawl.last_log().count(waits) >= 2
    assert "Traceback" not in crawl.last_log()
    assert not list((tmp_path / "unstored").glob("*.measurement")), "what was kept is stored and forgotten"


def test_crawl_that_lost_its_patience_stops_with_a_sentence_and_the_next_run_stores_what_was_measured(
    lab: dict[str, str], server: PostgresServer, tmp_path: Path
) -> None:
    url = server.new_database(server.template())
    crawl = listed(lab, url, tmp_path, 3)
    crawl.settings = [*crawl.settings, "-s", "PYTOMO_DATABASE_PATIENCE_S=1", "-s", "PYTOMO_DOWNLOAD_WINDOW_S=2"]
    process = crawl.start()
    try:
        wait_until(lambda: measured(url) >= 1)
        server.stop("fast")
        try:
            assert process.wait(60) == 3, crawl.last_log()
        finally:
            server.start()
    finally:
        kill(process)
    log = crawl.last_log()
    assert "Traceback" not in log
    assert log.count(" ERROR: ") == 1, "one sentence"
    assert "is kept in" in log
    kept = {path.stem.partition("-")[2] for path in (tmp_path / "unstored").glob("*.measurement")}
    assert kept, "the window that was open is finished and kept"
    assert crawl.finish() == 0, crawl.last_log()
    assert_measured_once(url, set(WORLD[:3]))
    stored = {str(row[0]) for row in ask(url, "SELECT uuid FROM measurement")}
    assert kept <= stored, "stored under the same uuid, not measured again"
    assert not list((tmp_path / "unstored").glob("*.measurement"))
