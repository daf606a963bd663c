"""`scrapy status`: how far the crawls of a database are."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import EXIT_USAGE, DatabaseCommand, refuse

if TYPE_CHECKING:
    from rich.console import Console

    from pytomo_scrapy.storage.frontier.crawl_status import CrawlStatus


class Command(DatabaseCommand, ScrapyCommand):
    """Print queued, done, rate, time left and who holds leases, one block a crawl."""

    requires_project = True
    requires_crawler_process = False
    database_exit_code = EXIT_USAGE

    def syntax(self) -> str:
        return "[options] [crawl]"

    def short_desc(self) -> str:
        return "Show how far the crawls of a database are"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON list")
        parser.add_argument("--all", action="store_true", help="finished crawls too")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from rich.console import Console

        from pytomo_scrapy.reporting.terminal import escape
        from pytomo_scrapy.storage.frontier.crawl_status import crawl_statuses

        if len(args) > 1:
            refuse("Name one crawl at most: scrapy status NAME")
        with self.read_database() as database:
            statuses = crawl_statuses(database, name=args[0] if args else None, has_finished=opts.all)
        if opts.json:
            print(json.dumps([asdict(one) for one in statuses], default=str))
        else:
            console = Console(soft_wrap=True, highlight=False)
            console.print(f"[bold]{escape(database.shown_url)}[/bold]")
            for one in statuses:
                _show(console, one)
            if not statuses:
                console.print(f"no crawl named {escape(args[0])}" if args else "no unfinished crawl")


def _show(console: Console, status: CrawlStatus) -> None:
    from pytomo_scrapy.reporting.terminal import escape

    counts = status.counts
    own = f", own list of {status.vantage}" if status.vantage else ""
    end = f", finished {status.finished_at:%Y-%m-%d %H:%M} UTC" if status.finished_at else ""
    console.print(f"\n[bold]{escape(status.name)}[/bold] (spider {status.spider}, pass {status.pass_number}{own}{end})")
    console.print(
        f"  {counts.done} done, {counts.queued} queued, {counts.in_flight} in flight, "
        f"{counts.admitted} of at most {counts.max_crawled_url} admitted, {counts.sources_left} sources left"
    )
    if status.rate_per_h is None:
        console.print("  nothing measured within the last hour")
    elif status.left_s is not None:
        console.print(f"  {status.rate_per_h:.0f} videos an hour, {status.left_s / 3600:.1f} h left for what is queued")
    for holder in status.holders:
        console.print(f"  {escape(holder.host)} process {holder.pid} holds {holder.count}")
