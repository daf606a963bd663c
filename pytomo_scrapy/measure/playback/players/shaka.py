"""Shaka Player 5 on separate streams at a fixed quality, from its source.

It asks while the stream's level is below the goal (else it looks again after 0.5 s) and the stream is less than one
longest segment ahead of the other (else after 1 s; Shaka `StreamingEngine.update_`). Few sessions were recorded: its
rows are never marked as validated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from pytomo_scrapy.measure.playback.player_model import PlaybackTrace, Player, PlayerParameter, StreamTrace
from pytomo_scrapy.measure.playback.players.playhead import LEAST_WAIT_S, Track
from pytomo_scrapy.measure.playback.players.segmented import replay, segment_parameters

_SHAKA = "Shaka Player 5.2, "
PARAMETERS: Mapping[str, PlayerParameter] = {
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
    "request_gap_s": PlayerParameter(0.12, "s", "between two requests of a stream", "recorded sessions (dash.js)"),
    "start_lag_s": PlayerParameter(0.3, "s", "from the segments to the first frame", "recorded sessions (dash.js)"),
    "resume_lag_s": PlayerParameter(0.2, "s", "from the segment to playing again", "recorded sessions (dash.js)"),
    "picture_lag_s": PlayerParameter(
        0.1, "s", "from a segment to its first picture after a freeze", "recorded sessions (dash.js)"
    ),
    "video_grace_s": PlayerParameter(3.0, "s", "sound plays on without video", "Chromium `RendererImpl`"),
}


def run(streams: Sequence[StreamTrace], parameters: Mapping[str, float], horizon_s: float) -> PlaybackTrace:
    """Fetch each stream up to the buffer goal, none further ahead of the other than the longest segment."""

    longest_s = [0.0]

    def wait_s(track: Track, tracks: Sequence[Track], playhead_s: float) -> float:
        if track.level_s(playhead_s) >= parameters["buffer_goal_s"]:
            return max(parameters["poll_s"], LEAST_WAIT_S)
        # The time that the next segment starts at; a stream without any counts from the playhead.
        needed_s = [playhead_s if not other.next_segment else other.end_s for other in tracks if not other.is_over()]
        own_s = playhead_s if not track.next_segment else track.end_s
        if not longest_s[0]:
            longest_s[0] = max(_longest_s(other) for other in tracks)
        ahead_max_s = max(longest_s[0] * parameters["run_ahead_segments"], parameters["run_ahead_least_s"])
        is_ahead = own_s - min(needed_s) >= ahead_max_s
        return max(parameters["catch_up_poll_s"], LEAST_WAIT_S) if is_ahead else 0.0

    return replay(streams, segment_parameters(parameters, wait_s), horizon_s)


def _longest_s(track: Track) -> float:
    """Return the longest segment as Shaka sees it: the difference of two times, rounding and all.

    Its first segment is often exactly as long as that; the last bit then decides whether the stream waits or asks.
    """
    starts = [segment.start_s for segment in track.segments]
    return max([track.segments[-1].duration_s, *(after - before for before, after in pairwise(starts))])


PLAYER = Player("shaka", run, PARAMETERS)
