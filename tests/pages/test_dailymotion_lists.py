"""The listing of Dailymotion: its shape, and every other shape as a failure."""

from __future__ import annotations

import json

import pytest

from pytomo_scrapy.pages.dailymotion_lists import (
    dailymotion_related_request,
    dailymotion_request,
    dailymotion_sources,
    parse_dailymotion,
)


def listing(*entries: object) -> bytes:
    return json.dumps({"page": 1, "limit": 100, "has_more": False, "list": list(entries)}).encode()


def test_listing_gives_videos_in_order_each_once_and_no_live_stream() -> None:
    page = parse_dailymotion(
        listing(
            {"id": "x9aaaaa", "title": "One", "duration": 61, "views_total": 5},
            {"id": "x9bbbbb", "title": None, "duration": "61"},
            {"id": "x9ccccc", "onair": True},
            {"id": "x9aaaaa"},
            {"id": "../etc"},
            7,
        )
    )
    assert page.failure is None
    assert [video.video_id for video in page.videos] == ["x9aaaaa", "x9bbbbb"]
    assert page.videos[1].duration_s is None


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b"", "unknown_page_shape"),
        (b"<html>", "unknown_page_shape"),
        (b"[]", "unknown_page_shape"),
        (b"[" * 100_000, "unknown_page_shape"),
        (b'{"list": 3}', "unknown_page_shape"),
        (listing({"identifier": "x1"}), "unknown_page_shape"),
        (listing(), "empty_page"),
        (b'{"error": {"code": 403, "message": "no", "type": "access_forbidden"}}', "unknown_page_shape"),
        (b'{"error": {"code": 429, "message": "slower", "type": "rate_limit_exceeded"}}', "rate_limited"),
    ],
)
def test_answer_of_another_shape_is_a_failure_with_its_class(body: bytes, failure: str) -> None:
    page = parse_dailymotion(body)
    assert page.failure == failure and page.videos == ()


@pytest.mark.parametrize(
    ("frame", "sort"),
    [("today", "visited-today"), ("week", "visited-week"), ("month", "visited-month"), ("all_time", "visited")],
)
def test_each_time_frame_asks_for_its_own_order(frame: str, sort: str) -> None:
    (request,) = dailymotion_sources(frame)
    assert f"&sort={sort}&" in request.url
    assert dailymotion_request(request.source) == request


def test_names_that_are_no_source_are_refused() -> None:
    with pytest.raises(ValueError, match="no time frame"):
        dailymotion_sources("year")
    with pytest.raises(ValueError, match="not the name of a source"):
        dailymotion_request("dailymotion:random")


def test_related_videos_are_asked_for_by_id_and_no_id_leaves_its_place_in_the_address() -> None:
    assert dailymotion_related_request("x9aaaaa").url.startswith("https://api.dailymotion.com/video/x9aaaaa/related?")
    assert "/video/..%2Fuser%3Fa/related?" in dailymotion_related_request("../user?a").url
