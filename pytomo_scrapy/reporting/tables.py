"""Layouts of a report: which tables, which columns, each cell as a person reads it.

Terminal and PDF draw them; neither formats a figure of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytomo_scrapy.failures import advice_on, meaning_of
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.reporting.format import (
    NOTHING,
    instant_of,
    megabytes,
    milliseconds,
    number,
    percent,
    readable,
)

if TYPE_CHECKING:
    from pytomo_scrapy.analysis.crawl_report import (
        FailureCount,
        PlayerSummary,
        ReportSummary,
        RoundTripSummary,
        ThroughputSummary,
    )
    from pytomo_scrapy.analysis.daily.daily_report import DailyPlayer, DailySummary
    from pytomo_scrapy.analysis.estimates import Estimate
    from pytomo_scrapy.analysis.line_outages import LineOutage
    from pytomo_scrapy.analysis.publication.words import Section
    from pytomo_scrapy.analysis.quality_shares import QualityShares
    from pytomo_scrapy.analysis.refusals import RefusalAccount, RefusedShare
    from pytomo_scrapy.analysis.transport_pairs import TransportPairs

_VIDEOS_NOTE = (
    "Resolved: the media were found. Started: would have begun to play in the window. Valid: says something about the "
    "line. Excluded: does not, because of the service, the video or this tool."
)
_PLAYBACK_NOTE = (
    "Startup: seconds until a quarter, half and three quarters of all sessions had started. Never: not begun "
    "when the window ended. Stalled: sessions with a stall. Ratio: share of the time after the start spent in stalls."
)
_DELIVERY_NOTE = "A quarter of the windows was slower than the figure at 25 %, half of them than that at 50 %."
_ROUND_TRIP_NOTE = (
    "Median and 95 % of the shortest round trip to each address. icmp: ping; tcp_connect: time to open a connection."
)

# Columns that hold text to read, not figures.
PROSE = frozenset({"meaning", "answer", "group", "definition", "left out", "in ETSI's report", "how"})


@dataclass(frozen=True, slots=True)
class TableLayout:
    """A table as it is shown, and how to read it. No row: there is nothing to show."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def laid_out(title: str, columns: Sequence[str], rows: Iterable[Iterable[object]], note: str = "") -> TableLayout:
    """Lay out rows. A whole number is a count, and what is not known the sign for nothing."""
    return TableLayout(title, tuple(columns), tuple(tuple(map(_cell, row)) for row in rows), note)


def _cell(value: object) -> str:
    # What is no count, as a port is, comes as text.
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value, 0)
    return as_it_is(value)


def as_it_is(value: object) -> str:
    """Return a value as it is stored."""
    return NOTHING if value is None else str(value)


def report_tables(report: ReportSummary) -> list[TableLayout]:
    """Lay out a report: counts, failures, playback, delivery, round trips."""
    counts = ("attempted", "resolved", "started", "valid", "excluded")
    return [
        laid_out("Videos", counts, [[getattr(report, f"{name}_count") for name in counts]], _VIDEOS_NOTE),
        _failures("Bad sessions: the network failed them, they count", report.network_failures),
        _failures("Excluded: they say nothing about the line", report.excluded),
        _players("Playback by player", report.players),
        _delivery(report.throughput_by_mode),
        *([transport_table(report.transports)] if report.transports is not None else []),
        _round_trips("Idle round trips by resolver", "resolver", report.rtt_by_resolver, _ROUND_TRIP_NOTE),
        _round_trips("Idle round trips by host", "host", report.rtt_by_host, ""),
    ]


def transport_table(pairs: TransportPairs) -> TableLayout:
    """Lay out how windows over SABR differ from plain ones of the same resolution."""

    def shown(value: float | None, unit: str) -> str | None:
        if value is None:
            return None
        return f"{value / 1e6:+.2f} Mbit/s" if unit == "bit/s" else f"{value:+.2f} {unit}"

    rows = [
        (
            readable(one.figure.removesuffix("_s").removesuffix("_bps")),
            # A mean has no sign; differences show theirs.
            (shown(one.plain_mean, one.unit) or "").removeprefix("+"),
            shown(one.difference, one.unit),
            f"{shown(one.low, one.unit)} to {shown(one.high, one.unit)}" if one.low is not None else None,
            one.pair_count,
        )
        for one in pairs.differences
    ]
    plain, sabr = counted(pairs.plain_gated_count, "plain window"), number(pairs.sabr_gated_count, 0)
    note = (
        f"{counted(pairs.pair_count, 'pair')} of {counted(pairs.video_count, 'video')} on "
        f"{counted(pairs.day_count, 'day')}. Cut off by the service: {plain}, {sabr} over SABR. These count for "
        "startup alone. Intervals of 95 % need ten videos; below three days they say nothing of other days "
        "(docs/sabr.md)."
    )
    columns = ("figure", "plain, mean", "SABR minus plain", "95 %", "pairs")
    return laid_out("Both transports, pair by pair", columns, rows, note)


