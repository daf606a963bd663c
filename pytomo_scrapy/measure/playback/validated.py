"""The conditions in which players were compared with a real browser (docs/playback.md): outside, a row says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytomo_scrapy.items import Ladder
from pytomo_scrapy.measure.playback.player_model import PlaybackTrace, StreamTrace


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a set of recordings reaches. `has_stalls`: some sessions stalled, so that stalls were compared too."""

    window_s: float
    delivery_bps: float
    media_bps: float
    round_trip_s: float
    has_stalls: bool


# 28 sessions of a fixed quality on slow links, without added delay.
SLOW_LINKS = Recorded(35.0, 4.2e6, 1.2e6, 0.1, True)
# 12 sessions of 720p at round trips of 20 and 100 ms, on links to 92.5 Mbit/s: none stalled.
FAST_LINKS = Recorded(35.0, 92.6e6, 3.1e6, 0.1, False)
# 26 sessions of six rungs up to 4 Mbit/s with the players' own adaptation.
ADAPTIVE = Recorded(45.5, 20.5e6, 4.2e6, 0.105, True)


def delivered_bps(streams: Sequence[StreamTrace]) -> float:
    """Return the bytes of all streams over the time to the last one, in bits per second, as the recordings have it.

    The pauses of a paced window are part of that time: it counts by what it fetched, not by what the line could do.
    """
    last_s = max((stream.arrival_s[-1] for stream in streams if stream.arrival_s), default=0.0)
    received = sum(stream.arrival_bytes[-1] for stream in streams if stream.arrival_bytes)
    return received * 8 / last_s if last_s > 0 else 0.0


def _reaches(recorded: Recorded, found: Recorded) -> bool:
    return (
        found.window_s <= recorded.window_s
        and found.delivery_bps <= recorded.delivery_bps
        and found.media_bps <= recorded.media_bps
        and found.round_trip_s <= recorded.round_trip_s
        and (recorded.has_stalls or not found.has_stalls)
    )


def is_fixed_validated(
    streams: Sequence[StreamTrace], trace: PlaybackTrace, horizon_s: float, round_trip_s: float | None
) -> bool:
    """Tell whether recordings of a fixed quality reach this playback. An unknown round trip counts as short."""
    if any(stream.timeline.method == "linear" or stream.timeline.is_index_last for stream in streams):
        return False
    media_bps = sum(stream.timeline.bitrate_bps or float("inf") for stream in streams)
    found = Recorded(horizon_s, delivered_bps(streams), media_bps, round_trip_s or 0.0, bool(trace.stalls))
    return _reaches(SLOW_LINKS, found) or _reaches(FAST_LINKS, found)


def is_adaptive_validated(
    streams: Sequence[StreamTrace], ladder: Ladder, horizon_s: float, round_trip_s: float | None
) -> bool:
    """Tell whether the recorded adaptive sessions reach this playback: of rungs whose segments are known."""
    tracks = (*ladder.video, *ladder.audio)
    if len(ladder.video) < 2 or not ladder.audio or any(track.source != "index" for track in tracks):
        return False
    media_bps = ladder.video[-1].bitrate_bps + ladder.audio[-1].bitrate_bps
    return _reaches(ADAPTIVE, Recorded(horizon_s, delivered_bps(streams), media_bps, round_trip_s or 0.0, True))
