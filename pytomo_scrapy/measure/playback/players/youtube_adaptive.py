"""The service's own player with the estimator that it declares: a low percentile of its last downloads.

Of the rates of the last 12 segments the one at the nearest rank of the 25th percentile, times 0.91, is the estimate;
the highest rung counts that it carries beside the sound. Start, resume and readahead are those of `youtube`. **Not
compared with the service's own player**: its rows are never marked as validated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytomo_scrapy.items import Ladder
from pytomo_scrapy.measure.playback.adaptive.adaptive_replay import replay_typical
from pytomo_scrapy.measure.playback.adaptive.line_trace import line_trace
from pytomo_scrapy.measure.playback.adaptive.nearest_rank import NearestRankPlayer
from pytomo_scrapy.measure.playback.adaptive.parameters import ELEMENT_PARAMETERS
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback
from pytomo_scrapy.measure.playback.player_model import (
    UNKNOWN_LINE,
    LineFacts,
    Player,
    PlayerParameter,
    StreamTrace,
    declared_number,
)
from pytomo_scrapy.measure.playback.players import youtube_player

_DECLARED = "`bandwidthEstimationConfig.nearestRankConfig` of an Android answer (June 2026), "
_THRESHOLDS = ("start_buffer_s", "resume_buffer_s")
_READAHEAD = ("readahead_min_s", "readahead_max_s", "readahead_growth", "readahead_target_s")
PARAMETERS: Mapping[str, PlayerParameter] = {
    "estimate_window": PlayerParameter(12, "", "last segments that count", _DECLARED + "`slidingWindowSize`"),
    "estimate_percentile": PlayerParameter(0.25, "", "of their rates", _DECLARED + "`percentile`"),
    "estimate_factor": PlayerParameter(0.91, "", "share of it that a rung may need", _DECLARED + "`scalar`"),
    "first_rate_bps": PlayerParameter(1_000_000, "bit/s", "the estimate before the first segment", "assumed"),
    **{name: youtube_player.PARAMETERS[name] for name in (*_THRESHOLDS, *_READAHEAD, "poll_s", "request_gap_s")},
    "prepare_s": PlayerParameter(0.0, "s", "from loading to the first request", "assumed"),
    **ELEMENT_PARAMETERS,
}


def declared_parameters(player_config: Mapping[str, Any] | None) -> dict[str, float]:
    """Return the parameters that the service declared: those of `youtube`, and the estimator's."""
    known = {
        name: value for name, value in youtube_player.declared_parameters(player_config).items() if name in PARAMETERS
    }
    declared: object = player_config
    for name in ("mediaCommonConfig", "bandwidthEstimationConfig", "nearestRankConfig"):
        declared = declared.get(name) if isinstance(declared, Mapping) else None
    if isinstance(declared, Mapping):
        names = {
            "estimate_window": "slidingWindowSize",
            "estimate_percentile": "percentile",
            "estimate_factor": "scalar",
        }
        values = {name: declared_number(declared.get(key), 1.0) for name, key in names.items()}
        # Zeros are declared where a client does not use this estimator.
        known |= {name: value for name, value in values.items() if value}
    return known


def adapt(
    streams: Sequence[StreamTrace],
    ladder: Ladder,
    parameters: Mapping[str, float],
    horizon_s: float,
    line: LineFacts = UNKNOWN_LINE,
) -> AdaptivePlayback:
    """Play the ladder over what the line carried."""
    trace = line_trace(streams, horizon_s, line)
    return replay_typical(NearestRankPlayer, ladder, parameters, trace, horizon_s)


_BY_CLIENT = {
    name: type(known)({key: value for key, value in known.values.items() if key in PARAMETERS}, known.source)
    for name, known in youtube_player.TABLE.items()
}
PLAYER = Player(
    "youtube-adaptive",
    None,
    PARAMETERS,
    declared=declared_parameters,
    by_client=_BY_CLIENT,
    adapt=adapt,
    make=NearestRankPlayer,
)