def section_table(section: Section) -> TableLayout:
    """Lay out the table of a part of what is to be published, under no title: its sentences stand between."""
    return laid_out("", section.columns, section.rows)


def quality_table(quality: QualityShares) -> TableLayout:
    """Lay out which qualities the line plays, and what they rest on."""
    rows = [
        (f"{one.height_px}p", percent(one.share), f"{percent(one.low)} to {percent(one.high)}", one.known_count)
        for one in quality.shares
        # A height that no session tells of would read as 0 %.
        if one.known_count
    ]
    notes = [f"Grade as in the service's public report: {quality.grade}." if quality.grade else ""]
    if quality.unknown:
        why = ", ".join(f"{name} {number(count, 0)}" for name, count in quality.unknown.items())
        notes.append(f"Best quality not known: {why}.")
    if quality.declared_count:
        notes.append(f"Sizes scaled by what was declared: {counted(quality.declared_count, 'window')}.")
    title = "Quality that plays: starts in time and no stall follows"
    return laid_out(title, ("quality", "plays", "95 %", "sessions"), rows, " ".join(filter(None, notes)))


def outage_table(outages: Sequence[LineOutage]) -> TableLayout:
    """Lay out the outages of the line."""
    rows = [
        (one.vantage, one.started_at, one.ended_at or "", number(one.duration_s, 0), one.session_count)
        for one in outages
    ]
    title = "Outages of the line: what failed meanwhile was measured again"
    return laid_out(title, ("vantage point", "start", "end", "seconds", "sessions"), rows)


def daily_tables(days: DailySummary) -> list[TableLayout]:
    """Lay out the aggregates of days whose measurements were deleted."""
    counts = (days.attempted_count, days.resolved_count, days.headline.started_count, days.valid_count)
    modes = days.delivery_by_mode
    rates = [
        (one.mode, one.window_count, megabytes(one.received_bytes), *_rates(one.delivery_quantiles_bps))
        for one in modes
    ]
    trips = [
        (one.method, one.answered_count, *(milliseconds(one.rtt_min_quantiles_s[name]) for name in ("0.5", "0.95")))
        for one in days.rtt_by_method
    ]
    return [
        laid_out(
            "Videos (daily aggregates)",
            ("attempted", "resolved", "started", "valid", "excluded"),
            [[*counts, days.excluded_count]],
        ),
        _failures("Failures (daily aggregates)", days.failures),
        _players("Playback by player (daily aggregates)", days.players),
        laid_out(
            "Delivery of media in Mbit/s (daily aggregates, first windows)",
            ("mode", "windows", "media", *(_shares(modes[0].delivery_quantiles_bps) if modes else ())),
            rates,
            _DELIVERY_NOTE,
        ),
        laid_out("Idle round trips (daily aggregates)", ("method", "answered", "median", "95 %"), trips),
    ]


def _failures(title: str, failures: Sequence[FailureCount]) -> TableLayout:
    rows = [(row.failure, row.attribution, row.stage or None, row.count, meaning_of(row.failure)) for row in failures]
    return laid_out(title, ("class", "attribution", "stage", "videos", "meaning"), rows)


def _players(title: str, players: Sequence[PlayerSummary | DailyPlayer]) -> TableLayout:
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
    columns = ("player", "sessions", "never", "startup s", "stalled", "stalls", "stalled s", "ratio")
    return laid_out(title, columns, rows, _PLAYBACK_NOTE)


def _delivery(modes: Sequence[ThroughputSummary]) -> TableLayout:
    rows = [
        (
            one.mode,
            one.window_count,
            megabytes(one.received_bytes),
            *_rates(one.delivery_quantiles_bps),
            one.cross_traffic_count,
        )
        for one in modes
    ]
    # All modes have the same quantiles.
    shares = _shares(modes[0].delivery_quantiles_bps) if modes else ()
    note = f"{_DELIVERY_NOTE} Cross: windows in which other traffic of this machine was seen."
    return laid_out("Delivery of media in Mbit/s", ("mode", "windows", "media", *shares, "cross"), rows, note)


