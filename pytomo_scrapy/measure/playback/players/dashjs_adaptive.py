"""dash.js 5 with its default adaptation: throughput and BOLA, as it combines them.

It begins with the highest rung of at most 1000 kbit/s. Below 12 s of buffer the highest rung counts that 0.9 of the
throughput carries, above it BOLA (off again below 6 s); never more than a segment of which comes before the buffer is
dry, and less after a rung was left downwards too often. After a switch up it fetches the segment under the playhead
again. A request that takes far too long is given up, and its kind goes no higher for 10 s: never again where the other
kind gives one up too in that time, for both wait for one timer. The rules are pure functions
(`measure/playback/adaptive/`), and an adaptive window fetches by the same ones.

A replay lays its requests over what the line carried: see "Adaptive players" above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytomo_scrapy.items import Ladder
from pytomo_scrapy.measure.playback.adaptive.adaptive_replay import replay_typical
from pytomo_scrapy.measure.playback.adaptive.dashjs_player import DashPlayer
from pytomo_scrapy.measure.playback.adaptive.line_trace import line_trace
from pytomo_scrapy.measure.playback.adaptive.parameters import ELEMENT_PARAMETERS
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback
from pytomo_scrapy.measure.playback.player_model import UNKNOWN_LINE, LineFacts, Player, PlayerParameter, StreamTrace

_DASHJS = "dash.js 5.2.1, "
_EWMA = _DASHJS + "`abr.throughput.ewma`, "
_ABANDON = _DASHJS + "`abandonRequestsRule`, "
_RECORDED = "recorded adaptive sessions"
PARAMETERS: Mapping[str, PlayerParameter] = {
    "first_video_bps": PlayerParameter(
        1_000_000, "bit/s", "it begins with the highest rung of at most this", _DASHJS + "`DEFAULT_VIDEO_BITRATE`"
    ),
    "first_audio_bps": PlayerParameter(100_000, "bit/s", "the same of sound", _DASHJS + "`DEFAULT_BITRATE`"),
    "safety_factor": PlayerParameter(
        0.9, "", "share of the throughput that a rung may need", _DASHJS + "`bandwidthSafetyFactor`"
    ),
    "fast_half_life_s": PlayerParameter(3.0, "s", "of the fast average", _EWMA + "`throughputFastHalfLifeSeconds`"),
    "slow_half_life_s": PlayerParameter(8.0, "s", "of the slow average", _EWMA + "`throughputSlowHalfLifeSeconds`"),
    "sample_weight": PlayerParameter(
        1.5, "", "weight of a second of download", _EWMA + "`weightDownloadTimeMultiplicationFactor` x 1000"
    ),
    "buffer_goal_s": PlayerParameter(18.0, "s", "media ahead that it fetches up to", _DASHJS + "`bufferTimeDefault`"),
    "buffer_goal_top_s": PlayerParameter(30.0, "s", "the same at the top rung", _DASHJS + "`bufferTimeAtTopQuality`"),
    "bola_from_s": PlayerParameter(
        12.0, "s", "buffer from which BOLA decides, down to half of it", _DASHJS + "`hybridSwitchBufferTime`"
    ),
    "insufficient_safety_factor": PlayerParameter(
        0.7, "", "share of the throughput of which a segment must come in time", _DASHJS + "`insufficientBufferRule`"
    ),
    "insufficient_ignored_segments": PlayerParameter(
        2, "", "first segments for which that does not hold", _DASHJS + "`insufficientBufferRule`"
    ),
    "history_size": PlayerParameter(8, "", "decisions that are remembered", _DASHJS + "`switchHistoryRule`"),
    "history_drop_ratio": PlayerParameter(
        0.075, "", "drops to others, from which on a rung is avoided", _DASHJS + "`switchHistoryRule`"
    ),
    "abandon_after_s": PlayerParameter(
        0.5,
        "s",
        "from the first byte, before a request is given up",
        _ABANDON + "`minSegmentDownloadTimeThresholdInMs`",
    ),
    "abandon_samples": PlayerParameter(
        6, "", "progress events before that", _ABANDON + "`minThroughputSamplesThreshold`"
    ),
    "abandon_multiplier": PlayerParameter(
        1.8, "", "segment lengths that a request may take", _ABANDON + "`abandonDurationMultiplier`"
    ),
    "abandon_pause_s": PlayerParameter(10.0, "s", "without a switch up after that", _DASHJS + "`abandonLoadTimeout`"),
    "progress_s": PlayerParameter(0.05, "s", "between two progress events", "XMLHttpRequest standard"),
    "progress_bytes": PlayerParameter(1448, "bytes", "that bring one", "a segment of TCP"),
    "audio_lead_s": PlayerParameter(1.0, "s", "audio may be ahead of video by this", _DASHJS + "`ScheduleController`"),
    "stall_threshold_s": PlayerParameter(
        0.3, "s", "with less buffered, a buffer counts as empty", _DASHJS + "`stallThreshold`"
    ),
    "poll_s": PlayerParameter(0.5, "s", "between two looks whether to fetch", _DASHJS + "`scheduling.defaultTimeout`"),
    "time_update_s": PlayerParameter(0.25, "s", "between two looks at the buffer", "Chromium, `timeupdate`"),
    "prepare_s": PlayerParameter(
        0.047, "s", "from loading to the first request, in the earliest sixth of runs", _RECORDED
    ),
    "sound_first_share": PlayerParameter(
        1 / 3, "", "of runs in which sound is answered before video, as both ask at once", _RECORDED + ": 12 of 39"
    ),
    "schedule_s": PlayerParameter(0.002, "s", "from an appended segment to the next request", _RECORDED),
    "switch_s": PlayerParameter(0.002, "s", "that a switch takes", _RECORDED),
    **ELEMENT_PARAMETERS,
}


def adapt(
    streams: Sequence[StreamTrace],
    ladder: Ladder,
    parameters: Mapping[str, float],
    horizon_s: float,
    line: LineFacts = UNKNOWN_LINE,
) -> AdaptivePlayback:
    """Play the ladder over what the line carried."""
    return replay_typical(DashPlayer, ladder, parameters, line_trace(streams, horizon_s, line), horizon_s)


PLAYER = Player("dashjs-adaptive", None, PARAMETERS, is_validated=True, adapt=adapt, make=DashPlayer)
