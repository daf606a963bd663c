"""HTML pages: every known embedding, hostile titles, and pages that stand in place of the answer."""

from __future__ import annotations

import itertools
import json
import os
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
    "element": lambda text: f'</script><script id="yt-initial-data" type="application/json">{text}',
    "element_read_by_code": lambda text: (
        "var ytInitialData = JSON.parse(document.getElementById('yt-initial-data').textContent);</script>"
        f"<script type=application/json id='yt-initial-data'>\n  {text}\n"
    ),
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


ATTRIBUTES = ['id="yt-initial-data"', 'type="application/json"', 'nonce="a-b=c>"', 'data-x=\'</p> "q" id="other"\'']


@pytest.mark.parametrize(
    "order", list(itertools.permutations(ATTRIBUTES)), ids=lambda order: order[0][:4] + order[1][:4]
)
def test_recorded_answer_in_the_data_element_gives_the_same_as_the_assignment(
    recording: Callable[[str], str], order: tuple[str, ...]
) -> None:
    text = recording("next_small.json")
    assigned = parse_page(page_of(f"var ytInitialData = {text};"))
    parsed = parse_page(f"<html><body><script {' '.join(order)}>{text}</script></body></html>")
    assert parsed == assigned
    assert (parsed.shape, assigned.shape) == ("data element", "assignment")
    assert [video.video_id for video in parsed.videos] == json.loads(recording("expected.json"))["kept"][
        "next_small.json"
    ]


@pytest.mark.parametrize("name", ["next_plain", "next_small", "next_mixed_legacy", "next_playlists"])
def test_every_recorded_page_is_the_same_in_each_shape(recording: Callable[[str], str], name: str) -> None:
    text = recording(f"{name}.json")
    element = parse_page(f'<script type="application/json" id="yt-initial-data" nonce="n">{text}</script>')
    assigned, answered = parse_page(page_of(f"var ytInitialData = {text};")), parse_page(text)
    assert element == assigned == answered
    assert [page.shape for page in (element, assigned, answered)] == ["data element", "assignment", "next answer"]


@pytest.mark.parametrize(
    "tag",
    [
        '<script id="yt-initial-data" type="application/json">',
        "<script type='application/json' id='yt-initial-data'>",
        "<SCRIPT ID=yt-initial-data TYPE=application/json>",
        '<script\n\tid = "yt-initial-data"\n\ttype = "application/json"\n>',
        '<script async defer id="yt-initial-data">',
        '<script defer=""id="yt-initial-data"nonce="x">',
        '<script id="yt-initial-data"/>',
        '<script src="a>b" id="yt-initial-data">',
        '<script data-id="wrong" id="yt-initial-data" id="second">',
        f'<script {" ".join(f"data-{number}={number}" for number in range(100))} id="yt-initial-data">',
    ],
)
def test_data_element_is_found_by_its_id_however_its_tag_is_written(tag: str) -> None:
    page = parse_page(f"<html>{tag}{answer('real')}</script></html>")
    assert ([video.title for video in page.videos], page.shape) == (["real"], "data element")


@pytest.mark.parametrize(
    "tag",
    [
        '<script data-id="yt-initial-data">',
        '<script id="yt-initial-data-2">',
        '<script id="x" id="yt-initial-data">',
        "<script title=' id=\"yt-initial-data\"'>",
        '<script class="id=yt-initial-data">',
        '<script nonce= id="yt-initial-data">',  # as in a browser: what follows the sign is the value
        '<div id="yt-initial-data">',
        '<scripty id="yt-initial-data">',
    ],
)
def test_element_of_another_id_or_name_is_not_the_data(tag: str) -> None:
    assert parse_page(f"<html>{tag}{answer('bait')}</script></html>").failure == "unknown_page_shape"


BAIT = f'<script id="yt-initial-data" type="application/json">{answer("bait", "bait_000000")}</script>'
REAL = f'<script id="yt-initial-data" type="application/json">{answer("real")}</script>'


