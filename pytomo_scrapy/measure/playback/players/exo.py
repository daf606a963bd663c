"""ExoPlayer with the parameters that the service declares in an Android answer (`playerConfig.exoPlayerConfig`).

A replay takes those of the measurement itself where they were stored. The player plays what has arrived of a segment,
and fetches between two watermarks. **Not compared with the real player**: its rows are never marked as validated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytomo_scrapy.measure.playback.player_model import (
    PlaybackTrace,
    Player,
    PlayerParameter,
    StreamTrace,
    declared_number,
)
from pytomo_scrapy.measure.playback.players.playhead import LEAST_WAIT_S, Track
from pytomo_scrapy.measure.playback.players.segmented import replay, segment_parameters

PARAMETERS: Mapping[str, PlayerParameter] = {
    "start_buffer_s": PlayerParameter(1.6, "s", "media buffered before it starts", "`minDurationForPlaybackStartMs`"),
    "resume_buffer_s": PlayerParameter(5.0, "s", "media ahead before it resumes", "`minDurationForPlaybackRestartMs`"),
    "low_watermark_s": PlayerParameter(15.0, "s", "below this it starts to fetch again", "`lowWatermarkMs`"),
    "high_watermark_s": PlayerParameter(30.0, "s", "above this it stops fetching", "`highWatermarkMs`"),
    "video_segments_per_fetch": PlayerParameter(2, "", "video segments in one request", "`numVideoSegmentsPerFetch`"),
    "poll_s": PlayerParameter(0.1, "s", "between two looks whether to fetch", "assumed"),
    "request_gap_s": PlayerParameter(0.05, "s", "between two requests of a stream", "assumed"),
    "start_lag_s": PlayerParameter(0.1, "s", "from the buffer to the first frame", "assumed"),
    "resume_lag_s": PlayerParameter(0.1, "s", "from the buffer to playing again", "assumed"),
    "picture_lag_s": PlayerParameter(0.1, "s", "from a segment to its first picture after a freeze", "assumed"),
    "video_grace_s": PlayerParameter(
        0.0, "s", "it waits for sound and picture alike", "ExoPlayer: all renderers must be ready"
    ),
}

_DECLARED_NAMES = {
    "start_buffer_s": ("minDurationForPlaybackStartMs", 1000.0),
    "resume_buffer_s": ("minDurationForPlaybackRestartMs", 1000.0),
    "low_watermark_s": ("lowWatermarkMs", 1000.0),
    "high_watermark_s": ("highWatermarkMs", 1000.0),
    "video_segments_per_fetch": ("numVideoSegmentsPerFetch", 1.0),
}


def declared_parameters(player_config: Mapping[str, Any] | None) -> dict[str, float]:
    """Return the parameters that the service declared with its answer; what it left out keeps its default."""
    declared = (player_config or {}).get("exoPlayerConfig", player_config) or {}
    found = {}
    for name, (key, scale) in _DECLARED_NAMES.items():
        value = declared_number(declared.get(key), scale)
        if value is not None:
            found[name] = value
    return found


def run(streams: Sequence[StreamTrace], parameters: Mapping[str, float], horizon_s: float) -> PlaybackTrace:
    """Fetch between the two watermarks; play what has arrived, also of a segment that is not whole."""
    is_filling: dict[str, bool] = {}

    def wait_s(track: Track, tracks: Sequence[Track], playhead_s: float) -> float:
        level_s = track.level_s(playhead_s)
        if level_s >= parameters["high_watermark_s"]:
            is_filling[track.kind] = False
        elif level_s < parameters["low_watermark_s"]:
            is_filling[track.kind] = True
        return 0.0 if is_filling.get(track.kind, True) else max(parameters["poll_s"], LEAST_WAIT_S)

    return replay(streams, segment_parameters(parameters, wait_s, is_partial=True), horizon_s)


PLAYER = Player("exo", run, PARAMETERS, declared=declared_parameters)
