"""Waiting for a database: until it is back, until patience ends, until the crawl stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from pytomo_scrapy.crawl import retrying as module
from pytomo_scrapy.crawl.retrying import Retrying
from pytomo_scrapy.failures import StorageError


class Database:
    """Fails so many times, then answers."""

    def __init__(self, failures: int) -> None:
        self.left = failures

    def ask(self) -> str:
        if self.left:
            self.left -= 1
            raise StorageError("The database is away.")
        return "rows"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    async def at_once(function: object, *args: object, **kwargs: object) -> object:
        return function(*args, **kwargs)  # type: ignore[operator]

    monkeypatch.setattr(module, "run_in_thread", at_once)
    return [0.0]


def make(clock: list[float], limit_s: float, *, is_stopping: bool = False) -> Retrying:
    def sleep(seconds: float) -> Awaitable[None]:
        clock[0] += seconds
        return asyncio.sleep(0)

    return Retrying(limit_s, lambda: is_stopping, clock=lambda: clock[0], sleep=sleep)


def test_outage_shorter_than_the_limit_is_waited_for_with_one_warning(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    assert asyncio.run(make(clock, 60).ask(Database(6).ask)) == "rows"
    # 0.5 + 1 + 2 + 4 + 5 + 5 s
    assert clock == [17.5]
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1


def test_outage_longer_than_the_limit_ends_with_the_last_sentence(clock: list[float]) -> None:
    with pytest.raises(StorageError, match="away"):
        asyncio.run(make(clock, 10).ask(Database(10**6).ask))
    assert 10 <= clock[0] < 16


def test_stop_does_not_wait(clock: list[float]) -> None:
    with pytest.raises(StorageError):
        asyncio.run(make(clock, 600, is_stopping=True).ask(Database(1).ask))
    assert clock == [0.0]
