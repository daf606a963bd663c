"""Stage 4: the window on the wire, alone, in a process of its own."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.crawl.context import MeasuringProcess, component
from pytomo_scrapy.crawl.data_cap import DataCap
from pytomo_scrapy.crawl.gate import Activity, Stopped
from pytomo_scrapy.crawl.networks import Networks
from pytomo_scrapy.crawl.politeness import Politeness
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import DownloadResult, VideoItem
from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.dns.lookup import look_up_hosts
from pytomo_scrapy.measure.resolve.resolution import resolve_video
from pytomo_scrapy.measure.window import planning, refused
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.pipelines.stage import StagePipeline
from pytomo_scrapy.storage.measurements.blobs import round_trace

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class DownloadPipeline(StagePipeline):
    """Opens one window at a time, alone on the wire; the hosts that it was redirected to are pinged after it."""

    stage = Stage.DOWNLOAD
    process: MeasuringProcess
    data_cap: DataCap
    politeness: Politeness

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        pipeline = super().from_crawler(crawler)
        pipeline.process = component(crawler, MeasuringProcess)
        pipeline.data_cap = component(crawler, DataCap)
        pipeline.politeness = component(crawler, Politeness)
        return pipeline

    async def measure(self, item: VideoItem) -> None:
        if session.skip(item, self.stage):
            item.legs = ()
            return
        settings = planning.window_config(item, self.config.download)
        plans = planning.plan_windows(item, self.config, self.process.spool_directory)
        for plan in plans:
            windows: tuple[DownloadResult, ...] = ()
            if not isinstance(plan, WindowPlan):
                windows = (plan,)
            else:
                windows = (await self._window(plan, settings, item),)
                if len(plans) == 1 and not item.legs and refused.is_refused_at_start(windows[0]):
                    windows = await self._once_more(windows[0], settings, item)
            for window in windows:
                planning.add_window(item, round_trace(window))
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
                return planning.capped_window(plan)
            capped = replace(settings, max_bytes=self.data_cap.room_bytes())
            result = await self.process.download(plan, capped, item)
            self.data_cap.took(result.received_bytes or 0)
            return result

    async def _once_more(
        self, window: DownloadResult, settings: DownloadConfig, item: VideoItem
    ) -> tuple[DownloadResult, ...]:
        """Resolve anew after a 403 at the start, with the gate given back, and open one more window."""
        assert item.resolve is not None
        before, dns = item.resolve, None
        with suppress(Stopped):
            await self.politeness.ready()
            async with self.gate.hold(Activity.PAGE):
                after = await run_in_thread(resolve_video, item.url, self.config.resolve)
            if after.failure is None and (hosts := refused.unknown_hosts(item, after)):
                async with self.gate.hold(Activity.PROBE):
                    dns = await run_in_thread(look_up_hosts, hosts, after.address_family, self.config.dns)
            if after.failure is None and (dns is None or dns.failure is None):
                refused.renew(item, after, dns)
                (plan,) = planning.plan_windows(item, self.config, self.process.spool_directory)
                assert isinstance(plan, WindowPlan)
                return await self._window(plan, settings, item), refused.refused_row(window, before, after)
        return (window,)

    async def _probe_redirects(self, item: VideoItem) -> None:
        async with self.gate.hold(Activity.PROBE):
            await run_in_thread(session.ping_redirects, item, self.config.ping)
            await component(self.crawler, Networks).find(item)
