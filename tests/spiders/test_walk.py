"""The walk without a wire: which requests it makes, what becomes of claims, and how each crawl ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from scrapy import Request
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from twisted.python.failure import Failure

from pytomo_scrapy.crawl.context import CrawlContext
from pytomo_scrapy.crawl.line_lock import LineHold, LineLock
from pytomo_scrapy.failures import Stage, StorageError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure.tools import Stopped
from pytomo_scrapy.pages import PageRequest, PageVideo, ParsedPage
from pytomo_scrapy.spiders.base import WalkSpider
from pytomo_scrapy.storage.frontier.frontier import Claim
from tests.factories import make_item
from tests.fake_crawler import FakeCrawler, sqlite_in

# What each page lists: two popular videos, each with the other and two more.
PAGES = {"popular": ("one", "two"), "one": ("two", "three"), "two": ("one", "four"), "three": (), "four": ()}
LISTED: dict[str, dict[str, Any]] = {"three": {"duration_s": 61.0, "view_count": 1200, "published": "3 weeks ago"}}


class ToySpider(WalkSpider):
    """A service whose pages are PAGES; an address is a name."""

    name = "toy"
    service = "toy"
    failures: dict[str, str] = {}  # noqa: RUF012 - of pages, set on each spider

    def popular_pages(self) -> list[PageRequest]:
        return [PageRequest("popular", "http://toy.test/popular")]

    def source_page(self, claim: Claim) -> PageRequest:
        return PageRequest(claim.video_id, f"http://toy.test/{claim.video_id}")

    def video_page(self, video_id: str) -> PageRequest | None:
        return PageRequest(video_id, f"http://toy.test/{video_id}")

    def video_url(self, video_id: str) -> str:
        return f"http://toy.test/{video_id}"

    def parse_page(self, response: Response) -> ParsedPage:
        name = response.url.rpartition("/")[2]
        failure = self.failures.get(name)
        videos = () if failure else tuple(PageVideo(video_id, **LISTED.get(video_id, {})) for video_id in PAGES[name])
        return ParsedPage(kind="watch", videos=videos, failure=failure)


class Crawl:
    """A crawl of the toy service that stores its items without measuring them, as fast as it can."""

    def __init__(self, folder: Path, arguments: dict[str, str], **settings: object) -> None:
        self.crawler = FakeCrawler(
            PYTOMO_DATABASE_URL=sqlite_in(folder),
            PYTOMO_UNSTORED_DIRECTORY=str(folder / "kept"),
            PYTOMO_PROGRESS="off",
            PYTOMO_LINE="off",
            PYTOMO_PACE_S=0,
            **settings,
        )
        self.spider = ToySpider.from_crawler(cast(Any, self.crawler), **{"seed": "1", **arguments})
        self.crawler.spider = self.spider
        self.context = self.crawler.extension = CrawlContext.from_crawler(cast(Any, self.crawler))
        self.requested: list[str] = []
        self.items: list[VideoItem] = []
        self.after_item: Callable[[VideoItem], Awaitable[None]] = self.store

    async def store(self, item: VideoItem) -> None:
        await self.context.storage.opened.store(item)
        self.spider._on_stored(item)

    async def _run(self) -> None:
        async for request in self.spider.start():
            self.requested.append(request.url.rpartition("/")[2])
            await self.answer(request)

    async def answer(self, request: Request) -> None:
        found = request.callback(Response(request.url), **request.cb_kwargs)  # type: ignore[misc]
        await self._take(found)

    async def fail(self, request: Request, error: BaseException) -> None:
        failure = Failure(error)
        failure.request = request  # type: ignore[attr-defined]
        await self._take(self.spider.on_page_failed(failure))

    async def _take(self, found: Any) -> None:
        if not hasattr(found, "__aiter__"):
            await found
            return
        async for item in found:
            self.items.append(item)
            await self.after_item(item)

    def run(self) -> str | None:
        """Run to the end. Returns the reason of a CloseSpider."""

        async def run_and_close() -> str | None:
            try:
                await asyncio.wait_for(self._run(), 60)
                return None
            except CloseSpider as closed:
                return str(closed.reason)
            finally:
                await self.context.storage.close("finished")

        return asyncio.run(run_and_close())


@pytest.fixture
def make_crawl(tmp_path: Path) -> Callable[..., Crawl]:
    return lambda arguments=None, **settings: Crawl(tmp_path, arguments or {}, **settings)


def test_walk_is_breadth_first_and_measures_every_video_once(make_crawl: Callable[..., Crawl]) -> None:
    crawl = make_crawl()
    assert crawl.run() is None
    assert crawl.requested == ["popular", "one", "two", "three", "four"]
    assert [(item.video_id, item.depth, item.parent_id) for item in crawl.items] == [
        ("one", 1, None), ("two", 1, None), ("three", 2, "one"), ("four", 2, "two"),
    ]  # fmt: skip
    assert [item.page.related_count for item in crawl.items if item.page] == [2, 2, 0, 0]
    assert {item.crawl for item in crawl.items} == {crawl.spider.walk.crawl_name}


@pytest.mark.slow
def test_item_has_what_the_list_said_of_its_video(make_crawl: Callable[..., Crawl]) -> None:
    crawl = make_crawl(max_rounds="2")
    crawl.run()
    said = {one.video_id: (one.listed_view_count, one.listed_duration_s, one.listed_age_s) for one in crawl.items}
    nothing = (None, None, None)
    assert said == {"one": nothing, "two": nothing, "three": (1200, 61.0, 21 * 86_400.0), "four": nothing}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "requested"),
    [
        # Without related videos, or at the last depth, a video needs no page.
        ({"related": "0"}, ["popular", "data:,", "data:,"]),
        ({"max_rounds": "1"}, ["popular", "data:,", "data:,"]),
        ({"max_crawled_url": "2"}, ["popular", "data:,", "data:,"]),
        ({"max_per_page": "1"}, ["popular", "one", "two"]),  # which lists the first again
        # Another service's video of the user's list is measured without a page of ours.
        ({"urls": "https://vimeo.com/76979871", "max_rounds": "1"}, ["data:,"]),
    ],
)
def test_pages_are_fetched_only_where_their_related_videos_are_wanted(
    make_crawl: Callable[..., Crawl], arguments: dict[str, str], requested: list[str]
) -> None:
    crawl = make_crawl(arguments)
    assert crawl.run() is None
    assert crawl.requested == requested


def test_proxy_of_the_settings_is_that_of_every_page(make_crawl: Callable[..., Crawl]) -> None:
    crawl = make_crawl({"max_rounds": "1"}, PYTOMO_HTTP_PROXY="http://192.0.2.8:3128")
    proxies = []
    answer = crawl.answer

    async def note(request: Request) -> None:
        proxies.append(request.meta.get("proxy"))
        await answer(request)

    crawl.answer = note  # type: ignore[method-assign]
    crawl.run()
    assert proxies == ["http://192.0.2.8:3128", None, None], "a data: request goes nowhere"


# Ends.


def test_crawl_whose_sources_fail_ends_with_their_reasons(
    make_crawl: Callable[..., Crawl], caplog: pytest.LogCaptureFixture
) -> None:
    crawl = make_crawl()
    crawl.spider.failures = {"popular": "http_5xx"}
    assert crawl.run() == "no_videos"
    assert "No video was found to measure. popular: http_5xx" in caplog.text


def test_source_that_refuses_is_asked_once_more(make_crawl: Callable[..., Crawl]) -> None:
    crawl = make_crawl(PYTOMO_BACKOFF_RETRY_S=0)
    crawl.spider.failures = {"popular": "http_429"}
    assert crawl.run() == "no_videos"
    assert crawl.requested == ["popular", "popular"]


@pytest.mark.process
def test_line_that_another_crawler_holds_ends_the_crawl_before_its_database_knows_it(
    make_crawl: Callable[..., Crawl], caplog: pytest.LogCaptureFixture
) -> None:
    lock = LineLock("name test of the walk")
    assert lock.take()
    crawl = make_crawl()
    crawl.context.line = LineHold(LineLock("name test of the walk"))
    assert crawl.run() == "line_taken" and crawl.requested == []
    lock.free()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda crawl: crawl.context.data_cap.took(100), "data_cap"),
        (lambda crawl: crawl.context.storage.fail("The disk is full."), "storage_failed"),
        (lambda crawl: crawl.context.politeness.stored(refused()), "service_refuses"),
    ],
)
def test_what_ends_the_crawl_after_a_measurement_has_its_reason_and_leaves_the_rest_for_the_next_run(
    make_crawl: Callable[..., Crawl], end: Callable[[Crawl], None], reason: str
) -> None:
    crawl = make_crawl(PYTOMO_DATA_CAP_BYTES_PER_DAY="100", PYTOMO_BROKEN_CLIENT_MAX="1")

    async def store_and_end(item: VideoItem) -> None:
        await crawl.store(item)
        end(crawl)

    crawl.after_item = store_and_end
    assert crawl.run() == reason
    assert [item.video_id for item in crawl.items] == ["one"]
    again = make_crawl()
    assert again.run() is None
    assert [item.video_id for item in again.items] == ["two", "three", "four"]


def refused() -> VideoItem:
    item = make_item()
    item.fail(Stage.DOWNLOAD, "http_403")
    return item


def test_database_that_goes_away_while_a_page_is_noted_ends_the_crawl_with_its_sentence(
    make_crawl: Callable[..., Crawl], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    crawl = make_crawl(PYTOMO_DATABASE_PATIENCE_S=0)

    def gone(*_: object, **__: object) -> None:
        raise StorageError("The database is away.")

    async def lose(item: VideoItem) -> None:
        await crawl.store(item)
        monkeypatch.setattr(type(crawl.context.storage.opened.frontier), "add_videos", gone)

    crawl.after_item = lose
    assert crawl.run() == "storage_failed"
    assert "The database is away." in caplog.text


def test_stop_during_a_wait_for_a_service_that_refuses_has_the_reason_of_the_stop(
    make_crawl: Callable[..., Crawl],
) -> None:
    """A store that failed stops the gate: a walk that waits for the service then must not end as if all was well."""
    crawl = make_crawl(PYTOMO_BACKOFF_RETRY_S=60)

    async def refuse_and_fail(item: VideoItem) -> None:
        crawl.context.politeness.note("http_429")
        crawl.context.gate.stop()
        crawl.context.storage.fail("The disk is full.")
        await crawl.spider._on_returned(item)

    crawl.after_item = refuse_and_fail
    assert crawl.run() == "storage_failed"


def test_spider_that_is_closed_stops_the_gate(make_crawl: Callable[..., Crawl]) -> None:
    crawl = make_crawl()

    async def start_and_close() -> None:
        requests = crawl.spider.start()
        assert (await anext(requests)).url.endswith("popular")
        await requests.aclose()
        await crawl.context.storage.close("shutdown")

    asyncio.run(start_and_close())
    assert crawl.context.gate.is_stopping


# Claims.


def test_video_whose_page_failed_is_measured_with_the_class_of_the_page(make_crawl: Callable[..., Crawl]) -> None:
    crawl = make_crawl({"max_per_page": "1"})
    answer = crawl.answer

    async def time_out(request: Request) -> None:
        if request.url.endswith("one"):
            await crawl.fail(request, TimeoutError("30 s"))
        else:
            await answer(request)

    crawl.answer = time_out  # type: ignore[method-assign]
    assert crawl.run() is None
    (item,) = crawl.items
    assert item.page is not None and item.page.failure == "page_timeout"
    assert item.page.related_count is None


def test_source_whose_page_never_came_is_done_with_its_class(
    make_crawl: Callable[..., Crawl], caplog: pytest.LogCaptureFixture
) -> None:
    crawl = make_crawl()
    crawl.answer = lambda request: crawl.fail(request, OSError("no route"))  # type: ignore[method-assign, assignment]
    assert crawl.run() == "no_videos"
    assert "popular: page_unreachable" in caplog.text


def test_page_that_a_stop_kept_off_the_wire_gives_its_claim_back(make_crawl: Callable[..., Crawl]) -> None:
    crawl = make_crawl()
    answer, stopped = crawl.answer, []

    async def stop_once(request: Request) -> None:
        if request.url.endswith("one") and not stopped:
            stopped.append(request)
            await crawl.fail(request, Stopped())
        else:
            await answer(request)

    crawl.answer = stop_once  # type: ignore[method-assign]
    assert crawl.run() is None
    assert crawl.requested.count("one") == 2 and len(crawl.items) == 4


@pytest.mark.slow
def test_item_that_the_pipelines_return_is_measured_later(make_crawl: Callable[..., Crawl]) -> None:
    crawl, returned = make_crawl(), []

    async def return_once(item: VideoItem) -> None:
        if item.video_id == "one" and not returned:
            returned.append(item)
            await crawl.spider._on_returned(item)
        else:
            await crawl.store(item)

    crawl.after_item = return_once
    assert crawl.run() is None
    assert [item.video_id for item in crawl.items].count("one") == 2


def test_parser_that_breaks_costs_its_page_and_never_the_video(
    make_crawl: Callable[..., Crawl], monkeypatch: pytest.MonkeyPatch
) -> None:
    crawl, parse = make_crawl(), ToySpider.parse_page

    def break_on_one(spider: ToySpider, response: Response) -> ParsedPage:
        if response.url.endswith("one"):
            raise ZeroDivisionError("division by zero")
        return parse(spider, response)

    monkeypatch.setattr(ToySpider, "parse_page", break_on_one)
    assert crawl.run() is None
    assert crawl.items[0].page is not None and crawl.items[0].page.failure == "unknown_failure"
    assert [item.video_id for item in crawl.items] == ["one", "two", "four"]


def test_loop_begins_a_second_pass_after_the_first_is_done(make_crawl: Callable[..., Crawl]) -> None:
    crawl = make_crawl({"loop": "1", "max_rounds": "1"}, PYTOMO_ROUND_EVERY_S="0.001")

    async def store_until_the_third(item: VideoItem) -> None:
        await crawl.store(item)
        if item.pass_number == 2:
            crawl.context.storage.fail("Enough.")

    crawl.after_item = store_until_the_third
    assert crawl.run() == "storage_failed"
    assert [(item.video_id, item.pass_number) for item in crawl.items][:3] == [("one", 1), ("two", 1), ("one", 2)]
