"""Stage 5: media time of what arrived, and the simulated playback."""

from __future__ import annotations

from pytomo_scrapy.crawl.gate import Activity
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure import session
from pytomo_scrapy.pipelines.download import DownloadPipeline


class PlaybackPipeline(DownloadPipeline):
    """Analyses in the measuring process, never during a window."""

    stage = Stage.PLAYBACK

    async def measure(self, item: VideoItem) -> None:
        for download in item.downloads:
            async with self.gate.hold(Activity.ANALYSIS):
                timelines, playbacks = await self.process.analyse(
                    download, session.declared(item), self.config.playback
                )
            session.add_playbacks(item, timelines, playbacks)
        session.finish(item)
