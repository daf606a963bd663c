"""Plays an adaptive player over a window, and sums up what it showed, as a row of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytomo_scrapy.items import Ladder, PlaybackResult
from pytomo_scrapy.measure.playback.adaptive.typical import mean_bitrate_bps
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback
from pytomo_scrapy.measure.playback.counted_stalls import LONG_STALL_S, MIN_STALL_S, counted_stalls
from pytomo_scrapy.measure.playback.player_model import UNKNOWN_LINE, LineFacts, Player, StreamTrace
from pytomo_scrapy.measure.playback.validated import is_adaptive_validated


@dataclass(frozen=True, slots=True)
class LadderSource:
    """What an adaptive player needs besides the arrivals: the ladder, and what else is known of the line."""

    ladder: Ladder | None = None
    line: LineFacts = UNKNOWN_LINE


NO_LADDER = LadderSource()


def adaptive_result(
    result: PlaybackResult, player: Player, streams: Sequence[StreamTrace], source: LadderSource
) -> PlaybackResult:
    """Play `player` on the ladder; `result` says who plays what. Without ladder or bytes the result is a failure."""
    ladder = source.ladder
    if ladder is None or not ladder.video or not all(track.segments for track in (*ladder.video, *ladder.audio)):
        return replace(result, failure="no_ladder", failure_detail="the qualities of the video are not known")
    if not any(stream.arrival_bytes for stream in streams):
        return replace(result, failure="no_media_data", failure_detail="no byte came")
    assert player.adapt is not None and result.horizon_s is not None
    shown = player.adapt(streams, ladder, result.parameters, result.horizon_s, source.line)
    is_validated = player.is_validated and is_adaptive_validated(
        streams, ladder, result.horizon_s, source.line.round_trip_s
    )
    return summed_up(replace(result, is_validated=is_validated), shown, ladder)


def summed_up(result: PlaybackResult, shown: AdaptivePlayback, ladder: Ladder) -> PlaybackResult:
    """Return the figures of what was shown, live or in a replay."""
    counted = counted_stalls(shown.stalls, MIN_STALL_S)
    stalled_s = sum((stall.duration_s for stall in counted), 0.0)
    result = replace(
        result,
        is_started=shown.started_s is not None,
        is_ended=shown.end_s is not None,
        is_identifiable=shown.is_identifiable,
        startup_delay_s=shown.started_s,
        freezes=tuple(shown.freezes),
        buffer_end_s=shown.buffer_end_s,
        requested_bytes=shown.requested_bytes,
        timeline_method="segments",
        ladder_source=ladder.video[0].source,
    )
    if shown.started_s is None:
        return result
    heights = [track.height_px for track in ladder.video]
    played = sorted(shown.played_by_rung_s.items())
    return replace(
        result,
        stalls=tuple(shown.stalls),
        stall_count=len(counted),
        stall_1s_count=len(counted_stalls(shown.stalls, LONG_STALL_S)),
        stalled_s=stalled_s,
        stall_ratio=stalled_s / (stalled_s + shown.played_s) if stalled_s + shown.played_s > 0 else None,
        played_s=shown.played_s,
        switches=tuple((t_s, rung + 1) for t_s, rung in shown.switches),
        switch_count=max(0, len(shown.switches) - 1),
        mean_bitrate_bps=mean_bitrate_bps(shown, ladder),
        height_s=_by_height(played, heights) if all(heights) else None,
    )


def _by_height(played: Sequence[tuple[int, float]], heights: Sequence[int | None]) -> dict[str, float]:
    found: dict[str, float] = {}
    for rung, time_s in played:
        found[str(heights[rung])] = found.get(str(heights[rung]), 0.0) + time_s
    return found
