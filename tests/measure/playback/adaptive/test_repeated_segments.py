"""dash.js takes the throughput of a segment that it fetches again from the first answer of that address."""

import pytest

from pytomo_scrapy.items import Ladder, MediaTrack, TrackSegment
from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Transfer
from pytomo_scrapy.measure.playback.adaptive.dashjs_player import RESPONSE_HEAD_BYTES, DashPlayer
from pytomo_scrapy.measure.playback.players.dashjs_adaptive import PARAMETERS

SEGMENT_BYTES = 100_000
TRACK = MediaTrack(
    "video",
    "low",
    160_000.0,
    tuple(TrackSegment(5.0 * number, 5.0, SEGMENT_BYTES, SEGMENT_BYTES * number) for number in range(10)),
    height_px=360,
)


def player() -> DashPlayer:
    return DashPlayer(Ladder((TRACK,), ()), {name: one.default for name, one in PARAMETERS.items()})


def fetch(played: DashPlayer, number: int, begun_s: float, whole_s: float) -> float | None:
    """Let one segment come, and return the estimate after it."""
    state = played._kinds["video"]
    state.running = Transfer(number, "video", 0, "segment", number, SEGMENT_BYTES)
    played.first_byte(state.running, begun_s)
    played.completed(state.running, SEGMENT_BYTES, whole_s)
    return state.rules.throughput_bps()


def test_a_segment_that_comes_again_counts_as_it_came_first() -> None:
    played = player()
    first = fetch(played, 0, 1.0, 3.0)
    assert first == pytest.approx(8 * (SEGMENT_BYTES + RESPONSE_HEAD_BYTES) / 2.0, abs=1000)
    assert fetch(played, 0, 4.0, 4.1) == first


def test_another_segment_counts_as_it_came() -> None:
    played = player()
    first = fetch(played, 0, 1.0, 3.0)
    second = fetch(played, 1, 4.0, 4.5)
    assert first is not None and second is not None and second > 1.1 * first
