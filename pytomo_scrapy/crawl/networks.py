"""What a crawl knows of autonomous systems: one finder, shared by the stages that meet addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy import config
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.dns.asn import NetworkFinder

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Networks:
    """Finds the networks of an item's addresses, one item at a time."""

    def __init__(self, finder: NetworkFinder) -> None:
        self._finder = finder

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises SettingError if PYTOMO_AS_FILE is not usable."""
        networks = cls(NetworkFinder(config.load(crawler.settings.get).network))
        crawler.signals.connect(networks.close, signal=signals.spider_closed)
        return networks

    async def find(self, item: VideoItem) -> None:
        """Set the item's networks; the caller holds the gate, since Team Cymru may be asked."""
        if self._finder.is_on:
            await run_in_thread(session.find_networks, item, self._finder)

    def close(self) -> None:
        """Close the file."""
        self._finder.close()
