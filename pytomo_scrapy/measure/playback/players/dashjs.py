"""dash.js 5 on separate streams at a fixed quality.

It asks for video while level + one segment is below the goal, and for audio while its level is below the greater of
video level + 1 s and its own first segment; it looks again every 0.5 s (dash.js `ScheduleController`). Levels are
rounded to milliseconds and segments are not: sound whose first segment lasts 2.0433 s is asked for twice at the start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytomo_scrapy.measure.playback.player_model import PlaybackTrace, Player, PlayerParameter, StreamTrace
from pytomo_scrapy.measure.playback.players.playhead import LEAST_WAIT_S, SegmentRule, Track
from pytomo_scrapy.measure.playback.players.segmented import replay, segment_parameters

_DASHJS = "dash.js 5, "
PARAMETERS: Mapping[str, PlayerParameter] = {
    "buffer_goal_s": PlayerParameter(
        30.0, "s", "media ahead that it fetches up to", _DASHJS + "`bufferTimeAtTopQuality`"
    ),
    "audio_lead_s": PlayerParameter(1.0, "s", "audio may be ahead of video by this", _DASHJS + "`ScheduleController`"),
    "poll_s": PlayerParameter(0.5, "s", "between two looks whether to fetch", _DASHJS + "`scheduling.defaultTimeout`"),
    "request_gap_s": PlayerParameter(0.12, "s", "between two requests of a stream", "recorded sessions"),
    "start_lag_s": PlayerParameter(0.3, "s", "from the segments to the first frame", "recorded sessions"),
    "resume_lag_s": PlayerParameter(0.2, "s", "from the segment to playing again", "recorded sessions"),
    "picture_lag_s": PlayerParameter(
        0.1, "s", "from a segment to its first picture after a freeze", "recorded sessions"
    ),
    "video_grace_s": PlayerParameter(3.0, "s", "sound plays on without video", "Chromium `RendererImpl`"),
}


def fetch_rule(parameters: Mapping[str, float]) -> SegmentRule:
    """Return the rule: fetch video up to the buffer goal, audio while it is not ahead of video."""
    poll_s = max(parameters["poll_s"], LEAST_WAIT_S)

    def wait_s(track: Track, tracks: Sequence[Track], playhead_s: float) -> float:
        level_s = round(track.level_s(playhead_s), 3)  # as `DashMetrics` has it
        if track.kind == "audio" and len(tracks) > 1:
            video_level_s = tracks[0].level_s(playhead_s)
            own_s = track.segments[0].duration_s  # its `fragmentDuration`
            most_s = max(video_level_s + parameters["audio_lead_s"], own_s)
            return 0.0 if level_s < most_s else poll_s
        goal_s = parameters["buffer_goal_s"]
        own_s = track.longest_s if track.longest_s < goal_s else 0.0
        return 0.0 if level_s + own_s < goal_s else poll_s

    return segment_parameters(parameters, wait_s)


def run(streams: Sequence[StreamTrace], parameters: Mapping[str, float], horizon_s: float) -> PlaybackTrace:
    """Play the streams that were fetched."""
    return replay(streams, fetch_rule(parameters), horizon_s)


PLAYER = Player("dashjs", run, PARAMETERS, is_validated=True)
