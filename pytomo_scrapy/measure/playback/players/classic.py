"""The rule of Pytomo 3, kept for comparison with old data, without its defects (docs/metrics.md).

One buffer of media seconds, the least of all streams. It starts above the initial buffer, stalls under the minimum, and
resumes above the restart buffer. At the video's end it plays out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytomo_scrapy.measure.playback.player_model import (
    PlaybackTrace,
    Player,
    PlayerParameter,
    StreamTrace,
    media_steps,
)
from pytomo_scrapy.measure.playback.players.buffered import BufferRule, play

PARAMETERS: Mapping[str, PlayerParameter] = {
    "initial_buffer_s": PlayerParameter(2.0, "s", "media buffered before it starts", "Pytomo 3.0.4, `-B`"),
    "min_buffer_s": PlayerParameter(0.1, "s", "it stalls when less is buffered", "Pytomo 3.0.4, `-M`"),
    "restart_buffer_s": PlayerParameter(1.0, "s", "it resumes when more is buffered", "Pytomo 3.0.4"),
}


def run(streams: Sequence[StreamTrace], parameters: Mapping[str, float], horizon_s: float) -> PlaybackTrace:
    """Start above the initial buffer, stall under the minimum, resume above the restart buffer."""
    restart_s = max(parameters["restart_buffer_s"], parameters["min_buffer_s"])
    rule = BufferRule(parameters["initial_buffer_s"], parameters["min_buffer_s"], lambda _: restart_s)
    return play(media_steps(streams, horizon_s), rule, horizon_s)


PLAYER = Player("classic", run, PARAMETERS)
