"""Read stored sessions for the rules: page by page, and the traces of bad sessions alone."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, Table, bindparam, func, select

from pytomo_scrapy.analysis.autopsy.bad_times import bad_times
from pytomo_scrapy.analysis.autopsy.evidence import Evidence, LineHistory, PastWindow
from pytomo_scrapy.analysis.autopsy.limits import DEFAULTS, Limits
from pytomo_scrapy.items import (
    ControlWindow,
    DnsLookup,
    DownloadResult,
    Interval,
    Ping,
    PlaybackResult,
    headline_player,
)
from pytomo_scrapy.items.stored import from_flat
from pytomo_scrapy.storage.measurements.read import recall_windows_of
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from pytomo_scrapy.storage.schema.measurement_tables import (
    control_window,
    dns_lookup,
    download,
    ping,
    playback,
    playback_event,
)

# Earlier windows of a measuring point that say what its line does.
PAST_COUNT = 20
_FULL_MODES = ("bulk", "full")
_OF_WINDOW = (
    download.c.place, download.c.host, download.c.mode, download.c.bin_p95_bps, download.c.delivery_bps,
    download.c.tcp_rtt_min_s,
    download.c.loaded_gateway_rtt_min_s, download.c.loaded_access_rtt_min_s, download.c.received_bytes,
)  # fmt: skip
_OF_SESSION = (
    measurement.c.id, measurement.c.vantage_id, measurement.c.started_at, measurement.c.failure,
    measurement.c.failure_stage, measurement.c.attribution, measurement.c.resolve_elapsed_s,
    measurement.c.dns_elapsed_s, measurement.c.outage_started_at,
)  # fmt: skip


def _sessions() -> Select[Any]:
    window = download.alias()
    first = select(func.min(window.c.place)).where(window.c.measurement_id == measurement.c.id).scalar_subquery()
    return (
        select(*_OF_SESSION, *_OF_WINDOW)
        .select_from(measurement)
        .outerjoin(download, (download.c.measurement_id == measurement.c.id) & (download.c.place == first))
    )


# Made once: each session is judged when it is stored, and to put a statement together takes longer than to run it.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_CHOSEN = _sessions().where(measurement.c.id.in_(_IDS))
_PAST = (
    _sessions()
    .where(
        measurement.c.vantage_id == bindparam("vantage_id"),
        measurement.c.id < bindparam("before_id"),
        download.c.delivery_bps.is_not(None),
    )
    .order_by(measurement.c.id.desc())
    .limit(PAST_COUNT)
)
_PLAYBACKS = select(playback).where(playback.c.measurement_id.in_(_IDS))
_STALLS = (
    select(
        playback_event.c.playback_id, playback_event.c.start_s, playback_event.c.duration_s, playback_event.c.is_open
    )
    .where(playback_event.c.playback_id.in_(_IDS), playback_event.c.kind == "stall")
    .order_by(playback_event.c.id)
)


@cache
def _results_of(table: Table) -> Select[Any]:
    return select(table).where(table.c.measurement_id.in_(_IDS)).order_by(*table.primary_key)


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as the rules see it. `is_traced` is False where its arrival trace was thinned out."""

    id: int
    evidence: Evidence
    is_traced: bool


class SessionReader:
    """Reads sessions in the order of their ids, and remembers what each measuring point's line did before."""

    def __init__(self, limits: Limits = DEFAULTS) -> None:
        self._limits = limits
        self._past: dict[int, deque[PastWindow]] = {}

    def read(self, connection: Connection, ids: Sequence[int]) -> Iterator[StoredSession]:
        """Yield every one of these sessions; a good one comes without window, and has no bad time."""
        rows = sorted(connection.execute(_CHOSEN, {"ids": list(ids)}).all(), key=lambda row: row.id)
        for row in rows:
            if row.vantage_id not in self._past:
                self._past[row.vantage_id] = _past_of(connection, row.vantage_id, row.id, self._limits)
        played = _playbacks(connection, rows)
        bare = {row.id: _evidence(row, played.get(row.id)) for row in rows}
        bad = [row.id for row in rows if bad_times(bare[row.id], self._limits)]
        details = _details(connection, bad)
        for row in rows:
            past, started_s = self._past[row.vantage_id], _started_s(row)
            if row.id in details:
                recent = tuple(window for window in past if started_s - window.started_s <= self._limits.past_s)
                evidence = replace(bare[row.id], history=LineHistory(started_s, recent), **details[row.id])
                yield StoredSession(row.id, evidence, _is_traced(evidence.window))
            else:
                yield StoredSession(row.id, bare[row.id], not _has_lost_its_stalls(played.get(row.id)))
            if row.delivery_bps is not None:
                past.appendleft(_past_window(row, row.id in details or _has_lost_its_stalls(played.get(row.id))))


