"""What a person reads on a terminal: one measurement, a whole database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pytomo_scrapy.analysis.crawl_report import (
    FailureCount,
    PlayerSummary,
    ReportSummary,
    RoundTripSummary,
    ThroughputSummary,
)
from pytomo_scrapy.failures import FAILURES, advice_on
from pytomo_scrapy.reporting.format import NOTHING, megabits, megabytes, milliseconds, percent, seconds
from pytomo_scrapy.reporting.further_tables import further_tables

if TYPE_CHECKING:
    from pytomo_scrapy.analysis.daily.daily_report import DailyPlayer, DailyRate, DailySummary


def _table(console: Console, title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for index, head in enumerate(heads):
        is_prose = head in {"meaning", "answer"}
        justify: Literal["left", "right"] = "left" if index == 0 or is_prose else "right"
        table.add_column(head, justify=justify, overflow="fold", no_wrap=not is_prose)
    for row in rows:
        table.add_row(*(NOTHING if cell is None else escape(str(cell)) for cell in row))
    if table.row_count:
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
    counts = ("attempted", "resolved", "started", "valid", "excluded")
    _table(console, "Videos", counts, [[getattr(report, f"{name}_count") for name in counts]])
    _print_failures(console, "Bad sessions: the network failed them, they count", report.network_failures)
    _print_failures(console, "Excluded: they say nothing about the line", report.excluded)
    _print_players(console, report.players)
    _print_throughput(console, report.throughput_by_mode)
    _print_round_trips(console, "Idle round trips by resolver", report.rtt_by_resolver)
    _print_round_trips(console, "Idle round trips by host", report.rtt_by_host)


def _print_days(console: Console, days: DailySummary) -> None:
    """Print the days whose measurements were deleted; nothing of them is in the tables that follow."""
    words = f"{days.first_day} to {days.last_day}, {days.day_count} day{'s' if days.day_count != 1 else ''} (UTC)"
    console.print(f"[bold]Daily aggregates of deleted measurements[/bold]\n{words}; not counted in what follows\n")
    counts = (days.attempted_count, days.resolved_count, days.headline.started_count, days.valid_count)
    heads = ("attempted", "resolved", "started", "valid", "excluded")
    _table(console, "Videos (daily aggregates)", heads, [[*counts, days.excluded_count]])
    _print_failures(console, "Failures (daily aggregates)", days.failures)
    _print_players(console, days.players, "Playback (daily aggregates; startup by quartile, Kaplan-Meier)")
    modes = days.delivery_by_mode
    rates = [(one.mode, one.window_count, megabytes(one.received_bytes), *_rates(one)) for one in modes]
    shares = [f"{float(name):.0%}" for one in modes[:1] for name in one.delivery_quantiles_bps]
    title = "Delivery of media in Mbit/s, by quantile (daily aggregates, first windows)"
    _table(console, title, ("mode", "windows", "media", *shares), rates)
    trips = [
        (one.method, one.answered_count, *(milliseconds(one.rtt_min_quantiles_s[name]) for name in ("0.5", "0.95")))
        for one in days.rtt_by_method
    ]
    _table(console, "Idle round trips (daily aggregates)", ("method", "answered", "median", "95%"), trips)


def _rates(one: DailyRate) -> list[str]:
    return [_plain(None if value is None else value / 1e6) for value in one.delivery_quantiles_bps.values()]


def _print_failures(console: Console, title: str, failures: Sequence[FailureCount]) -> None:
    rows = [
        (row.failure, row.attribution, row.stage or NOTHING, row.count, FAILURES[row.failure].meaning)
        for row in failures
    ]
    _table(console, title, ("class", "attribution", "stage", "videos", "meaning"), rows)


def _print_players(
    console: Console,
    players: Sequence[PlayerSummary | DailyPlayer],
    title: str = "Playback (startup by quartile, Kaplan-Meier; never: not started)",
) -> None:
    rows = [
        (
            one.player,
            one.session_count,
            one.never_started_count,
            " ".join(_plain(one.startup_delay_quantiles_s.get(name)) for name in ("0.25", "0.5", "0.75")),
            one.stalled_session_count,
            one.stall_count,
            f"{one.stalled_s:.1f}",
            percent(one.stall_ratio),
        )
        for one in players
    ]
    heads = ("player", "sessions", "never", "startup s", "stalled", "stalls", "stalled s", "ratio")
    _table(console, title, heads, rows)


def _print_throughput(console: Console, modes: Sequence[ThroughputSummary]) -> None:
    if not modes:
        return
    rows = [
        [
            one.mode,
            one.window_count,
            megabytes(one.received_bytes),
            *(_plain(None if value is None else value / 1e6) for value in one.delivery_quantiles_bps.values()),
            one.cross_traffic_count,
        ]
        for one in modes
    ]
    heads = ("mode", "windows", "media", *(f"{float(name):.0%}" for name in modes[0].delivery_quantiles_bps), "cross")
    _table(console, "Delivery of media in Mbit/s, by quantile (cross: windows with cross traffic)", heads, rows)


def _plain(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _moment(text: str | None) -> str:
    return NOTHING if text is None else f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"


def _print_round_trips(console: Console, title: str, groups: Sequence[RoundTripSummary]) -> None:
    rows = [
        (
            one.name,
            one.method,
            f"{one.answered_count}/{one.address_count}",
            milliseconds(one.rtt_min_quantiles_s.get("0.5")),
            milliseconds(one.rtt_min_quantiles_s.get("0.95")),
            percent(one.loss_ratio),
        )
        for one in groups
    ]
    _table(console, title, ("name", "method", "answered", "median", "95%", "loss"), rows)


def print_measurement(console: Console, record: Mapping[str, Any]) -> None:
    """Print one measurement, stage by stage, as `Repository.measurement` gives it."""
    video = record["video"]
    console.print(f"[bold]{escape(str(video['title'] or video['video_id']))}[/bold]  {escape(str(video['url']))}")
    failure = record.get("failure")
    if failure:
        detail = f": {record['failure_detail']}" if record.get("failure_detail") else ""
        console.print(
            f"[red]{failure}[/red] ({record['attribution']}, at {record['failure_stage']}): {FAILURES[failure].meaning}"
        )
        console.print(escape(detail.removeprefix(": "))) if detail else None
        console.print(f"What to do: {escape(advice_on(failure))}", soft_wrap=True)
    console.print(
        f"resolved in {seconds(record.get('resolve_elapsed_s'))}, looked up in {seconds(record.get('dns_elapsed_s'))}, "
        f"join time {seconds(record.get('join_time_s'))}\n"
    )
    _print_lookups(console, record)
    _print_pings(console, record)
    for title, heads, found in further_tables(record):
        _table(console, title, heads, [[NOTHING if cell is None else cell for cell in row] for row in found])
    _print_downloads(console, record)
    _print_playbacks(console, record)


def _print_lookups(console: Console, record: Mapping[str, Any]) -> None:
    rows = [
        (
            one["resolver"],
            one["host"],
            one["record_type"],
            milliseconds(one["elapsed_s"]),
            ", ".join(one.get("addresses") or []) or one["failure"] or NOTHING,
        )
        for one in record.get("dns_lookups", [])
    ]
    _table(console, "DNS", ("resolver", "host", "type", "time", "answer"), rows)


def _print_pings(console: Console, record: Mapping[str, Any]) -> None:
    rows = [
        (
            one["address"],
            one["method"] or one["failure"],
            f"{one['received_count']}/{one['sent_count']}",
            *(milliseconds(one[f"rtt_{name}_s"]) for name in ("min", "avg", "max", "stddev")),
        )
        for one in record.get("pings", [])
    ]
    _table(console, "Idle round trips", ("address", "method", "replies", "min", "avg", "max", "stddev"), rows)


def _print_downloads(console: Console, record: Mapping[str, Any]) -> None:
    rows = [
        (
            one["host"],
            one["address"],
            one["mode"],
            megabytes(one["received_bytes"]),
            seconds(one["first_byte_s"]),
            megabits(one["delivery_bps"]),
            megabits(one["bin_min_bps"]),
            megabits(one["bin_max_bps"]),
            one["failure"] or one["ended_by"],
        )
        for one in record.get("downloads", [])
        if one["window_s"] is not None
    ]
    heads = ("host", "address", "mode", "received", "first byte", "delivery", "1 s min", "1 s max", "ended by")
    _table(console, "Window", heads, rows)


def _print_playbacks(console: Console, record: Mapping[str, Any]) -> None:
    rows = [
        (
            one["player"],
            seconds(one["startup_delay_s"]) if one["is_started"] else f"not within {seconds(one['horizon_s'])}",
            one["stall_count"],
            seconds(one["stalled_s"]),
            percent(one["stall_ratio"]),
            seconds(one["played_s"]),
            seconds(one["buffer_end_s"]),
        )
        for one in record.get("playbacks", [])
    ]
    heads = ("player", "startup", "stalls", "stalled", "ratio", "played", "buffer at end")
    _table(console, "Playback", heads, rows)
