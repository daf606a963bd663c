"""Which requests stand for popular videos, and that a stored name gives them back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pytomo_scrapy.config import SourceConfig
from pytomo_scrapy.pages import (
    TIME_FRAMES,
    PageRequest,
    next_page_request,
    popular_sources,
    source_request,
    watch_request,
)

KEY = "secret-key"
NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
PLAIN = SourceConfig(None, ("music", "news: today"), "popularity")
KEYED = SourceConfig(KEY, ("music",), "popularity")


def body_of(request: PageRequest) -> dict[str, Any]:
    assert request.body is not None
    body = json.loads(request.body)
    assert isinstance(body, dict)
    return body


@pytest.mark.parametrize(
    ("time_frame", "names"),
    [
        (
            "today",
            [
                *("charts:VIDEOS:DAILY:GB", "charts:TRENDING_VIDEOS:GB", "charts:TRENDING_MOVIES:GB"),
                *("gaming:GB", "podcasts:GB", "sports:GB"),
            ],
        ),
        ("week", ["charts:VIDEOS:WEEKLY:GB", "podcasts:GB", "sports:GB"]),
        ("month", []),
        ("all_time", []),
    ],
)
def test_time_frame_gives_its_charts_then_a_search_for_each_term(time_frame: str, names: list[str]) -> None:
    searches = [f"search:{time_frame}:GB:music", f"search:{time_frame}:GB:news: today"]
    assert [request.source for request in popular_sources(time_frame, "gb", PLAIN)] == names + searches


@pytest.mark.parametrize(
    ("sources", "frame", "names"),
    [
        (("podcasts",), "week", ["podcasts:GB"]),
        (("gaming", "search"), "today", ["gaming:GB", "search:today:GB:music"]),
        (("charts", "gaming"), "week", ["charts:VIDEOS:WEEKLY:GB"]),
        (("data_api",), "week", ["data_api:search:week:GB"]),
        (("charts",), "month", []),
    ],
)
def test_only_the_sources_that_are_named_are_asked(sources: tuple[str, ...], frame: str, names: list[str]) -> None:
    config = SourceConfig(KEY, ("music",), "popularity", sources)
    assert [request.source for request in popular_sources(frame, "GB", config)] == names


@pytest.mark.parametrize(
    ("name", "browse_id", "params"),
    [
        ("gaming:GB", "UCOpNcN46UbXVtpKMrmU4Abg", "Egh0cmVuZGluZ7gBAJIDAPIGBAoCMgA"),
        ("podcasts:GB", "FEpodcasts_destination", "qgcCCAM%3D"),
        ("sports:GB", "UCEgdi0XIXXZ-qJOFPf4JSKw", "EglzcG9ydHN0YWK4AQCSAwDyBgQKAjIA"),
    ],
)
def test_destination_is_browsed_by_its_id_and_goes_on_there(name: str, browse_id: str, params: str) -> None:
    request = source_request(name, PLAIN)
    body = body_of(request)
    assert (body["browseId"], body["params"], body["context"]["client"]["gl"]) == (browse_id, params, "GB")
    following = next_page_request(request, "TOKEN")
    assert (urlsplit(following.url).path, following.source) == ("/youtubei/v1/browse", name)


def test_searches_of_the_time_frames_and_orders_all_differ() -> None:
    filters = {
        body_of(source_request(f"search:{frame}:GB:music", SourceConfig(None, (), order)))["params"]
        for frame in TIME_FRAMES
        for order in ("popularity", "relevance")
    }
    assert len(filters) == 8
    assert "CAMSBAgDEAE=" in filters


@pytest.mark.parametrize("time_frame", TIME_FRAMES)
def test_stored_name_gives_the_same_request_back(time_frame: str) -> None:
    for config in (PLAIN, KEYED):
        for request in popular_sources(time_frame, "GB", config, now=NOW):
            assert source_request(request.source, config, now=NOW) == request


def test_charts_request_names_country_and_period() -> None:
    request = source_request("charts:VIDEOS:WEEKLY:GB", PLAIN)
    body = body_of(request)
    assert (request.method, urlsplit(request.url).hostname) == ("POST", "charts.youtube.com")
    assert body["context"]["client"]["clientName"] == "WEB_MUSIC_ANALYTICS"
    assert parse_qs(body["query"]) == {
        "perspective": ["CHART_DETAILS"],
        "chart_params_country_code": ["GB"],
        "chart_params_chart_type": ["VIDEOS"],
        "chart_params_period_type": ["WEEKLY"],
    }


def test_requests_carry_language_country_and_consent_cookie() -> None:
    for request in popular_sources("today", "GB", PLAIN):
        client = body_of(request)["context"]["client"]
        assert (client["hl"], client["gl"]) == ("en", "GB")
        assert "SOCS=CAI" in request.headers["Cookie"]
        assert request.headers["X-YouTube-Client-Version"] == client["clientVersion"]
        assert request.is_robots_disallowed
    watch = watch_request("M4gD1WSo5mA", "GB")
    assert parse_qs(urlsplit(watch.url).query) == {"v": ["M4gD1WSo5mA"], "hl": ["en"], "gl": ["GB"]}
    assert "SOCS=CAI" in watch.headers["Cookie"]
    assert not watch.is_robots_disallowed


def test_data_api_asks_for_views_within_the_frame() -> None:
    first = popular_sources("week", "GB", KEYED, now=NOW)[0]
    query = parse_qs(urlsplit(first.url).query)
    assert first.source == "data_api:search:week:GB"
    assert (query["order"], query["publishedAfter"], query["regionCode"]) == (
        ["viewCount"],
        ["2026-06-03T12:00:00Z"],
        ["GB"],
    )
    assert "publishedAfter" not in popular_sources("all_time", "GB", KEYED, now=NOW)[0].url
    assert "data_api:most_popular:GB" in [request.source for request in popular_sources("today", "GB", KEYED, now=NOW)]
    assert not first.is_robots_disallowed


def test_data_api_key_is_in_a_header_only() -> None:
    for time_frame in TIME_FRAMES:
        for request in popular_sources(time_frame, "GB", KEYED, now=NOW):
            shown = repr(request) + request.source + request.url + str(request.body)
            assert KEY not in shown
    assert popular_sources("week", "GB", KEYED, now=NOW)[0].headers["X-Goog-Api-Key"] == KEY


def test_next_page_keeps_source_and_country() -> None:
    search = source_request("search:week:GB:music", PLAIN)
    second = next_page_request(search, "TOKEN")
    third = next_page_request(second, "TOKEN2")
    assert (third.source, third.page, third.url) == (search.source, 3, search.url)
    assert body_of(third)["continuation"] == "TOKEN2"
    assert body_of(third)["context"]["client"]["gl"] == "GB"


def test_next_page_of_a_watch_page_asks_the_next_api() -> None:
    request = next_page_request(watch_request("M4gD1WSo5mA", "GB"), "TOKEN")
    assert urlsplit(request.url).path == "/youtubei/v1/next"
    assert body_of(request)["context"]["client"]["gl"] == "GB"
    assert request.is_robots_disallowed


def test_next_page_of_the_data_api_replaces_the_page_token() -> None:
    request = source_request("data_api:search:week:GB", KEYED, now=NOW)
    third = next_page_request(next_page_request(request, "A&B"), "C")
    assert parse_qs(urlsplit(third.url).query)["pageToken"] == ["C"]
    assert third.headers == request.headers


def test_charts_have_no_next_page() -> None:
    with pytest.raises(ValueError, match=r"charts:TRENDING_VIDEOS:GB has no further page\."):
        next_page_request(source_request("charts:TRENDING_VIDEOS:GB", PLAIN), "TOKEN")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "charts",
        "charts:OTHER:GB",
        "charts:VIDEOS:GB",
        "gaming:",
        "search:year:GB:x",
        "search:week:GB:",
        "data_api:search:week:GB",
    ],
)
def test_name_that_is_no_source_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        source_request(name, PLAIN)


@pytest.mark.parametrize(("time_frame", "country"), [("year", "GB"), ("week", "GBR"), ("week", ""), ("week", "G&")])
def test_time_frame_or_country_that_is_none_is_refused(time_frame: str, country: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        popular_sources(time_frame, country, PLAIN)
