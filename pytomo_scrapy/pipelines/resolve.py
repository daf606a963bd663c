"""Stage 1: the video's media URLs."""

from __future__ import annotations

import time

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.failures import Stage
from pytomo_scrapy.gate import Activity
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.resolve import resolve_video
from pytomo_scrapy.pipelines.stage import StagePipeline


class ResolvePipeline(StagePipeline):
    """Resolves every item, with the pages' share of the gate."""

    stage = Stage.RESOLVE

    async def measure(self, item: VideoItem) -> None:
        session.start_item(item, clock=time.monotonic)
        async with self.gate.hold(Activity.PAGE):
            result = await run_in_thread(resolve_video, item.url, self.config.resolve)
        session.set_resolve(item, result)
