"""Stage 2: the addresses of the media hosts, by every resolver."""

from __future__ import annotations

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.crawl.context import component
from pytomo_scrapy.crawl.gate import Activity
from pytomo_scrapy.crawl.networks import Networks
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure import session
from pytomo_scrapy.pipelines.stage import StagePipeline


class DnsPipeline(StagePipeline):
    """Looks the media hosts up, and whose networks they are in, with the probes' share of the gate."""

    stage = Stage.DNS

    async def measure(self, item: VideoItem) -> None:
        if session.skip(item, self.stage):
            return
        async with self.gate.hold(Activity.PROBE):
            await run_in_thread(session.look_up, item, self.config.dns)
            await component(self.crawler, Networks).find(item)
