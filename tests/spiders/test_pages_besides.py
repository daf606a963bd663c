"""What the walk asks for besides its claims' pages: the API where a watch page is bare, and the rest of a list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure.tools import Stopped
from pytomo_scrapy.spiders.base import WalkSpider
from tests.spiders.test_claims import make_claim
from tests.spiders.test_services import NotedWalk, answer, make_spider, notes_of, source

VIDEO = "M4gD1WSo5mA"
BARE = b"<!doctype html><html><head><title>A title - YouTube</title></head><body></body></html>"
WATCH = f"https://www.youtube.com/watch?v={VIDEO}&hl=en&gl=GB"
Answered = Response | Exception


class Engine:
    """Answers what is asked besides the claims' own pages; every request is noted."""

    def __init__(self, *answers: Answered) -> None:
        self.answers, self.asked = list(answers), list[Request]()

    async def download_async(self, request: Request) -> Response:
        self.asked.append(request)
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.asked]


def listed(*names: str, token: str | None = None, is_first: bool = True) -> bytes:
    items: list[dict[str, Any]] = [{"compactVideoRenderer": {"videoId": f"{name:_>11}"}} for name in names]
    if token:
        items.append({"continuationItemRenderer": {"continuationEndpoint": {"continuationCommand": {"token": token}}}})
    if not is_first:
        actions = [{"appendContinuationItemsAction": {"continuationItems": items}}]
        return json.dumps({"onResponseReceivedEndpoints": actions}).encode()
    results = {"secondaryResults": {"secondaryResults": {"results": items}}}
    return json.dumps({"contents": {"twoColumnWatchNextResults": results}}).encode()


def reply(body: bytes, status: int = 200, **headers: str) -> Response:
    return Response("https://www.youtube.com/youtubei/v1/next", status=status, body=body, headers=headers)


def spider_over(*answers: Answered, **arguments: str) -> tuple[WalkSpider, Engine]:
    spider, engine = make_spider(arguments=arguments), Engine(*answers)
    spider.crawler.engine = cast(Any, engine)
    return spider, engine


def watched(spider: WalkSpider, body: bytes, status: int = 200) -> VideoItem:
    (item,) = answer(spider, make_claim(7, video_id=VIDEO), Response(WATCH, status=status, body=body))
    return item


def related(spider: WalkSpider) -> list[str]:
    return sorted(name.strip("_") for note in notes_of(spider) if note[0] == "related" for name in cast(Any, note[2]))


# A watch page without its data.


@pytest.mark.parametrize(
    "page",
    [
        BARE,
        b'<script id="yt-initial-data" type="application/json">{"contents": {"twoCol',
        b'<script>var ytInitialData = {"responseContext": {}};</script>',
        b"",
    ],
)
def test_watch_page_without_data_is_made_up_for_by_the_api(page: bytes, shared: Path) -> None:
    recordings = shared / "recordings"
    spider, engine = spider_over(reply((recordings / "next_plain.json").read_bytes()))
    item = watched(spider, page)
    (request,) = engine.asked
    assert (request.method, request.url.partition("?")[0]) == ("POST", "https://www.youtube.com/youtubei/v1/next")
    assert (engine.bodies[0]["videoId"], engine.bodies[0]["context"]["client"]["gl"]) == (VIDEO, "GB")
    assert related(spider) == sorted(json.loads((recordings / "expected.json").read_text())["kept"]["next_plain.json"])
    assert item.page is not None
    assert (item.page.failure, item.page.related_count, item.page.view_count) == (None, 20, 12_916)
    assert ("ready for more",) in notes_of(spider), "it keeps the pace"


@pytest.mark.parametrize(
    ("answered", "failure", "wait_s"),
    [
        (reply(b"{}", 429, **{"Retry-After": "90"}), "http_429", 90.0),
        (reply(b"{}", 503), "http_5xx", 0.0),
        (reply(json.dumps({"error": {"code": 400}}).encode(), 400), "http_4xx", 0.0),
        (reply(BARE), "unknown_page_shape", 0.0),
        (reply(listed()), "empty_page", 0.0),
        (TimeoutError("30 s"), "page_timeout", 0.0),
        (OSError("no route"), "page_unreachable", 0.0),
        (IgnoreRequest("Forbidden by robots.txt"), "robots_disallowed", 0.0),
    ],
)
def test_api_that_fails_too_gives_the_page_its_class_and_is_asked_once(
    answered: Answered, failure: str, wait_s: float
) -> None:
    spider, engine = spider_over(answered)
    item = watched(spider, BARE)
    assert item.page is not None
    assert (item.page.failure, item.page.related_count, len(engine.asked)) == (failure, None, 1)
    assert notes_of(spider)[-1] == ("related", VIDEO, [], failure, wait_s)


@pytest.mark.parametrize(
    ("page", "status", "failure"),
    [
        (listed("a"), 200, None),
        (BARE, 503, "http_5xx"),
        (b"<title>Before you continue to YouTube</title>", 200, "consent_wall"),
        (b"<p>unusual traffic from your computer network", 200, "bot_check"),
        (listed(), 200, "empty_page"),
    ],
)
def test_page_with_data_or_a_class_of_its_own_asks_for_nothing_besides(
    page: bytes, status: int, failure: str | None
) -> None:
    spider, engine = spider_over()
    item = watched(spider, page, status)
    assert item.page is not None and item.page.failure == failure and engine.asked == []


def test_proxy_of_the_settings_is_that_of_every_page_besides() -> None:
    spider, engine = make_spider(PYTOMO_HTTP_PROXY="http://192.0.2.8:3128"), Engine(reply(listed("a")))
    spider.crawler.engine = cast(Any, engine)
    watched(spider, BARE)
    assert engine.asked[0].meta["proxy"] == "http://192.0.2.8:3128"


