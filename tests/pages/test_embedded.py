"""HTML pages: every known embedding, hostile titles, and pages that stand in place of the answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from pytomo_scrapy.pages import parse_page


def answer(title: str, video_id: str = "video_00000") -> str:
    item = {"compactVideoRenderer": {"videoId": video_id, "title": {"simpleText": title}}}
    results = {"secondaryResults": {"secondaryResults": {"results": [item]}}}
    return json.dumps({"contents": {"twoColumnWatchNextResults": results}})


def quoted(text: str) -> str:
    return "'" + "".join(f"\\x{ord(sign):02x}" if sign in "{}[]\"'\\<>=" else sign for sign in text) + "'"


EMBEDDINGS: dict[str, Callable[[str], str]] = {
    "var": lambda text: f"var ytInitialData = {text};",
    "window": lambda text: f'window["ytInitialData"] = {text};\n  window["ytInitialPlayerResponse"] = null;',
    "window_apostrophes": lambda text: f"window['ytInitialData']={text};",
    "property": lambda text: f"window.ytInitialData = {text}",
    "quoted": lambda text: f"var ytInitialData = {quoted(text)};",
    "minified": lambda text: f"ytInitialData={text};if(window.ytcsi){{window.ytcsi.tick('pdr',null,'')}}",
    "after_code": lambda text: f'if (ytInitialData == null) {{ a = "it\'s"; }}\nvar ytInitialData = {text};',
    "after_a_quote_in_a_pattern": lambda text: f"var a = b.replace(/\"/g, 'x'); var ytInitialData = {text};",
}
HOSTILE = [
    "plain",
    '";</script><script>alert(1)</script>'.replace("<", "\\u003c"),
    "}; var ytInitialData = {};",
    'var ytInitialData = {"contents": {"twoColumnWatchNextResults": {}}};',
    "var ytInitialData = '{\"contents\": {}}';",
    'window["ytInitialData"] = {"contents": 1}',
    "quotes ' \" ` \\ \\\\ \\' \u2028 \u2029",
    "emoji \U0001f9df\u200d\u2642\ufe0f and \u202e right-to-left \u05d0",
    "a" * 10_000,
]


def page_of(script: str, before: str = "") -> str:
    return f'<!doctype html><html><title>T</title><body>{before}<script nonce="n">{script}</script></body></html>'


@pytest.mark.parametrize("title", HOSTILE)
@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_page_in_each_embedding_gives_its_video_whatever_the_title(embedding: str, title: str) -> None:
    page = parse_page(page_of(EMBEDDINGS[embedding](answer(title))).encode())
    assert (page.kind, page.failure) == ("related", None)
    assert [(video.video_id, video.title) for video in page.videos] == [("video_00000", title)]


@pytest.mark.parametrize("bait", [answer("bait", "bait_000000"), "{}", quoted(answer("bait", "bait_000000"))])
def test_assignment_inside_a_description_is_not_taken(bait: str) -> None:
    description = json.dumps({"videoDetails": {"shortDescription": f"; var ytInitialData = {bait};"}})
    before = f"<script>var ytInitialPlayerResponse = {description};</script>"
    page = parse_page(page_of(f"var ytInitialData = {answer('real')};", before))
    assert [video.title for video in page.videos] == ["real"]


def test_recorded_answer_in_a_page_gives_the_same_as_the_answer(recording: Callable[[str], str]) -> None:
    text = recording("next_mixed_legacy.json")
    assert parse_page(page_of(f"var ytInitialData = {text};")) == parse_page(text)
    assert parse_page(page_of(f"var ytInitialData = {quoted(text)};")) == parse_page(text)


def test_watch_page_without_related_videos_says_why_its_video_does_not_play() -> None:
    player = json.dumps(
        {"playabilityStatus": {"status": "LOGIN_REQUIRED", "reason": "Sign in to confirm you're not a bot"}}
    )
    empty = json.dumps({"contents": {"twoColumnWatchNextResults": {"results": {}}}})
    script = f"<script>var ytInitialPlayerResponse = {player};</script>"
    page = parse_page(page_of(f"var ytInitialData = {empty};", script))
    assert (page.kind, page.failure) == ("related", "bot_check")
    assert parse_page(page_of(f"var ytInitialData = {empty};")).failure == "empty_page"


@pytest.mark.parametrize(
    ("html", "url", "kind", "failure"),
    [
        ('<form action="https://consent.youtube.com/save" method="POST">', None, "consent", "consent_wall"),
        ("<title>Before you continue to YouTube</title>", None, "consent", "consent_wall"),
        ("<html>", "https://consent.youtube.com/m?continue=x", "consent", "consent_wall"),
        ("<p>Our systems have detected unusual traffic from your computer network.", None, "bot_check", "bot_check"),
        ("<html>", "https://www.google.com/sorry/index?continue=x", "bot_check", "bot_check"),
        ('<form id="captcha-form" action="index" method="post">', None, "bot_check", "bot_check"),
        ("<title>502 Bad gateway</title>", None, "unknown", "unknown_page_shape"),
        (page_of('var ytInitialData = {"responseContext": {}};'), None, "unknown", "unknown_page_shape"),
        (page_of('var ytInitialData = {"contents": {"twoColumn'), None, "unknown", "unknown_page_shape"),
    ],
)
def test_page_in_place_of_the_answer_gives_its_class(html: str, url: str | None, kind: str, failure: str) -> None:
    page = parse_page(html, url)
    assert (page.kind, page.failure) == (kind, failure)
    assert page.failure_detail


def test_page_with_data_and_a_link_to_the_consent_host_is_no_consent_wall() -> None:
    link = '<a href="https://consent.youtube.com/">cookies</a>'
    assert parse_page(page_of(f"var ytInitialData = {answer('real')};", link)).failure is None


# 50 MB each, built to be slow for a careless reader.
HOSTILE_BODIES: dict[str, Callable[[], str]] = {
    "quotes": lambda: page_of("ytInitialData = " + "\"'" * 25_000_000),
    "escaped_quotes": lambda: page_of('ytInitialData = "' + '\\"' * 25_000_000),
    "assignments": lambda: page_of('ytInitialData={"a":[' * 2_500_000),
    "open_scripts": lambda: "<script " * 6_000_000,
    "scripts": lambda: "<script>ytInitialData</script>" * 1_600_000,
    "braces": lambda: "{" * 50_000_000,
    "deep_object": lambda: page_of("var ytInitialData = " + '{"contents":' * 4_000_000),
    "zeros": lambda: "\x00" * 50_000_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("body", HOSTILE_BODIES)
def test_fifty_megabytes_of_hostile_text_end_as_a_class_in_bounded_time(body: str) -> None:
    text = HOSTILE_BODIES[body]()
    started_s = time.process_time()
    page = parse_page(text)
    assert time.process_time() - started_s < 20
    assert (page.failure, page.videos) == ("unknown_page_shape", ())
