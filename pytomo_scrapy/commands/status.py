"""`scrapy status`: how far the crawls of a database are."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import DatabaseCommand, refuse
from pytomo_scrapy.items.in_words import duration
from pytomo_scrapy.items.near_words import did_you_mean

if TYPE_CHECKING:
    from rich.console import Console

    from pytomo_scrapy.storage.frontier.crawl_status import CrawlStatus


_NO_CRAWL = "no unfinished crawl: --all shows finished ones, `pytomo crawl` starts one"


class Command(DatabaseCommand, ScrapyCommand):
    """Print queued, done, rate, time left and who holds leases, one block a crawl."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "[options] [crawl]"

    def short_desc(self) -> str:
        return "Show how far the crawls of a database are"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON list")
        parser.add_argument("--all", action="store_true", help="finished crawls too")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from pytomo_scrapy.reporting.terminal import escape, make_console, say
        from pytomo_scrapy.storage.frontier.crawl_status import crawl_statuses

        if len(args) > 1:
            refuse("Name one crawl at most: pytomo status NAME")
        with self.read_database() as database:
            statuses = crawl_statuses(database, name=args[0] if args else None, has_finished=opts.all)
        if args and not statuses and not opts.json:
            meant = did_you_mean(args[0], self._names(), otherwise="pytomo status --all shows them.")
            refuse(f"There is no crawl named {args[0]}: {meant}")
        # A reader of JSON gets an empty list where a person gets a sentence.
        if opts.json:
            print(json.dumps([asdict(one) for one in statuses], default=str))
        else:
            console = make_console()
            say(console, f"[bold]{escape(database.shown_url)}[/bold]")
            for one in statuses:
                _show(console, one)
            if not statuses:
                say(console, _NO_CRAWL)

    def _names(self) -> list[str]:
        from pytomo_scrapy.storage.frontier.crawl_status import crawl_names

        with self.read_database() as database:
            return crawl_names(database)


def _show(console: Console, status: CrawlStatus) -> None:
    from pytomo_scrapy.reporting.terminal import escape, say

    counts = status.counts
    own = f", own list of {status.vantage}" if status.vantage else ""
    end = f", finished {status.finished_at:%Y-%m-%d %H:%M} UTC" if status.finished_at else ""
    say(console, f"\n[bold]{escape(status.name)}[/bold] (spider {status.spider}, pass {status.pass_number}{own}{end})")
    say(
        console,
        f"  {counts.done} done, {counts.queued} queued, {counts.in_flight} in flight, "
        f"{counts.admitted} of at most {counts.max_crawled_url} admitted, {counts.sources_left} sources left",
    )
    # No time left is told of a crawl that stands still: it would be any number.
    if status.rate_per_h is None and status.last_hour_count:
        say(console, "  only one video measured within the last hour: too few to tell a rate")
    elif status.rate_per_h is None:
        say(console, "  nothing measured within the last hour")
    elif status.left_s:
        left = f"about {duration(status.left_s)} left for what is queued"
        say(console, f"  {status.rate_per_h:.0f} videos an hour, {left}")
    for holder in status.holders:
        say(console, f"  {escape(holder.host)} process {holder.pid} holds {holder.count}")
