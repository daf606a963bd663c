"""Ctrl-C while another program holds the database: the crawl ends within seconds, and nothing is lost."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from pytomo_scrapy.lab.world import build_world
from tests.e2e.long import Crawl, ask, assert_measured_once, kill, lab_environment, wait_until

WORLD = list(build_world("clean").videos)[:3]
# What is waited for together, a few calls that find the lock, and the end of everything else, on a busy machine.
SOON_S = 20.0


@pytest.fixture(scope="module")
def lab() -> Iterator[dict[str, str]]:
    with lab_environment() as environment:
        yield environment


@contextmanager
def held(url: str) -> Iterator[None]:
    """Hold what every write needs."""
    if url.startswith("sqlite"):
        holder = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=30)
        holder.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            holder.close()
        return
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.begin() as connection:
            connection.execute(text("LOCK TABLE frontier, measurement, run, video IN ACCESS EXCLUSIVE MODE"))
            yield
    finally:
        engine.dispose()


def test_interrupt_ends_a_crawl_that_waits_for_a_locked_database(
    lab: dict[str, str], each_url: str, tmp_path: Path
) -> None:
    crawl = Crawl(lab, each_url, ["-a", "urls=" + ",".join(WORLD), "-a", "related=0"], folder=tmp_path)
    process = crawl.start()
    try:
        wait_until(lambda: bool(ask(each_url, "SELECT COUNT(*) FROM measurement")[0][0]))
        with held(each_url):
            time.sleep(4)
            process.send_signal(signal.SIGINT)
            started_s = time.monotonic()
            assert process.wait(120) == 130, crawl.last_log()
            elapsed_s = time.monotonic() - started_s
    finally:
        kill(process)
    log = crawl.last_log()
    assert elapsed_s < SOON_S, log
    assert "Traceback" not in log
    assert "locked by another program" in log or "has not answered" in log, "it says what it waited for"
    assert crawl.finish() == 0, crawl.last_log()
    assert_measured_once(each_url, set(WORLD))
