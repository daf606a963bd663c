"""What a database holds, in the figures that docs/metrics.md defines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ColumnElement, Connection, Executable, Row, and_, case, func, or_, select

from pytomo_scrapy.analysis.failure_count import FailureCount as FailureCount
from pytomo_scrapy.analysis.failure_count import failure_counts
from pytomo_scrapy.analysis.legacy_rows import LegacyTable, legacy_tables
from pytomo_scrapy.analysis.line_outages import LineOutage, outages_where
from pytomo_scrapy.analysis.quality_shares import QualityShares, quality_shares
from pytomo_scrapy.analysis.survival import Delay, incidence_curve, incidence_quantile, quantile
from pytomo_scrapy.config import BY_NAME, GradeConfig
from pytomo_scrapy.failures import Attribution, is_for_good
from pytomo_scrapy.items import headline_player
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.measurements.read import matching
from pytomo_scrapy.storage.schema.crawl_tables import measurement, run
from pytomo_scrapy.storage.schema.daily_tables import daily
from pytomo_scrapy.storage.schema.measurement_tables import dns_address, dns_lookup, download, ping, playback

if TYPE_CHECKING:
    from pytomo_scrapy.analysis.cause_counts import CauseCount
    from pytomo_scrapy.analysis.daily.daily_report import DailySummary
    from pytomo_scrapy.analysis.differentiation.name_tests import NameTest
    from pytomo_scrapy.analysis.good_or_not import GoodOrNot
    from pytomo_scrapy.analysis.publication.publication import Publication
    from pytomo_scrapy.analysis.quality_course import QualityCourse
    from pytomo_scrapy.analysis.refusals import RefusalAccount
    from pytomo_scrapy.analysis.selection import Condition
    from pytomo_scrapy.analysis.transport_pairs import TransportPairs

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
HEADLINE = "headline"
DEFAULT_GRADE = GradeConfig()


@dataclass(frozen=True, slots=True)
class PlayerSummary:
    """One player over the valid sessions. Startup quantiles count sessions that never started; there is no mean."""

    player: str
    session_count: int
    started_count: int
    never_started_count: int
    startup_delay_quantiles_s: Mapping[str, float | None]
    stalled_session_count: int
    stall_count: int
    stall_1s_count: int
    stalls_per_minute: float | None
    stall_ratio: float | None  # stalled over (played + stalled), of all sessions together
    stalled_s: float
    played_s: float
    unidentifiable_count: int


@dataclass(frozen=True, slots=True)
class ThroughputSummary:
    """Delivery over the windows that received anything."""

    window_count: int
    received_bytes: int
    delivery_quantiles_bps: Mapping[str, float | None]
    cross_traffic_count: int
    mode: str | None = None  # None: all modes together


@dataclass(frozen=True, slots=True)
class RoundTripSummary:
    """Round trips to the addresses that one resolver gave, or of one host. `rtt_*`: quantiles of their minima."""

    name: str
    method: str
    address_count: int
    answered_count: int
    rtt_min_quantiles_s: Mapping[str, float | None]
    loss_ratio: float | None


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """Everything `scrapy report` prints."""

    attempted_count: int = 0
    resolved_count: int = 0
    started_count: int = 0
    valid_count: int = 0
    excluded_count: int = 0
    first_at: str | None = None
    last_at: str | None = None
    excluded: Sequence[FailureCount] = field(default_factory=list)
    network_failures: Sequence[FailureCount] = field(default_factory=list)
    headline: PlayerSummary | None = None
    players: Sequence[PlayerSummary] = field(default_factory=list)
    throughput: ThroughputSummary | None = None
    throughput_by_mode: Sequence[ThroughputSummary] = field(default_factory=list)
    rtt_by_resolver: Sequence[RoundTripSummary] = field(default_factory=list)
    rtt_by_host: Sequence[RoundTripSummary] = field(default_factory=list)
    refusals: RefusalAccount | None = None
    outages: Sequence[LineOutage] = field(default_factory=list)
    selection: Mapping[str, Any] = field(default_factory=dict)  # as every answer states it
    good_or_not: GoodOrNot | None = None  # None: a database without measurements
    quality: QualityShares | None = None  # which qualities the line plays
    quality_course: QualityCourse | None = None  # the same by hour and by day of the week; None for one crawl alone
    transports: TransportPairs | None = None  # SABR beside plain URLs
    causes: Sequence[CauseCount] = field(default_factory=list)  # of the bad sessions
    name_tests: Sequence[NameTest] = field(default_factory=list)  # differential tests; none of one crawl alone
    imported: Sequence[LegacyTable] = field(default_factory=list)  # rows of Pytomo 3, counted in no other figure
    aggregated: DailySummary | None = None  # older measurements, of which only daily aggregates are left
    publication: Publication | None = None  # None: one crawl alone was asked for, or nothing valid was measured

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        judged = None if self.good_or_not is None else self.good_or_not.to_dict()
        publication = None if self.publication is None else self.publication.to_dict()
        plain = asdict(replace(self, good_or_not=None, publication=None))
        return {**plain, "good_or_not": judged, "publication": publication}


def summarise(
    database: Database,
    *,
    crawl: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    service: str | None = None,
    provider: str | None = None,
    eras: str = "last",
    has_ad_hoc: bool = False,
    grade: GradeConfig = DEFAULT_GRADE,
    where: Condition | None = None,
) -> ReportSummary:
    """Summarise the measurements asked for. Raises StorageError.

    Of one era, and without single measurements, unless `eras` is all or a crawl is named. Refusals, outages of the line
    and differential tests are of the whole period, whatever rows `where` chooses.
    """
    # Imported late, as below: NumPy costs 0.1 s, and commands that do not report import this module too.
    from pytomo_scrapy.analysis.cause_counts import cause_counts
    from pytomo_scrapy.analysis.differentiation.name_tests import name_tests_in
    from pytomo_scrapy.analysis.good_or_not import good_or_not
    from pytomo_scrapy.analysis.publication.publication import publication_of
    from pytomo_scrapy.analysis.quality_course import quality_course
    from pytomo_scrapy.analysis.refusals import refusals, refusals_where
    from pytomo_scrapy.analysis.report_selection import asked_for, of_crawl, report_selection
    from pytomo_scrapy.analysis.statement import stated
    from pytomo_scrapy.analysis.transport_pairs import transport_pairs

    wanted = {"crawl_name": crawl, "since": since, "until": until, "service": service, "provider": provider}
    condition = matching(**wanted)  # type: ignore[arg-type]
    with database.read() as connection:
        equals = {name: value for name, value in (("service", service), ("provider", provider)) if value is not None}
        asked = replace(asked_for(since, until), equals=equals, condition=where)
        is_whole = crawl is None and where is None
        is_all, is_ad_hoc = eras == "all" or crawl is not None, has_ad_hoc or crawl is not None
        chosen = report_selection(connection, replace(asked, is_across_breaks=is_all, has_ad_hoc=is_ad_hoc))
        if chosen.era.left_out_runs:
            condition &= measurement.c.run_id.not_in(sorted(chosen.era.left_out_runs))
        of_these = of_crawl(connection, chosen, crawl)
        refused = refusals_where(connection, condition) if where is None else refusals(connection, of_these)
        if where is not None:
            condition &= measurement.c.id.in_(where.measurement_ids)
        counted = _counted(connection, condition)
        return ReportSummary(
            **counted,
            refusals=refused,
            good_or_not=good_or_not(connection, of_these, grade) if counted["attempted_count"] else None,
            quality=quality_shares(connection, condition),
            quality_course=quality_course(connection, chosen) if crawl is None else None,
            transports=transport_pairs(connection, condition),
            causes=cause_counts(connection, condition),
            name_tests=name_tests_in(connection, asked) if crawl is None else (),
            outages=outages_where(connection, matching(**wanted, has_superseded=True)),  # type: ignore[arg-type]
            selection=stated(connection, chosen),
            imported=legacy_tables(connection) if is_whole else (),
            # Selections do not know their crawl, aggregates no row: what cannot be cut to the choice is left out.
            publication=publication_of(connection, chosen) if crawl is None else None,
            aggregated=_aggregated(connection, since, until, service, provider) if is_whole else None,
        )


def _counted(connection: Connection, condition: ColumnElement[bool]) -> dict[str, Any]:
    """Return what is counted of the rows alone, by the fields of the summary."""
    failures = failure_counts(connection, condition)
    excluded = [row for row in failures if row.attribution != Attribution.NETWORK]
    attempted, resolved, first_at, last_at = connection.execute(_totals(condition)).one()
    players = _players(connection, condition)
    headline = players.pop(HEADLINE, None)
    excluded_count = sum(row.count for row in excluded)
    throughput = _throughput(connection, condition)
    return {
        "attempted_count": attempted,
        "resolved_count": resolved,
        "started_count": headline.started_count if headline else 0,
        "valid_count": attempted - excluded_count,
        "excluded_count": excluded_count,
        "first_at": first_at.isoformat() if first_at else None,
        "last_at": last_at.isoformat() if last_at else None,
        "excluded": excluded,
        "network_failures": [row for row in failures if row.attribution == Attribution.NETWORK],
        "headline": headline,
        "players": [players[name] for name in sorted(players)],
        "throughput": throughput[None],
        "throughput_by_mode": [throughput[mode] for mode in sorted(filter(None, throughput))],
        "rtt_by_resolver": _round_trips(connection, condition, dns_lookup.c.resolver),
        "rtt_by_host": _round_trips(connection, condition, dns_lookup.c.host),
    }


def _aggregated(
    connection: Connection, since: datetime | None, until: datetime | None, service: str | None, provider: str | None
) -> DailySummary | None:
    if connection.execute(select(daily.c.id).limit(1)).first() is None:
        return None
    # Imported late: NumPy costs 0.1 s, and most databases have no aggregates.
    from pytomo_scrapy.analysis.daily.daily_report import summarise_days

    return summarise_days(connection, QUANTILES, since=since, until=until, service=service, provider=provider)


def _totals(condition: ColumnElement[bool]) -> Executable:
    is_resolved = and_(measurement.c.resolve_failure.is_(None), measurement.c.resolve_attempt_count > 0)
    first, last = func.min(measurement.c.started_at), func.max(measurement.c.started_at)
    return select(func.count(), func.count(case((is_resolved, 1))), first, last).where(condition)


@dataclass(slots=True)
class _Tally:
    """Running sums of one player's sessions."""

    delays: list[Delay] = field(default_factory=list)
    stalled_session_count: int = 0
    stall_count: int = 0
    stall_1s_count: int = 0
    stalled_s: float = 0.0
    played_s: float = 0.0
    unidentifiable_count: int = 0

    def add(self, row: Row[Any], window_s: float) -> None:
        self.delays.append(_delay(row, window_s))
        self.stalled_session_count += bool(row.stall_count)
        self.stall_count += row.stall_count or 0
        self.stall_1s_count += row.stall_1s_count or 0
        self.stalled_s += row.stalled_s or 0.0
        self.played_s += row.played_s or 0.0
        self.unidentifiable_count += row.is_identifiable is False

    def summary(self, player: str) -> PlayerSummary:
        curve = incidence_curve(self.delays)
        started_count = sum(delay.is_started for delay in self.delays)
        after_start_s = self.stalled_s + self.played_s
        return PlayerSummary(
            player=player,
            session_count=len(self.delays),
            started_count=started_count,
            never_started_count=len(self.delays) - started_count,
            startup_delay_quantiles_s={f"{ratio:g}": incidence_quantile(curve, ratio) for ratio in QUANTILES},
            stalled_session_count=self.stalled_session_count,
            stall_count=self.stall_count,
            stall_1s_count=self.stall_1s_count,
            stalls_per_minute=60 * self.stall_count / self.played_s if self.played_s else None,
            stall_ratio=self.stalled_s / after_start_s if after_start_s else None,
            stalled_s=self.stalled_s,
            played_s=self.played_s,
            unidentifiable_count=self.unidentifiable_count,
        )


