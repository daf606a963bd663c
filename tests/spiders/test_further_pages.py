"""A list that goes on is followed as far as it is wanted, and a page of it that fails costs only what was to come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pytomo_scrapy.measure.tools import Stopped
from pytomo_scrapy.pages import PageRequest, PageVideo, ParsedPage
from pytomo_scrapy.spiders.further_pages import MOST_FURTHER_PAGES, Answer, FurtherPages, with_what_followed

FIRST = PageRequest("search:week:GB:music", "http://toy.test/1")


def page(*names: str, token: str | None = None, failure: str | None = None) -> ParsedPage:
    return ParsedPage("search", tuple(PageVideo(name) for name in names), token, failure)


class Service:
    """Answers with the given pages, one after the other; an exception is raised."""

    def __init__(self, *answers: ParsedPage | Exception, has_more: bool = True) -> None:
        self.answers, self.has_more = list(answers), has_more
        self.tokens: list[str] = []
        self.refused: list[tuple[str, float]] = []

    async def ask(self, request: PageRequest) -> Answer:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Answer(answer, 7.0)

    def page_after(self, request: PageRequest, token: str) -> PageRequest | None:
        self.tokens.append(token)
        return PageRequest(request.source, request.url, page=request.page + 1) if self.has_more else None

    def videos(self, first: ParsedPage, wanted: int, but: str = "") -> list[str]:
        pages = FurtherPages(self.ask, self.page_after, lambda failure, wait_s: self.refused.append((failure, wait_s)))
        return [video.video_id for video in asyncio.run(pages.videos(first, FIRST, wanted, but))]


@pytest.mark.parametrize(
    ("wanted", "found", "tokens"),
    [
        (1, ["a", "b"], []),
        (2, ["a", "b"], []),  # the page itself is enough
        (3, ["a", "b", "c", "d"], ["t1"]),
        (4, ["a", "b", "c", "d"], ["t1"]),
        (5, ["a", "b", "c", "d", "e"], ["t1", "t2"]),
        (99, ["a", "b", "c", "d", "e"], ["t1", "t2"]),  # there are no more
    ],
)
def test_list_is_followed_as_far_as_it_is_wanted(wanted: int, found: list[str], tokens: list[str]) -> None:
    service = Service(page("c", "b", "d", token="t2"), page("e"))
    assert service.videos(page("a", "b", token="t1"), wanted) == found
    assert service.tokens == tokens


def test_video_itself_does_not_count_and_is_left_out_on_every_page() -> None:
    service = Service(page("x", "b", token="t2"), page("c"))
    assert service.videos(page("x", "a", token="t1"), 3, but="x") == ["a", "b", "c"]
    assert service.tokens == ["t1", "t2"]


@pytest.mark.parametrize("failure", ["http_429", "page_timeout", "robots_disallowed", "empty_page", "bot_check"])
def test_page_that_fails_ends_the_list_and_leaves_what_was_there(failure: str) -> None:
    service = Service(page("c", token="t2"), page(failure=failure, token="t3"), page("never"))
    assert service.videos(page("a", "b", token="t1"), 99) == ["a", "b", "c"]
    assert service.refused == [(failure, 7.0)] and len(service.answers) == 1


@pytest.mark.parametrize(
    ("service", "first"),
    [
        (Service(has_more=False), page("a", "b", token="t1")),
        (Service(page("b", "a", token="t1")), page("a", "b", token="t1")),  # round and round
        (Service(), page("a", "b", token="t" * 50_001)),
        (Service(), page("a", "b")),
        (Service(), page("a", "b", token="t1", failure="http_5xx")),
    ],
)
def test_list_ends_where_nothing_follows_or_nothing_is_added(service: Service, first: ParsedPage) -> None:
    assert service.videos(first, 99) == ["a", "b"] and service.answers == []


def test_list_without_an_end_is_followed_so_far_and_no_further() -> None:
    answers: Sequence[ParsedPage] = [page(f"v{number}", token=f"t{number}") for number in range(MOST_FURTHER_PAGES + 9)]
    service = Service(*answers)
    assert len(service.videos(page("a", token="t"), 10**6)) == 1 + MOST_FURTHER_PAGES
    assert len(service.answers) == 9


def test_stop_on_the_way_is_not_the_end_of_the_list() -> None:
    with pytest.raises(Stopped):
        Service(Stopped()).videos(page("a", token="t"), 9)


@pytest.mark.parametrize(
    ("failure", "found"), [("empty_page", ["c"]), ("unknown_page_shape", []), ("consent_page", []), ("bot_check", [])]
)
def test_first_page_that_is_empty_goes_on_and_one_that_failed_does_not(failure: str, found: list[str]) -> None:
    assert Service(page("c")).videos(page(token="t1", failure=failure), 9) == found


def test_empty_first_page_counts_as_failed_only_where_nothing_followed() -> None:
    empty = page(token="t1", failure="empty_page")
    assert with_what_followed(empty, [PageVideo("c")]).failure is None
    assert with_what_followed(empty, []) == empty
    refused = page(failure="bot_check")
    assert with_what_followed(refused, [PageVideo("c")]) == refused
