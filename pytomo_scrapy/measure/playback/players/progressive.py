"""Chromium's plain `<video>` on one progressive file.

On a stall it waits for media ahead of the playhead, and for twice as much the next time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytomo_scrapy.items import Interval
from pytomo_scrapy.measure.playback.players.buffered import BufferRule, play
from pytomo_scrapy.measure.playback.players.player_model import Parameter, Player, Session, StreamTrace, media_steps

PARAMETERS: Mapping[str, Parameter] = {
    "block_bytes": Parameter(
        32768,
        "bytes",
        "bytes count in blocks of this size; the file's last ones count as they are",
        "Chromium `MultiBuffer`",
    ),
    "start_buffer_s": Parameter(0.3, "s", "media buffered before it starts", "recorded sessions"),
    "start_lag_s": Parameter(0.15, "s", "from the buffer to the first frame", "recorded sessions"),
    "resume_buffer_s": Parameter(
        0.4, "s", "media ahead before it resumes the first time", "Chromium `AudioRendererAlgorithm`"
    ),
    "resume_growth": Parameter(
        2.0, "", "the resume buffer grows by this after every stall", "Chromium `AudioRendererAlgorithm`"
    ),
    "picture_tail_s": Parameter(
        0.15,
        "s",
        "pictures in hand still appear after the clock stopped: a freeze is that much shorter than its stall",
        "recorded sessions",
    ),
    "resume_max_s": Parameter(3.0, "s", "the resume buffer never exceeds this", "Chromium `AudioRendererAlgorithm`"),
}


def run(streams: Sequence[StreamTrace], parameters: Mapping[str, float], horizon_s: float) -> Session:
    """Start and resume when enough media is ahead, stall when none is."""

    def resume_s(stalls_before: int) -> float:
        grown = parameters["resume_buffer_s"] * parameters["resume_growth"] ** min(stalls_before, 64)
        return min(grown, parameters["resume_max_s"])

    rule = BufferRule(parameters["start_buffer_s"], 0.0, resume_s, parameters["start_lag_s"])
    steps = media_steps(streams, horizon_s, max(1, int(parameters["block_bytes"])))
    session = play(steps, rule, horizon_s)
    tail_s = parameters["picture_tail_s"]
    session.freezes = [
        Interval(stall.start_s + tail_s, stall.duration_s - tail_s, stall.is_open)
        for stall in session.stalls
        if stall.duration_s > tail_s
    ]
    return session


PLAYER = Player("progressive", run, PARAMETERS, is_validated=True)
