"""Stage 4: the window on the wire, alone, in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pytomo_scrapy.extensions import MeasuringProcess, component
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.gate import Activity
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure import session
from pytomo_scrapy.pipelines.stage import StagePipeline
from pytomo_scrapy.storage.blobs import round_trace

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class DownloadPipeline(StagePipeline):
    """Opens one window at a time; nothing else of ours is on the wire meanwhile."""

    stage = Stage.DOWNLOAD
    process: MeasuringProcess

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        pipeline = super().from_crawler(crawler)
        pipeline.process = component(crawler, MeasuringProcess)
        return pipeline

    async def measure(self, item: VideoItem) -> None:
        if session.skip(item, self.stage):
            return
        plan = session.plan_window(item, self.config, self.process.spool_directory)
        async with self.gate.hold(Activity.WINDOW):
            result = await self.process.download(plan, self.config.download, item)
        session.set_download(item, round_trace(result))
