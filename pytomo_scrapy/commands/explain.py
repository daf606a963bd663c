"""`scrapy explain [MEASUREMENT ...]`: why sessions were bad, from what is stored of them."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import DatabaseCommand, refuse

if TYPE_CHECKING:
    from pytomo_scrapy.items import Autopsy
    from pytomo_scrapy.storage.database import Database


class Command(DatabaseCommand, ScrapyCommand):
    """Exit code 2 for a measurement that does not exist."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "[--where FIELD=VALUE] [--dry-run] [--json] [MEASUREMENT ...]"

    def short_desc(self) -> str:
        return "Say why sessions were bad: the cause of each slow start, stall and failed start, with its evidence"

    def long_desc(self) -> str:
        return (
            "With measurements: judges each anew, from what is stored, and prints the verdicts; nothing is stored. "
            "Without: judges every matching one anew, stores the verdicts, and prints how many had which cause."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        from pytomo_scrapy.commands.replay import add_where

        super().add_options(parser)
        add_where(parser)
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--dry-run", action="store_true", help="store no verdict: only say what it would be")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from pytomo_scrapy.commands.replay import read_filters

        if args and opts.where:
            refuse("Name measurements, or choose them by --where FIELD=VALUE: not both")
        if args:
            with self.read_database() as database:
                found = [(key, *_judged(database, key)) for key in args]
            print(json.dumps([_plain(*one) for one in found]) if opts.json else "\n\n".join(map(_as_text, found)))
            return
        from pytomo_scrapy.analysis.autopsy.judging import judge_matching
        from pytomo_scrapy.reporting.cause_text import summary_text

        filters = read_filters(opts.where)
        with self.read_database() if opts.dry_run else self.existing_database() as database:
            summary = judge_matching(database, filters, is_kept=not opts.dry_run)
        print(json.dumps(summary.to_dict()) if opts.json else summary_text(summary.to_dict()))


def _judged(database: Database, key: str) -> tuple[int, tuple[Autopsy, ...] | None]:
    """Return a measurement's number and the verdicts over it. None for them where its trace was thinned out."""
    from pytomo_scrapy.analysis.autopsy.judging import judge
    from pytomo_scrapy.storage.measurements.repository import Repository

    # By number or uuid, as the page and `measure` name it.
    stored = Repository(database).measurement(key)
    if stored is None:
        refuse(f"There is no measurement {key} in {database.shown_url}")
    with database.read() as connection:
        return stored["id"], judge(connection, [stored["id"]]).get(stored["id"])


def _plain(key: str, number: int, verdicts: tuple[Autopsy, ...] | None) -> dict[str, Any]:
    return {"measurement": number, "verdicts": None if verdicts is None else [asdict(one) for one in verdicts]}


def _as_text(found: tuple[str, int, tuple[Autopsy, ...] | None]) -> str:
    """Write the verdicts over one measurement."""
    from pytomo_scrapy.reporting.cause_text import verdict_lines

    _, number, verdicts = found
    if verdicts is None:
        return f"Measurement {number}: its trace was thinned out, so that it cannot be judged anew."
    if not verdicts:
        return f"Measurement {number}: a good session, or none of the line. Nothing to explain."
    return "\n".join([f"Measurement {number}:", *(line for verdict in verdicts for line in verdict_lines(verdict))])
