"""`scrapy crawl SPIDER`: as Scrapy's own, with everything checked first and an exit code that tells how it went."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.crawler import Crawler
from scrapy.settings import BaseSettings, default_settings
from scrapy.utils.misc import load_object

from pytomo_scrapy.commands import EXIT_FAILED, EXIT_INTERRUPTED, DatabaseCommand, refuse
from pytomo_scrapy.items.foreign_text import printable

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.spiderloader import SpiderLoaderProtocol

    from pytomo_scrapy.config import Config

# Versions, components, changed settings, counts of pages, start and end of the engine.
_ABOUT_SCRAPY = (
    "scrapy.addons",
    "scrapy.core.engine",
    "scrapy.crawler",
    "scrapy.extensions.logstats",
    "scrapy.middleware",
    "scrapy.utils.log",
)
# A lock that lasts for longer is spoken of.
_SAID_AFTER_S = 2.0
# What ends a crawl as it was asked to; `closespider_*` are Scrapy's CLOSESPIDER settings.
ORDERLY_ENDS = ("finished", "data_cap", "closespider_timeout", "closespider_itemcount", "closespider_pagecount")


class Command(DatabaseCommand, ScrapyCrawl):
    """Exit codes: 0 finished, 2 usage, 3 failed (no video found, database lost), 130 interrupted."""

    # For people: no name of a logger, and no list of figures at the end. The project's settings and -s win.
    default_settings: ClassVar[dict[str, Any]] = {
        "LOG_FORMAT": "%(asctime)s %(levelname)s: %(message)s",
        "STATS_DUMP": False,
    }

    waits_for_database: ClassVar[bool] = True  # where it is away when the crawl begins

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        spider = self._spider(args, opts)
        if self._is_of_the_project(spider):
            self._talk_as_scrapy()
        else:
            _quieten(self.settings)
        self._check(spider, opts.spargs)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        self._crawl(self._create_crawler(args[0]), opts.spargs)

    def _spider(self, args: list[str], opts: argparse.Namespace) -> str:
        """Return the spider that is meant, once Scrapy has read the options; `opts.spargs` may be completed here."""
        if len(args) != 1:
            refuse("Name one spider: scrapy crawl youtube")
        return args[0]

    def _is_of_the_project(self, spider: str) -> bool:
        """Return whether the spider is one that a project of others brings."""
        found = self._load(spider)
        return found is not None and not getattr(found, "walks", False)

    def _load(self, spider: str) -> type[Spider] | None:
        """Return the spider's class. None where no module has one of that name."""
        assert self.settings is not None
        # Scrapy's own function gives its loader a copy of all settings, which takes longer than to find the spiders.
        loader: SpiderLoaderProtocol = load_object(self.settings["SPIDER_LOADER_CLASS"]).from_settings(self.settings)
        try:
            return loader.load(spider)
        except KeyError:
            return None

    def _talk_as_scrapy(self) -> None:
        """Log what Scrapy logs: whoever wrote the spider knows it so."""
        assert self.settings is not None
        for name in self.default_settings:
            self.settings.set(name, getattr(default_settings, name), "command")

    def _crawl(self, crawler: Crawler, arguments: Mapping[str, Any]) -> None:
        """Run a crawl to its end, and keep how it ended as the exit code."""
        assert self.crawler_process is not None
        # What is loaded by now is no garbage: every collection would look through it, and Scrapy's at the end as well.
        gc.freeze()
        self.crawler_process.crawl(crawler, **arguments)
        self.crawler_process.start()
        self.exitcode = self._exit_code(crawler)

    def _check(self, spider: str, arguments: Mapping[str, Any]) -> None:
        """Refuse what would only fail later: before anything is logged, with one sentence."""
        from pytomo_scrapy.crawl.line_lock import check_line
        from pytomo_scrapy.measure.dns.asn import NetworkFinder

        with self.refusals():
            checked = self.load_config()
            spider_class = self._load(spider)
            if spider_class is None:
                refuse(f"Spider not found: {spider}")
            check = getattr(spider_class, "check_arguments", None)
            if check is not None:
                check(arguments, checked)
            # Only looked at: it is taken by the crawl itself, which knows when its windows begin.
            check_line(checked)
            NetworkFinder(checked.network).close()
        self._wait_for_database(checked)

    def _wait_for_database(self, checked: Config) -> None:
        from pytomo_scrapy.analysis.columnar.hooks import pack_after_migration
        from pytomo_scrapy.crawl.patient_opening import open_patiently

        # Here and not in the crawl, which has a moment's patience only: nothing runs yet, so that Ctrl-C ends the wait.
        patience_s = checked.endurance.database_patience_s if self.waits_for_database else 0.0
        with self.refusals():
            try:
                open_patiently(
                    checked.database_url,
                    patience_s,
                    after_migration=pack_after_migration,
                    say=_say,
                    busy_timeout_s=_SAID_AFTER_S,
                ).close()
            except KeyboardInterrupt:
                sys.exit(EXIT_INTERRUPTED)

    def _exit_code(self, crawler: Crawler) -> int:
        try:
            reason = crawler.stats.get_value("finish_reason")
        except RuntimeError:  # a component failed before the crawl began; Scrapy has logged it
            return EXIT_FAILED
        if reason is None:
            _end_at_once(crawler)
        # As a shell ends what Ctrl-C ended: a script must not take it for a finished crawl.
        if reason == "shutdown":
            return EXIT_INTERRUPTED
        return 0 if reason in ORDERLY_ENDS else EXIT_FAILED


def _say(sentence: str) -> None:
    sys.stderr.write(f"{printable(sentence)}\n")
    sys.stderr.flush()


def _quieten(settings: BaseSettings | None) -> None:
    """Leave out what Scrapy tells of itself, the same at every start and end, unless DEBUG is asked for."""
    if settings is not None and settings.get("LOG_LEVEL") != "DEBUG":
        for name in _ABOUT_SCRAPY:
            # Not by its level: Scrapy sets up logging after this, and the levels of its loggers anew.
            logging.getLogger(name).addFilter(_is_warning)


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def _end_at_once(crawler: Crawler) -> None:
    """End after a second Ctrl-C: threads of a resolution may still wait for the network, and nobody waits for them."""
    from pytomo_scrapy.crawl.context import CrawlContext

    context = crawler.get_extension(CrawlContext)
    if context is not None:
        context.process.abandon()
    sys.stderr.write("Ended at once: what was under way is not stored, and the same command measures it again.\n")
    sys.stderr.flush()
    os._exit(EXIT_INTERRUPTED)
