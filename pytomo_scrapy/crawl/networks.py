"""What a crawl knows of autonomous systems: one finder, shared by the stages that meet addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scrapy import signals

from pytomo_scrapy import config
from pytomo_scrapy.measure.dns.asn import NetworkFinder

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Networks:
    """Keeps the crawl's one finder."""

    def __init__(self, finder: NetworkFinder) -> None:
        self.finder = finder

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises SettingError if PYTOMO_AS_FILE is not usable."""
        networks = cls(NetworkFinder(config.load(crawler.settings.get).network))
        crawler.signals.connect(networks.close, signal=signals.spider_closed)
        return networks

    def close(self) -> None:
        """Close the file."""
        self.finder.close()
