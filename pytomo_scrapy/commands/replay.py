"""`scrapy replay`: play stored measurements again, with another player or other parameters."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import EXIT_FAILED, DatabaseCommand, refuse
from pytomo_scrapy.commands.report import moment
from pytomo_scrapy.commands.simulate import add_player_options, read_player_options
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.items.near_words import did_you_mean

if TYPE_CHECKING:
    from pytomo_scrapy.analysis.replay_summary import ReplaySummary
    from pytomo_scrapy.storage.database import Database


def _run(text: str) -> int:
    from pytomo_scrapy.storage.row_keys import row_number

    number = row_number(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a run")
    return number


_FILTERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "crawl": ("crawl_name", str),
    "since": ("since", moment),
    "until": ("until", moment),
    "service": ("service", str),
    "provider": ("provider", str),
    "video": ("video_id", str),
    "run": ("run_id", _run),
}


class Command(DatabaseCommand, ScrapyCommand):
    """Exit code 3 where a stored figure does not come out again exactly, or the file of --p1203 cannot be written."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "[--player NAME] [--set PARAM=VALUE] [--where FIELD=VALUE]"

    def short_desc(self) -> str:
        return "Play stored measurements again and say how the answers move"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        add_player_options(parser)
        add_where(parser)
        parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
        parser.add_argument("--dry-run", action="store_true", help="add no result: only say how the answers move")
        parser.add_argument("--explain", action="store_true", help="also judge anew why they were bad")
        parser.add_argument("--p1203", type=Path, metavar="FILE", help="also write ITU-T P.1203 input, a line each")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from pytomo_scrapy.analysis.autopsy.judging import judge_matching
        from pytomo_scrapy.analysis.stored_replay import replay
        from pytomo_scrapy.reporting.cause_text import summary_text
        from pytomo_scrapy.storage.measurements.repository import Repository

        if args:
            refuse(f"{args[0]!r} is not understood: choose measurements by --where FIELD=VALUE")
        # Both may refuse, and do so before a database of months is read.
        player, changes = read_player_options(opts)
        filters = read_filters(opts.where)
        try:
            with (
                self.read_database() if opts.dry_run else self._database() as database,
                opts.p1203.open("w") if opts.p1203 else nullcontext() as export,
            ):
                summary = replay(Repository(database), player, changes, filters, export, is_dry_run=opts.dry_run)
                causes = judge_matching(database, filters, is_kept=not opts.dry_run) if opts.explain else None
        except OSError as error:
            if opts.p1203 is None:
                raise
            refuse(f"{opts.p1203} cannot be written: {error.strerror}.", EXIT_FAILED)
        if opts.json:
            print(json.dumps(summary.to_dict() | ({"causes": causes.to_dict()} if causes else {})))
        else:
            print(_as_text(summary))
            if causes:
                print(summary_text(causes.to_dict()))
        if summary.different:
            self.exitcode = EXIT_FAILED

    @contextmanager
    def _database(self) -> Iterator[Database]:
        """Give the database to add results to; what only compares with stored results goes on where none can be."""
        # Opened to read first: it refuses a database that is not there, and makes none.
        with self.read_database() as reading:
            path = Path(str(reading.engine.url.database))
            # SQLite writes its journal beside the file: the folder counts as well.
            if reading.is_sqlite and not all(os.access(place, os.W_OK) for place in (path, path.parent)):
                yield reading
                return
        with self.opened_database() as database:
            yield database


def add_where(parser: argparse.ArgumentParser) -> None:
    """Add the option that `read_filters` reads."""
    parser.add_argument(
        "--where", action="append", default=[], metavar="FIELD=VALUE", help=f"only these: {', '.join(_FILTERS)}"
    )


def read_filters(words: list[str]) -> dict[str, Any]:
    """Read --where FIELD=VALUE. Ends the command with a sentence for anything else."""
    filters: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in _FILTERS or not value:
            meant = "" if name in _FILTERS else did_you_mean(name, _FILTERS)
            right = f"write FIELD=VALUE with one of {', '.join(_FILTERS)}"
            refuse(f"--where {word}: {meant or right}")
        key, parse = _FILTERS[name]
        try:
            filters[key] = parse(value)
        except argparse.ArgumentTypeError as error:
            refuse(f"--where {word}: {error}")
    return filters


def _as_text(summary: ReplaySummary) -> str:
    """Say in a few lines what was done and how the answers moved."""
    figures = summary.to_dict()
    lines = [f"{summary.measurements} measurements, {summary.without_trace} of them without a stored trace."]
    if summary.added:
        lines.append(f"{summary.added} results added under the name {summary.name!r}.")
    if summary.same or summary.different:
        different = len(summary.different)
        lines.append(f"{summary.same} stored results of that name came out exactly the same, {different} not.")
        # Enough to see the pattern; --json has all.
        lines += [f"  {line}" for line in summary.different[:20]]
    units = (("started", ""), ("startup_median_s", " s"), ("stalls_mean", ""), ("stalled_mean_s", " s"))
    for player, moved in figures["against"].items():
        lines.append(f"Against {player}, {counted(moved['windows'][0], 'window')}:")
        for name, unit in units:
            before, after = moved[name]
            lines.append(f"  {name.removesuffix('_s').replace('_', ' '):16} {before}{unit} -> {after}{unit}")
    return "\n".join(lines)
