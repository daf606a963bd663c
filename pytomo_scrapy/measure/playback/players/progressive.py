"""Chromium's plain `<video>` on one progressive file.

On a stall it waits for media ahead of the playhead, and for twice as much the next time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytomo_scrapy.items import Interval
from pytomo_scrapy.measure.playback.player_model import (
    PlaybackTrace,
    Player,
    PlayerParameter,
    StreamTrace,
    media_steps,
)
from pytomo_scrapy.measure.playback.players.buffered import BufferRule, play

PARAMETERS: Mapping[str, PlayerParameter] = {
    "block_bytes": PlayerParameter(
        32768,
        "bytes",
        "bytes count in blocks of this size; the file's last ones count as they are",
        "Chromium `MultiBuffer`",
    ),
    "start_buffer_s": PlayerParameter(0.3, "s", "media buffered before it starts", "recorded sessions"),
    "start_lag_s": PlayerParameter(0.15, "s", "from the buffer to the first frame", "recorded sessions"),
    "resume_buffer_s": PlayerParameter(
        0.4, "s", "media ahead before it resumes the first time", "Chromium `AudioRendererAlgorithm`"
    ),
    "resume_growth": PlayerParameter(
        2.0, "", "the resume buffer grows by this after every stall", "Chromium `AudioRendererAlgorithm`"
    ),
    "picture_tail_s": PlayerParameter(
        0.15,
        "s",
        "pictures in hand still appear after the clock stopped: a freeze is that much shorter than its stall",
        "recorded sessions",
    ),
    "resume_max_s": PlayerParameter(
        3.0, "s", "the resume buffer never exceeds this", "Chromium `AudioRendererAlgorithm`"
    ),
}


def run(streams: Sequence[StreamTrace], parameters: Mapping[str, float], horizon_s: float) -> PlaybackTrace:
    """Start and resume when enough media is ahead, stall when none is."""

    def resume_s(stalls_before: int) -> float:
        grown = parameters["resume_buffer_s"] * parameters["resume_growth"] ** min(stalls_before, 64)
        return min(grown, parameters["resume_max_s"])

    rule = BufferRule(parameters["start_buffer_s"], 0.0, resume_s, parameters["start_lag_s"])
    steps = media_steps(streams, horizon_s, max(1, int(parameters["block_bytes"])))
    trace = play(steps, rule, horizon_s)
    tail_s = parameters["picture_tail_s"]
    trace.freezes = [
        Interval(stall.start_s + tail_s, stall.duration_s - tail_s, stall.is_open)
        for stall in trace.stalls
        if stall.duration_s > tail_s
    ]
    return trace


PLAYER = Player("progressive", run, PARAMETERS, is_validated=True)
