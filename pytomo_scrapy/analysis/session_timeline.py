"""What happened second by second in one window: bytes, media, playhead and buffer of each player, on one grid."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from pytomo_scrapy.items import DownloadResult, MediaTimeline
from pytomo_scrapy.measure.playback.window_replay import horizon_s
from pytomo_scrapy.storage.measurements import read
from pytomo_scrapy.storage.schema.measurement_tables import download, playback, playback_event

MAX_POINTS = 600
_LEAST_STEP_S = 0.05


@dataclass(frozen=True, slots=True)
class PlayerLine:
    """One player's view of the window. `buffer_s` None: the media received are not known."""

    player: str
    startup_delay_s: float | None
    playhead_s: list[float]
    buffer_s: list[float | None]
    stalls: list[tuple[float, float]]  # start, end; every halt
    stall_count: int | None  # of those that count: 0.1 s and more


@dataclass(frozen=True, slots=True)
class WindowTimeline:
    """One window on a grid of times from t0."""

    place: int
    t_s: list[float]
    received_bytes: list[int]
    rate_bps: list[float]  # over the second that ends there
    media_s: list[float | None]
    players: list[PlayerLine]


def timeline_of(connection: Connection, measurement_id: int, window_index: int) -> WindowTimeline | None:
    """Return the window of a measurement. None where there is none."""
    if measurement_id >= 2**63:
        return None
    exists = select(download.c.id).where(download.c.measurement_id == measurement_id, download.c.place == window_index)
    if connection.execute(exists).scalar() is None:
        return None
    windows = read.recall_windows(connection, measurement_id)
    window, timelines = next((window, lines) for window, lines in windows if window.place == window_index)
    end_s = max(window.elapsed_s or 0.0, horizon_s(window) or 0.0, _last_arrival_s(window), _LEAST_STEP_S)
    step_s = max(_LEAST_STEP_S, end_s / (MAX_POINTS - 1))
    grid = [index * step_s for index in range(int(end_s / step_s) + 1)]
    received = [sum(_bytes_at(stream.arrival_s, stream.arrival_bytes, t) for stream in window.streams) for t in grid]
    media = [_media_at(window, timelines, t) for t in grid]
    return WindowTimeline(
        place=window_index,
        t_s=[round(t, 4) for t in grid],
        received_bytes=received,
        rate_bps=_rates(grid, received, step_s),
        media_s=media,
        players=_players(connection, measurement_id, window_index, grid, media),
    )


def _last_arrival_s(window: DownloadResult) -> float:
    return max((stream.arrival_s[-1] for stream in window.streams if stream.arrival_s), default=0.0)


def _bytes_at(arrival_s: Sequence[float], arrival_bytes: Sequence[int], t_s: float) -> int:
    point_count = bisect_right(arrival_s, t_s)
    return arrival_bytes[point_count - 1] if point_count else 0


def _media_at(window: DownloadResult, timelines: Sequence[MediaTimeline], t_s: float) -> float | None:
    """Return the seconds of media that can be played: those that the slowest stream has complete."""
    known = [
        _complete_at(timeline, _bytes_at(stream.arrival_s, stream.arrival_bytes, t_s))
        for stream, timeline in zip(window.streams, timelines, strict=False)
        if timeline.offset_bytes
    ]
    return min(known) if known and len(known) == len(window.streams) else None


def _complete_at(timeline: MediaTimeline, count: int) -> float:
    point_count = bisect_right(timeline.offset_bytes, count)
    return timeline.complete_s[point_count - 1] if point_count else 0.0


def _rates(grid: Sequence[float], received: Sequence[int], step_s: float) -> list[float]:
    steps = max(1, round(1 / step_s))
    return [(received[i] - received[max(0, i - steps)]) * 8 / (steps * step_s) for i in range(len(grid))]


def _players(
    connection: Connection, measurement_id: int, window_index: int, grid: Sequence[float], media: Sequence[float | None]
) -> list[PlayerLine]:
    rows = select(playback).where(playback.c.measurement_id == measurement_id, playback.c.place == window_index)
    return [_player(connection, row, grid, media) for row in connection.execute(rows.order_by(playback.c.player)).all()]


def _player(connection: Connection, row: Any, grid: Sequence[float], media: Sequence[float | None]) -> PlayerLine:
    events = (
        select(playback_event.c.start_s, playback_event.c.duration_s)
        .where(playback_event.c.playback_id == row.id, playback_event.c.kind == "stall")
        .order_by(playback_event.c.start_s)
        .limit(2000)
    )
    stalls = [(start, start + length) for start, length in connection.execute(events) if start is not None]
    head = [_playhead_at(t, row.startup_delay_s, stalls, row.played_s) for t in grid]
    buffered = [None if ready is None else max(0.0, ready - at) for ready, at in zip(media, head, strict=True)]
    playhead_s = [round(at, 4) for at in head]
    return PlayerLine(row.player, row.startup_delay_s, playhead_s, buffered, stalls, row.stall_count)


def _playhead_at(
    t_s: float, delay_s: float | None, stalls: Sequence[tuple[float, float]], played_s: float | None
) -> float:
    if delay_s is None or t_s <= delay_s:
        return 0.0
    stood = sum(min(end, t_s) - start for start, end in stalls if start < t_s)
    at_s = t_s - delay_s - stood
    return at_s if played_s is None else min(at_s, played_s)
