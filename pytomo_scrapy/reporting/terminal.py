"""What a person reads on a terminal: one measurement, a whole database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.markup import escape as without_markup
from rich.table import Table

from pytomo_scrapy.failures import advice_on, meaning_of
from pytomo_scrapy.items.foreign_text import MAX_TITLE_CHARS, printable
from pytomo_scrapy.reporting.format import NOTHING, seconds
from pytomo_scrapy.reporting.tables import (
    PROSE,
    TableLayout,
    daily_tables,
    measurement_tables,
    outage_table,
    refusal_table,
    report_tables,
)

if TYPE_CHECKING:
    from pytomo_scrapy.analysis.crawl_report import ReportSummary
    from pytomo_scrapy.analysis.daily.daily_report import DailySummary


def escape(text: str, max_chars: int | None = None) -> str:
    """Return a text from outside as rich prints it and nothing else: no markup, no control of the terminal."""
    return without_markup(printable(text, max_chars))


def _print_tables(console: Console, layouts: Iterable[TableLayout]) -> None:
    for layout in layouts:
        if not layout.rows:
            continue
        table = Table(title=layout.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for index, name in enumerate(layout.columns):
            justify: Literal["left", "right"] = "left" if index == 0 or name in PROSE else "right"
            table.add_column(name, justify=justify, overflow="fold", no_wrap=name not in PROSE)
        for row in layout.rows:
            table.add_row(*(escape(cell) for cell in row))
        console.print(table)
        console.print()


def print_report(console: Console, report: ReportSummary, database: str) -> None:
    """Print what a database holds: counts, failures, playback, throughput, round trips."""
    if report.aggregated is not None:
        _print_days(console, report.aggregated)
        if report.attempted_count == 0:
            return
    if report.attempted_count == 0:
        console.print(f"{database} holds no measurement yet. Start one: scrapy crawl youtube -a max_crawled_url=10")
        return
    console.print(f"[bold]{escape(database)}[/bold]\n{_moment(report.first_at)} to {_moment(report.last_at)}\n")
    _print_tables(console, report_tables(report))
    if report.outages:
        _print_tables(console, [outage_table(report.outages)])
    if report.refusals is not None:
        for sentence in report.refusals.sentences:
            console.print(escape(sentence), highlight=False)
        console.print()
        _print_tables(console, [refusal_table(report.refusals)])


def _print_days(console: Console, days: DailySummary) -> None:
    """Print the days whose measurements were deleted; nothing of them is in the tables that follow."""
    words = f"{days.first_day} to {days.last_day}, {days.day_count} day{'s' if days.day_count != 1 else ''} (UTC)"
    console.print(f"[bold]Daily aggregates of deleted measurements[/bold]\n{words}; not counted in what follows\n")
    _print_tables(console, daily_tables(days))


def _moment(text: str | None) -> str:
    return NOTHING if text is None else f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"


def print_measurement(console: Console, record: Mapping[str, Any]) -> None:
    """Print one measurement, stage by stage, as `Repository.measurement` gives it."""
    video = record["video"]
    title = escape(str(video["title"] or video["video_id"]), MAX_TITLE_CHARS)
    console.print(f"[bold]{title}[/bold]  {escape(str(video['url']))}")
    failure = record.get("failure")
    if failure:
        console.print(
            f"[red]{failure}[/red] ({record['attribution']}, at {record['failure_stage']}): {meaning_of(failure)}"
        )
        if record.get("failure_detail"):
            console.print(escape(record["failure_detail"]))
        console.print(f"What to do: {escape(advice_on(failure))}", soft_wrap=True)
    console.print(
        f"resolved in {seconds(record.get('resolve_elapsed_s'))}, looked up in {seconds(record.get('dns_elapsed_s'))}, "
        f"join time {seconds(record.get('join_time_s'))}\n"
    )
    _print_tables(console, measurement_tables(record))
