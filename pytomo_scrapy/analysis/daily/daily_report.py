"""What `scrapy report` shows of days whose measurements were deleted, from their sums and histograms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, func, select

from pytomo_scrapy.analysis.daily.daily_read import is_whole_day
from pytomo_scrapy.analysis.daily.daily_tally import Tally, stored_tally
from pytomo_scrapy.analysis.daily.daily_write import LOST, WHOLE
from pytomo_scrapy.analysis.failure_count import FailureCount
from pytomo_scrapy.failures import Attribution
from pytomo_scrapy.storage.schema.crawl_tables import vantage
from pytomo_scrapy.storage.schema.daily_tables import daily, daily_failure, daily_figure

_NAMES = (
    *("startup_delay_s", "has_stall", "stall_count", "stall_1s_count", "stalled_s", "played_s"),
    *("delivery_bps", "received_bytes", "rtt_min_s"),
)
Quantiles = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class DailyPlayer:
    """One player over the deleted sessions; quantiles are of all sessions, from bins of 1 %."""

    player: str
    session_count: int
    started_count: int
    never_started_count: int
    startup_delay_quantiles_s: Quantiles
    stalled_session_count: int
    stall_count: int
    stall_1s_count: int
    stall_ratio: float | None
    stalled_s: float
    played_s: float


@dataclass(frozen=True, slots=True)
class DailyRate:
    """Delivery over the first windows of one mode."""

    mode: str
    window_count: int
    received_bytes: int
    delivery_quantiles_bps: Quantiles


@dataclass(frozen=True, slots=True)
class DailyRoundTrip:
    """The shortest idle round trips to the servers that were downloaded from, by one way to ping."""

    method: str
    answered_count: int
    rtt_min_quantiles_s: Quantiles


@dataclass(frozen=True, slots=True)
class DailySummary:
    """The days whose measurements were deleted for their age."""

    first_day: str
    last_day: str
    day_count: int
    attempted_count: int
    resolved_count: int
    valid_count: int
    excluded_count: int
    failures: Sequence[FailureCount]
    headline: DailyPlayer
    players: Sequence[DailyPlayer]
    delivery_by_mode: Sequence[DailyRate]
    rtt_by_method: Sequence[DailyRoundTrip]


def summarise_days(
    connection: Connection,
    quantiles: Sequence[float],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    service: str | None = None,
    provider: str | None = None,
) -> DailySummary | None:
    """Sum up the whole days asked for. None where there is none."""
    conditions = is_whole_day(_second(since), _second(until))
    if service is not None:
        conditions.append(daily.c.service == service)
    if provider is not None:
        conditions.append(daily.c.vantage_id.in_(select(vantage.c.id).where(vantage.c.provider == provider)))
    counts = ("measurement_count", "resolved_count", "valid_count")
    sums = [func.sum(daily.c[name]) for name in counts]
    ends = [func.min(daily.c.day_s), func.max(daily.c.day_s), func.count(daily.c.day_s.distinct())]
    first_s, last_s, day_count, *totals = connection.execute(select(*ends, *sums).where(*conditions)).one()
    if first_s is None:
        return None
    attempted, resolved, valid = (int(total) for total in totals)
    parts = _parts(connection, conditions)
    by_word = {
        word: sorted(part.partition("=")[2] for part in parts if part.startswith(f"{word}=") and part != LOST)
        for word in ("player", "mode", "ping_method")
    }
    return DailySummary(
        first_day=_day(first_s),
        last_day=_day(last_s),
        day_count=day_count,
        attempted_count=attempted,
        resolved_count=resolved,
        valid_count=valid,
        excluded_count=attempted - valid,
        failures=_failures(connection, conditions),
        headline=_player("headline", parts[WHOLE], {}, quantiles),
        players=[_player(name, parts[f"player={name}"], parts[LOST], quantiles) for name in by_word["player"]],
        delivery_by_mode=[_rate(name, parts[f"mode={name}"], quantiles) for name in by_word["mode"]],
        rtt_by_method=[_round_trip(name, parts[f"ping_method={name}"], quantiles) for name in by_word["ping_method"]],
    )


def _second(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp())


def _day(day_s: int) -> str:
    return datetime.fromtimestamp(day_s, UTC).date().isoformat()


def _failures(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> list[FailureCount]:
    keys = (daily_failure.c.failure, daily_failure.c.attribution, daily_failure.c.stage)
    total = func.sum(daily_failure.c.measurement_count)
    query = select(*keys, total).join(daily, daily.c.id == daily_failure.c.daily_id).where(*conditions).group_by(*keys)
    rows = connection.execute(query.order_by(total.desc(), daily_failure.c.failure))
    return [FailureCount(a, b or Attribution.UNKNOWN.value, c or None, int(count)) for a, b, c, count in rows]


def _parts(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> dict[str, dict[str, Tally]]:
    query = (
        select(daily_figure)
        .join(daily, daily.c.id == daily_figure.c.daily_id)
        .where(*conditions, daily_figure.c.name.in_(_NAMES))
        .execution_options(yield_per=500)
    )
    found: defaultdict[str, dict[str, Tally]] = defaultdict(dict)
    for row in connection.execute(query):
        own = found[row.part]
        own[row.name] = own.get(row.name, Tally()) + stored_tally(row)
    return found


def _quantiles(tally: Tally, ratios: Sequence[float]) -> dict[str, float | None]:
    histogram = tally.histogram
    return {f"{ratio:g}": histogram.quantile(ratio) for ratio in ratios}


def _player(name: str, own: Mapping[str, Tally], lost: Mapping[str, Tally], quantiles: Sequence[float]) -> DailyPlayer:
    # Sessions that the network ended before any player never started, whichever player it is.
    startup = own.get("startup_delay_s", Tally()) + lost.get("startup_delay_s", Tally())
    stalled_s, played_s, *counts = (
        own.get(figure, Tally()).total
        for figure in ("stalled_s", "played_s", "has_stall", "stall_count", "stall_1s_count")
    )
    stalled, stalls, long_stalls = (round(count) for count in counts)
    return DailyPlayer(
        player=name,
        session_count=startup.row_count,
        started_count=startup.known_count,
        never_started_count=startup.row_count - startup.known_count,
        startup_delay_quantiles_s=_quantiles(startup, quantiles),
        stalled_session_count=stalled,
        stall_count=stalls,
        stall_1s_count=long_stalls,
        stall_ratio=stalled_s / (stalled_s + played_s) if stalled_s + played_s else None,
        stalled_s=stalled_s,
        played_s=played_s,
    )


def _rate(name: str, own: Mapping[str, Tally], quantiles: Sequence[float]) -> DailyRate:
    delivery, received = own.get("delivery_bps", Tally()), own.get("received_bytes", Tally())
    return DailyRate(name, received.known_count, round(received.total), _quantiles(delivery, quantiles))


def _round_trip(name: str, own: Mapping[str, Tally], quantiles: Sequence[float]) -> DailyRoundTrip:
    shortest = own.get("rtt_min_s", Tally())
    return DailyRoundTrip(name, shortest.known_count, _quantiles(shortest, quantiles))
