"""The measuring process killed, crashed and stopped in mid-window: one row each, and the next video is fine."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil

from tests.e2e.conftest import clean_environment, query
from tests.e2e.long import Crawl, kill, wait_for, window_process
from tests.running.labs import shared_lab

WINDOW_S = 3
PATIENCE_S = 90
# A stopped process is what a hang looks like: the parent ends it at its deadline.
FATES = (signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP)


def in_mid_window(folder: Path, without: set[int]) -> psutil.Process | None:
    found = window_process(folder)
    time.sleep(0.4)
    is_open_still = found is not None and found == window_process(folder)
    return found if found is not None and is_open_still and found.pid not in without else None


def test_lost_measuring_process_costs_one_row_each_and_the_next_video_is_fine(database: Path, tmp_path: Path) -> None:
    database.parent.mkdir()
    crawl = Crawl(
        shared_lab("clean", 0.8).environment(clean_environment()),
        f"sqlite:///{database}",
        ["-a", "max_crawled_url=4"],
        ["-s", f"PYTOMO_DOWNLOAD_WINDOW_S={WINDOW_S}", "-s", "PYTOMO_DOWNLOAD_MODE=bulk"],
        folder=tmp_path,
    )
    running = crawl.start()
    try:
        hit = set[int]()
        for fate in FATES:
            worker = wait_for(lambda: in_mid_window(tmp_path, hit), PATIENCE_S)
            assert worker is not None
            worker.send_signal(fate)
            hit.add(worker.pid)
        assert running.wait(PATIENCE_S) == 0, crawl.last_log()
    finally:
        kill(running)
    rows = query(
        database,
        "SELECT m.failure, m.failure_detail, d.failure, d.received_bytes FROM measurement m"
        " JOIN download d ON d.measurement_id = m.id ORDER BY m.id",
    )
    assert sorted(row[0] or "" for row in rows) == ["", "probe_paused", "worker_died", "worker_died"]
    details = sorted(detail for failure, detail, *_ in rows if failure == "worker_died")
    assert details == ["exit code -11", "exit code -9"]
    for failure, _, window_failure, received_bytes in rows:
        assert window_failure == failure
        assert (received_bytes is None) if failure else received_bytes > 0
