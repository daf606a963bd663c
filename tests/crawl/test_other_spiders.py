"""Videos of a spider that is not ours: named by their URL, admitted few at a time, and ended with the crawl."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest

from pytomo_scrapy.crawl.gate import Gate, Stopped
from pytomo_scrapy.crawl.other_spiders import Admission, EndWatch, OpenAdmission, named
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import VideoItem

VIDEO = "https://youtu.be/abcdefghijk?t=3"


def test_item_needs_nothing_but_its_url() -> None:
    item = named(VideoItem(url=VIDEO), "blog")
    assert (item.service, item.video_id, item.url, item.source) == (
        "youtube", "abcdefghijk", "https://www.youtube.com/watch?v=abcdefghijk", "blog",
    )  # fmt: skip
    assert item.uuid and item.uuid != VideoItem(url=VIDEO).uuid
    assert named(VideoItem(url="https://vimeo.com/1")).service == "other"


def test_item_keeps_what_its_spider_says_of_it() -> None:
    item = named(VideoItem("dailymotion", "x1", "https://www.dailymotion.com/video/x1", source="mine"), "blog")
    assert (item.service, item.video_id, item.source) == ("dailymotion", "x1", "mine")


def test_url_that_names_no_video_is_a_failed_row_and_no_exception() -> None:
    item = named(VideoItem(url="nonsense"))
    assert (item.failure, item.failure_stage, item.service) == ("unsupported_url", Stage.RESOLVE, "other")
    assert len(item.video_id) == 16


class Crawl:
    """A crawl whose run is begun in a list."""

    def __init__(self, **options: Any) -> None:
        self.log: list[str] = []
        self.gate = Gate(is_quiet=True)
        self.admission = Admission(self.gate, self.begin, self.ready, source="blog", **options)

    async def begin(self) -> None:
        self.log.append("begin")

    async def ready(self) -> None:
        self.log.append("ready")


def test_first_video_begins_the_run_and_each_waits_for_the_service_once() -> None:
    async def run() -> list[str]:
        crawl, items = Crawl(), [VideoItem(url=VIDEO), VideoItem(url=VIDEO)]
        for item in (*items, items[0]):
            await crawl.admission.admit(item)
        return crawl.log

    assert asyncio.run(run()) == ["begin", "ready", "ready"]


def test_no_more_videos_are_under_way_than_a_crawl_takes_ahead() -> None:
    async def run() -> None:
        crawl = Crawl(ahead=1)
        first, second = VideoItem(url=VIDEO), VideoItem(url=VIDEO)
        await crawl.admission.admit(first)
        waiting = asyncio.create_task(crawl.admission.admit(second))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        del first  # whatever dropped it or kept it, it is no longer under way
        gc.collect()
        await asyncio.wait_for(waiting, 5)

    asyncio.run(run())


def test_videos_start_at_the_pace_of_the_crawl() -> None:
    async def run() -> list[float]:
        now_s = [100.0]
        crawl = Crawl(pace_s=5.0, clock=lambda: now_s[0])
        waits: list[float] = []

        async def pause(seconds: float) -> None:
            waits.append(seconds)
            now_s[0] += seconds

        crawl.gate.pause = pause  # type: ignore[method-assign]
        kept = [VideoItem(url=VIDEO), VideoItem(url=VIDEO)]
        await crawl.admission.admit(kept[0])
        now_s[0] += 2.0
        await crawl.admission.admit(kept[1])
        return waits

    assert asyncio.run(run()) == [0.0, 3.0]


def test_stop_ends_the_wait_for_a_place() -> None:
    async def run() -> None:
        crawl, first = Crawl(ahead=1), VideoItem(url=VIDEO)
        await crawl.admission.admit(first)
        waiting = asyncio.create_task(crawl.admission.admit(VideoItem(url=VIDEO)))
        await asyncio.sleep(0.05)
        crawl.gate.stop()
        with pytest.raises(Stopped):
            await asyncio.wait_for(waiting, 5)

    asyncio.run(run())


def test_video_of_our_own_spiders_is_admitted_at_once() -> None:
    item = VideoItem(url=VIDEO)
    asyncio.run(OpenAdmission().admit(item))
    assert item.video_id == "abcdefghijk"


@pytest.mark.parametrize(
    ("is_ending", "reason", "closed"),
    [(lambda: True, None, []), (lambda: False, "data_cap", ["data_cap"])],
)
def test_watch_stops_the_gate_where_the_crawl_ends(
    is_ending: Callable[[], bool], reason: str | None, closed: list[str]
) -> None:
    async def run() -> tuple[bool, list[str]]:
        gate, reasons = Gate(is_quiet=True), []

        async def close_spider(why: str) -> None:
            reasons.append(why)

        watch = EndWatch(gate, is_ending, lambda: reason, close_spider)
        watch.begin()
        await asyncio.sleep(0.05)
        watch.close()
        return gate.is_stopping, reasons

    assert asyncio.run(run()) == (True, closed)
