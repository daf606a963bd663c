"""`pytomo prune --older-than 90d`: take the traces out of old measurements, or leave daily aggregates of them only."""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import DatabaseCommand, refuse
from pytomo_scrapy.items.in_words import counted

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def age(text: str) -> timedelta:
    """Read an age such as 90d."""
    match = re.fullmatch(r"(\d{1,6})([hdw])", text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not an age such as 12h, 90d or 26w")
    return int(match[1]) * _UNITS[match[2]]


class Command(DatabaseCommand, ScrapyCommand):
    """Exit codes: 0 done, 2 usage, 3 the database cannot be used."""

    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "--older-than AGE [--measurements] [--dry-run]"

    def short_desc(self) -> str:
        return "Delete traces and timelines of old measurements; their figures stay"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--older-than", type=age, metavar="AGE", help="such as 12h, 90d or 26w")
        parser.add_argument(
            "--measurements", action="store_true", help="delete whole measurements and keep aggregates of their days"
        )
        parser.add_argument("--dry-run", action="store_true", help="only count what would go")
        parser.add_argument("--json", action="store_true", help="print the rows of each table as one JSON object")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from pytomo_scrapy.storage.measurements.traces import prune

        if args or opts.older_than is None:
            refuse("Say how old: pytomo prune --older-than 90d")
        with self.opened_database() as database:
            before = datetime.now(UTC) - opts.older_than
            counts = prune(database, before, is_dry_run=opts.dry_run)
            if opts.measurements:
                # Here, as NumPy costs 0.1 s.
                from pytomo_scrapy.analysis.daily.retention import prune_measurements

                whole = prune_measurements(database, before, is_dry_run=opts.dry_run)
                counts = dict(Counter(counts) + Counter(whole))
        if opts.json:
            print(json.dumps({"before": before.isoformat(), "is_dry_run": opts.dry_run, "row_counts": dict(counts)}))
            return
        verb = "would go" if opts.dry_run else "deleted"
        for name, count in sorted(counts.items()):
            print(f"{name}: {counted(count, 'row')} {verb}")
        if not counts:
            print("nothing is that old")
        elif database.is_sqlite and not opts.dry_run:
            print("The file keeps its size and takes new measurements into the room; `VACUUM` would shrink it.")
