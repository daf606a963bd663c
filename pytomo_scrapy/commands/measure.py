"""`scrapy measure URL`: one video through every stage, stored as any other, and its report."""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.settings import SETTINGS_PRIORITIES

from pytomo_scrapy.commands import EXIT_FAILED, refuse
from pytomo_scrapy.commands.crawl import Command as CrawlCommand
from pytomo_scrapy.items.foreign_text import printable
from pytomo_scrapy.items.in_words import duration
from pytomo_scrapy.pages import parse_video_url

if TYPE_CHECKING:
    from pytomo_scrapy.items import VideoItem


# Resolution, name look-ups and the analysis on a line that is well.
_AROUND_S = 5.0


class Command(CrawlCommand):
    """A crawl of one listed video. Exit codes: as `scrapy crawl`; a failed session that left its row ends with 0."""

    waits_for_database = False

    def syntax(self) -> str:
        return "[options] <url>"

    def short_desc(self) -> str:
        return "Measure one video and print what was found"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print the full record as one JSON object")
        parser.add_argument(
            "--transport",
            choices=("plain", "sabr", "both"),
            help="fetch by plain URLs, as the service's own players do, or a window of each (PYTOMO_TRANSPORT)",
        )

    def _spider(self, args: list[str], opts: argparse.Namespace) -> str:
        assert self.settings is not None
        if (self.settings.getpriority("LOG_LEVEL") or 0) < SETTINGS_PRIORITIES["cmdline"]:
            self.settings.set("LOG_LEVEL", "WARNING", "cmdline")
        if len(args) != 1:
            refuse("Name one video: pytomo measure https://www.youtube.com/watch?v=ID")
        try:
            parse_video_url(args[0])
        except ValueError as error:
            refuse(error)
        if opts.transport is not None:
            self.settings.set("PYTOMO_TRANSPORT", opts.transport, "cmdline")
        # Whoever waits for one answer is told of a refusal, or of a line that is out, at once.
        self.settings.set("PYTOMO_BACKOFF_RETRY_S", 0, "cmdline")
        self.settings.set("PYTOMO_WAIT_FOR_LINE", False, "cmdline")
        self.settings.set("PYTOMO_AD_HOC", True, "cmdline")
        opts.spargs |= {
            "urls": args[0],
            "related": "0",
            "max_rounds": "1",
            "max_crawled_url": "1",
            # A name of its own each time: the same video measured again is no crawl that goes on.
            "crawl": f"measure-{uuid.uuid4()}",
        }
        return "youtube"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        crawler = self._create_crawler("youtube")
        if not sys.stderr.isatty():
            # On a terminal the live line says it.
            sys.stderr.write(f"Measuring {printable(args[0])}: {duration(self._expected_s())} or a little more.\n")
        stored: list[VideoItem] = []
        crawler.signals.connect(_keep(stored), signal=signals.item_scraped, weak=False)
        self._crawl(crawler, opts.spargs)
        if stored:
            self._show(stored[0].uuid, is_json=opts.json)
        elif self.exitcode == 0:
            refuse("Nothing was stored; the log says why.", EXIT_FAILED)

    def _expected_s(self) -> float:
        settings = self.load_config()
        return settings.download.window_s + settings.ping.packets * settings.ping.interval_s + _AROUND_S

    def _show(self, key: str, *, is_json: bool) -> None:
        from pytomo_scrapy.reporting.terminal import escape, make_console, print_measurement, say
        from pytomo_scrapy.storage.measurements.repository import Repository
        from pytomo_scrapy.storage.shown_url import database_option

        with self.opened_database() as database:
            record = Repository(database).measurement(key)
        assert record is not None
        if is_json:
            print(json.dumps(record, default=str))
        else:
            console = make_console()
            print_measurement(console, record)
            say(console, f"Its picture: pytomo plot {key} -o session.svg{escape(database_option(database.shown_url))}")


def _keep(stored: list[VideoItem]) -> Any:
    def keep(item: VideoItem) -> None:
        stored.append(item)

    return keep