def _delay(row: Row[Any], window_s: float) -> Delay:
    """Return when a session started, failed for good, or was over; a row without a player has no horizon."""
    if row.startup_delay_s is not None:
        return Delay(row.startup_delay_s, True)
    if is_for_good(row.session_failure):
        return Delay(row.elapsed_s or 0.0, False, True)
    return Delay(window_s if row.horizon_s is None else row.horizon_s, False)


def _players(connection: Connection, condition: ColumnElement[bool]) -> dict[str, PlayerSummary]:
    """Sum up the valid sessions under every player, and under the headline's.

    A session that the network ended before any player had something to play never started, under every player.
    """
    tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
    given_up: list[Delay] = []
    for window_s, rows in _sessions(connection, condition):
        by_player = {row.player: row for row in rows if row.player is not None}
        for player, row in by_player.items():
            tallies[player].add(row, window_s)
        first = headline_player(by_player)
        if first is None:
            given_up.append(_delay(rows[0], window_s))
            continue
        tallies[HEADLINE].add(by_player[first], window_s)
    if given_up:
        tallies[HEADLINE].delays.extend(given_up)
        for player in set(tallies) - {HEADLINE}:
            tallies[player].delays.extend(given_up)
    return {player: tally.summary(player) for player, tally in tallies.items()}


