"""The walk of a crawl that is played: its pace, its rounds, what becomes of pages that failed, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from scrapy.exceptions import CloseSpider

from pytomo_scrapy.crawl.lab_life import LabLife
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.measure.tools import Stopped
from pytomo_scrapy.spiders.arguments import WalkArguments
from pytomo_scrapy.spiders.walk import close_if_over, take_line
from pytomo_scrapy.storage.frontier.frontier import FoundVideo
from tests.spiders.played_walk import Context, Frontier, Line, Played, play
from tests.spiders.test_claims import make_claim

# The beginning.


@pytest.mark.parametrize(
    ("arguments", "settings", "log"),
    [
        (WalkArguments(), {}, ["begin toy", "source one", "source two"]),
        (WalkArguments(vantage="own"), {}, ["begin toy own", "source one", "source two"]),
        # A start that is spread waits before the database knows of the crawl.
        (WalkArguments(), {"PYTOMO_START_JITTER_S": 90}, ["sleep 90", "begin toy", "source one", "source two"]),
        (WalkArguments(urls=("aaaaaaaaaaa",)), {}, ["begin toy"]),  # a list is read as it is claimed
    ],
)
def test_crawl_begins_with_its_sources_or_its_list(
    arguments: WalkArguments, settings: dict[str, object], log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(monkeypatch, Frontier(), arguments, **settings)
    assert play(played.open()).crawl_name == "c" and played.log == log


# Pace.


@pytest.mark.parametrize(
    ("pace_s", "takes_s", "sleeps"),
    [
        (0, 5.0, []),
        (60, 5.0, ["sleep 55", "sleep 55"]),  # from start to start: 60 - 5
        (60, 0.0, ["sleep 60", "sleep 60"]),
        (60, 70.0, []),  # a video that takes longer is followed by the next at once
    ],
)
def test_videos_start_at_the_pace_and_the_first_at_once(
    pace_s: int, takes_s: float, sleeps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(monkeypatch, Frontier(*(make_claim(n) for n in (1, 2, 3))), PYTOMO_PACE_S=pace_s)
    assert play(played.claims(takes_s)) == [1, 2, 3]
    assert [step for step in played.log if step.startswith("sleep")] == sleeps


def test_sources_are_asked_without_a_pace_but_never_while_the_service_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources = [make_claim(n, kind="source", service="", depth=0) for n in (1, 2)]
    played = Played(monkeypatch, Frontier(*sources, make_claim(3)), PYTOMO_PACE_S=60)
    play(played.claims())
    assert played.log[3:] == ["ready", "claim 1", "ready", "claim 2", "ready", "claim 3"]


def test_page_besides_those_of_the_claims_takes_a_place_in_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, Frontier(make_claim(1), make_claim(2)), PYTOMO_PACE_S=60)

    async def walk_on() -> float:
        walk = await played.open()
        claims = walk.claims()
        walk.stored((await anext(claims)).id)
        played.clock.now_s += 20
        await walk.ready_for_more()
        assert played.clock.now_s == 160, "60 s after the video's start"
        walk.stored((await anext(claims)).id)
        return played.clock.now_s

    assert play(walk_on()) == 220, "60 s after the page"
    assert played.log.count("ready") == 3, "it waits for a service that is left alone"


def test_stop_ends_the_wait_for_a_place_in_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, Frontier(make_claim(1)), PYTOMO_PACE_S=3600)

    async def stop() -> None:
        walk = await played.open()
        await anext(walk.claims())
        played.context.gate.is_stopping = True
        await walk.ready_for_more()

    with pytest.raises(Stopped):
        play(stop())
    assert played.clock.now_s == 100


@pytest.mark.parametrize(("failure", "is_noted"), [("http_429", True), ("bot_check", True), ("page_timeout", False)])
def test_refusal_of_a_further_page_is_one_of_the_service(
    failure: str, is_noted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(monkeypatch, Frontier())

    async def note() -> None:
        (await played.open()).note_refusal(failure, 9.0)

    play(note())
    assert (f"{failure} 9 s" in played.log) is is_noted


# Rounds.


@pytest.mark.parametrize(
    ("loop", "settings", "takes_s", "between"),
    [
        (False, {}, 1.0, []),
        (True, {}, 1.0, ["new pass"]),  # no gap: the line is kept
        # 3600 s from start to start, of which 10 have passed; the line is free for others meanwhile.
        (
            True,
            {"PYTOMO_ROUND_EVERY_S": 3600, "PYTOMO_ROUND_GAPS": "fixed"},
            10.0,
            ["line freed", "sleep 3590", "line taken", "new pass"],
        ),
        (
            True,
            {"PYTOMO_ROUND_EVERY_S": 3600, "PYTOMO_ROUND_GAPS": "exponential"},  # drawn here: its mean
            10.0,
            ["line freed", "sleep 3590", "line taken", "new pass"],
        ),
        (True, {"PYTOMO_ROUND_EVERY_S": 3600, "PYTOMO_ROUND_GAPS": "fixed"}, 5000.0, ["new pass"]),
    ],
)
def test_round_follows_the_one_before_after_its_gap(
    loop: bool, settings: dict[str, object], takes_s: float, between: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    frontier = Frontier(make_claim(1))
    frontier.next_pass = [make_claim(2)]
    played = Played(monkeypatch, frontier, WalkArguments(loop=loop), **settings)
    found = play(played.claims(takes_s, most=2))
    assert found == ([1, 2] if loop else [1])
    log = played.log[played.log.index("claim 1") + 1 :]
    assert log[: len(between)] == between
    assert ("source one" in log) == loop, "each round begins with its sources"


@pytest.mark.parametrize("end", ["nothing done", "over"])
def test_no_round_follows_where_nothing_was_measured_or_the_crawl_is_over(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frontier = Frontier(make_claim(1))
    played = Played(monkeypatch, frontier, WalkArguments(loop=True))
    frontier.done = 0 if end == "nothing done" else 1

    async def run() -> list[int]:
        walk, found = await played.open(), []
        async for claim in walk.claims():
            found.append(claim.id)
            walk.stored(claim.id)
            played.context.data_cap.is_reached = end == "over"
        return found

    assert play(run()) == [1] and "new pass" not in played.log


def test_leases_are_renewed_for_as_long_as_the_walk_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, Frontier(), PYTOMO_LEASE_S=60)
    waits: list[float] = []

    async def run() -> None:
        walk = await played.open()

        async def renew(every_s: float) -> None:
            waits.append(every_s)
            await asyncio.Event().wait()

        walk._claims.renew_leases = renew  # type: ignore[method-assign]
        with walk.leases_renewed():
            await asyncio.sleep(0)
            (task,) = asyncio.all_tasks() - {asyncio.current_task()} - before
            assert waits == [20.0], "thrice within a lease"
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    async def bounded() -> None:
        before.update(asyncio.all_tasks())
        await run()

    before: set[Any] = set()
    asyncio.run(bounded())


# What became of pages.


@pytest.mark.parametrize(
    ("overrides", "arguments", "limit", "wants"),
    [
        ({}, {}, 5, True),
        ({}, {"related": False}, 5, False),
        ({"depth": 2}, {"max_rounds": 2}, 5, False),
        ({"depth": 1}, {"max_rounds": 2}, 5, True),
        ({"is_expanded": True}, {}, 5, False),  # of a run before
        ({}, {}, 0, False),  # the limit is reached
    ],
)
def test_related_videos_are_wanted_under_depth_and_limit_and_once(
    overrides: dict[str, Any],
    arguments: dict[str, Any],
    limit: int,
    wants: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frontier = Frontier()
    frontier.limit = limit
    played = Played(monkeypatch, frontier, WalkArguments(**arguments))

    async def run() -> bool:
        return await (await played.open()).wants_more_videos(make_claim(1, **overrides))

    assert play(run()) is wants


@pytest.mark.parametrize(
    ("failure", "attempt_count", "log"),
    [
        (None, 1, ["source s 2 None"]),
        ("empty_page", 1, ["empty_page 0 s", "source s 2 empty_page"]),
        # A refusal is answered by one more try, after the pause that it brings.
        ("http_429", 1, ["http_429 120 s", "release 5"]),
        ("http_429", 2, ["http_429 120 s", "source s 2 http_429"]),
    ],
)
def test_source_is_done_or_asked_once_more_after_a_refusal(
    failure: str | None, attempt_count: int, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(monkeypatch, Frontier())
    claim = make_claim(5, kind="source", video_id="s", attempt_count=attempt_count)
    found = [FoundVideo("toy", "a"), FoundVideo("toy", "b")]

    async def run() -> None:
        walk = await played.open()
        del played.log[:]
        await walk.finish_source(claim, found, failure, None, 120.0 if failure == "http_429" else 0.0)

    play(run())
    assert played.log == log


@pytest.mark.parametrize(
    ("failure", "log"),
    [
        (None, ["videos of video1 1"]),
        ("http_5xx", ["videos of video1 1"]),  # no refusal: the service is not left alone
        ("bot_check", ["bot_check 9 s", "videos of video1 1"]),
    ],
)
def test_page_of_a_video_tells_politeness_of_refusals_only(
    failure: str | None, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(monkeypatch, Frontier())

    async def run() -> None:
        walk = await played.open()
        del played.log[:]
        await walk.add_related(make_claim(1), [FoundVideo("toy", "a")], failure, 9.0)

    play(run())
    assert played.log == log


# The end.


@pytest.mark.parametrize(
    ("admitted", "failures", "sentence"),
    [
        (0, {"one": "http_5xx", "two": "empty_page"}, "one: http_5xx; two: empty_page"),
        (0, {}, "The list holds no usable line."),
        (3, {"one": "http_5xx"}, None),
    ],
)
def test_crawl_that_found_nothing_says_why_and_any_other_is_finished(
    admitted: int,
    failures: dict[str, str],
    sentence: str | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    frontier = Frontier()
    frontier.admitted = admitted
    played = Played(monkeypatch, frontier)

    async def run() -> None:
        walk = await played.open()
        for source, failure in failures.items():
            await walk.finish_source(make_claim(1, kind="source", video_id=source), [], failure, None)
        await walk.finish()

    if sentence is None:
        play(run())
        assert played.log[-1] == "finish"
        return
    with pytest.raises(CloseSpider) as closed:
        play(run())
    assert closed.value.reason == "no_videos" and "finish" not in played.log
    assert caplog.records[-1].getMessage() == f"No video was found to measure. {sentence}"


def fail(context: Any) -> None:
    context.storage.failure = "The disk is full."


def refuse(context: Any) -> None:
    context.politeness.is_over = True


def lose(context: Any) -> None:
    context.lab = LabLife(pid=2**22 + 1)  # no system gives so high a number


def reach(context: Any) -> None:
    context.data_cap.is_reached = True


@pytest.mark.parametrize(
    ("ends", "reason", "sentence"),
    [
        ((), None, None),
        ((fail,), "storage_failed", "The disk is full."),
        ((refuse,), "service_refuses", "The service refused again."),
        ((lose,), "lab_ended", LabLife.sentence),
        ((reach,), "data_cap", "The data cap of the day is reached."),
        # Of several reasons, the one that loses most comes first.
        ((reach, refuse), "service_refuses", "The service refused again."),
        ((reach, refuse, fail), "storage_failed", "The disk is full."),
    ],
)
def test_crawl_closes_with_the_reason_of_its_end(
    ends: tuple[Callable[[Any], None], ...],
    reason: str | None,
    sentence: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    context: Any = Context(Frontier())
    for end in ends:
        end(context)
    if reason is None:
        close_if_over(context)
        return
    with pytest.raises(CloseSpider) as closed:
        close_if_over(context)
    assert (closed.value.reason, caplog.records[-1].getMessage()) == (reason, sentence)


@pytest.mark.parametrize("is_taken", [False, True])
def test_line_that_is_taken_closes_the_spider(is_taken: bool, caplog: pytest.LogCaptureFixture) -> None:
    line: Any = Line([])
    line.is_taken = is_taken
    if not is_taken:
        take_line(line)
        return
    with pytest.raises(CloseSpider) as closed:
        take_line(line)
    assert closed.value.reason == "line_taken" and "Another crawler" in caplog.text


def test_database_that_is_away_at_the_end_is_the_callers_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, Frontier())

    async def run() -> None:
        walk = await played.open()
        played.context.storage.away = ["counts"]
        await walk.finish()

    with pytest.raises(StorageError):
        play(run())