# A list that goes on.


def test_related_list_is_followed_as_far_as_max_per_page_asks() -> None:
    spider, engine = spider_over(
        reply(listed("c", "d", token="t2", is_first=False)), reply(listed("e", "f", is_first=False)), max_per_page="5"
    )
    item = watched(spider, listed("a", "b", VIDEO, token="t1"))
    assert related(spider) == ["a", "b", "c", "d", "e"]
    assert [body["continuation"] for body in engine.bodies] == ["t1", "t2"]
    assert all(request.url.partition("?")[0].endswith("/youtubei/v1/next") for request in engine.asked)
    assert item.page is not None and item.page.related_count == 3, "what the page itself lists"


def test_list_of_the_api_that_stood_in_for_a_page_is_followed_too() -> None:
    spider, engine = spider_over(reply(listed("a", token="t1")), reply(listed("b", is_first=False)), max_per_page="2")
    watched(spider, BARE)
    assert related(spider) == ["a", "b"] and engine.bodies[1]["continuation"] == "t1"
    assert spider.crawler.stats is not None
    counts = {name: spider.crawler.stats.get(f"pytomo/page/{name}_count") for name in ("instead", "further")}  # type: ignore[attr-defined]
    assert counts == {"instead": 1, "further": 1}


def test_related_list_of_nothing_but_its_continuation_goes_on_there() -> None:
    spider, engine = spider_over(reply(listed("a", "b", is_first=False)), max_per_page="9")
    item = watched(spider, listed(token="t1"))
    assert related(spider) == ["a", "b"] and [body["continuation"] for body in engine.bodies] == ["t1"]
    assert item.page is not None and (item.page.failure, item.page.related_count) == (None, 0)


@pytest.mark.parametrize("following", [listed(is_first=False), listed(VIDEO, is_first=False), b"nonsense"])
def test_related_list_that_stays_empty_is_an_empty_page_and_asked_for_once(following: bytes) -> None:
    spider, engine = spider_over(reply(following), max_per_page="9")
    item = watched(spider, listed(token="t1"))
    assert related(spider) == [] and len(engine.bodies) == 1
    assert item.page is not None and item.page.failure == "empty_page"


def test_list_of_the_api_with_nothing_but_its_continuation_goes_on_too() -> None:
    spider, engine = spider_over(reply(listed(token="t1")), reply(listed("b", is_first=False)), max_per_page="2")
    item = watched(spider, BARE)
    assert related(spider) == ["b"] and engine.bodies[1]["continuation"] == "t1"
    assert item.page is not None and item.page.failure is None


@pytest.mark.parametrize("max_per_page", ["1", "2"])
def test_page_that_is_enough_is_not_followed(max_per_page: str) -> None:
    spider, engine = spider_over(max_per_page=max_per_page)
    watched(spider, listed("a", "b", token="t1"))
    assert engine.asked == [] and len(related(spider)) == int(max_per_page)


@pytest.mark.parametrize(
    "answered", [reply(b"{}", 429), TimeoutError("30 s"), IgnoreRequest("robots.txt"), reply(b"nonsense")]
)
def test_further_page_that_fails_leaves_what_was_there(answered: Answered) -> None:
    spider, _ = spider_over(answered)
    item = watched(spider, listed("a", "b", token="t1"))
    assert related(spider) == ["a", "b"]
    assert item.page is not None and (item.page.failure, item.page.related_count) == (None, 2)
    assert any(note[0] == "refused" for note in notes_of(spider))


@pytest.mark.parametrize(
    ("name", "api"), [("search:week:GB:music", "search"), ("podcasts:GB", "browse"), ("charts:VIDEOS:WEEKLY:GB", None)]
)
def test_source_is_followed_where_it_goes_on(name: str, api: str | None) -> None:
    more = listed("c", is_first=False).replace(b"Endpoints", b"Commands")
    spider, engine = spider_over(reply(more), max_per_page="3")
    first = json.loads(listed("a", "b", token="t1"))["contents"]["twoColumnWatchNextResults"]
    results = first["secondaryResults"]["secondaryResults"]["results"]
    body = {
        "contents": {
            "twoColumnSearchResultsRenderer": {"primaryContents": {"itemSectionRenderer": {"contents": results}}}
        }
    }
    assert answer(spider, source(name), reply(json.dumps(body).encode())) == []
    ((_, _, found, failure, _),) = [note for note in notes_of(spider) if note[0] == "source"]
    assert failure is None
    assert [request.url.partition("?")[0].rpartition("/")[2] for request in engine.asked] == ([api] if api else [])
    assert len(cast(list[str], found)) == (3 if api else 2)


# A stop.


@pytest.mark.parametrize("body", [BARE, listed("a", token="t1")], ids=["in place of a page", "further page"])
def test_stop_before_a_page_besides_gives_the_claim_back(body: bytes) -> None:
    spider, _ = spider_over(Stopped())
    assert answer(spider, make_claim(7, video_id=VIDEO), Response(WATCH, body=body)) == []
    assert notes_of(spider)[-1] == ("give back", 7)
    cast(NotedWalk, spider.walk).log.clear()
    spider, _ = spider_over(Stopped())
    assert answer(spider, source("search:week:GB:music"), reply(listed("a", token="t1"))) == []
    assert notes_of(spider)[-1] == ("give back", 5)


def test_bug_in_the_walk_is_not_taken_for_a_page_that_failed() -> None:
    spider, _ = spider_over()

    async def broken() -> None:
        raise ZeroDivisionError

    spider.walk.ready_for_more = broken  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        watched(spider, BARE)
    assert spider._expanded.is_set(), "the walk goes on"