def _sessions(connection: Connection, condition: ColumnElement[bool]) -> Iterator[tuple[float, list[Row[Any]]]]:
    """Give each valid session's window length and its first window's playbacks (or one row without a player)."""
    query = (
        select(measurement.c.id, measurement.c.run_id, measurement.c.failure.label("session_failure"))
        .add_columns(download.c.window_s, download.c.elapsed_s, playback)
        .select_from(measurement)
        .outerjoin(download, and_(download.c.measurement_id == measurement.c.id, download.c.place == 0))
        .outerjoin(playback, and_(playback.c.measurement_id == measurement.c.id, playback.c.place == 0))
        .where(condition, or_(measurement.c.failure.is_(None), measurement.c.attribution == Attribution.NETWORK.value))
        .where(or_(playback.c.id.is_not(None), measurement.c.failure.is_not(None)))
        .order_by(measurement.c.id)
        .execution_options(yield_per=1000)
    )
    planned_s = _planned_windows(connection, condition)
    for _, group in groupby(connection.execute(query), key=lambda row: row[0]):
        rows = list(group)
        window_s = rows[0].window_s
        yield planned_s[rows[0].run_id] if window_s is None else window_s, rows


def _planned_windows(connection: Connection, condition: ColumnElement[bool]) -> dict[int, float]:
    """Return the window's length that each run had set, for sessions that never came to open one."""
    setting = BY_NAME["PYTOMO_DOWNLOAD_WINDOW_S"]
    runs = select(run.c.id, run.c.settings).where(run.c.id.in_(select(measurement.c.run_id).where(condition)))
    return {
        run_id: float(setting.parse(settings.get(setting.name, setting.default)))
        for run_id, settings in connection.execute(runs)
    }


