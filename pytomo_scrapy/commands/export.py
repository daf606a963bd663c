"""`scrapy export`: write measurements out as CSV, JSON lines, Parquet or SQLite."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import DatabaseCommand, refuse
from pytomo_scrapy.commands.report import check_period, moment
from pytomo_scrapy.items.in_words import counted

if TYPE_CHECKING:
    from pytomo_scrapy.exchange.export_run import Written

_SHAPE_HELP = {
    "wide": "one row for each measurement: itself, its video, vantage and run, and its figures (the default)",
    "tables": "every table of results as it is, traces included",
    "legacy": "the 29 columns of Pytomo 3, imported rows too",
}


class Command(DatabaseCommand, ScrapyCommand):
    """Exit codes: 0 done, 2 usage, 3 the database or the folder cannot be used."""

    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "[--format csv|jsonl|parquet|sqlite] [--wide|--tables|--legacy] [DIR|-|--bundle PLACE]"

    def short_desc(self) -> str:
        return "Write measurements out as CSV, JSON lines, Parquet or SQLite, with a README of the columns"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        # Not at the top: it loads every table, for all commands that are only listed.
        from pytomo_scrapy.exchange.datasets import SHAPES
        from pytomo_scrapy.exchange.writers import FORMATS

        super().add_options(parser)
        group = parser.add_argument_group("Export")
        group.add_argument("--format", choices=FORMATS, default="csv", help="default: csv")
        shapes = group.add_mutually_exclusive_group()
        for shape in SHAPES:
            shapes.add_argument(f"--{shape}", dest="shape", action="store_const", const=shape, help=_SHAPE_HELP[shape])
        group.add_argument("--since", metavar="TIME", type=moment, help="only what started at TIME or later")
        group.add_argument("--until", metavar="TIME", type=moment, help="only what started before TIME")
        group.add_argument("--where", metavar="SQL", help='only where the condition holds, such as "failure IS NULL"')
        group.add_argument(
            "--keep-formulas", action="store_true", help="CSV: no quote before texts that a spreadsheet would run"
        )
        group.add_argument(
            "--bundle",
            metavar="DIR|FILE.zip",
            type=Path,
            help="an export with codebook, schemas, figures, method sheet, licence and hashes, for a repository",
        )
        group.add_argument("--license", metavar="SPDX", help="licence of the data, such as CC-BY-4.0")
        group.add_argument("--who", metavar="NAME", help="who measured: named in what is to be published")
        group.add_argument("--json", action="store_true", help="print the files as one JSON list")
        group.add_argument("--output", metavar="DIR", help="new folder for the export; - for standard output")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from pytomo_scrapy.exchange.datasets import ExportSelection
        from pytomo_scrapy.exchange.export_run import ExportChoice, export_as, export_to_stream
        from pytomo_scrapy.exchange.writers import keep_pandas_out

        check_period(opts.since, opts.until)
        places = [*args, *([opts.output] if opts.output else [])]
        if len(places) > 1:
            refuse("Name one folder for the export.")
        # An export never mixes with an earlier one, whose columns may be others.
        place = places[0] if places else f"pytomo-export-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        _check_bundle(opts, places)
        chosen = ExportSelection(opts.since, opts.until, opts.where, opts.keep_formulas)
        with self.read_database() as database:
            choice = ExportChoice(opts.format, opts.shape or "wide", chosen, opts.who, _license_of(opts))
            # Before the first array of Arrow, which would import pandas and NumPy: 70 MB.
            if opts.format == "parquet":
                keep_pandas_out()
            if opts.bundle is not None:
                from pytomo_scrapy.reporting.bundle import write_bundle

                names = write_bundle(database, opts.bundle, choice)
                print(json.dumps(names) if opts.json else f"{opts.bundle}: {', '.join(names)}")
            elif place == "-":
                export_to_stream(database, sys.stdout, opts.format, choice.shape, chosen)
            else:
                _tell(Path(place), export_as(database, Path(place), choice).written, is_json=opts.json)


def _check_bundle(opts: argparse.Namespace, places: list[str]) -> None:
    """End the command with a sentence where --bundle goes with nothing else that was asked for."""
    if opts.bundle is None:
        return
    if places:
        refuse("--bundle names the place itself: leave out the other folder.")
    if opts.shape == "legacy":
        refuse("--bundle holds measurements of this version: --legacy does not go with it.")


def _license_of(opts: argparse.Namespace) -> str | None:
    """Return the licence that the files name. Raises SettingError for one that SPDX does not know."""
    from pytomo_scrapy.exchange.licenses import NO_LICENSE, checked_license

    if opts.license is None:
        return NO_LICENSE if opts.bundle is not None else None
    return checked_license(opts.license)


def _tell(folder: Path, files: Iterable[Written], *, is_json: bool) -> None:
    if is_json:
        told = [{"file": str(folder / one.file_name), "name": one.name, "row_count": one.row_count} for one in files]
        print(json.dumps(told))
        return
    for one in files:
        print(f"{folder / one.file_name}: {one.name}, {counted(one.row_count, 'row')}")
