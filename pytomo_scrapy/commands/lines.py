"""`scrapy lines`: every measured line, how it fares, and alerts about those in trouble."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import EXIT_FAILED, DatabaseCommand, refuse
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.items.foreign_text import printable

if TYPE_CHECKING:
    from pytomo_scrapy.analysis.line_health import Line
    from pytomo_scrapy.config import AlertConfig

_DAY_S = 86_400.0


class Command(DatabaseCommand, ScrapyCommand):
    """Print every line: last seen, version, rows and data of today, shares of its newest sessions."""

    requires_project = True
    requires_crawler_process = False

    def short_desc(self) -> str:
        return "Show every measured line, and send alerts about those in trouble"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON list")
        parser.add_argument("--alert", action="store_true", help="send what is beyond a threshold, and what is over")
        parser.add_argument("--every", metavar="S", type=float, help="with --alert: look every S seconds, for ever")
        parser.add_argument(
            "--state",
            metavar="FILE",
            type=Path,
            default=Path("databases/alerts.json"),
            help="with --alert: file of the alerts that were sent (default: %(default)s)",
        )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            refuse(f"{args[0]!r} is not understood: --database FILE names a database")
        if opts.every is not None and not (opts.alert and 0 < opts.every <= _DAY_S):
            refuse("--every needs --alert and a number of seconds above 0, a day (86400) at most.")
        with self.refusals():
            alerts = self.load_config().alerts
        for lines in self._looks(opts.every):
            if opts.alert:
                _alert(lines, alerts, opts.state)
            elif opts.json:
                print(json.dumps([line.to_dict() for line in lines]))
            else:
                _show(lines)

    def _looks(self, every_s: float | None) -> Iterator[list[Line]]:
        """Yield what each look finds. Refuses a database that cannot be read at the first one."""
        with self.refusals():
            found = self._lines()
        yield found
        while every_s is not None:
            time.sleep(every_s)
            # Who watches lines that die may not die of a server that restarts.
            try:
                found = self._lines()
            except StorageError as error:
                sys.stderr.write(f"{printable(str(error))} The next look is in {every_s:g} s.\n")
                continue
            yield found

    def _lines(self) -> list[Line]:
        from pytomo_scrapy.analysis.line_health import lines_of
        from pytomo_scrapy.storage.reading import open_for_reading

        # Opened anew each time: between two looks it may have been brought up to date, or replaced.
        with closing(open_for_reading(self.load_config().database_url)) as database, database.read() as connection:
            return lines_of(connection, datetime.now(UTC))


def _show(lines: list[Line]) -> None:
    from pytomo_scrapy.reporting.lines_table import lines_table
    from pytomo_scrapy.reporting.terminal import make_console, print_tables, say

    console = make_console()
    if not lines:
        say(console, "No line has measured into this database yet: `pytomo crawl` starts one.")
    print_tables(console, [lines_table(lines)] if lines else [])


def _alert(lines: list[Line], config: AlertConfig, state: Path) -> None:
    from pytomo_scrapy.analysis.line_alerts import alerts_of_lines, changes
    from pytomo_scrapy.crawl.notices import has_ways, send_notice

    if not has_ways(config):
        refuse("An alert has nowhere to go: set PYTOMO_ALERT_WEBHOOK or PYTOMO_ALERT_MAIL_TO.")
    standing = alerts_of_lines(lines, config)
    before = _read(state)
    new, over = changes(before, standing)
    at = datetime.now(UTC).isoformat()
    unsent = set()
    for alert in new:
        print(alert.sentence)
        about: dict[str, Any] = {"event": "failing", **alert.to_dict(), "at": at}
        if not send_notice(config, alert.sentence, about):
            unsent.add(alert.key)
    for key in over:
        vantage, provider, what = key.split("\t")
        sentence = f"{vantage}: {what} is over"
        print(sentence)
        about = {"event": "recovered", "vantage": vantage, "provider": provider, "what": what, "at": at}
        if not send_notice(config, sentence, about | {"sentence": sentence}):
            unsent.add(key)
    # What could not be sent is new, or over, at the next look too.
    kept = ({alert.key for alert in standing} - unsent) | (set(over) & unsent)
    _write(state, sorted(kept))


def _read(state: Path) -> list[str]:
    try:
        found = json.loads(state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        refuse(
            f"{state} cannot be read as the file of sent alerts: move it away, or name another by --state.", EXIT_FAILED
        )
    if not isinstance(found, list) or not all(isinstance(key, str) and key.count("\t") == 2 for key in found):
        refuse(f"{state} is not a file of sent alerts: move it away, or name another by --state.", EXIT_FAILED)
    return found


def _write(state: Path, keys: list[str]) -> None:
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        # Written beside it and renamed: half a file would be refused at each later look.
        part = state.with_name(f"{state.name}.part")
        part.write_text(json.dumps(keys), encoding="utf-8")
        part.replace(state)
    except OSError as error:
        refuse(f"{state} cannot be written: {error.strerror}.", EXIT_FAILED)
