"""The qualities that a window did not fetch: read after it where that is wanted, and counted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytomo_scrapy.config import load
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import Ladder, MediaFormat, MediaTrack, TrackSegment, VideoItem
from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.playback.ladder_building import NO_LISTS, KnownLadder
from pytomo_scrapy.measure.playback.simulation import player_parameters
from pytomo_scrapy.measure.session import Session
from pytomo_scrapy.measure.window.live_ladder import LivePlan
from pytomo_scrapy.measure.window.rung_lists import ListCost
from tests.factories import make_dns, make_download, make_format, make_item, make_resolve
from tests.fake_tools import FakeCrawl

SETTINGS = load({}.get)
READ = MediaTrack(
    "video", "134", 6e5, (TrackSegment(0.0, 5.0, 375_000, 900, url="https://a/134?sig=x"),), height_px=360
)
FETCHED = make_format(format_id="136")
RUNGS = (make_format(format_id="134"), FETCHED)
INDEX = replace(SETTINGS, playback=replace(SETTINGS.playback, ladder="index"))


def measured(
    monkeypatch: pytest.MonkeyPatch, settings: Any = INDEX, rungs: Sequence[MediaFormat] = RUNGS, **window: Any
) -> tuple[FakeCrawl, VideoItem, list[Sequence[MediaFormat]], KnownLadder]:
    """Download and play one video; return what was asked to be read, and what the analysis was given."""
    crawl, asked, given = FakeCrawl(), [], []
    item = make_item(resolve=make_resolve(formats=(FETCHED,), rungs=tuple(rungs)), dns=make_dns())
    crawl.windows = [make_download(**window)]

    def read_lists(others: Sequence[MediaFormat], *_: Any) -> tuple[LivePlan, ListCost]:
        crawl.note("lists")
        asked.append(tuple(others))
        return LivePlan(Ladder((READ,)), {}, "", {}), ListCost(4096, 1)

    analyse = crawl.analyse

    async def analyse_too(download: Any, declared: Any, playback: Any) -> Any:
        given.append(declared.known)
        return await analyse(download, declared, playback)

    monkeypatch.setattr(session, "read_lists", read_lists)
    monkeypatch.setattr(crawl, "analyse", analyse_too)
    running = Session(settings, crawl.tools())

    async def run() -> None:
        await running.step(Stage.DOWNLOAD, item)
        await running.step(Stage.PLAYBACK, item)

    asyncio.run(run())
    return crawl, item, asked, given[0]


def test_other_qualities_are_read_after_the_window_with_the_gate_held_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = make_download().streams[:1]
    fetched_id = streams[0].format_id
    rungs = (make_format(format_id="134"), make_format(format_id=fetched_id))
    crawl, _, asked, known = measured(monkeypatch, rungs=rungs, streams=streams)
    assert [[media.format_id for media in others] for others in asked] == [["134"]]
    assert (known.received_bytes, known.request_count) == (4096, 1)
    assert known.ladder is not None and known.ladder.video[0].segments[0].url == "", "no signed address goes on"
    assert crawl.took_bytes >= 4096, "they count against the day's cap"


@pytest.mark.parametrize(
    ("settings", "window"),
    [(SETTINGS, {}), (INDEX, {"failure": "reset"})],
    ids=["declared", "failed"],
)
def test_nothing_is_read_where_it_is_not_wanted_or_the_window_failed(
    monkeypatch: pytest.MonkeyPatch, settings: Any, window: dict[str, Any]
) -> None:
    _, _, asked, known = measured(monkeypatch, settings, **window)
    assert (asked, known) == ([], NO_LISTS)


ADAPTIVE = replace(INDEX, download=replace(SETTINGS.download, mode="adaptive", adaptive_player="shaka-adaptive"))


def adaptive(monkeypatch: pytest.MonkeyPatch, live: LivePlan | None, **resolved: Any) -> tuple[FakeCrawl, list[Any]]:
    """Download one video adaptively; return what was asked to be read."""
    crawl, asked = FakeCrawl(), []
    item = make_item(resolve=make_resolve(formats=(FETCHED,), rungs=RUNGS, **resolved), dns=make_dns())

    def read_lists(rungs: Sequence[MediaFormat], _: Any, bound: Any, player: str) -> tuple[LivePlan | None, ListCost]:
        crawl.note("lists")
        asked.append(([media.format_id for media in rungs], player))
        return live, ListCost(4096, 1)

    monkeypatch.setattr(session, "read_lists", read_lists)
    asyncio.run(Session(ADAPTIVE, crawl.tools()).step(Stage.DOWNLOAD, item))
    return crawl, asked


def test_adaptive_window_reads_every_quality_first_with_the_gate_of_the_window_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live = LivePlan(Ladder((READ,)), {}, "shaka-adaptive", {})
    crawl, asked = adaptive(monkeypatch, live)
    # All of them, the one that was resolved too, and once: `PYTOMO_LADDER=index` has nothing left to read.
    assert asked == [(["134", "136"], "shaka-adaptive")]
    assert crawl.log.index("+window") < crawl.log.index("lists") < crawl.log.index("-window")
    (plan,) = crawl.plans
    assert plan.live is not None and plan.live.ladder == live.ladder
    assert plan.live.parameters == player_parameters("shaka-adaptive")
    assert crawl.took_bytes == 4096 + 600, "the lists count against the day's cap, as the window does"


def test_adaptive_window_whose_qualities_are_not_known_is_fetched_as_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger=session.__name__)
    crawl, asked = adaptive(monkeypatch, None)
    assert len(asked) == 1 and [plan.live for plan in crawl.plans] == [None]
    assert "youtube abcdefghijk: its qualities are not known: fetched as one" in caplog.messages
    assert crawl.took_bytes >= 4096
