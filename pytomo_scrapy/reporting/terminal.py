"""What a person reads on a terminal: one measurement, a whole database."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape as without_markup
from rich.text import Text

from pytomo_scrapy.failures import Attribution, advice_on, meaning_of
from pytomo_scrapy.items import headline_player
from pytomo_scrapy.items.foreign_text import MAX_TITLE_CHARS, printable
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.reporting.cause_tables import cause_table, verdict_table
from pytomo_scrapy.reporting.differential_text import name_test_table
from pytomo_scrapy.reporting.format import NOTHING, megabits, seconds
from pytomo_scrapy.reporting.legacy_layout import legacy_layout
from pytomo_scrapy.reporting.measurement_layout import measurement_tables
from pytomo_scrapy.reporting.table_text import table_lines
from pytomo_scrapy.reporting.tables import (
    TableLayout,
    daily_tables,
    outage_table,
    quality_table,
    refusal_table,
    report_tables,
    section_table,
)

if TYPE_CHECKING:
    from pytomo_scrapy.analysis.compared import Comparison
    from pytomo_scrapy.analysis.crawl_report import ReportSummary
    from pytomo_scrapy.analysis.daily.daily_report import DailySummary
    from pytomo_scrapy.analysis.good_or_not import GoodOrNot
    from pytomo_scrapy.analysis.publication.publication import Publication

_FIRST_CRAWL = "pytomo crawl -u 10"
# Wider than anything that is printed: a file, a pipe or a CI log has no edge.
_NO_EDGE = 1_000_000


class PipedConsole(Console):
    """A console whose reader may have seen enough: `pytomo report | head` ends as any other command in a pipe."""

    def on_broken_pipe(self) -> None:
        # rich would end the process here, with 1.
        raise BrokenPipeError


def make_console() -> Console:
    """Return standard output as rich writes to it: as wide as its terminal or COLUMNS says, else without an edge."""
    # rich would take 80 columns in a pipe, and cut what a program reads.
    has_edge = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal()
    return PipedConsole(highlight=False, width=None if has_edge else _NO_EDGE)


def say(console: Console, text: str) -> None:
    """Print a text of rich's markup, broken between words only: a path or a command stays whole."""
    # rich's own wrapping breaks long words; a path that is broken cannot be copied.
    for line in Text.from_markup(text).split("\n", allow_blank=True):
        offsets, start = [], 0
        for word in re.finditer(r"\S+", line.plain):
            if word.start() > start and cell_len(line.plain[start : word.end()]) > console.width:
                offsets.append(start := word.start())
        for part in line.divide(offsets):
            part.rstrip()
            console.print(part, soft_wrap=True)


def escape(text: str, max_chars: int | None = None) -> str:
    """Return a text from outside as rich prints it and nothing else: no markup, no control of the terminal."""
    return without_markup(printable(text, max_chars))


def print_tables(console: Console, layouts: Iterable[TableLayout]) -> None:
    """Print tables under their titles; one without rows is left out."""
    for layout in layouts:
        if not layout.rows:
            continue
        say(console, f"[bold]{escape(layout.title)}[/bold]")
        if layout.note:
            say(console, f"[dim]{escape(layout.note)}[/dim]")
        _print_rows(console, layout)
        console.print()


def _print_rows(console: Console, layout: TableLayout) -> None:
    cells = tuple(tuple(printable(cell) for cell in row) for row in layout.rows)
    for line in table_lines(TableLayout(layout.title, layout.columns, cells), console.width):
        # The terminal breaks what is longer than a line, so that it is copied whole.
        console.print(without_markup(line), soft_wrap=True)


def print_report(console: Console, report: ReportSummary, database: str, *, is_narrowed: bool = False) -> None:
    """Print what a database holds: counts, failures, playback, throughput, round trips. `is_narrowed`: of some rows."""
    # Days whose measurements were deleted come first and apart: nothing below counts them.
    if report.aggregated is not None:
        _print_days(console, report.aggregated)
        if report.attempted_count == 0:
            return
    if report.attempted_count == 0:
        print_tables(console, [legacy_layout(report.imported)])
        if is_narrowed:
            say(console, f"{escape(database)} holds no measurement of that kind: pytomo report shows what it holds.")
            return
        say(
            console,
            f"{escape(database)} holds no measurement yet. A crawl of ten videos fills it:\n\n    {_FIRST_CRAWL}",
        )
        return
    say(console, f"[bold]{escape(database)}[/bold]\n{_moment(report.first_at)} to {_moment(report.last_at)}\n")
    for note in _notes_of(report):
        say(console, f"[yellow]{escape(note)}[/yellow]")
    _print_good_or_not(console, report.good_or_not)
    print_tables(console, [*report_tables(report), cause_table(report.causes)])
    _print_quality(console, report)
    if report.outages:
        print_tables(console, [outage_table(report.outages)])
    print_tables(console, [name_test_table(report.name_tests)])
    if report.refusals is not None:
        for sentence in report.refusals.sentences:
            say(console, escape(sentence))
        console.print()
        print_tables(console, [refusal_table(report.refusals)])
    print_tables(console, [legacy_layout(report.imported)])
    if report.publication is not None:
        _print_publication(console, report.publication)


