"""The best quality that a line plays: every rung of a ladder replayed at fixed quality over what a window received.

A rung plays where it starts in time and no stall follows up to the window's end, as `dashjs` would play it. What a
window does not show of the line is not guessed: a rung plays for certain where it does with nothing arriving in the
times in which nothing was asked for (for a player that fetches ahead without end, if not for `dashjs`), and fails for
certain where it does before those times, or without a need of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pytomo_scrapy.config import PlaybackConfig
from pytomo_scrapy.items import DownloadResult, Ladder, LadderResult, MediaSegment, MediaTrack
from pytomo_scrapy.measure.playback.player_model import PlaybackTrace, StreamTrace
from pytomo_scrapy.measure.playback.players import dashjs
from pytomo_scrapy.measure.playback.players.playhead import SegmentRule, Track
from pytomo_scrapy.measure.playback.players.segmented import replay_tracks
from pytomo_scrapy.measure.playback.supply import Supply, summed_supply

_PARAMETERS: Mapping[str, float] = {name: parameter.default for name, parameter in dashjs.PARAMETERS.items()}
# It always has a request under way, so that no byte is lost that came.
_WITHOUT_END: Mapping[str, float] = {**_PARAMETERS, "buffer_goal_s": 1e6, "request_gap_s": 0.0, "poll_s": 0.1}


@dataclass(frozen=True, slots=True)
class RungReplay:
    """What is known of one rung: that it plays, that it does not, or neither. `rung` counts from 0, the lowest."""

    rung: int
    plays: bool | None


def replay_rungs(
    streams: Sequence[StreamTrace], ladder: Ladder, sound: MediaTrack | None, horizon_s: float, config: PlaybackConfig
) -> tuple[RungReplay, ...]:
    """Replay every rung of the video with `sound`, the lowest first."""
    rule, ahead = dashjs.fetch_rule(_PARAMETERS), dashjs.fetch_rule(_WITHOUT_END)
    certain = summed_supply(streams, horizon_s, is_certain=True)
    assumed = summed_supply(streams, horizon_s) if certain.unknown_s else certain
    beside = [sound] if sound is not None else []
    found: list[RungReplay] = []
    for rung, track in enumerate(ladder.video):
        tracks = [track, *beside]
        plays: bool | None = _plays(_replay(tracks, certain, rule, horizon_s), config)
        if (
            not plays
            and certain.unknown_s
            and not (plays := _plays(_replay(tracks, certain, ahead, horizon_s), config))
        ):
            shown = _replay(tracks, assumed, rule, horizon_s)
            is_shown = shown.is_identifiable and not _plays(shown, config)
            plays = False if is_shown or _has_failed(shown, certain.unknown_s[0][0], config) else None
        found.append(RungReplay(rung, plays))
    return tuple(found)


def judge_ladder(
    result: LadderResult,
    download: DownloadResult,
    streams: Sequence[StreamTrace],
    horizon_s: float,
    config: PlaybackConfig,
) -> LadderResult:
    """Add the best quality that plays to a window's ladder, or why it cannot be told."""
    ladder = result.ladder
    if ladder is None:
        return replace(result, best_unknown="no_ladder")
    if not any(stream.arrival_bytes for stream in streams):
        return replace(result, best_unknown="no_bytes")
    if download.failure is not None and download.ended_by == "failure":
        return replace(result, best_unknown="failed")
    heights = [track.height_px for track in ladder.video]
    if not all(heights):
        return replace(result, best_unknown="no_height")
    sound = _sound(ladder, download)
    rungs = replay_rungs(streams, ladder, sound, horizon_s, config)
    playing = max((one.rung for one in rungs if one.plays), default=None)
    failing = min(
        (one.rung for one in rungs if one.plays is False and (playing is None or one.rung > playing)), default=None
    )
    result = replace(
        result,
        plays_height_px=0 if playing is None else heights[playing],
        fails_height_px=None if failing is None else heights[failing],
    )
    if any(one.plays is None and (playing is None or one.rung > playing) for one in rungs):
        return replace(result, best_unknown="demand_limited")
    rate_bps = 0.0 if playing is None else ladder.video[playing].bitrate_bps + (sound.bitrate_bps if sound else 0.0)
    return replace(result, best_height_px=result.plays_height_px, best_bitrate_bps=rate_bps)


def _sound(ladder: Ladder, download: DownloadResult) -> MediaTrack | None:
    fetched = {stream.format_id for stream in download.streams if stream.kind == "audio"}
    return next(
        (track for track in ladder.audio if track.format_id in fetched), ladder.audio[-1] if ladder.audio else None
    )


def _plays(trace: PlaybackTrace, config: PlaybackConfig) -> bool:
    if trace.started_s is None or trace.started_s > config.best_quality_startup_s:
        return False
    return not any(stall.duration_s >= config.best_quality_stall_s for stall in trace.stalls)


def _has_failed(trace: PlaybackTrace, by_s: float, config: PlaybackConfig) -> bool:
    """Tell whether the rung had failed by that time, whatever came later."""
    if trace.started_s is None or trace.started_s > config.best_quality_startup_s:
        return by_s >= config.best_quality_startup_s
    return any(stall.start_s + config.best_quality_stall_s <= by_s for stall in trace.stalls)


def _replay(tracks: Sequence[MediaTrack], supply: Supply, rule: SegmentRule, horizon_s: float) -> PlaybackTrace:
    init_bytes = sum(track.init_bytes + track.index_bytes for track in tracks)
    return replay_tracks([_played(track) for track in tracks], init_bytes, supply, rule, horizon_s)


def _played(track: MediaTrack) -> Track:
    # A replay counts bytes, and never asks where they lie.
    segments = [
        MediaSegment(0, track.segment_bytes(number), segment.start_s, segment.duration_s)
        for number, segment in enumerate(track.segments)
    ]
    return Track(track.kind, segments, track.longest_s)