def _quantiles(values: Sequence[float]) -> dict[str, float | None]:
    ordered = sorted(values)
    return {f"{ratio:g}": quantile(ordered, ratio) for ratio in QUANTILES}


def _throughput(connection: Connection, condition: ColumnElement[bool]) -> dict[str | None, ThroughputSummary]:
    """Sum up the windows of each mode (bulk and paced ones answer different questions), and of all under None.

    A window that the service cut off is left out (it holds a burst alone), and one that this tool spoiled.
    """
    windows = (
        select(download.c.mode, download.c.received_bytes, download.c.delivery_bps, download.c.is_cross_traffic)
        .join(measurement, measurement.c.id == download.c.measurement_id)
        .where(condition, download.c.received_bytes > 0, download.c.gated_at_s.is_(None))
        .where(measurement.c.attribution.is_distinct_from(Attribution.TOOL.value))
    )
    groups: defaultdict[str | None, list[Any]] = defaultdict(list)
    for row in connection.execute(windows):
        for mode in {None, row.mode}:
            groups[mode].append(row)
    return {mode: _windows(mode, groups[mode]) for mode in {None, *groups}}


def _windows(mode: str | None, rows: Sequence[Any]) -> ThroughputSummary:
    return ThroughputSummary(
        window_count=len(rows),
        received_bytes=sum(row.received_bytes for row in rows),
        delivery_quantiles_bps=_quantiles([row.delivery_bps for row in rows if row.delivery_bps is not None]),
        cross_traffic_count=sum(bool(row.is_cross_traffic) for row in rows),
        mode=mode,
    )


def _round_trips(connection: Connection, condition: ColumnElement[bool], name: Column[Any]) -> list[RoundTripSummary]:
    """Sum up the pings by what gave the address; two methods are two figures, never mixed."""
    pings = (
        select(name, ping.c.method, ping.c.id, ping.c.rtt_min_s, ping.c.sent_count, ping.c.received_count)
        .select_from(ping)
        .join(measurement, measurement.c.id == ping.c.measurement_id)
        .join(dns_lookup, dns_lookup.c.measurement_id == measurement.c.id)
        .join(dns_address, and_(dns_address.c.lookup_id == dns_lookup.c.id, dns_address.c.address == ping.c.address))
        .where(condition)
        .distinct()
    )
    groups: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in connection.execute(pings):
        groups[(row[0], row.method or "none")].append(row)
    return [_round_trip(name, method, rows) for (name, method), rows in sorted(groups.items())]


def _round_trip(name: str, method: str, pings: Sequence[Any]) -> RoundTripSummary:
    answered = [row.rtt_min_s for row in pings if row.rtt_min_s is not None]
    sent = sum(row.sent_count or 0 for row in pings)
    received = sum(row.received_count or 0 for row in pings)
    return RoundTripSummary(
        name=name,
        method=method,
        address_count=len(pings),
        answered_count=len(answered),
        rtt_min_quantiles_s=_quantiles(answered),
        loss_ratio=1 - received / sent if sent else None,
    )
