"""Damaged answers: whatever is done to a recording, the parsers end with a page and a class, in bounded time."""

from __future__ import annotations

import copy
import json
import os
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.pages import ParsedPage, parse_page
from tests.texts import CHARACTERS

Recording = Callable[[str], str]
NAMES = [
    "next_plain.json",
    "next_mixed_legacy.json",
    "search_videos.json",
    "search_continuation.json",
    "browse_gaming_trending.json",
    "charts_trending_music.json",
    "player_visionos_live.json",
    "notavailable_privatecontent.json",
    "results_html.html",
]
WRONG_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    float("inf"),
    "",
    "x" * 11,
    "\ud800",
    [],
    [[]],
    {},
    {"runs": [1]},
]
EXAMPLES = int(os.environ.get("PYTOMO_TEST_DAMAGED_PAGES", "10"))
FEW = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def check(page: ParsedPage) -> None:
    assert page.failure is None or page.failure in FAILURES
    assert page.videos or page.failure or page.kind == "player"
    found = [video.video_id for video in page.videos]
    assert len(set(found)) == len(found)
    for video in page.videos:
        assert len(video.video_id) == 11
        assert (video.title or "").encode() is not None
    json.dumps([page.continuation, page.failure_detail]).encode()


def damage(value: Any, dice: random.Random) -> Any:
    """Walk down at random and put a wrong value there, drop a key, or repeat an item."""
    root = holder = [value]
    key: Any = 0
    for _ in range(dice.randrange(1, 30)):
        inner = holder[key]
        if isinstance(inner, dict) and inner:
            holder, key = inner, dice.choice(sorted(inner))
        elif isinstance(inner, list) and inner:
            holder, key = inner, dice.randrange(len(inner))
        else:
            break
    act = dice.randrange(3)
    if act == 0 or holder is root:
        holder[key] = copy.deepcopy(dice.choice(WRONG_VALUES))
    elif act == 1:
        del holder[key]
    else:
        holder[key] = [holder[key], holder[key]]
    return root[0]


@pytest.mark.slow
@FEW
@given(name=st.sampled_from(NAMES[:-1]), seed=st.integers(0, 2**32))
def test_answer_with_wrong_types_anywhere_ends_as_a_page(recording: Recording, name: str, seed: int) -> None:
    answer, dice = json.loads(recording(name)), random.Random(seed)
    for _ in range(dice.randrange(1, 40)):
        answer = damage(answer, dice)
    check(parse_page(json.dumps(answer)))
    check(parse_page(f"<script>var ytInitialData = {json.dumps(answer)};</script>"))


@pytest.mark.slow
@FEW
@given(name=st.sampled_from(NAMES), data=st.data())
def test_cut_or_scrambled_page_ends_as_a_page(recording: Recording, name: str, data: st.DataObject) -> None:
    body = recording(name).encode()
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    noise = data.draw(st.binary(max_size=64))
    for damaged in (body[:start], body[start:], body[:start] + noise + body[end:], noise + body):
        check(parse_page(damaged))


@pytest.mark.slow
@FEW
@given(page=st.one_of(st.text(CHARACTERS), st.binary()), url=st.one_of(st.none(), st.text(CHARACTERS)))
def test_any_text_from_any_address_ends_as_a_class(page: str | bytes, url: str | None) -> None:
    parsed = parse_page(page, url)
    check(parsed)
    assert parsed.failure


def wrong_everywhere(value: Any, wrong: Any) -> list[Any]:
    """Return copies of `value` with `wrong` in place of each of its nodes, one at a time."""
    copies: list[Any] = [wrong]
    if isinstance(value, dict):
        copies += [{**value, key: inner} for key in value for inner in wrong_everywhere(value[key], wrong)]
    elif isinstance(value, list):
        for at, item in enumerate(value):
            copies += [[*value[:at], inner, *value[at + 1 :]] for inner in wrong_everywhere(item, wrong)]
    return copies


@pytest.mark.parametrize("wrong", WRONG_VALUES, ids=repr)
def test_charts_with_a_wrong_value_at_each_place_end_as_a_page(wrong: Any) -> None:
    view = {"id": "video_00000", "title": "T", "videoDuration": 3, "releaseDate": {"year": 2026, "month": 1, "day": 2}}
    content = {"videos": [{"listType": "TRENDING_CHART", "videoViews": [view]}]}
    answer = {
        "contents": {"sectionListRenderer": {"contents": [{"musicAnalyticsSectionRenderer": {"content": content}}]}}
    }
    assert parse_page(json.dumps(answer)).videos
    for damaged in wrong_everywhere(answer, wrong):
        check(parse_page(json.dumps(damaged)))


@pytest.mark.parametrize("wrapper", ["itemSectionRenderer", "richItemRenderer", "sectionListRenderer"])
def test_wrappers_nested_deeply_end_as_an_empty_page(wrapper: str) -> None:
    key = "content" if wrapper == "richItemRenderer" else "contents"
    item: dict[str, Any] = {"videoRenderer": {"videoId": "video_00000"}}
    for _ in range(200):
        item = {wrapper: {key: item}}
    action = {"appendContinuationItemsAction": {"continuationItems": [item]}}
    assert parse_page(json.dumps({"onResponseReceivedCommands": [action]})).failure == "empty_page"


def test_answer_nested_too_deeply_to_be_read_ends_as_a_class() -> None:
    page = parse_page('{"contents":' * 200_000 + "1" + "}" * 200_000)
    assert (page.failure, page.videos) == ("unknown_page_shape", ())


@pytest.mark.slow
def test_list_of_100_000_items_ends_in_bounded_time() -> None:
    items = ",".join(['{"videoRenderer":{"videoId":"video_00000"}}'] * 100_000)
    text = '{"onResponseReceivedCommands":[{"appendContinuationItemsAction":{"continuationItems":[' + items + "]}}]}"
    started_s = time.process_time()
    assert len(parse_page(text).videos) == 1
    assert time.process_time() - started_s < 20
