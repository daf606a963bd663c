"""The run of a spider that is not ours: its first video opens it, and what keeps it from going on ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import signals

from pytomo_scrapy.crawl import other_spiders
from pytomo_scrapy.crawl.context import CrawlContext
from pytomo_scrapy.failures import LineError, StorageError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure.tools import Stopped
from tests.fake_crawler import FakeCrawler, sqlite_in

VIDEO = "https://youtu.be/abcdefghijk"


class Foreign:
    """A crawl of a project's own spider, `blog`: it yields videos, and has neither a walk nor arguments of ours."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.crawler: Any = FakeCrawler(
            PYTOMO_DATABASE_URL=sqlite_in(folder),
            PYTOMO_UNSTORED_DIRECTORY=str(folder / "kept"),
            PYTOMO_PROGRESS="off",
            PYTOMO_LINE="off",
            PYTOMO_PACE_S=0,
            PYTOMO_PROVIDER="isp",
            **settings,
        )
        self.log: list[str] = []
        self.crawler.spider = SimpleNamespace(name="blog")
        self.crawler.crawling = True
        self.crawler.engine = SimpleNamespace(
            _slot=SimpleNamespace(closing=None), close_spider_async=self._close_spider
        )
        self.context = self.crawler.extension = CrawlContext.from_crawler(self.crawler)
        self.context.process.open = self._open_processes  # type: ignore[method-assign]

    async def _open_processes(self) -> None:
        self.log.append("processes")

    async def _close_spider(self, reason: str) -> None:
        self.log.append(f"close {reason}")
        self.crawler.engine._slot.closing = reason

    async def admit(self, *items: VideoItem) -> None:
        for item in items:
            await self.context.admission.admit(item)

    async def end(self, reason: str = "finished") -> None:
        await self.context.storage.close(reason)
        self.context._tell_summary(reason)

    def runs(self) -> list[tuple[Any, ...]]:
        with self.context.storage.database.read() as connection:
            found = connection.exec_driver_sql("SELECT spider, crawl_id, end_reason FROM run").fetchall()
        return [tuple(row) for row in found]


def played(act: Callable[[], Awaitable[Any]]) -> Any:
    async def bounded() -> Any:
        return await asyncio.wait_for(act(), 30)

    return asyncio.run(bounded())


@pytest.fixture
def make_foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Foreign]:
    monkeypatch.setattr(other_spiders, "_POLL_S", 0.01)
    return lambda **settings: Foreign(tmp_path, **settings)


def test_first_video_opens_the_run_of_its_spider_and_the_end_closes_it(
    make_foreign: Callable[..., Foreign], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    foreign = make_foreign()
    first, second = VideoItem(url=VIDEO), VideoItem(url=VIDEO)

    async def run() -> None:
        assert not foreign.context.storage.has_begun
        await foreign.admit(first, second, first)
        assert foreign.runs() == [("blog", None, None)], "one run without a crawl, however many videos"
        await foreign.end("shutdown")

    played(run)
    assert (first.source, first.video_id, foreign.log) == ("blog", "abcdefghijk", ["processes"])
    assert foreign.runs() == [("blog", None, "shutdown")]
    assert "The crawl was interrupted: 0 videos in" in caplog.text
    assert "the same command goes on" not in caplog.text, "nobody gives its videos out again"


def test_project_that_yields_no_video_leaves_no_run_and_says_nothing(
    make_foreign: Callable[..., Foreign], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    foreign = make_foreign()
    played(foreign.end)
    assert foreign.runs() == [] and foreign.log == [] and "The crawl is finished" not in caplog.text


def test_processes_start_with_the_first_video_and_the_watch_ends_before_the_database(
    make_foreign: Callable[..., Foreign],
) -> None:
    foreign = make_foreign()
    heard = foreign.crawler.signals.heard
    assert heard.get(signals.spider_opened, []) == []
    assert heard[signals.spider_closed][:2] == ["EndWatch.close", "CrawlStorage.close"]


def lose_line(foreign: Foreign) -> None:
    def take() -> None:
        raise LineError("Another crawler measures over this line.")

    foreign.context.line.take = take  # type: ignore[method-assign]


def lose_database(foreign: Foreign) -> None:
    def begin_run(*_: object) -> None:
        raise StorageError("The disk is full.")

    foreign.context.storage.begin_run = begin_run  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("lose", "reason", "sentence"),
    [
        (lose_line, "line_taken", "Another crawler measures over this line."),
        (lose_database, "storage_failed", "The disk is full."),
    ],
)
def test_run_that_cannot_begin_ends_the_crawl_with_its_reason(
    make_foreign: Callable[..., Foreign],
    caplog: pytest.LogCaptureFixture,
    lose: Callable[[Foreign], None],
    reason: str,
    sentence: str,
) -> None:
    foreign = make_foreign(PYTOMO_DATABASE_PATIENCE_S=0)
    lose(foreign)

    async def run() -> None:
        with pytest.raises(Stopped):
            await foreign.admit(VideoItem(url=VIDEO))
        while not foreign.context.gate.is_stopping:
            await asyncio.sleep(0.01)
        # Videos that the spider yields meanwhile are turned away, and begin no run either.
        with pytest.raises(Stopped):
            await foreign.admit(VideoItem(url=VIDEO))
        await foreign.end(reason)

    played(run)
    assert foreign.log == [f"close {reason}"] and sentence in caplog.text
    assert foreign.runs() == []


def not_crawling(crawler: Any) -> None:
    crawler.crawling = False


def without_slot(crawler: Any) -> None:
    crawler.engine._slot = None


def closing(crawler: Any) -> None:
    crawler.engine._slot.closing = "shutdown"


@pytest.mark.parametrize("end", [not_crawling, without_slot, closing])
def test_crawl_that_somebody_ends_stops_what_waits_and_closes_nothing_itself(
    make_foreign: Callable[..., Foreign], end: Callable[[Any], None]
) -> None:
    foreign = make_foreign()

    async def run() -> None:
        await foreign.admit(VideoItem(url=VIDEO))
        assert not foreign.context.gate.is_stopping
        end(foreign.crawler)
        while not foreign.context.gate.is_stopping:
            await asyncio.sleep(0.01)
        await foreign.end("shutdown")

    played(run)
    assert foreign.log == ["processes"]


def test_day_whose_cap_is_reached_ends_the_crawl_of_a_project_too(make_foreign: Callable[..., Foreign]) -> None:
    foreign = make_foreign(PYTOMO_DATA_CAP_BYTES_PER_DAY="100")
    foreign.context.storage.repository.received_bytes_since = lambda *_: 100  # type: ignore[method-assign]
    foreign.context.data_cap._bytes_since = lambda *_: 100

    async def run() -> str | None:
        with pytest.raises(Stopped):
            await foreign.admit(VideoItem(url=VIDEO))
        reason = foreign.context.reason_to_end()
        await foreign.end("data_cap")
        return reason

    assert played(run) == "data_cap"
