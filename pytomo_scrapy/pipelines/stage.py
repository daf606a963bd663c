"""What every stage's pipeline shares: its step of the flow, its stats, and the rule that no failure loses a row."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from scrapy.exceptions import DropItem

from pytomo_scrapy.crawl.context import CrawlContext
from pytomo_scrapy.crawl.standing import Standing
from pytomo_scrapy.crawl.study_crawl import ArmSessions
from pytomo_scrapy.failures import MeasurementError, Stage
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure.session import Session
from pytomo_scrapy.measure.tools import Stopped

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector

logger = logging.getLogger(__name__)


async def no_wait(item: VideoItem) -> None:
    """Admit any video at once."""


class StagePipeline:
    """One stage of a measurement: `measure` sets its field of the item, and never drops it."""

    stage: ClassVar[Stage]

    def __init__(
        self,
        session: Session | ArmSessions,
        stats: StatsCollector,
        admit: Callable[[VideoItem], Awaitable[None]] = no_wait,
        standing: Standing | None = None,
    ) -> None:
        self.session = session
        self.stats = stats
        self._admit = admit
        self._standing = standing or Standing()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        context = CrawlContext.of(crawler)
        return cls(context.session, crawler.stats, context.admission.admit, context.standing)

    async def process_item(self, item: Any) -> Any:
        """Measure the stage of a video; other items pass. Raises DropItem only when a stop gives the item back."""
        # Spiders of other projects yield items of their own through these pipelines.
        if not isinstance(item, VideoItem):
            return item
        try:
            # Outside of the standing: a wait for the turn of another spider's video is not this stage's work.
            await self._admit(item)
            with self._standing.at(self.stage, item.video_id):
                await self.measure(item)
        # A stop is no failure: no row is written, and the claim is measured by whoever goes on with the crawl.
        except Stopped:
            what = "is not measured" if item.claim_id is None else "goes back to the frontier"
            raise DropItem(f"{item.video_id} {what}: the crawl stops", log_level="DEBUG") from None
        except MeasurementError as error:
            item.fail(self.stage, error.failure, error.detail)
        # A bug of ours or of a library costs one row, which says so; a crawl of months goes on with the next video.
        except Exception as error:
            logger.exception("%s of %s failed in a way not foreseen", self.stage, item.video_id)
            item.fail(self.stage, "unknown_failure", f"{type(error).__name__}: {error}")
        self._count(item)
        return item

    async def measure(self, item: VideoItem) -> None:
        """Run the stage's step of the flow."""
        await self.session.step(self.stage, item)

    def _count(self, item: VideoItem) -> None:
        self.stats.inc_value(f"pytomo/{self.stage}/count")
        # Later stages pass over an item that has failed, and must not count it again.
        if item.failure is not None and item.failure_stage is self.stage:
            self.stats.inc_value(f"pytomo/{self.stage}/failure/{item.failure}")
