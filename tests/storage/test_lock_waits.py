"""A database that others hold: how long a call waits for it, and that a hurry ends the waits under way."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.lock_waits import HURRIED_S

pytestmark = pytest.mark.process

SOON_S = HURRIED_S + 3.0  # on a busy machine
WRITE = "UPDATE alembic_version SET version_num = version_num"


@contextmanager
def held(database: Database) -> Iterator[None]:
    """Hold what every write needs, as another program."""
    if database.is_sqlite:
        holder = sqlite3.connect(Path(str(database.engine.url.database)), isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            holder.close()
        return
    engine = create_engine(database.engine.url)
    try:
        with engine.begin() as connection:
            connection.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
            yield
    finally:
        engine.dispose()


def write(database: Database) -> str:
    """Write, and return what was said of it."""
    try:
        with database.write() as connection:
            connection.execute(text(WRITE))
    except StorageError as error:
        return str(error)
    return "written"


class Writing:
    """Writes in threads of their own; `said` is what became of each."""

    def __init__(self, database: Database, count: int) -> None:
        self.said: list[str] = []
        self._threads = [threading.Thread(target=lambda: self.said.append(write(database))) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def wait(self, timeout_s: float) -> None:
        until_s = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until_s - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), "a call waits on"


@pytest.mark.alone
def test_hurry_ends_the_waits_under_way_and_those_that_follow(
    each_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with held(each_database):
        writing = Writing(each_database, 3)
        time.sleep(0.5)
        assert not writing.said, "each would wait for half a minute"
        each_database.hurry()
        writing.wait(SOON_S)
        started_s = time.monotonic()
        later = [write(each_database) for _ in range(2)]
        assert time.monotonic() - started_s < HURRIED_S, "the time is used up"
    assert all("could not be written" in said for said in (*writing.said, *later)), writing.said
    assert "locked by another program" in caplog.text or "has not answered" in caplog.text
    assert write(each_database) == "written", "and the database is as good as before"


@pytest.mark.alone
def test_lock_of_a_moment_is_waited_for_in_a_hurry_too(each_database: Database) -> None:
    with held(each_database):
        each_database.hurry()
        writing = Writing(each_database, 2)
        time.sleep(1.0)
    writing.wait(SOON_S)
    assert writing.said == ["written"] * 2


def test_lock_that_lasts_is_an_error_that_is_asked_again(each_url: str) -> None:
    database = open_database(each_url, busy_timeout_s=0.3)
    with held(database):
        writing = Writing(database, 1)
        writing.wait(5.0)
    assert "could not be written" in writing.said[0]
    database.close()


@pytest.mark.alone
def test_call_that_is_no_wait_is_left_alone_in_a_hurry(each_database: Database) -> None:
    each_database.hurry()
    until_s = time.monotonic() + HURRIED_S + 1.5
    while time.monotonic() < until_s:
        assert write(each_database) == "written"
        time.sleep(0.1)
