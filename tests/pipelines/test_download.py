"""The windows of a video under the day's data cap."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.gate import Gate, Stopped
from pytomo_scrapy.items import DownloadResult, Leg, VideoItem
from pytomo_scrapy.measure.download import WindowPlan
from pytomo_scrapy.pipelines.download import DownloadPipeline
from pytomo_scrapy.volume import DataCap
from tests.factories import make_dns, make_download, make_item, make_resolve


class Process:
    """A measuring process whose every window receives 600 bytes."""

    spool_directory = "/nowhere"

    def __init__(self) -> None:
        self.caps_bytes: list[int] = []

    async def download(self, plan: WindowPlan, settings: config.DownloadConfig, item: VideoItem) -> DownloadResult:
        self.caps_bytes.append(settings.max_bytes)
        return make_download(place=plan.place, received_bytes=600)


def make_pipeline(cap_bytes: int) -> tuple[DownloadPipeline, Process]:
    checked = config.load({"PYTOMO_DATA_CAP_BYTES_PER_DAY": cap_bytes}.get)
    gate, process = Gate(is_quiet=True), Process()
    pipeline = DownloadPipeline(checked, gate, cast(Any, None))
    pipeline.process, pipeline.data_cap = cast(Any, process), DataCap(checked, lambda: gate, lambda *_: 0)
    return pipeline, process


def test_next_video_has_the_room_that_the_window_before_left_although_that_is_not_stored_yet() -> None:
    pipeline, process = make_pipeline(1000)
    items = [make_item(resolve=make_resolve(), dns=make_dns()) for _ in range(3)]
    for item in items[:2]:
        asyncio.run(pipeline.measure(item))
    assert process.caps_bytes == [1000, 400]
    with pytest.raises(Stopped):
        asyncio.run(pipeline.measure(items[2]))
    assert items[2].downloads == ()


def test_second_window_of_a_pair_that_the_cap_leaves_nothing_has_its_class_and_the_first_is_kept() -> None:
    pipeline, _ = make_pipeline(600)
    item = make_item(resolve=make_resolve(), dns=make_dns())
    item.legs = (Leg(4, make_resolve(), make_dns()), Leg(6, make_resolve(), make_dns()))
    asyncio.run(pipeline.measure(item))
    assert [(window.place, window.failure) for window in item.downloads] == [(0, None), (1, "data_cap")]
    assert item.failure is None and len({window.pair_id for window in item.downloads}) == 1
