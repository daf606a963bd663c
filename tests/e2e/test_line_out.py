"""A line that dies for some seconds: name servers, service and media hosts fall silent together, amid a crawl."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from pytomo_scrapy.crawl.lab_life import PID_VARIABLE
from pytomo_scrapy.lab.world import build_world
from tests.e2e.long import Crawl, ask, kill, lab_environment, wait_until

WORLD = list(build_world("clean").videos)[:5]
OUT_S = 12.0


@pytest.fixture
def lab() -> Iterator[dict[str, str]]:
    with lab_environment() as environment:
        yield environment


@contextmanager
def silent(lab: dict[str, str]) -> Iterator[None]:
    """Stop the lab's servers: packets to them are taken, and nothing comes back."""
    top = psutil.Process(int(lab[PID_VARIABLE]))
    processes = [top, *top.children(recursive=True)]
    for process in processes:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process.pid, signal.SIGCONT)


def test_list_is_measured_to_its_end_although_the_line_dies_in_its_middle(lab: dict[str, str], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    arguments = ["-a", "urls=" + ",".join(WORLD), "-a", "related=0"]
    settings = ["-s", "PYTOMO_RESOLVE_TIMEOUT_S=1", "-s", "PYTOMO_DNS_TIMEOUT_S=0.5"]
    crawl = Crawl(lab, url, arguments, settings, folder=tmp_path)
    process = crawl.start()
    try:
        wait_until(lambda: bool(ask(url, "SELECT COUNT(*) FROM measurement")[0][0]))
        with silent(lab):
            time.sleep(OUT_S)
        assert process.wait(120) == 0, crawl.last_log()
    finally:
        kill(process)
    log = crawl.last_log()
    assert "the line is out" in log and "The line is back" in log
    last = ask(url, "SELECT v.video_id, m.failure, m.outage_started_at FROM measurement m"
                    " JOIN video v ON v.id = m.video_row_id WHERE NOT m.is_superseded")  # fmt: skip
    assert sorted(str(row[0]) for row in last) == sorted(WORLD)
    # A stopped host still takes connections, so that a window on it is taken for a bad session here, as it is not where
    # the line takes none: that of the video that was measured then, and of the one that was prepared beside it.
    # A look-up that began just before the line came back ends when it is well again.
    failed = [row[1] for row in last if row[1] is not None]
    assert len(failed) <= 2 and set(failed) <= {"no_progress", "truncated", "tls_handshake", "dns_timeout"}, failed
    assert all(row[2] is None for row in last)
    hit = ask(url, "SELECT failure, outage_ended_at, attribution FROM measurement WHERE outage_started_at IS NOT NULL")
    assert hit and all(failure and ended and attribution == "network" for failure, ended, attribution in hit)
    assert {
        row[0] for row in ask(url, "SELECT is_superseded FROM measurement WHERE outage_started_at IS NOT NULL")
    } == {1}
