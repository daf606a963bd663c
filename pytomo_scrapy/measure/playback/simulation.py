"""Simulates how one window's bytes would have played: a pure function of arrivals, media time and player parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items import PlaybackResult
from pytomo_scrapy.items.near_words import did_you_mean
from pytomo_scrapy.measure.playback.adaptive_result import NO_LADDER, LadderSource, adaptive_result
from pytomo_scrapy.measure.playback.counted_stalls import LONG_STALL_S, MIN_STALL_S, counted_stalls
from pytomo_scrapy.measure.playback.declared_video import NOTHING_DECLARED, DeclaredVideo
from pytomo_scrapy.measure.playback.mos import mos_stalling_hossfeld2011
from pytomo_scrapy.measure.playback.player_model import PlaybackTrace, StreamTrace, bytes_at, media_received_s
from pytomo_scrapy.measure.playback.players.registry import PLAYERS
from pytomo_scrapy.measure.playback.validated import is_fixed_validated

__all__ = ["PLAYERS", "StreamTrace", "default_player", "player_parameters", "simulate_playback"]


def default_player(formats: Sequence[object], *, is_in_segments: bool = False) -> str:
    """Return the name of the player model that fits the streams; `is_in_segments`: even one comes by a list of them."""
    name = "progressive" if len(formats) == 1 and not is_in_segments else "dashjs"
    return name if name in PLAYERS else "classic"


def player_parameters(
    player: str, changes: Mapping[str, float] | None = None, declared: DeclaredVideo = NOTHING_DECLARED
) -> dict[str, float]:
    """Return the parameters of `player`: its own, those known of the client, those declared, then `changes`.

    Raises SettingError for an unknown name or unusable value among the changes.
    """
    if player not in PLAYERS:
        meant = did_you_mean(player, PLAYERS, otherwise=f"use one of {', '.join(PLAYERS)}.")
        raise SettingError(f"There is no player {player!r}: {meant}")
    model = PLAYERS[player]
    known = model.parameters
    for name, value in (changes or {}).items():
        if name not in known:
            raise SettingError(f"Player {player!r} has no parameter {name!r}: use one of {', '.join(known)}.")
        if not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise SettingError(f"{name}={value!r} is not usable: it must be a number of at least 0.")
    chosen = {name: parameter.default for name, parameter in known.items()}
    if of_client := model.by_client.get(declared.client or ""):
        chosen |= of_client.values
    chosen |= _declared_parameters(player, declared) | dict(changes or {})
    return {name: float(value) for name, value in chosen.items()}


def _declared_parameters(player: str, declared: DeclaredVideo) -> dict[str, float]:
    read = PLAYERS[player].declared
    return {} if read is None else dict(read(declared.player_config))


def _parameters_source(player: str, declared: DeclaredVideo) -> str | None:
    """Say where the parameters of a player come from that plays by what the service declares. None for others."""
    if PLAYERS[player].declared is None:
        return None
    return "declared" if _declared_parameters(player, declared) else "table"


def simulate_playback(
    streams: Sequence[StreamTrace],
    player: str,
    parameters: Mapping[str, float] | None = None,
    *,
    horizon_s: float,
    window_index: int = 0,
    declared: DeclaredVideo = NOTHING_DECLARED,
    source: LadderSource = NO_LADDER,
) -> PlaybackResult:
    """Simulate `player` on what had arrived of `streams` up to `horizon_s` (seconds from t0).

    Pure: no clock, no I/O. A session that has not started by then is kept with `is_started` False (censored). A
    stream whose media time is unknown gives a result with its failure, as does an adaptive player without a ladder.
    `parameters` stand above what was declared. Raises SettingError for an unknown player or parameter.
    """
    result = PlaybackResult(
        player=player,
        parameters=player_parameters(player, parameters, declared),
        parameters_source=_parameters_source(player, declared),
        place=window_index,
        horizon_s=horizon_s,
    )
    model = PLAYERS[player]
    if model.adapt is not None:
        return adaptive_result(result, model, streams, source)
    broken = next((stream.timeline for stream in streams if stream.timeline.failure), None)
    if broken is not None or not streams:
        return replace(
            result,
            failure=broken.failure if broken else "no_media_data",
            failure_detail=broken.failure_detail if broken else "no stream",
        )
    assert model.run is not None  # a player that does not adapt
    trace = model.run(streams, result.parameters, horizon_s)
    return _summarised(result, trace, streams, source.line.round_trip_s)


def _summarised(
    result: PlaybackResult, trace: PlaybackTrace, streams: Sequence[StreamTrace], round_trip_s: float | None
) -> PlaybackResult:
    horizon_s = result.horizon_s or 0.0
    result = replace(
        result,
        is_started=trace.started_s is not None,
        media_received_s=min(media_received_s(stream, horizon_s) for stream in streams),
        timeline_method=_worst_method(streams),
        is_validated=PLAYERS[result.player].is_validated
        and is_fixed_validated(streams, trace, horizon_s, round_trip_s),
        is_identifiable=trace.is_identifiable,
        freezes=tuple(trace.freezes) if trace.freezes is not None else None,
        buffer_end_s=trace.buffer_end_s,
    )
    if trace.started_s is None:
        return result
    counted = counted_stalls(trace.stalls, MIN_STALL_S)
    stalled_s = sum((stall.duration_s for stall in counted), 0.0)
    initial_bytes = sum(bytes_at(stream, trace.started_s) for stream in streams)
    return replace(
        result,
        is_ended=trace.end_s is not None,
        startup_delay_s=trace.started_s,
        stalls=tuple(trace.stalls),
        stall_count=len(counted),
        stall_1s_count=len(counted_stalls(trace.stalls, LONG_STALL_S)),
        stalled_s=stalled_s,
        stall_ratio=stalled_s / (stalled_s + trace.played_s) if stalled_s + trace.played_s > 0 else None,
        played_s=trace.played_s,
        initial_buffer_s=trace.initial_buffer_s,
        initial_buffer_bytes=initial_bytes,
        initial_rate_bps=initial_bytes * 8 / trace.started_s if trace.started_s > 0 else None,
        mos_stalling_hossfeld2011=mos_stalling_hossfeld2011(counted, trace.played_s + stalled_s),
    )


def _worst_method(streams: Sequence[StreamTrace]) -> str:
    methods = {stream.timeline.method for stream in streams}
    return next(method for method in ("linear", "headers", "segments", "packets") if method in methods)
