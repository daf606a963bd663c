"""Stage 1: the video's media URLs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.crawl.context import component
from pytomo_scrapy.crawl.gate import Activity
from pytomo_scrapy.crawl.politeness import Politeness
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.resolve.resolution import resolve_video
from pytomo_scrapy.measure.window.planning import resolve_pair
from pytomo_scrapy.pipelines.stage import StagePipeline

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class ResolvePipeline(StagePipeline):
    """Resolves every item, with the pages' share of the gate."""

    stage = Stage.RESOLVE

    politeness: Politeness

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        pipeline = super().from_crawler(crawler)
        pipeline.politeness = component(crawler, Politeness)
        return pipeline

    async def measure(self, item: VideoItem) -> None:
        await self.politeness.ready()
        session.start_item(item, clock=time.monotonic)
        async with self.gate.hold(Activity.PAGE):
            if self.config.path.family == "both":
                result = await run_in_thread(resolve_pair, item, self.config.resolve, resolve_video)
            else:
                result = await run_in_thread(resolve_video, item.url, self.config.resolve)
        session.set_resolve(item, result)
