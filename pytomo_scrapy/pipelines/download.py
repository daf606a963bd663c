"""Stage 4: the window on the wire, alone, in a process of its own."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.extensions import MeasuringProcess, component
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.gate import Activity, Stopped
from pytomo_scrapy.items import DownloadResult, VideoItem
from pytomo_scrapy.measure import legs, session
from pytomo_scrapy.measure.download import WindowPlan
from pytomo_scrapy.networks import Networks
from pytomo_scrapy.pipelines.stage import StagePipeline
from pytomo_scrapy.storage.blobs import round_trace
from pytomo_scrapy.volume import DataCap

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class DownloadPipeline(StagePipeline):
    """Opens one window at a time, alone on the wire; the hosts that it was redirected to are pinged after it."""

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
            item.legs = ()
            return
        settings = legs.window_config(item, self.config.download)
        for plan in legs.plan_windows(item, self.config, self.process.spool_directory):
            if isinstance(plan, WindowPlan):
                plan = await self._window(plan, settings, item)
            legs.add_window(item, round_trace(plan))
        item.legs = ()
        if session.redirect_addresses(item):
            # A crawl that stops now keeps what the window measured, without these pings.
            with suppress(Stopped):
                await self._probe_redirects(item)

    async def _window(self, plan: WindowPlan, settings: DownloadConfig, item: VideoItem) -> DownloadResult:
        async with self.gate.hold(Activity.WINDOW):
            if self.data_cap.is_reached:
                if not item.downloads:
                    raise Stopped  # the whole video is for another day
                return legs.capped_window(plan)
            capped = replace(settings, max_bytes=self.data_cap.room_bytes())
            result = await self.process.download(plan, capped, item)
            self.data_cap.took(result.received_bytes or 0)
            return result

    async def _probe_redirects(self, item: VideoItem) -> None:
        async with self.gate.hold(Activity.PROBE):
            await run_in_thread(session.ping_redirects, item, self.config.ping)
            await component(self.crawler, Networks).find(item)
