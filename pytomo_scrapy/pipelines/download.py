"""Stage 4: the window on the wire, alone, in a process of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from pytomo_scrapy.extensions import MeasuringProcess, component
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.gate import Activity
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure import session
from pytomo_scrapy.pipelines.stage import StagePipeline
from pytomo_scrapy.storage.blobs import round_trace
from pytomo_scrapy.volume import DataCap

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class DownloadPipeline(StagePipeline):
    """Opens one window at a time; nothing else of ours is on the wire meanwhile."""

    stage = Stage.DOWNLOAD
    process: MeasuringProcess
    data_cap: DataCap

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        pipeline = super().from_crawler(crawler)
        pipeline.process = component(crawler, MeasuringProcess)
        pipeline.data_cap = component(crawler, DataCap)
        return pipeline

    async def measure(self, item: VideoItem) -> None:
        if session.skip(item, self.stage):
            return
        plan = session.plan_window(item, self.config, self.process.spool_directory)
        async with self.gate.hold(Activity.WINDOW):
            settings = replace(self.config.download, max_bytes=self.data_cap.room_bytes())
            result = await self.process.download(plan, settings, item)
        session.set_download(item, round_trace(result))
