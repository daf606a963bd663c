"""`pytomo prune`: take traces out of old measurements, leave only daily aggregates of them, or delete a bad run."""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import DatabaseCommand, refuse
from pytomo_scrapy.items.in_words import counted

_OLDEST = timedelta(days=100 * 366)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def age(text: str) -> timedelta:
    """Read an age such as 90d."""
    match = re.fullmatch(r"(\d{1,6})([hdw])", text.strip())
    found = int(match[1]) * _UNITS[match[2]] if match is not None else None
    if found is None or found > _OLDEST:  # beyond, there is soon no year to count from
        raise argparse.ArgumentTypeError(f"{text!r} is not an age such as 12h, 90d or 26w, of 100 years at most")
    return found


class Command(DatabaseCommand, ScrapyCommand):
    """Exit codes: 0 done, 2 usage, 3 the database cannot be used."""

    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "--older-than AGE [--measurements] [--dry-run] | --run RUN [--dry-run]"

    def short_desc(self) -> str:
        return "Delete traces and timelines of old measurements (their figures stay), or a run that went wrong"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--older-than", type=age, metavar="AGE", help="such as 12h, 90d or 26w")
        parser.add_argument(
            "--measurements", action="store_true", help="delete whole measurements and keep aggregates of their days"
        )
        parser.add_argument("--run", metavar="RUN", help="delete this run with its measurements, by number or uuid")
        parser.add_argument("--dry-run", action="store_true", help="only count what would go")
        parser.add_argument("--json", action="store_true", help="print the rows of each table as one JSON object")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from pytomo_scrapy.storage.measurements.traces import prune

        if args or (opts.older_than is None) == (opts.run is None):
            refuse("Say how old, or which run: pytomo prune --older-than 90d, or pytomo prune --run 12")
        if opts.run is not None:
            self._delete_run(opts)
            return
        with self.existing_database() as database:
            before = datetime.now(UTC) - opts.older_than
            # Traces first, in small transactions of their own: a crawl may be storing meanwhile.
            counts = prune(database, before, is_dry_run=opts.dry_run)
            if opts.measurements:
                # Here, as NumPy costs 0.1 s.
                from pytomo_scrapy.analysis.daily.retention import prune_measurements

                whole = prune_measurements(database, before, is_dry_run=opts.dry_run)
                counts = dict(Counter(counts) + Counter(whole))
        if opts.json:
            print(json.dumps({"before": before.isoformat(), "is_dry_run": opts.dry_run, "row_counts": dict(counts)}))
            return
        if not counts:
            print("nothing is that old")
        _print_counts(counts, is_dry_run=opts.dry_run, is_sqlite=database.is_sqlite)

    def _delete_run(self, opts: argparse.Namespace) -> None:
        from pytomo_scrapy.analysis.daily.run_deletion import delete_run

        with self.existing_database() as database:
            counts = dict(delete_run(database, opts.run, is_dry_run=opts.dry_run))
        if opts.json:
            print(json.dumps({"run": opts.run, "is_dry_run": opts.dry_run, "row_counts": counts}))
            return
        # No table: the number of the newest row must not be given to another measurement (docs/long-crawls.md).
        is_set_aside = counts.pop("set aside", 0)
        is_measuring = counts.pop("still measuring", 0)
        _print_counts(counts, is_dry_run=opts.dry_run, is_sqlite=database.is_sqlite)
        if is_set_aside:
            print("The newest measurement of all keeps its number: it is set aside, and nothing counts it.")
        if is_measuring:
            print(
                "The run itself stays: it has no end, and its process may still measure. Stop it, and prune it again."
            )


def _print_counts(counts: Mapping[str, int], *, is_dry_run: bool, is_sqlite: bool) -> None:
    verb = "would go" if is_dry_run else "deleted"
    for name, count in sorted(counts.items()):
        print(f"{name}: {counted(count, 'row')} {verb}")
    if counts and is_sqlite and not is_dry_run:
        print("The file keeps its size and takes new measurements into the room; `VACUUM` would shrink it.")
