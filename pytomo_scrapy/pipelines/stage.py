"""What every stage's pipeline shares: the gate, the settings, and the rule that no failure loses a row."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar, Self

from scrapy.exceptions import DropItem

from pytomo_scrapy import config
from pytomo_scrapy.crawl.gate import Gate, Stopped, gate_of
from pytomo_scrapy.failures import MeasurementError, Stage
from pytomo_scrapy.items import VideoItem

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)


class StagePipeline:
    """One stage of a measurement: `measure` sets its field of the item, and never drops it."""

    stage: ClassVar[Stage]

    def __init__(self, settings: config.Config, gate: Gate, crawler: Crawler) -> None:
        self.config = settings
        self.gate = gate
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(config.load(crawler.settings.get), gate_of(crawler), crawler)

    async def process_item(self, item: VideoItem) -> VideoItem:
        """Measure the stage. Raises DropItem only when a stop gives the item back to the frontier."""
        try:
            await self.measure(item)
        except Stopped:
            raise DropItem(f"{item.video_id} goes back to the frontier: the crawl stops", log_level="DEBUG") from None
        except MeasurementError as error:
            item.fail(self.stage, error.failure, error.detail)
        except Exception as error:
            logger.exception("%s of %s failed in a way not foreseen", self.stage, item.video_id)
            item.fail(self.stage, "unknown_failure", f"{type(error).__name__}: {error}")
        self._count(item)
        return item

    async def measure(self, item: VideoItem) -> None:
        """Set the stage's field of the item."""
        raise NotImplementedError

    def _count(self, item: VideoItem) -> None:
        assert self.crawler.stats is not None
        self.crawler.stats.inc_value(f"pytomo/{self.stage}/count")
        if item.failure is not None and item.failure_stage is self.stage:
            self.crawler.stats.inc_value(f"pytomo/{self.stage}/failure/{item.failure}")
