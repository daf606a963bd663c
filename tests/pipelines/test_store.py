"""The last stage over a storage that is played: what is counted, logged and handed on, and what a failure stops."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from scrapy.exceptions import DropItem

from pytomo_scrapy.crawl.gate import Gate
from pytomo_scrapy.crawl.lab_life import LabLife
from pytomo_scrapy.failures import MeasurementError, Stage, StorageError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure.tools import Stopped
from pytomo_scrapy.pipelines.dns import DnsPipeline
from pytomo_scrapy.pipelines.download import DownloadPipeline
from pytomo_scrapy.pipelines.ping import PingPipeline
from pytomo_scrapy.pipelines.playback import PlaybackPipeline
from pytomo_scrapy.pipelines.resolve import ResolvePipeline
from pytomo_scrapy.pipelines.stage import StagePipeline
from pytomo_scrapy.pipelines.store import StorePipeline
from tests.factories import make_item
from tests.fake_crawler import Stats


class Storage:
    """Stores in a list, or is away."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble, self.failure = trouble, None
        self.stored: list[VideoItem] = []

    @property
    def opened(self) -> Storage:
        return self

    async def store(self, item: VideoItem) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.stored.append(item)

    def fail(self, sentence: str) -> None:
        self.failure = sentence  # type: ignore[assignment]

    def published(self, item: VideoItem) -> VideoItem:
        return make_item(video_id=item.video_id, title="as feeds may have it")


def store(storage: Storage) -> tuple[Any, Gate, Stats]:
    gate, stats = Gate(is_quiet=True), Stats()
    pipeline = StorePipeline(storage, gate, stats)  # type: ignore[arg-type]
    return asyncio.run(pipeline.process_item(make_item())), gate, stats


def test_item_that_is_stored_is_counted_logged_and_handed_on_without_private_parts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="pytomo_scrapy.pipelines.store")
    storage = Storage()
    item, gate, stats = store(storage)
    assert (item.title, len(storage.stored), storage.stored[0].title) == ("as feeds may have it", 1, None)
    assert (stats, gate.is_stopping) == ({"pytomo/store/count": 1}, False)
    assert caplog.messages == ["youtube abcdefghijk: nothing measured"]


def test_item_that_is_not_stored_stops_the_crawl_with_the_reason_and_is_dropped() -> None:
    storage, gate, stats = Storage(StorageError("The disk is full.")), Gate(is_quiet=True), Stats()
    with pytest.raises(DropItem, match="abcdefghijk is not stored"):
        asyncio.run(StorePipeline(storage, gate, stats).process_item(make_item()))  # type: ignore[arg-type]
    assert (storage.failure, gate.is_stopping, stats) == ("The disk is full.", True, {})


def test_bug_of_the_storage_is_not_taken_for_a_database_that_is_away() -> None:
    storage = Storage(KeyError("a bug"))
    with pytest.raises(KeyError):
        store(storage)
    assert storage.failure is None


# Every stage before it.

STAGES: list[tuple[type[StagePipeline], Stage]] = [
    (ResolvePipeline, Stage.RESOLVE),
    (DnsPipeline, Stage.DNS),
    (PingPipeline, Stage.PING),
    (DownloadPipeline, Stage.DOWNLOAD),
    (PlaybackPipeline, Stage.PLAYBACK),
]


class Session:
    """Runs the step of a stage: notes it, fails the item, or raises."""

    def __init__(self, failure: str | None = None, trouble: Exception | None = None) -> None:
        self.failure, self.trouble, self.steps = failure, trouble, list[Stage]()

    async def step(self, stage: Stage, item: VideoItem) -> None:
        self.steps.append(stage)
        if self.failure is not None:
            item.fail(stage, self.failure)
        if self.trouble is not None:
            raise self.trouble


@pytest.mark.parametrize(("kind", "stage"), STAGES)
@pytest.mark.parametrize(
    ("session", "failure"),
    [
        (Session(), None),
        (Session(failure="reset"), "reset"),  # the step itself told
        (Session(trouble=MeasurementError("deadline", "ended after 9 s")), "deadline"),
        (Session(trouble=ZeroDivisionError("division by zero")), "unknown_failure"),
    ],
)
def test_stage_runs_its_own_step_and_counts_its_own_failure(
    kind: type[StagePipeline], stage: Stage, session: Session, failure: str | None
) -> None:
    session.steps.clear()
    stats = Stats()
    item = asyncio.run(kind(session, stats).process_item(make_item()))  # type: ignore[arg-type]
    assert (session.steps, item.failure, item.failure_stage) == ([stage], failure, stage if failure else None)
    counted = {f"pytomo/{stage}/failure/{failure}": 1} if failure else {}
    assert stats == {f"pytomo/{stage}/count": 1, **counted}


@pytest.mark.parametrize(("kind", "stage"), STAGES)
def test_failure_of_an_earlier_stage_is_not_counted_again(kind: type[StagePipeline], stage: Stage) -> None:
    item, stats = make_item(), Stats()
    item.fail(Stage.STORE, "unknown_failure")  # of another stage than any of these
    asyncio.run(kind(Session(), stats).process_item(item))  # type: ignore[arg-type]
    assert stats == {f"pytomo/{stage}/count": 1}


@pytest.mark.parametrize(("kind", "stage"), STAGES)
def test_item_goes_back_to_the_frontier_where_the_crawl_stops(kind: type[StagePipeline], stage: Stage) -> None:
    item, stats = make_item(claim_id=1), Stats()
    with pytest.raises(DropItem, match="goes back to the frontier"):
        asyncio.run(kind(Session(trouble=Stopped()), stats).process_item(item))  # type: ignore[arg-type]
    assert (item.failure, stats) == (None, {}), f"{stage} measured nothing"


def test_item_of_another_kind_passes_untouched_and_nobody_hears_of_it() -> None:
    storage, announced = Storage(), []
    pipeline = StorePipeline(storage, Gate(is_quiet=True), Stats(), announce=announced.append)  # type: ignore[arg-type]
    theirs = {"title": "a page"}
    assert asyncio.run(pipeline.process_item(theirs)) is theirs
    assert (storage.stored, announced) == ([], [])
    item = make_item()
    asyncio.run(pipeline.process_item(item))
    assert (storage.stored, announced) == ([item], [item])


def test_item_whose_lab_has_ended_is_not_stored_and_stops_the_crawl() -> None:
    storage, gate = Storage(), Gate(is_quiet=True)
    ended = LabLife(pid=2**22 + 1)  # no system gives so high a number
    pipeline = StorePipeline(storage, gate, Stats(), ended)  # type: ignore[arg-type]
    with pytest.raises(DropItem):
        asyncio.run(pipeline.process_item(make_item()))
    assert (storage.stored, gate.is_stopping) == ([], True)
