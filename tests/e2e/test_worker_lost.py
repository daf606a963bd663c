"""The measuring process killed, crashed and stopped in mid-window: one row each, and the next video is fine."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import psutil

from tests.e2e.conftest import ROOT, clean_environment, database_setting, fresh_command, query

WINDOW_S = 3
PATIENCE_S = 90
# A stopped process is what a hang looks like: the parent ends it at its deadline.
FATES = (signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP)


def measuring_process(top: psutil.Process) -> psutil.Process | None:
    """Return the process that has a window open: the spawned child of the crawl with a TCP connection of its own."""
    try:
        for crawl in top.children():
            if "crawl" not in crawl.cmdline():
                continue
            for child in crawl.children():
                is_worker = any("spawn_main" in word for word in child.cmdline())
                if is_worker and any(one.status == psutil.CONN_ESTABLISHED for one in child.net_connections("tcp")):
                    return child
    except psutil.Error:
        pass
    return None


def wait_for_window(top: psutil.Process, without: set[int]) -> psutil.Process:
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        found = measuring_process(top)
        time.sleep(0.4)
        # A resolution in the lab is over by now.
        if found is not None and found.pid not in without and found == measuring_process(top):
            return found
    raise AssertionError("no window was opened")


def test_lost_measuring_process_costs_one_row_each_and_the_next_video_is_fine(database: Path, tmp_path: Path) -> None:
    command = fresh_command(
        "lab", "--world", "clean", "--clip-ratio", "0.8", "crawl", "youtube", "-a", "max_crawled_url=5",
        "-s", f"PYTOMO_DOWNLOAD_WINDOW_S={WINDOW_S}", "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=1",
        "-s", "PYTOMO_DOWNLOAD_MODE=bulk", *database_setting(database),
    )  # fmt: skip
    log = (tmp_path / "log").open("w+")
    with log, subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stderr=log, stdout=log) as running:
        try:
            top, hit = psutil.Process(running.pid), set[int]()
            for fate in FATES:
                worker = wait_for_window(top, hit)
                worker.send_signal(fate)
                hit.add(worker.pid)
            assert running.wait(PATIENCE_S) == 0
        finally:
            running.terminate()
    rows = query(
        database,
        "SELECT m.failure, m.failure_detail, d.failure, d.received_bytes FROM measurement m"
        " JOIN download d ON d.measurement_id = m.id ORDER BY m.id",
    )
    assert sorted(row[0] or "" for row in rows) == ["", "", "probe_paused", "worker_died", "worker_died"]
    details = sorted(detail for failure, detail, *_ in rows if failure == "worker_died")
    assert details == ["exit code -11", "exit code -9"]
    for failure, _, window_failure, received_bytes in rows:
        assert window_failure == failure
        assert (received_bytes is None) if failure else received_bytes > 0
