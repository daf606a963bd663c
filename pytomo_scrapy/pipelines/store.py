"""Stage 6: every row, in one transaction with the frontier's "done"."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from scrapy.exceptions import DropItem

from pytomo_scrapy.crawl.context import CrawlContext
from pytomo_scrapy.crawl.crawl_storage import CrawlStorage
from pytomo_scrapy.crawl.gate import Gate
from pytomo_scrapy.crawl.lab_life import LabLife
from pytomo_scrapy.crawl.outages import Outages
from pytomo_scrapy.crawl.stored_signal import measurement_stored
from pytomo_scrapy.failures import Stage, StorageError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure.outcome import sentence

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector

logger = logging.getLogger(__name__)


class StorePipeline:
    """Saves the item; a database that cannot take it stops the crawl, and the claim goes back to the frontier."""

    stage = Stage.STORE

    def __init__(
        self,
        storage: CrawlStorage,
        gate: Gate,
        stats: StatsCollector,
        lab: LabLife | None = None,
        outages: Outages | None = None,
        announce: Callable[[VideoItem], object] = lambda item: None,
    ) -> None:
        self.storage = storage
        self.gate = gate
        self.stats = stats
        self.lab = lab or LabLife()
        self.outages = outages
        self._announce = announce

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        context = CrawlContext.of(crawler)

        def announce(item: VideoItem) -> None:
            crawler.signals.send_catch_log(measurement_stored, item=item)

        return cls(context.storage, context.gate, crawler.stats, context.lab, context.outages, announce)

    async def process_item(self, item: Any) -> Any:
        """Save a video; other items pass.

        Raises DropItem if the database cannot take it, or the lab that it measured is no more.
        """
        if not isinstance(item, VideoItem):
            return item
        # What was measured while the lab's servers went away would say that the service failed.
        if self.lab.is_over:
            self.gate.stop()
            raise DropItem(f"{item.video_id} goes back to the frontier: its lab has ended", log_level="DEBUG")
        # Before it is stored, as its row says whether it fell into an outage and is measured again.
        if self.outages is not None:
            await self.outages.outlast(item)
        try:
            await self.storage.opened.store(item)
        except StorageError as error:
            self.storage.fail(str(error))
            self.gate.stop()
            raise DropItem(f"{item.video_id} is not stored", log_level="DEBUG") from None
        self.stats.inc_value("pytomo/store/count")
        logger.info("%s %s: %s", item.service, item.video_id, sentence(item))
        # After the commit: what listens (politeness, data cap, alerts) may rely on the row being there.
        self._announce(item)
        return self.storage.published(item)
