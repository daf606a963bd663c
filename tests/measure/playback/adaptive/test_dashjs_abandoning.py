"""dash.js goes no higher for a while after it gave up a request; sound and picture share one timer."""

import pytest

from pytomo_scrapy.items import Ladder, MediaTrack, TrackSegment
from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Abort, Transfer
from pytomo_scrapy.measure.playback.adaptive.dashjs_player import INFINITE, DashPlayer
from pytomo_scrapy.measure.playback.players.dashjs_adaptive import PARAMETERS

PAUSE_S = PARAMETERS["abandon_pause_s"].default
STEP_BYTES = 2000  # in 0.1 s: 160 kbit/s, far too slow for the higher rung of either kind


def track(kind: str, name: str, bitrate_bps: float) -> MediaTrack:
    size = int(bitrate_bps * 5 / 8)
    return MediaTrack(
        kind, name, bitrate_bps, tuple(TrackSegment(5.0 * number, 5.0, size, size * number) for number in range(10))
    )


def player() -> DashPlayer:
    ladder = Ladder(
        (track("video", "low", 100_000.0), track("video", "high", 4_000_000.0)),
        (track("audio", "plain", 50_000.0), track("audio", "rich", 3_000_000.0)),
    )
    return DashPlayer(ladder, {name: one.default for name, one in PARAMETERS.items()})


def give_up(played: DashPlayer, kind: str, from_s: float) -> float:
    """Let the higher rung of a kind come so slowly that it is given up, and return when."""
    state = played._kinds[kind]
    state.rung = state.initialised_rung = 1
    state.timer_s = INFINITE
    state.running = Transfer(1, kind, 1, "segment", 0, state.tracks[1].segment_bytes(0))
    played.first_byte(state.running, from_s)
    for step in range(1, 20):
        now_s = from_s + 0.1 * step
        if state.running is not None:
            played.progressed(state.running, STEP_BYTES * step, now_s)
        if any(isinstance(command, Abort) and command.transfer.kind == kind for command in played.wake(now_s)):
            return now_s
    raise AssertionError("nothing was given up")


def hold(played: DashPlayer) -> None:
    """Keep every kind from asking by itself."""
    for state in played._kinds.values():
        state.timer_s = INFINITE


def test_a_kind_that_gave_up_waits_for_its_pause() -> None:
    played = player()
    hold(played)
    given_up_s = give_up(played, "video", 1.0)
    assert played._kinds["video"].abandoning_until_s == pytest.approx(given_up_s + PAUSE_S)
    assert played._kinds["audio"].abandoning_until_s == 0.0


def test_a_second_kind_that_gives_up_within_the_pause_takes_the_only_timer() -> None:
    played = player()
    hold(played)
    give_up(played, "video", 1.0)
    hold(played)
    second_s = give_up(played, "audio", 3.0)
    assert played._kinds["video"].abandoning_until_s == INFINITE
    assert played._kinds["audio"].abandoning_until_s == pytest.approx(second_s + PAUSE_S)


def test_a_kind_whose_pause_is_over_is_left_alone() -> None:
    played = player()
    hold(played)
    first_s = give_up(played, "video", 1.0)
    hold(played)
    give_up(played, "audio", first_s + PAUSE_S + 1.0)
    assert played._kinds["video"].abandoning_until_s == pytest.approx(first_s + PAUSE_S)
