"""A database that is away when a crawl begins: waited for with one sentence, unless waiting cannot help."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytomo_scrapy.crawl import patient_opening as module
from pytomo_scrapy.crawl.patient_opening import open_patiently
from pytomo_scrapy.failures import AwayError, StorageError
from pytomo_scrapy.storage.database import Database, open_database

URL = "sqlite:///x.db"


class Opening:
    """Fails by its troubles, one after the other, then opens; a sleep costs no time but on its clock."""

    def __init__(self, *troubles: StorageError) -> None:
        self.troubles, self.slept_s, self.said = list(troubles), list[float](), list[str]()
        self.database = object()

    def open(self, url: str, **_: object) -> object:
        if self.troubles:
            raise self.troubles.pop(0)
        return self.database

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)

    def monotonic(self) -> float:
        return sum(self.slept_s)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Opening]:
    def start(*troubles: StorageError) -> Opening:
        opening = Opening(*troubles)
        monkeypatch.setattr(module, "open_database", opening.open)
        monkeypatch.setattr(module, "time", opening)
        return opening

    return start


def away() -> AwayError:
    return AwayError("The server is not there.")


def test_database_that_comes_back_is_opened_and_said_to_be_waited_for_once(play: Callable[..., Opening]) -> None:
    opening = play(*[away() for _ in range(5)])
    assert open_patiently(URL, 60.0, say=opening.said.append) is opening.database
    assert opening.said == ["The server is not there. The crawl waits up to 60 s for it."]
    assert opening.slept_s == [0.5, 1.0, 2.0, 4.0, 5.0]


def test_patience_ends(play: Callable[..., Opening]) -> None:
    opening = play(*[away() for _ in range(99)])
    with pytest.raises(AwayError):
        open_patiently(URL, 10.0, say=opening.said.append)
    assert sum(opening.slept_s) == 10.0


def test_database_that_can_never_be_opened_is_not_waited_for(play: Callable[..., Opening]) -> None:
    opening = play(StorageError("Its password is wrong."))
    with pytest.raises(StorageError):
        open_patiently(URL, 60.0, say=opening.said.append)
    assert (opening.said, opening.slept_s) == ([], [])


@pytest.mark.process
@pytest.mark.parametrize("url", ["postgresql://me@127.0.0.1:9/x", "postgresql://me@/x?host=/no/such/folder"])
def test_server_that_is_not_there_may_come_back(url: str) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with pytest.raises(AwayError):
        open_database(url)


@pytest.mark.process
def test_file_that_is_locked_may_be_free_in_a_minute(tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    holder.execute("PRAGMA journal_mode=WAL")
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(AwayError, match="locked by another program"):
        open_database(f"sqlite:///{tmp_path / 'x.db'}", busy_timeout_s=0.1)
    holder.close()


@pytest.mark.process
@pytest.mark.parametrize("wrong", ["name", "database", "host"])
def test_mistake_in_the_url_is_an_error_at_once(wrong: str, postgres_url: str, tmp_path: Path) -> None:
    started_s = time.monotonic()
    head, _, rest = postgres_url.partition("//")
    place = rest.partition("@")[2]
    url = {
        "name": f"{head}//nobody-of-this-name@{place}",
        "database": f"{postgres_url}-of-no-name",
        "host": f"{head}//me@no-such-host.invalid/x",
    }[wrong]
    with pytest.raises(StorageError) as caught:
        open_patiently(url, 60.0)
    assert type(caught.value) is StorageError and time.monotonic() - started_s < 30
    assert isinstance(open_patiently(postgres_url, 0.0), Database)
