"""`scrapy report`: what a database holds."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import EXIT_FAILED, DatabaseCommand, refuse
from pytomo_scrapy.items.near_words import did_you_mean

if TYPE_CHECKING:
    from pytomo_scrapy.analysis.selection import Selection
    from pytomo_scrapy.config import GradeConfig
    from pytomo_scrapy.storage.database import Database


def moment(text: str) -> datetime:
    """Read a day or a time of ISO 8601; UTC where it says no zone."""
    from pytomo_scrapy.config import values

    try:
        return values.moment(text)
    except values.BadValue as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not {error}") from None


class Command(DatabaseCommand, ScrapyCommand):
    """Print videos, failures by class, startup, stalls, throughput, round trips."""

    requires_project = True
    requires_crawler_process = False

    def short_desc(self) -> str:
        return "Print what a database of measurements holds"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
        parser.add_argument("--pdf", metavar="FILE", type=Path, help="write the report with its graphs to FILE")
        parser.add_argument(
            "--method-sheet", metavar="FILE", type=Path, help="write how it was measured, on one page, to the PDF FILE"
        )
        parser.add_argument("--who", metavar="NAME", help="who measured: named in what is to be published")
        parser.add_argument("--crawl", metavar="NAME", help="only this crawl")
        parser.add_argument("--since", metavar="TIME", type=moment, help="only measurements started at TIME or later")
        parser.add_argument("--until", metavar="TIME", type=moment, help="only measurements started before TIME")
        parser.add_argument(
            "--where", metavar="SQL", help='only where the condition holds, such as "received_bytes > 0" (as in export)'
        )
        parser.add_argument(
            "--by", metavar="WHAT", help="compare by provider, vantage, family, resolver, host or another dimension"
        )
        parser.add_argument("--first", metavar="VALUE", help="with --by: the value that the others are compared with")
        parser.add_argument(
            "--eras",
            choices=("last", "all"),
            default="last",
            help="last: nothing is averaged across a change of window, mode or format; all: everything together",
        )
        parser.add_argument("--ad-hoc", action="store_true", help="count single measurements (measure) too")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            refuse(f"{args[0]!r} is not understood: --database FILE names a database")
        _check_together(opts)
        if opts.by is not None:
            self._compare(opts)
            return
        if opts.pdf is not None:
            self._write_pdf(opts)
        if opts.method_sheet is not None:
            self._write_method_sheet(opts)
        if opts.pdf is None and opts.method_sheet is None:
            with self.read_database() as database:
                _print(database, opts, self.load_config().grade)

    def _compare(self, opts: argparse.Namespace) -> None:
        from pytomo_scrapy.analysis.compared import compare
        from pytomo_scrapy.analysis.figures import DIMENSIONS
        from pytomo_scrapy.analysis.report_selection import report_selection
        from pytomo_scrapy.analysis.statement import sentence_of, stated
        from pytomo_scrapy.reporting.comparison_text import comparison_values
        from pytomo_scrapy.reporting.terminal import make_console, print_comparison

        # Not choices of argparse: the names come with NumPy, which a plain report does not need.
        if opts.by not in DIMENSIONS:
            meant = did_you_mean(opts.by, DIMENSIONS, otherwise=f"compare by one of {', '.join(DIMENSIONS)}")
            refuse(f"--by {opts.by}: {meant}")
        with self.read_database() as database:
            wanted = _wanted(database, opts)
            with database.read() as connection:
                chosen = report_selection(connection, wanted)
                found = compare(connection, chosen, opts.by, opts.first)
                said, statement = stated(connection, chosen), sentence_of(connection, chosen)
        if opts.json:
            print(json.dumps({"selection": said, **comparison_values(found)}))
        else:
            print_comparison(make_console(), found, statement)

    def _write_pdf(self, opts: argparse.Namespace) -> None:
        from pytomo_scrapy.reporting.pdf import write_pdf_report

        # As it is open: one of an older schema is read through its copy, and no query ends early as a page's does.
        with self.read_database() as database, _written(opts.pdf):
            grade, wanted = self.load_config().grade, _wanted(database, opts)
            write_pdf_report(database, opts.pdf, wanted, who=opts.who, grade=grade)

    def _write_method_sheet(self, opts: argparse.Namespace) -> None:
        from pytomo_scrapy.analysis.publication.publication import publication_of
        from pytomo_scrapy.analysis.report_selection import report_selection
        from pytomo_scrapy.failures import NotReadyError
        from pytomo_scrapy.reporting.method_sheet import method_sheet

        with self.read_database() as database, _written(opts.method_sheet):
            wanted = _wanted(database, opts)
            with database.read() as connection:
                chosen = report_selection(connection, wanted)
                found = publication_of(connection, chosen, who=opts.who)
            if found is None:
                raise NotReadyError("There is no measurement that says anything about a line: no method to tell.")
            opts.method_sheet.write_bytes(method_sheet(found))


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Name the file that was written, or end the command with why it was not."""
    try:
        yield
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}.", EXIT_FAILED)
    print(path)


