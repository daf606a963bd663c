"""The spiders of both services over a walk that is only noted: requests, answers, failures, draws and items."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from pytomo_scrapy import config
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure.tools import Stopped
from pytomo_scrapy.pages import PageVideo, ParsedPage
from pytomo_scrapy.spiders.base import WalkSpider
from pytomo_scrapy.spiders.dailymotion import DailymotionSpider
from pytomo_scrapy.spiders.youtube import YoutubeSpider
from pytomo_scrapy.storage.frontier.frontier import Claim, FoundVideo
from tests.fake_crawler import FakeCrawler
from tests.spiders.test_claims import make_claim

VIDEO = "M4gD1WSo5mA"
SPIDERS = {"youtube": YoutubeSpider, "dailymotion": DailymotionSpider}


@dataclass
class Context:
    """As much of a crawl's context as a spider reads."""

    config: config.Config


class NotedWalk:
    """Takes what becomes of claims, and notes it."""

    crawl_name = "c"

    def __init__(self) -> None:
        self.wants = True
        self.log: list[tuple[object, ...]] = []

    async def wants_more_videos(self, claim: Claim) -> bool:
        return self.wants

    async def ready_for_more(self) -> None:
        self.log.append(("ready for more",))

    def note_refusal(self, failure: str, wait_s: float) -> None:
        self.log.append(("refused", failure, wait_s))

    async def met_outage(self, claim: Claim, url: str, failure: str) -> bool:
        return False

    async def finish_source(
        self, claim: Claim, found: list[FoundVideo], failure: str | None, detail: str | None, wait_s: float = 0.0
    ) -> None:
        self.log.append(("source", claim.video_id, [video.video_id for video in found], failure, wait_s))

    async def add_related(self, claim: Claim, found: list[FoundVideo], failure: str | None, wait_s: float) -> None:
        self.log.append(("related", claim.video_id, [video.video_id for video in found], failure, wait_s))

    def stored(self, claim_id: int | None) -> None:
        self.log.append(("stored", claim_id))

    async def give_back(self, claim_id: int) -> None:
        self.log.append(("give back", claim_id))


def make_spider(service: str = "youtube", arguments: dict[str, str] | None = None, **settings: object) -> WalkSpider:
    given = {"country": "GB", "seed": "1", **(arguments or {})}
    spider = SPIDERS[service].from_crawler(cast(Any, FakeCrawler()), **given)
    spider.crawler.extension = Context(config.load(settings.get))  # type: ignore[attr-defined]
    spider.walk = cast(Any, NotedWalk())
    return spider


def notes_of(spider: WalkSpider) -> list[tuple[object, ...]]:
    return cast(NotedWalk, spider.walk).log


def source(name: str, **overrides: Any) -> Claim:
    return make_claim(5, kind="source", service="", video_id=name, depth=0, **overrides)


# Requests.


@pytest.mark.parametrize(
    ("service", "time_frame", "names"),
    [
        ("youtube", "week", ["charts:VIDEOS:WEEKLY:GB", "podcasts:GB", "sports:GB", "search:week:GB:music"]),
        ("youtube", "month", ["search:month:GB:music"]),
        ("dailymotion", "week", ["dailymotion:visited-week"]),
        ("dailymotion", "all_time", ["dailymotion:visited"]),
    ],
)
def test_popular_pages_are_those_of_the_time_frame_and_a_list_stands_in_for_them(
    service: str, time_frame: str, names: list[str], tmp_path: Path
) -> None:
    frame = {"time_frame": time_frame}
    spider = make_spider(service, frame, PYTOMO_SEARCH_TERMS="music")
    assert spider._sources() == names == [page.source for page in spider.popular_pages()]
    for arguments in ({"urls": VIDEO}, {"input_file": str(tmp_path / "list.txt")}):
        assert make_spider(service, {**frame, **arguments})._sources() == []


@pytest.mark.parametrize(
    ("service", "name", "method", "host"),
    [
        ("youtube", "charts:VIDEOS:WEEKLY:GB", "POST", "charts.youtube.com"),
        ("youtube", "search:week:GB:music", "POST", "www.youtube.com"),
        ("dailymotion", "dailymotion:visited-week", "GET", "api.dailymotion.com"),
    ],
)
def test_claimed_source_is_asked_for_by_its_name(service: str, name: str, method: str, host: str) -> None:
    spider = make_spider(service)
    request = asyncio.run(spider._request(source(name)))
    assert (request.method, request.url.split("/")[2]) == (method, host)
    assert request.callback == spider.parse_source and request.errback == spider.on_page_failed
    assert request.dont_filter and request.cb_kwargs["claim"].video_id == name
    assert bool(request.body) == (method == "POST")


