"""Stage 3: idle round trips to every distinct address."""

from __future__ import annotations

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.crawl.gate import Activity
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure import session
from pytomo_scrapy.pipelines.stage import StagePipeline


class PingPipeline(StagePipeline):
    """Pings the addresses, with the probes' share of the gate."""

    stage = Stage.PING

    async def measure(self, item: VideoItem) -> None:
        if session.skip(item, self.stage):
            return
        async with self.gate.hold(Activity.PROBE):
            await run_in_thread(session.ping, item, self.config.ping, self.config.path)