def _has_lost_its_stalls(played: PlaybackResult | None) -> bool:
    """Tell whether retention took the stalls of a session that is counted as one with stalls."""
    return played is not None and bool(played.stall_count) and not played.stalls


def _is_traced(window: DownloadResult | None) -> bool:
    return window is None or not window.received_bytes or any(stream.arrival_s for stream in window.streams)


def _past_of(connection: Connection, vantage_id: int, before_id: int, limits: Limits) -> deque[PastWindow]:
    """Return the windows of a measuring point before a session, newest first."""
    rows = connection.execute(_PAST, {"vantage_id": vantage_id, "before_id": before_id}).all()
    played = _playbacks(connection, rows)
    found = [_past_window(row, bool(bad_times(_evidence(row, played.get(row.id)), limits))) for row in rows]
    return deque(found, maxlen=PAST_COUNT)


def _past_window(row: Row[Any], is_bad: bool) -> PastWindow:
    return PastWindow(
        started_s=_started_s(row),
        host=row.host,
        is_bad=is_bad or row.failure is not None,
        is_bulk=row.mode in _FULL_MODES,
        # Most seconds of a paced window are not whole: what it asked for came at this rate, or the line could more.
        rate_bps=row.bin_p95_bps or row.delivery_bps,
        rtt_min_s=row.tcp_rtt_min_s,
        gateway_rtt_min_s=row.loaded_gateway_rtt_min_s,
        access_rtt_min_s=row.loaded_access_rtt_min_s,
    )


def _started_s(row: Row[Any]) -> float:
    return float(row.started_at.timestamp()) if row.started_at is not None else 0.0


def _playbacks(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, PlaybackResult]:
    """Return the headline's playback of the first window of each session, with its stalls."""
    places = {row.id: row.place or 0 for row in rows}
    by_session: dict[int, dict[str, Row[Any]]] = defaultdict(dict)
    for row in connection.execute(_PLAYBACKS, {"ids": list(places)}):
        if row.place == places[row.measurement_id]:
            by_session[row.measurement_id][row.player] = row
    chosen = {key: players[name] for key, players in by_session.items() if (name := headline_player(players))}
    stalling = [row.id for row in chosen.values() if row.stall_count]
    stalls: dict[int, list[Interval]] = defaultdict(list)
    for key, start_s, duration_s, is_open in connection.execute(_STALLS, {"ids": stalling}) if stalling else ():
        stalls[key].append(Interval(start_s, duration_s, bool(is_open)))
    return {
        key: from_flat(PlaybackResult, {**row._mapping, "stalls": tuple(stalls[row.id])}) for key, row in chosen.items()
    }


def _details(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what a bad session's evidence has besides its first row, by the names of its fields."""
    if not ids:
        return {}
    windows = recall_windows_of(connection, ids)
    rows = {
        name: _results(connection, table, kind, ids)
        for name, table, kind in (
            ("pings", ping, Ping),
            ("lookups", dns_lookup, DnsLookup),
            ("controls", control_window, ControlWindow),
        )
    }
    found: dict[int, dict[str, Any]] = {}
    for key in ids:
        window, timelines = next(iter(windows.get(key, [])), (None, ()))
        found[key] = {"window": window, "timelines": timelines}
        found[key] |= {name: tuple(results[key]) for name, results in rows.items()}
    return found


def _results(connection: Connection, table: Table, kind: type[Any], ids: Iterable[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(_results_of(table), {"ids": list(ids)}):
        found[row.measurement_id].append(from_flat(kind, {**row._mapping}))
    return found


def _evidence(row: Row[Any], played: PlaybackResult | None) -> Evidence:
    return Evidence(
        playback=played,
        resolve_elapsed_s=row.resolve_elapsed_s,
        dns_elapsed_s=row.dns_elapsed_s,
        failure=row.failure,
        failure_stage=row.failure_stage,
        attribution=row.attribution,
        is_line_out=row.outage_started_at is not None,
    )