@pytest.mark.parametrize(
    ("service", "claimed", "wants", "url"),
    [
        ("youtube", "youtube", True, f"https://www.youtube.com/watch?v={VIDEO}&hl=en&gl=GB"),
        ("youtube", "youtube", False, "data:,"),
        ("youtube", "dailymotion", True, "data:,"),  # another service's page would be read by the wrong parser
        ("youtube", "other", True, "data:,"),
        ("dailymotion", "dailymotion", True, f"https://api.dailymotion.com/video/{VIDEO}/related"),
        ("dailymotion", "dailymotion", False, "data:,"),
    ],
)
def test_claimed_video_has_its_page_only_where_its_related_ones_are_wanted(
    service: str, claimed: str, wants: bool, url: str
) -> None:
    spider = make_spider(service)
    cast(NotedWalk, spider.walk).wants = wants
    request = asyncio.run(spider._request(make_claim(1, service=claimed, video_id=VIDEO)))
    assert request.url.startswith(url) and request.callback == spider.parse_video


@pytest.mark.parametrize("proxy", [None, "http://192.0.2.8:3128"])
def test_pages_take_the_proxy_of_the_settings_and_what_goes_nowhere_does_not(proxy: str | None) -> None:
    spider = make_spider(**({"PYTOMO_HTTP_PROXY": proxy} if proxy else {}))
    cast(NotedWalk, spider.walk).wants = False
    page = asyncio.run(spider._request(source("search:week:GB:music")))
    nowhere = asyncio.run(spider._request(make_claim(1)))
    assert (page.meta.get("proxy"), nowhere.meta.get("proxy")) == (proxy, None)


# Answers.


def answer(spider: WalkSpider, claim: Claim, response: Response) -> list[VideoItem]:
    """Give a page to the callback of its claim. Returns the items; the walk may go on afterwards."""

    async def run() -> list[VideoItem]:
        spider._expanded.clear()
        if claim.kind == "source":
            await spider.parse_source(response, claim)
            items = []
        else:
            items = [item async for item in spider.parse_video(response, claim)]
        assert spider._expanded.is_set()
        return items

    return asyncio.run(run())


LISTING = json.dumps({"list": [{"id": name, "title": f"Title of {name}"} for name in ("x1a", "x2b", "x3c", "x4d")]})


@pytest.mark.parametrize(
    ("arguments", "status", "body", "headers", "found", "failure", "wait_s"),
    [
        ({}, 200, LISTING, {}, ["x1a", "x2b", "x3c", "x4d"], None, 0.0),
        ({"max_per_page": "3"}, 200, LISTING, {}, ["x1a", "x2b", "x3c"], None, 0.0),
        ({}, 200, '{"list": []}', {}, [], "empty_page", 0.0),
        ({}, 200, "<html>", {}, [], "unknown_page_shape", 0.0),
        ({}, 503, LISTING, {"Retry-After": "9"}, [], "http_5xx", 9.0),
        ({}, 429, "slower", {"Retry-After": "120"}, [], "http_429", 120.0),
        ({}, 403, "no", {}, [], "http_403", 0.0),
    ],
)
def test_source_gives_its_videos_in_order_or_the_class_of_its_failure(
    arguments: dict[str, str],
    status: int,
    body: str,
    headers: dict[str, str],
    found: list[str],
    failure: str | None,
    wait_s: float,
) -> None:
    spider = make_spider("dailymotion", arguments)
    response = Response("https://api.dailymotion.com/videos", status=status, body=body.encode(), headers=headers)
    assert answer(spider, source("dailymotion:visited-week"), response) == []
    assert notes_of(spider) == [("source", "dailymotion:visited-week", found, failure, wait_s)]


def page_response(body: str = LISTING, status: int = 200) -> Response:
    return Response("https://api.dailymotion.com/video/x2b/related", status=status, body=body.encode())