@pytest.mark.parametrize(
    "before",
    [
        f"<title>{BAIT}</title>",
        f"<!-- {BAIT} -->",
        f"<textarea>{BAIT}</textarea>",
        f"<style>{BAIT.replace('</script>', '')}</style>",
        f"<noscript>{BAIT}</noscript>",
        f"<meta name=title content='{BAIT}'>",
        f"<meta content='it says \"' data-x='{BAIT}'>",
        f"<script>var title = {json.dumps(BAIT).replace('</', '<' + chr(92) + '/')};</script>",
        '<script id="yt-initial-data" type="application/json">{"contents": {"twoColumnWatch</script>',
        '<script id="yt-initial-data" type="application/json">{"responseContext": {}}</script>',
        '<script id="yt-initial-data" type="application/json">[1]</script>',
        f'<script id="yt-initial-data">{answer("code", "bait_000000")}</script>',  # not said to be data
        f"<script>var ytInitialData = {answer('assigned', 'bait_000000')};</script>",
    ],
)
def test_data_element_in_a_title_or_a_broken_one_is_not_taken_for_the_page(before: str) -> None:
    page = parse_page(f"<html>{before}<p title=it's>{REAL}</html>")
    assert ([video.title for video in page.videos], page.shape) == (["real"], "data element")


@pytest.mark.parametrize("title", HOSTILE)
def test_truncated_data_element_leaves_the_assignment_or_nothing(title: str) -> None:
    element = f'<script id="yt-initial-data">{answer(title)}</script>'
    for end in (len(element) // 2, len(element) - len("}</script>")):
        cut = parse_page(f"<html>{element[:end]}")
        assert (cut.failure, cut.videos) == ("unknown_page_shape", ())
    both = page_of(f"var ytInitialData = {answer('real')};", f"{element[: len(element) // 2]}</script>")
    parsed = parse_page(both)
    assert ([video.title for video in parsed.videos], parsed.shape) == (["real"], "assignment")
    whole = parse_page(f"<html>{element.removesuffix('</script>')}")
    assert whole.failure is None, "the page broke off behind the object"


def test_watch_page_whose_player_answer_is_a_data_element_says_why_it_is_empty() -> None:
    player = json.dumps({"playabilityStatus": {"status": "ERROR", "reason": "Private video"}})
    empty = json.dumps({"contents": {"twoColumnWatchNextResults": {"results": {}}}})
    page = parse_page(
        f'<script id="yt-initial-player-response" type="application/json">{player}</script>'
        f'<script id="yt-initial-data" type="application/json">{empty}</script>'
    )
    assert (page.kind, page.failure, page.shape) == ("related", "private", "data element")


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


# Three megabytes each or what is asked for, built to be slow for a careless reader.
HOSTILE_MEGABYTES = int(os.environ.get("PYTOMO_TEST_HOSTILE_MEGABYTES", "3"))
M = HOSTILE_MEGABYTES * 1_000_000
HOSTILE_BODIES: dict[str, Callable[[], str]] = {
    "quotes": lambda: page_of("ytInitialData = " + "\"'" * (M // 2)),
    # Longer than what is unquoted at all.
    "escaped_quotes": lambda: page_of('ytInitialData = "' + '\\"' * max(M // 2, 4_500_000)),
    "assignments": lambda: page_of('ytInitialData={"a":[' * (M // 20)),
    "open_scripts": lambda: "<script " * (M // 8),
    "scripts": lambda: "<script>ytInitialData</script>" * (M // 30),
    "braces": lambda: "{" * M,
    "deep_object": lambda: page_of("var ytInitialData = " + '{"contents":' * (M // 12)),
    "elements": lambda: '<script id="yt-initial-data">{"a":</script>' * (M // 42),
    "open_element": lambda: '<script id="yt-initial-data" type="application/json">' + '{"contents":[' * (M // 13),
    "deep_element": lambda: '<script id="yt-initial-data">' + '{"contents":' * (M // 12),
    "quoted_element": lambda: "<script id='yt-initial-data'>" + '"\\"' * (M // 3),
    "open_tags": lambda: "<a b='" * (M // 6),
    "tags": lambda: "<b>" * (M // 3),
    "attributes": lambda: "<script " + "a " * (M // 2),
    "values": lambda: '<script a="' + "<script b=" * (M // 10),
    "comments": lambda: "<!--" * (M // 4),
    "titles": lambda: "<title>" * (M // 7),
    "zeros": lambda: "\x00" * M,
}


@pytest.mark.slow
@pytest.mark.parametrize("body", HOSTILE_BODIES)
def test_megabytes_of_hostile_text_end_as_a_class_in_bounded_time(body: str) -> None:
    text = HOSTILE_BODIES[body]()
    started_s = time.process_time()
    page = parse_page(text)
    assert time.process_time() - started_s < 20
    assert (page.failure, page.videos) == ("unknown_page_shape", ())