def _check_together(opts: argparse.Namespace) -> None:
    """End the command with a sentence where one of its words would have no effect beside another."""
    files = [name for name, path in (("--pdf", opts.pdf), ("--method-sheet", opts.method_sheet)) if path is not None]
    if opts.by is not None and files:
        refuse(f"--by prints a comparison and no file: ask for {' and '.join(files)} without it.")
    if opts.crawl is not None and (opts.by is not None or files):
        beside = " and ".join(files) or "--by"
        refuse(f"--crawl chooses the rows of the printed report alone: {beside} takes --since, --until and --where.")
    if opts.json and files:
        refuse(f"--json prints the figures and writes no file: ask for {' and '.join(files)} without it.")
    if opts.first is not None and opts.by is None:
        refuse("--first names a group of a comparison: it goes with --by.")
    check_period(opts.since, opts.until)


def check_period(since: datetime | None, until: datetime | None) -> None:
    """End the command with a sentence for a period that ends before it begins."""
    if since is not None and until is not None and until < since:
        refuse(
            f"--until {until:%Y-%m-%d %H:%M} is before --since {since:%Y-%m-%d %H:%M}: there is no time between them."
        )


def _wanted(database: Database, opts: argparse.Namespace) -> Selection:
    """Return the selection that was asked for. Raises SettingError for a condition that the database refuses."""
    from pytomo_scrapy.analysis.report_selection import asked_for
    from pytomo_scrapy.exchange.datasets import checked_condition

    asked = asked_for(opts.since, opts.until)
    condition = checked_condition(database, opts.where)
    return replace(asked, is_across_breaks=opts.eras == "all", has_ad_hoc=opts.ad_hoc, condition=condition)


def _print(database: Database, opts: argparse.Namespace, grade: GradeConfig) -> None:
    from pytomo_scrapy.analysis.crawl_report import summarise
    from pytomo_scrapy.exchange.datasets import checked_condition
    from pytomo_scrapy.reporting.terminal import make_console, print_report
    from pytomo_scrapy.storage.frontier.crawl_status import crawl_names

    # A reader of JSON gets its zeros.
    if opts.crawl is not None and not opts.json and opts.crawl not in (names := crawl_names(database)):
        meant = did_you_mean(opts.crawl, names, otherwise="pytomo status --all shows them.")
        refuse(f"There is no crawl named {opts.crawl}: {meant}")
    report = summarise(
        database,
        crawl=opts.crawl,
        since=opts.since,
        until=opts.until,
        eras=opts.eras,
        has_ad_hoc=opts.ad_hoc,
        grade=grade,
        where=checked_condition(database, opts.where),
    )
    if report.publication is not None:
        report = replace(report, publication=replace(report.publication, who=opts.who))
    if opts.json:
        print(json.dumps(report.to_dict()))
    else:
        is_narrowed = any((opts.crawl, opts.since, opts.until, opts.where))
        print_report(make_console(), report, database.shown_url, is_narrowed=is_narrowed)
