"""Shaka Player 5 on separate streams at a fixed quality, from its source; not compared with recorded sessions here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytomo_scrapy.measure.players.model import Parameter, Player, Session, StreamTrace
from pytomo_scrapy.measure.players.playhead import Track
from pytomo_scrapy.measure.players.segmented import replay, segment_parameters

_SHAKA = "Shaka Player 5.2, "
PARAMETERS: Mapping[str, Parameter] = {
    "buffer_goal_s": Parameter(10.0, "s", "media ahead that it fetches up to", _SHAKA + "bufferingGoal"),
    "run_ahead_segments": Parameter(
        1.0, "", "longest segments one stream may be ahead", _SHAKA + "MAX_RUN_AHEAD_SEGMENTS_"
    ),
    "poll_s": Parameter(0.5, "s", "between two looks whether to fetch", _SHAKA + "updateIntervalSeconds / 2"),
    "request_gap_s": Parameter(0.12, "s", "between two requests of a stream", "recorded sessions (dash.js)"),
    "start_lag_s": Parameter(0.3, "s", "from the segments to the first frame", "recorded sessions (dash.js)"),
    "resume_lag_s": Parameter(0.2, "s", "from the segment to playing again", "recorded sessions (dash.js)"),
    "picture_lag_s": Parameter(
        0.1, "s", "from a segment to its first picture after a freeze", "recorded sessions (dash.js)"
    ),
    "video_grace_s": Parameter(3.0, "s", "sound plays on without video", "Chromium RendererImpl"),
}


def run(streams: Sequence[StreamTrace], parameters: Mapping[str, float], horizon_s: float) -> Session:
    """Fetch each stream up to the buffer goal, none further ahead of the other than the longest segment."""

    def may_fetch(track: Track, tracks: Sequence[Track], playhead_s: float) -> bool:
        if track.level_s(playhead_s) >= parameters["buffer_goal_s"]:
            return False
        # The time that the next segment starts at; a stream without any counts from the playhead.
        needed_s = [playhead_s if not one.place else one.end_s for one in tracks if not one.is_over()]
        own_s = playhead_s if not track.place else track.end_s
        longest_s = max(one.longest_s for one in tracks)
        return own_s - min(needed_s) < longest_s * parameters["run_ahead_segments"]

    return replay(streams, segment_parameters(parameters, may_fetch), horizon_s)


PLAYER = Player("shaka", run, PARAMETERS)