def _shares(quantiles: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(f"{float(name) * 100:.0f} %" for name in quantiles)


def _rates(quantiles_bps: Mapping[str, float | None]) -> list[str]:
    return [_plain(None if value is None else value / 1e6) for value in quantiles_bps.values()]


def _plain(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _round_trips(title: str, by: str, groups: Sequence[RoundTripSummary], note: str) -> TableLayout:
    rows = [
        (
            one.name,
            one.method,
            f"{number(one.answered_count, 0)}/{number(one.address_count, 0)}",
            milliseconds(one.rtt_min_quantiles_s.get("0.5")),
            milliseconds(one.rtt_min_quantiles_s.get("0.95")),
            percent(one.loss_ratio),
        )
        for one in groups
    ]
    return laid_out(title, (by, "method", "answered", "median", "95 %", "loss"), rows, note)


def estimate_table(estimates: Sequence[Estimate]) -> TableLayout:
    """Lay out the figures of a selection with their intervals."""
    rows = []
    for one in estimates:
        kind = one.kind
        if kind.is_optional and one.value is None:
            continue
        value = "unknown" if one.value is None else f"{kind.written(one.value)} {kind.unit}"
        # A value without an interval is shown for what it is; leaving the cell empty would read as certain.
        interval = "not enough data"
        if one.low is not None and one.high is not None:
            low, high = (kind.written(bound) for bound in (one.low, one.high))
            interval = f"{low} to {high}{' (these days only)' if one.is_of_these_days else ''}"
        rows.append((kind.title, value, interval, one.row_count, kind.help))
    return laid_out("Figures", ("Figure", "Value", "95 % interval", "n", "Meaning"), rows)


def average_table(averages: Mapping[str, Any]) -> TableLayout:
    """Lay out the averages of Pytomo 3, as `analysis.lists.averages` gives them."""
    hours = None if averages["total_s"] is None else averages["total_s"] / 3600
    ping = None if averages["mean_ping_s"] is None else averages["mean_ping_s"] * 1000
    rows = (
        ("Service", averages["service"] or "unknown"),
        ("Total time", f"{number(hours, 1)} h"),
        ("Start", instant_of(averages["start_s"])),
        ("End", instant_of(averages["end_s"])),
        ("Number of videos", averages["video_count"]),
        ("Mean download time", f"{number(averages['mean_download_s'], 2)} s"),
        ("Mean stalls", number(averages["mean_stall_count"], 3)),
        ("Mean round trip", f"{number(ping, 1)} ms"),
    )
    return laid_out("Averages", ("Average", "Value"), rows, _AVERAGES_NOTE)


_REFUSED_NOTE = (
    "Asked: without what our own side ended; a video counts once, by its last answer. Refused: kept from this guest, "
    "and not from every guest (docs/metrics.md, Refusals)."
)
_AVERAGES_NOTE = "As Pytomo 3 named them: a video counts each time that it was measured."


def refusal_table(account: RefusalAccount) -> TableLayout:
    """Lay out what the service refused: all of it, by class, and by what the videos are like. No row: nothing was."""
    rows, before = [], ""
    for name, value, one in account.parts():
        # The name of a group of rows stands at its first row only.
        shown = name if name != before else ""
        rows.append((shown, readable(value), one.asked_count, one.refused_count, *_share_and_interval(one)))
        before = name
    return laid_out("Refused by the service", ("by", "group", "asked", "refused", "share", "95 %"), rows, _REFUSED_NOTE)


def _share_and_interval(one: RefusedShare) -> tuple[str, str]:
    if one.share is None or one.low is None or one.high is None:
        return NOTHING, NOTHING
    share, low, high = (number(100 * value, 1) for value in (one.share, one.low, one.high))
    return f"{share} %", f"{low} to {high} %"


def failure_table(failures: Iterable[tuple[str, str, int]]) -> TableLayout:
    """Lay out classes of failure: each with what it is charged with, its rows, and what to do."""
    rows = [(readable(name), attribution, count, advice_on(name)) for name, attribution, count in failures]
    return laid_out("Failures", ("Class", "Charged with", "Rows", "What to do"), rows)