def _print_quality(console: Console, report: ReportSummary) -> None:
    """Print which qualities the line plays: all together, by hour and by day."""
    from pytomo_scrapy.reporting.quality_text import course_tables

    if report.quality is not None:
        print_tables(console, [quality_table(report.quality)])
    if report.quality_course is not None:
        print_tables(console, course_tables(report.quality_course))


def _notes_of(report: ReportSummary) -> Iterable[str]:
    """Give what a reader must know of the rows before any figure: what chose them, and what was left out."""
    if (condition := report.selection.get("filters", {}).get("Condition")) is not None:
        yield f"Only rows that meet the condition: {condition}"
    yield from report.selection.get("notes", ())


def _print_publication(console: Console, found: Publication) -> None:
    """Print what is to be published: the block that stands at the end of PDF and export too."""
    from pytomo_scrapy.analysis.publication.words import sections_of

    for section in sections_of(found):
        say(console, f"[bold]{escape(section.title)}[/bold]")
        for sentence in section.sentences:
            say(console, escape(sentence))
        if section.rows:
            console.print()
            _print_rows(console, section_table(section))
        console.print()


def _print_good_or_not(console: Console, found: GoodOrNot | None) -> None:
    """Print the grade, what goes with bad sessions, a typical day, and whose fault failures were."""
    if found is None:
        return
    from pytomo_scrapy.reporting.grade_text import (
        bad_sentences,
        day_table,
        exposure_table,
        fault_table,
        grade_sentence,
    )

    say(console, f"[bold]{escape(grade_sentence(found.grade))}[/bold]")
    for sentence in bad_sentences(found.bad):
        say(console, escape(sentence))
    console.print()
    print_tables(console, [exposure_table(found.bad), day_table(found.bad), fault_table(found.faults)])


def print_comparison(console: Console, found: Comparison, statement: str) -> None:
    """Print groups with their figures, their differences to the first, and what they allow to say.

    `statement` says of which rows.
    """
    # Here, as it takes NumPy, which costs 0.1 s at each start of a command.
    from pytomo_scrapy.reporting.comparison_text import comparison_sentences, comparison_tables

    say(console, f"[dim]{escape(statement)}[/dim]")
    for sentence in (*comparison_sentences(found), *found.notes):
        say(console, escape(sentence))
    console.print()
    print_tables(console, comparison_tables(found))


def _print_days(console: Console, days: DailySummary) -> None:
    """Print the days whose measurements were deleted; nothing of them is in the tables that follow."""
    words = f"{days.first_day} to {days.last_day}, {counted(days.day_count, 'day')} (UTC)"
    say(console, f"[bold]Daily aggregates of deleted measurements[/bold]\n{words}; not counted in what follows\n")
    print_tables(console, daily_tables(days))


def _moment(text: str | None) -> str:
    return NOTHING if text is None else f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"


def print_measurement(console: Console, record: Mapping[str, Any]) -> None:
    """Print one measurement, its verdict first, then stage by stage, as `Repository.measurement` gives it."""
    colour = "red" if record.get("failure") else "green"
    say(console, f"[bold {colour}]{escape(measurement_verdict(record))}[/bold {colour}]")
    video = record["video"]
    title = escape(str(video["title"] or video["video_id"]), MAX_TITLE_CHARS)
    say(console, f"[bold]{title}[/bold]  {escape(str(video['url']))}")
    failure = record.get("failure")
    if failure:
        if record.get("failure_detail"):
            say(console, escape(record["failure_detail"]))
        say(console, f"What to do: {escape(advice_on(failure))}")
    say(
        console,
        f"resolved in {seconds(record.get('resolve_elapsed_s'))}, looked up in {seconds(record.get('dns_elapsed_s'))}, "
        f"join time {seconds(record.get('join_time_s'))}\n",
    )
    print_tables(console, [verdict_table(record.get("autopsies", [])), *measurement_tables(record)])


def measurement_verdict(record: Mapping[str, Any]) -> str:
    """Say in one or two sentences how the video would have played, or why that is not known."""
    failure = record.get("failure")
    played = _played(record)
    if not failure:
        return f"{played[0].upper()}{played[1:]}." if played else "Measured, but no player ran."
    where = f"{failure} ({record['attribution']}, at {record['failure_stage']}): {meaning_of(failure)}."
    # Only what is charged to the network is a bad session; all else says nothing of the line.
    if record["attribution"] == Attribution.NETWORK:
        return f"A bad session: {where}" + (f" Until then: {played}." if played else "")
    return f"Not measured: {where} This says nothing about the line."


def _played(record: Mapping[str, Any]) -> str:
    # The first window stands for the video; a second one is the other transport or address family.
    by_player = {one["player"]: one for one in record.get("playbacks", []) if one["place"] == 0}
    first = headline_player(by_player)
    if first is None:
        return ""
    one = by_player[first]
    if not one["is_started"]:
        return f"no picture within {seconds(one['horizon_s'])} (player {first})"
    stalls = f"{counted(one['stall_count'], 'stall')} of {seconds(one['stalled_s'])} in all"
    parts = [f"first picture after {seconds(one['startup_delay_s'])}", stalls if one["stall_count"] else "no stall"]
    rate = next((window["delivery_bps"] for window in record.get("downloads", []) if window["place"] == 0), None)
    parts += [f"media came at {megabits(rate)}"] if rate is not None else []
    return f"{', '.join(parts)} (player {first})"
