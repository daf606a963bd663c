"""`scrapy crawl SPIDER`: as Scrapy's own, with settings checked first and an exit code that tells how it went."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.crawler import Crawler
from scrapy.exceptions import UsageError

from pytomo_scrapy import config
from pytomo_scrapy.failures import SettingError, StorageError
from pytomo_scrapy.storage.database import open_database

EXIT_CODES = {"finished": 0, "shutdown": 130}
EXIT_FAILED = 3
EXIT_INTERRUPTED = 130


class Command(ScrapyCrawl):
    """Exit codes: 0 finished, 2 usage, 3 failed (no video found, database lost), 130 interrupted."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        assert self.settings is not None
        try:
            checked = config.load(self.settings.get)
        except SettingError as error:
            raise UsageError(str(error), print_help=False) from None
        self._database_url = checked.database_url

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        crawler = self._checked_crawler(args, opts.spargs)
        assert self.crawler_process is not None
        self.crawler_process.crawl(crawler, **opts.spargs)
        self.crawler_process.start()
        self.exitcode = self._exit_code(crawler)

    def _checked_crawler(self, args: list[str], arguments: dict[str, Any]) -> Crawler:
        if len(args) != 1:
            raise UsageError("Name one spider: scrapy crawl youtube", print_help=False)
        try:
            crawler = self._create_crawler(args[0])
            check = getattr(crawler.spidercls, "check_arguments", None)
            if check is not None:
                check(arguments)
            open_database(self._database_url).close()
        except KeyError as error:
            raise UsageError(str(error.args[0]), print_help=False) from None
        except SettingError as error:
            raise UsageError(str(error), print_help=False) from None
        except StorageError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(EXIT_FAILED)
        return crawler

    def _exit_code(self, crawler: Crawler) -> int:
        try:
            reason = crawler.stats.get_value("finish_reason")
        except RuntimeError:  # a component failed before the crawl began; Scrapy has logged it
            return EXIT_FAILED
        if reason is None:
            # Stopped at once by a second Ctrl-C: threads of a resolution may still wait for the network.
            sys.stderr.flush()
            os._exit(EXIT_INTERRUPTED)
        return EXIT_CODES.get(str(reason), EXIT_FAILED)
