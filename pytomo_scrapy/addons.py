"""One Scrapy add-on that switches the whole set-up on: `ADDONS = {"pytomo_scrapy.addons.PytomoAddon": 100}`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from scrapy.settings import SETTINGS_PRIORITIES, BaseSettings

from pytomo_scrapy import config
from pytomo_scrapy.failures import Stage

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

# A file and a class for each stage, named like it, in the order of the flow. The page is the spider's.
PIPELINES = {
    f"pytomo_scrapy.pipelines.{stage}.{stage.capitalize()}Pipeline": 100 * place
    for place, stage in enumerate(Stage)
    if stage is not Stage.PAGE
}
EXTENSIONS = {
    "pytomo_scrapy.crawl.context.CrawlContext": 1,
}
# Switched off they would still be imported: a tenth of the time that a crawl takes to start, and 8 MB.
OPTIONAL_EXTENSIONS = {
    "TELNETCONSOLE_ENABLED": "scrapy.extensions.telnet.TelnetConsole",
    "REMOTE_CONTROL_ENABLED": "scrapy.extensions.remote_control.RemoteControl",
}
# Cookies bring `requests` and the list of public suffixes along.
OPTIONAL_MIDDLEWARES = {
    "COOKIES_ENABLED": "scrapy.downloadermiddlewares.cookies.CookiesMiddleware",
    "HTTPCACHE_ENABLED": "scrapy.downloadermiddlewares.httpcache.HttpCacheMiddleware",
    "ROBOTSTXT_OBEY": "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware",
}
# Next to the wire: after every middleware that may still answer or delay a request.
MIDDLEWARES = {"pytomo_scrapy.crawl.gate_middleware.GateMiddleware": 999}


class PytomoAddon:
    """Sets components and what they need of Scrapy, all at priority "addon": a project's own settings win.

    How pages are fetched is set for our own spiders alone: a project's others keep what Scrapy gives them.
    """

    def __init__(self, *, walks: bool = True) -> None:
        self._walks = walks

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(walks=getattr(crawler.spidercls, "walks", False))

    def update_settings(self, settings: BaseSettings) -> None:
        """Raises SettingError if a PYTOMO_* setting does not exist or is not usable."""
        config.check_names({*settings, *os.environ})
        for name, value in config.environment().items():
            # Another project's settings file does not read the environment, which comes before it.
            settings.set(name, value, "project")
        for setting in config.SETTINGS:
            settings.set(setting.name, setting.default, "default")
        checked = config.load(settings.get)
        _drop(settings, "EXTENSIONS_BASE", OPTIONAL_EXTENSIONS)
        _drop(settings, "DOWNLOADER_MIDDLEWARES_BASE", OPTIONAL_MIDDLEWARES)
        for name, components in (
            ("ITEM_PIPELINES", PIPELINES),
            ("EXTENSIONS", EXTENSIONS),
            ("DOWNLOADER_MIDDLEWARES", MIDDLEWARES),
        ):
            # At the priority of a project's own dictionary, if it has one: else all of ours would be ignored for it.
            priority = max(SETTINGS_PRIORITIES["addon"], settings.getpriority(name) or 0)
            settings.set(name, {**components, **settings.getdict(name)}, priority)
        if self._walks:
            _set_up_pages(settings, checked)


def _drop(settings: BaseSettings, name: str, optional: Mapping[str, str]) -> None:
    """Leave out what is switched off; None beside it would not do: Scrapy 2.19 imports it to learn its name."""
    dropped = {path for flag, path in optional.items() if not settings.getbool(flag)}
    base = settings.getdict(name)
    settings.set(name, {path: order for path, order in base.items() if path not in dropped}, "addon")


def _set_up_pages(settings: BaseSettings, checked: config.Config) -> None:
    settings.set("DOWNLOAD_TIMEOUT", checked.page_timeout_s, "addon")
    settings.set("DOWNLOAD_MAXSIZE", checked.page_max_bytes, "addon")
    settings.set("DOWNLOAD_WARNSIZE", 0, "addon")
    # One page at a time, and no page while a response and two items wait: else pages pile up before the window.
    settings.set("CONCURRENT_REQUESTS", 1, "addon")
    settings.set("SCRAPER_SLOT_MAX_ACTIVE_SIZE", 1_500_000, "addon")
    # Error pages reach the spider, which gives them their class.
    settings.set("HTTPERROR_ALLOW_ALL", True, "addon")
    # 429 is an order to go away, not a hiccup; the walk handles it.
    settings.set("RETRY_GIVE_UP_LOG_LEVEL", "WARNING", "addon")
    settings.set("RETRY_HTTP_CODES", [500, 502, 503, 504, 522, 524, 408], "addon")
    if checked.path.source_address:
        settings.set("DOWNLOAD_BIND_ADDRESS", checked.path.source_address, "addon")