def test_video_admits_its_related_ones_before_its_item_goes_out() -> None:
    spider = make_spider("dailymotion", {"max_per_url": "9"})
    claim = make_claim(
        7, service="dailymotion", video_id="x2b", depth=2, source="related", parent_id="x9z", order=7, pass_number=3
    )
    (item,) = answer(spider, claim, page_response())
    ((_, name, found, failure, _),) = notes_of(spider)
    assert (name, sorted(cast(list[str], found)), failure) == ("x2b", ["x1a", "x3c", "x4d"], None)  # never itself
    assert (item.service, item.video_id, item.url) == ("dailymotion", "x2b", "https://www.dailymotion.com/video/x2b")
    assert (item.crawl, item.pass_number, item.depth, item.source, item.parent_id) == ("c", 3, 2, "related", "x9z")
    assert (item.claim_id, item.frontier_order, len(item.uuid)) == (7, 7, 36)
    assert item.page is not None and (item.page.related_count, item.page.failure) == (4, None)
    assert item.title is None, "the list is not about the video itself"


def test_video_without_a_page_has_no_page_and_keeps_the_address_that_the_list_gave() -> None:
    spider = make_spider()
    claim = make_claim(1, service="other", video_id="other-1", url="https://vimeo.com/76979871")
    (item,) = answer(spider, claim, Response("data:,"))
    assert (item.url, item.page, item.title, notes_of(spider)) == ("https://vimeo.com/76979871", None, None, [])


@pytest.mark.parametrize(
    ("about", "title", "view_count", "year"),
    [
        (PageVideo(VIDEO, title="Its title", view_count=12, published="28 Jan 2015"), "Its title", 12, 2015),
        (PageVideo(VIDEO), None, None, None),
        (PageVideo(VIDEO, published="3 years ago"), None, None, None),
        (PageVideo("another-one", title="Not its title", view_count=12), None, None, None),
        (None, None, None, None),
    ],
)
def test_page_tells_of_its_own_video_and_of_no_other(
    about: PageVideo | None, title: str | None, view_count: int | None, year: int | None
) -> None:
    spider = make_spider()
    page = ParsedPage("related", (PageVideo("a"), PageVideo("b")), about=about)
    spider.parse_page = lambda response: page  # type: ignore[method-assign]
    (item,) = answer(spider, make_claim(1, video_id=VIDEO), Response("https://www.youtube.com/watch"))
    assert item.page is not None
    uploaded_at = item.page.uploaded_at
    assert (item.title, item.page.view_count, uploaded_at and uploaded_at.year) == (title, view_count, year)


def test_page_that_failed_counts_no_related_videos_and_its_video_is_measured() -> None:
    spider = make_spider("dailymotion")
    (item,) = answer(spider, make_claim(1, service="dailymotion", video_id="x2b"), page_response(status=500))
    assert item.page is not None and (item.page.related_count, item.page.failure) == (None, "http_5xx")
    assert notes_of(spider) == [("related", "x2b", [], "http_5xx", 0.0)]


def test_parser_that_breaks_is_a_failure_of_the_page_and_logs_no_query(caplog: pytest.LogCaptureFixture) -> None:
    spider = make_spider()

    def break_down(response: Response) -> ParsedPage:
        raise ZeroDivisionError("division by zero")

    spider.parse_page = break_down  # type: ignore[method-assign]
    (item,) = answer(spider, make_claim(1), Response("https://www.youtube.com/watch?v=SECRET"))
    assert item.page is not None and item.page.failure == "unknown_failure"
    assert item.page.failure_detail == "ZeroDivisionError: division by zero"
    assert "SECRET" not in caplog.records[0].getMessage()


def test_walk_goes_on_where_the_frontier_refuses_what_a_page_found() -> None:
    spider = make_spider("dailymotion")

    async def refuse(*_: object) -> None:
        raise RuntimeError("no")

    spider.walk.finish_source = spider.walk.add_related = refuse  # type: ignore[method-assign]
    for claim in (source("dailymotion:visited-week"), make_claim(1, service="dailymotion", video_id="x2b")):
        with pytest.raises(RuntimeError):
            answer(spider, claim, page_response())
        assert spider._expanded.is_set()


# The draw of related videos.


def drawn(count: int = 10, video_id: str = "x", **arguments: str) -> list[str]:
    spider = make_spider(arguments=arguments)
    return [video.video_id for video in spider._draw([PageVideo(f"v{n}") for n in range(count)], video_id)]


