"""Shaka Player 5 with its default manager: the highest variant that its estimate carries, at most every 8 s.

It begins with what the browser says of the line (10 Mbit/s in a fresh Chromium), estimates from every 0.1 s of every
request, and on a slow line gives up its first segment as soon as it has seen 128 kB. A switch fetches the new rung's
index first. The rules are pure functions (`measure/playback/adaptive/`), and an adaptive window fetches by the same
ones.

A replay lays its requests over what the line carried: see "Adaptive players" above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytomo_scrapy.items import Ladder
from pytomo_scrapy.measure.playback.adaptive.adaptive_replay import replay_typical
from pytomo_scrapy.measure.playback.adaptive.line_trace import line_trace
from pytomo_scrapy.measure.playback.adaptive.parameters import ELEMENT_PARAMETERS
from pytomo_scrapy.measure.playback.adaptive.shaka_player import ShakaPlayer
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback
from pytomo_scrapy.measure.playback.player_model import UNKNOWN_LINE, LineFacts, Player, PlayerParameter, StreamTrace

_SHAKA = "Shaka Player 5.2.12, "
_ADVANCED = _SHAKA + "`abr.advanced`, "
_RECORDED = "recorded adaptive sessions"
PARAMETERS: Mapping[str, PlayerParameter] = {
    "default_bps": PlayerParameter(
        10_000_000, "bit/s", "the estimate before anything was seen", "Chromium, `navigator.connection.downlink`"
    ),
    "least_total_bytes": PlayerParameter(
        128_000, "bytes", "that must be seen before an estimate counts", _ADVANCED + "`minTotalBytes`"
    ),
    "least_sample_bytes": PlayerParameter(16_000, "bytes", "of a sample", _ADVANCED + "`minBytes`"),
    "fast_half_life_s": PlayerParameter(2.0, "s", "of the fast average", _ADVANCED + "`fastHalfLife`"),
    "slow_half_life_s": PlayerParameter(5.0, "s", "of the slow average", _ADVANCED + "`slowHalfLife`"),
    "progress_s": PlayerParameter(0.1, "s", "between two samples of a request", _SHAKA + "`HttpFetchPlugin`"),
    "cache_s": PlayerParameter(0.005, "s", "what takes less came from a cache", _SHAKA + "`cacheLoadThreshold`"),
    "switch_interval_s": PlayerParameter(8.0, "s", "between two choices", _SHAKA + "`switchInterval`"),
    "upgrade_ratio": PlayerParameter(
        0.85, "", "a variant is left upwards where the next needs less of the line", _SHAKA + "`bandwidthUpgradeTarget`"
    ),
    "downgrade_ratio": PlayerParameter(
        0.95, "", "and downwards where it needs more itself", _SHAKA + "`bandwidthDowngradeTarget`"
    ),
    "buffer_goal_s": PlayerParameter(10.0, "s", "media ahead that it fetches up to", _SHAKA + "`bufferingGoal`"),
    "run_ahead_segments": PlayerParameter(
        1.0, "", "longest segments that one stream may be ahead", _SHAKA + "`MAX_RUN_AHEAD_SEGMENTS_`"
    ),
    "run_ahead_least_s": PlayerParameter(
        0.5, "s", "one stream may be ahead of the other by at least this", _SHAKA + "`MIN_RUN_AHEAD_SECONDS_`"
    ),
    "poll_s": PlayerParameter(
        0.5, "s", "between two looks of a stream that has met the goal", _SHAKA + "`updateIntervalSeconds` / 2"
    ),
    "catch_up_poll_s": PlayerParameter(
        1.0, "s", "between two looks of a stream that is ahead", _SHAKA + "`updateIntervalSeconds`"
    ),
    "prepare_s": PlayerParameter(
        0.028, "s", "from loading to the first request, in the earliest sixth of runs", _RECORDED
    ),
    "run_spread": PlayerParameter(
        0.5,
        "",
        "share of what two runs of dash.js differ by that two of its runs do",
        _RECORDED + ": estimates 2.3 and 4.7 %, first requests 5 and 12 ms",
    ),
    "setup_s": PlayerParameter(0.011, "s", "from the first indexes to the first requests", _RECORDED),
    "schedule_s": PlayerParameter(0.003, "s", "from an appended segment to the next request", _RECORDED),
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
    return replay_typical(ShakaPlayer, ladder, parameters, line_trace(streams, horizon_s, line), horizon_s)


PLAYER = Player("shaka-adaptive", None, PARAMETERS, is_validated=True, adapt=adapt, make=ShakaPlayer)
