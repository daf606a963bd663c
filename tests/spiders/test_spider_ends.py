"""The spider of a walk that is played: claims without a request, callbacks that raise, and how a crawl is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from scrapy import Request
from scrapy.exceptions import CloseSpider, DropItem
from scrapy.http import Response
from twisted.python.failure import Failure

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.measure.tools import Stopped
from pytomo_scrapy.spiders.claims import MAX_ATTEMPTS
from tests.factories import make_item
from tests.fake_crawler import FakeCrawler
from tests.spiders.played_walk import Frontier, Played, play
from tests.spiders.test_attempts import Counting, Opened
from tests.spiders.test_claims import make_claim
from tests.spiders.test_walk import ToySpider


class Crawl:
    """A spider over a played crawl. Requests are answered by nobody: each is expanded at once, and its claim done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, frontier: Frontier, **arguments: str) -> None:
        self.played = Played(monkeypatch, frontier)
        self.context: Any = self.played.context
        self.context.storage.opened = Opened()
        crawler: Any = FakeCrawler()
        crawler.extension = self.context
        self.spider: Any = ToySpider.from_crawler(crawler, seed="1", **arguments)
        self.log = frontier.log

    async def requests(self, before: Callable[[Request], None] = lambda _: None) -> list[str]:
        found = []
        async for request in self.spider.start():
            found.append(request.url.rpartition("/")[2])
            before(request)
            self.spider._expanded.set()
            self.spider.walk.stored(request.cb_kwargs["claim"].id)
        return found

    def run(self, before: Callable[[Request], None] = lambda _: None) -> tuple[list[str], str | None]:
        """Return the requests, and the reason of a CloseSpider."""

        async def run() -> tuple[list[str], str | None]:
            try:
                return await self.requests(before), None
            except CloseSpider as closed:
                return [], str(closed.reason)

        found: tuple[list[str], str | None] = play(run())
        return found


def videos(*numbers: int, **overrides: Any) -> list[Any]:
    return [make_claim(number, service="toy", video_id=f"v{number}", **overrides) for number in numbers]


def test_crawl_is_finished_when_every_claim_was_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_claim(1, kind="source", service="", video_id="popular", depth=0)
    crawl = Crawl(monkeypatch, Counting(source, *videos(2, 3)))
    assert crawl.run() == (["popular", "v2", "v3"], None)
    assert crawl.log[-1] == "finish"


def test_claim_whose_request_cannot_be_made_is_given_back_and_the_next_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_on_two(spider: ToySpider, video_id: str) -> Any:
        if video_id == "v2":
            raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(ToySpider, "video_page", break_on_two)
    crawl = Crawl(monkeypatch, Counting(*videos(1, 2, 3)))
    assert crawl.run() == (["data:,", "data:,"], None)
    assert "release 2" in crawl.log and "There is no request for v2" in caplog.text


@pytest.mark.parametrize("kind", ["video", "source"])
def test_claim_that_is_hopeless_makes_no_request_and_ends_with_its_class(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    hopeless = videos(1, attempt_count=MAX_ATTEMPTS + 1, kind=kind)
    crawl = Crawl(monkeypatch, Counting(*hopeless, *videos(2)))
    assert crawl.run() == (["v2"], None)
    rows = [(item.video_id, item.failure, item.claim_id) for item in crawl.context.storage.opened.stored]
    assert rows == ([("v1", "gave_up", 1)] if kind == "video" else [])
    assert ("source v1 0 gave_up" in crawl.log) is (kind == "source")


def test_row_that_cannot_be_given_up_because_the_database_is_away_ends_the_crawl(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crawl = Crawl(monkeypatch, Counting(*videos(1, attempt_count=MAX_ATTEMPTS + 1), *videos(2)))
    crawl.context.storage.opened = Opened(StorageError("The disk is full."))
    assert crawl.run() == ([], "storage_failed")
    assert crawl.context.storage.failure == "The disk is full." and "finish" not in crawl.log


@pytest.mark.parametrize("question", ["add_sources", "_claim", "is_full", "has_unfinished", "counts", "finish_crawl"])
def test_database_that_is_away_at_any_question_ends_the_crawl_with_its_sentence(
    monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    crawl = Crawl(monkeypatch, Counting(*videos(1)))
    crawl.context.storage.away = [question]
    assert crawl.run() == ([], "storage_failed")
    assert crawl.context.storage.failure == "The database is away."


def test_stop_that_nobody_gave_a_reason_for_is_no_finished_crawl(monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = Crawl(monkeypatch, Counting(*videos(1, 2)))

    async def stop() -> None:
        crawl.context.gate.is_stopping = True
        raise Stopped

    crawl.context.politeness.ready = stop
    assert crawl.run() == ([], None) and "finish" not in crawl.log


@pytest.mark.parametrize("way", ["closed", "cancelled"])
def test_spider_that_is_ended_from_outside_says_what_it_still_does_and_lets_nothing_new_start(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    crawl = Crawl(monkeypatch, Counting(*videos(1, 2)))

    async def end() -> None:
        requests = crawl.spider.start()
        await anext(requests)
        if way == "closed":
            await requests.aclose()
            return
        waiting = asyncio.ensure_future(anext(requests))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    play(end())
    assert crawl.log[-1] == "ending" and crawl.context.gate.is_stopping


def failed_answer(request: Request) -> Failure:
    failure = Failure(ZeroDivisionError())
    failure.request = request  # type: ignore[attr-defined]
    return failure


@pytest.mark.parametrize("answer", [lambda request: Response(request.url, request=request), failed_answer])
@pytest.mark.parametrize(("is_stopping", "log"), [(False, "release 1"), (True, "release 1 uncounted")])
def test_callback_that_raises_gives_its_claim_back_and_the_walk_goes_on(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[Request], Any], is_stopping: bool, log: str
) -> None:
    crawl = Crawl(monkeypatch, Counting())

    async def run() -> None:
        crawl.spider.walk = await crawl.played.open()
        crawl.context.gate.is_stopping = is_stopping
        crawl.spider._on_spider_error(answer(Request("http://toy.test/v1", cb_kwargs={"claim": make_claim(1)})))
        assert crawl.spider._expanded.is_set()
        await asyncio.gather(*crawl.spider._given_back)
        # One of the project's own requests has no claim of ours.
        crawl.spider._on_spider_error(answer(Request("http://toy.test/about")))
        assert not crawl.spider._given_back

    play(run())
    assert [step for step in crawl.log if step.startswith("release")] == [log]


@pytest.mark.parametrize(
    ("item", "log"),
    [
        (make_item(claim_id=4), ["release 4"]),
        (make_item(claim_id=None), []),
        ({"title": "a page"}, []),
        (DropItem("theirs"), []),
    ],
)
def test_item_that_the_pipelines_return_gives_back_the_claim_that_it_has(
    monkeypatch: pytest.MonkeyPatch, item: Any, log: list[str]
) -> None:
    crawl = Crawl(monkeypatch, Counting())

    async def run() -> None:
        crawl.spider.walk = await crawl.played.open()
        await crawl.spider._on_returned(item)

    play(run())
    assert [step for step in crawl.log if step.startswith("release")] == log