@pytest.mark.parametrize(
    ("count", "max_per_url", "max_per_page", "drawn_count", "considered"),
    [(10, 3, 20, 3, 10), (10, 20, 20, 10, 10), (10, 20, 4, 4, 4), (10, 2, 4, 2, 4), (0, 3, 20, 0, 0)],
)
def test_draw_takes_so_many_of_the_first_of_a_page(
    count: int, max_per_url: int, max_per_page: int, drawn_count: int, considered: int
) -> None:
    found = drawn(count, max_per_url=str(max_per_url), max_per_page=str(max_per_page))
    assert len(found) == len(set(found)) == drawn_count
    assert {int(name[1:]) for name in found} <= set(range(considered))


def test_draw_is_the_same_for_a_seed_and_a_video_and_another_for_others() -> None:
    one = drawn(max_per_url="5")
    assert one == drawn(max_per_url="5")
    assert one != drawn(max_per_url="5", seed="2") and one != drawn(max_per_url="5", video_id="y")


def test_draw_leaves_the_video_itself_out_before_it_counts() -> None:
    assert set(drawn(4, video_id="v0", max_per_page="3")) == {"v1", "v2", "v3"}


# Ends of claims.


def failed(spider: WalkSpider, claim: Claim, error: BaseException) -> list[VideoItem]:
    failure = Failure(error)
    failure.request = Request("https://www.youtube.com/", cb_kwargs={"claim": claim})  # type: ignore[attr-defined]

    async def run() -> list[VideoItem]:
        return [item async for item in spider.on_page_failed(failure)]

    return asyncio.run(run())


def test_page_that_never_came_ends_a_source_and_leaves_a_video_to_be_measured() -> None:
    spider = make_spider()
    assert failed(spider, source("gaming:GB"), TimeoutError("30 s")) == []
    (item,) = failed(spider, make_claim(1, video_id=VIDEO), TimeoutError("30 s"))
    assert notes_of(spider) == [("source", "gaming:GB", [], "page_timeout", 0.0)]
    assert item.page is not None and item.page.failure == "page_timeout"
    assert spider._expanded.is_set()


@pytest.mark.parametrize("claim", [source("gaming:GB"), make_claim(5, video_id=VIDEO)])
def test_page_that_a_stop_kept_off_the_wire_gives_its_claim_back(claim: Claim) -> None:
    spider = make_spider()
    assert failed(spider, claim, Stopped()) == [] and notes_of(spider) == [("give back", 5)]


def test_item_that_is_stored_makes_room_and_one_that_comes_back_is_given_back() -> None:
    spider = make_spider()
    (item,) = answer(spider, make_claim(3), Response("data:,"))
    spider._on_stored(item)
    asyncio.run(spider._on_returned(item))
    item.claim_id = None  # of `scrapy measure`: no frontier
    asyncio.run(spider._on_returned(item))
    assert notes_of(spider) == [("stored", 3), ("give back", 3)]


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        ({"loop": "1"}, {"PYTOMO_PACE_S": 0}, "Argument loop=1 needs a pace"),
        ({"input_file": "/nowhere/list.txt"}, {}, "/nowhere/list.txt cannot be read"),
        ({"max_rounds": "0"}, {}, "Argument max_rounds='0' is not usable"),
        ({"vantage": "mine"}, {}, "must be one of shared, own"),
        ({"country": "G1"}, {}, "must be two letters such as GB"),
        (
            {"time_frame": "month"},
            {"PYTOMO_SOURCES": "charts,sports"},
            "PYTOMO_SOURCES=charts,sports lists no video for",
        ),
    ],
)
def test_arguments_that_are_not_usable_are_refused_in_a_sentence(
    arguments: dict[str, str], settings: dict[str, object], words: str
) -> None:
    with pytest.raises(SettingError, match=words):
        YoutubeSpider.check_arguments({**arguments, "_job": "1"}, config.load(settings.get))


def test_sources_without_a_list_for_the_time_frame_do_not_matter_to_a_list_of_the_users_own() -> None:
    settings = config.load({"PYTOMO_SOURCES": "charts"}.get)
    YoutubeSpider.check_arguments({"time_frame": "month", "urls": VIDEO}, settings)


def test_recorded_podcasts_are_admitted_under_their_sources_name(shared: Path) -> None:
    body = (shared / "recordings" / "browse_podcasts.json").read_bytes()
    spider = make_spider(arguments={"max_per_page": "1000"})
    response = Response("https://www.youtube.com/youtubei/v1/browse?prettyPrint=false", body=body)
    assert answer(spider, source("podcasts:GB"), response) == []
    ((_, name, found, failure, _),) = notes_of(spider)
    assert (name, len(cast(list[str], found)), failure) == ("podcasts:GB", 99, None)
