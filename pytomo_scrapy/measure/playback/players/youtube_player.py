"""The service's own player, by the numbers that its answers declare (`playerConfig.mediaCommonConfig`).

It starts and resumes when as much media is ahead as its two thresholds say, and stalls when nothing is left. Each
stream asks for its next segment while less is ahead than the readahead, and always while a threshold is not reached.
The readahead begins at its minimum and grows with every second played, to its maximum (visionOS: from 15 s by 1 s each
second to 60 s, so for 45 s), and never exceeds the target that the service's servers send up to. That
`readAheadGrowthRateMs` counts *per second played* is inferred: no source that we found says it. Segments are appended
whole, and sound plays on without a picture, as in Chromium: that side is what `dashjs` was validated for.

A measurement is played by what its own answer declared (`parameters_source` is then `declared`). What that left out is
taken from the table of clients: the row of the client that asked, else that of visionOS, the default client. visionOS
and Android declare no threshold to resume at: theirs is what the service sends to its web players. **Not compared with
the service's own player**: its rows are never marked as validated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytomo_scrapy.measure.playback.player_model import (
    ClientParameters,
    PlaybackTrace,
    Player,
    PlayerParameter,
    StreamTrace,
    declared_number,
)
from pytomo_scrapy.measure.playback.players.playhead import LEAST_WAIT_S, Track
from pytomo_scrapy.measure.playback.players.segmented import replay, segment_parameters

ROUNDING_S = 1e-6  # of sums of media times: a threshold is reached by exactly as much

_WEB = ClientParameters(
    {"start_buffer_s": 1.2, "resume_buffer_s": 6.0, "readahead_target_s": 15.0},
    "SABR answers of web, tv and mweb of July 2026, parts 47 and 35 (PipePipe#2638, VacuumTube#189)",
)
# What clients are known to declare, where a measurement kept nothing of it. The defaults below are the first row.
TABLE: Mapping[str, ClientParameters] = {
    "VISIONOS": ClientParameters(
        {
            "start_buffer_s": 1.5,
            "resume_buffer_s": 6.0,
            "readahead_min_s": 15.0,
            "readahead_max_s": 60.0,
            "readahead_growth": 1.0,
            "readahead_target_s": 120.0,
        },
        "four recorded answers of June 2026; to resume: as WEB",
    ),
    "ANDROID": ClientParameters(
        {"start_buffer_s": 1.6, "readahead_max_s": 160.0, "readahead_growth": 0.3},
        "a recorded answer of June 2026; to resume: as WEB",
    ),
    "WEB": _WEB,
    "MWEB": _WEB,
    "TVHTML5": _WEB,
}
_DEFAULTS = TABLE["VISIONOS"].values
_START = "`serverPlaybackStartConfig`, "
_AHEAD = "`dynamicReadaheadConfig`, "
_RECORDED = "recorded sessions (dash.js)"
PARAMETERS: Mapping[str, PlayerParameter] = {
    "start_buffer_s": PlayerParameter(
        _DEFAULTS["start_buffer_s"], "s", "media ahead before it starts", _START + "`startMinReadaheadPolicy`"
    ),
    "resume_buffer_s": PlayerParameter(
        _DEFAULTS["resume_buffer_s"], "s", "media ahead before it resumes", _START + "`resumeMinReadaheadPolicy`"
    ),
    "readahead_min_s": PlayerParameter(
        _DEFAULTS["readahead_min_s"],
        "s",
        "media ahead that it fetches up to, at first",
        _AHEAD + "`minReadAheadMediaTimeMs`",
    ),
    "readahead_max_s": PlayerParameter(
        _DEFAULTS["readahead_max_s"], "s", "and at the most", _AHEAD + "`maxReadAheadMediaTimeMs`"
    ),
    "readahead_growth": PlayerParameter(
        _DEFAULTS["readahead_growth"], "", "seconds more for every second played", _AHEAD + "`readAheadGrowthRateMs`"
    ),
    "readahead_target_s": PlayerParameter(
        _DEFAULTS["readahead_target_s"],
        "s",
        "media ahead that the service sends up to",
        "`serverReadaheadConfig`, the lesser of `targetVideoReadaheadMs` and `targetAudioReadaheadMs`",
    ),
    "poll_s": PlayerParameter(0.1, "s", "between two looks whether to fetch", "assumed"),
    "request_gap_s": PlayerParameter(0.12, "s", "between two requests of a stream", _RECORDED),
    "start_lag_s": PlayerParameter(0.3, "s", "from the segments to the first frame", _RECORDED),
    "resume_lag_s": PlayerParameter(0.2, "s", "from the segment to playing again", _RECORDED),
    "picture_lag_s": PlayerParameter(0.1, "s", "from a segment to its first picture after a freeze", _RECORDED),
    "video_grace_s": PlayerParameter(3.0, "s", "sound plays on without video", "Chromium `RendererImpl`"),
}


def declared_parameters(player_config: Mapping[str, Any] | None) -> dict[str, float]:
    """Return the parameters that the service declared; what it left out is missing.

    Part 47 of a SABR stream says the start policy, and part 35 the targets, under the same names.
    """
    common = _part(player_config, "mediaCommonConfig")
    start = _part(common, "serverPlaybackStartConfig")
    policy = _part(start, "playbackStartPolicy") if start.get("enable", True) is not False else {}
    ahead = _part(common, "dynamicReadaheadConfig")
    request = _part(_part(common, "serverReadaheadConfig"), "nextRequestPolicy")
    targets = [declared_number(request.get(f"target{kind}ReadaheadMs")) for kind in ("Video", "Audio")]
    found = {
        "start_buffer_s": _threshold_s(policy.get("startMinReadaheadPolicy")),
        "resume_buffer_s": _threshold_s(policy.get("resumeMinReadaheadPolicy")),
        "readahead_min_s": declared_number(ahead.get("minReadAheadMediaTimeMs")),
        "readahead_max_s": declared_number(ahead.get("maxReadAheadMediaTimeMs")),
        "readahead_growth": declared_number(ahead.get("readAheadGrowthRateMs")),
        "readahead_target_s": min((target for target in targets if target is not None), default=None),
    }
    return {name: value for name, value in found.items() if value is not None}


def _part(declared: object, name: str) -> Mapping[str, Any]:
    found = declared.get(name) if isinstance(declared, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _threshold_s(steps: object) -> float | None:
    """Return the media that must be ahead, of a list of steps by bandwidth: the most of them, enough on every line."""
    if not isinstance(steps, list):
        return None
    waits = [declared_number(step.get("minReadaheadMs")) for step in steps if isinstance(step, Mapping)]
    return max((wait_s for wait_s in waits if wait_s is not None), default=None)


def run(streams: Sequence[StreamTrace], parameters: Mapping[str, float], horizon_s: float) -> PlaybackTrace:
    """Fetch each stream up to a readahead that grows while playing."""

    poll_s = max(parameters["poll_s"], LEAST_WAIT_S)
    most_s = min(parameters["readahead_max_s"], parameters["readahead_target_s"])
    thresholds_s = {name: parameters[name] for name in ("start_buffer_s", "resume_buffer_s")}

    def wait_s(track: Track, tracks: Sequence[Track], playhead_s: float) -> float:
        # At a fixed quality from the video's start on, the playhead is what has been played.
        grown_s = parameters["readahead_min_s"] + parameters["readahead_growth"] * playhead_s
        # Never less than a threshold: else it would wait for ever for media that it does not fetch.
        goal_s = max(min(grown_s, most_s), *thresholds_s.values())
        return 0.0 if track.level_s(playhead_s) < goal_s else poll_s

    at_least = {name: max(0.0, value_s - ROUNDING_S) for name, value_s in thresholds_s.items()}
    return replay(streams, segment_parameters({**parameters, **at_least}, wait_s), horizon_s)


PLAYER = Player("youtube", run, PARAMETERS, declared=declared_parameters, by_client=TABLE, extractor="youtube")
