"""A player over arrivals and a bitrate: no file, and the figures of what can be worked out by hand."""

from __future__ import annotations

from math import inf as INF
from math import nan as NAN
from typing import Any

import numpy as np
import pytest

import pytomo_scrapy as pytomo
from pytomo_scrapy.measure.media.steady import steady_ladder, steady_timeline


def arrivals(rate_bps: float, seconds: int) -> list[tuple[float, int]]:
    return [(tenth / 10, round(rate_bps / 8 * tenth / 10)) for tenth in range(1, seconds * 10 + 1)]


def test_line_of_twice_the_bitrate_never_stalls() -> None:
    result = pytomo.simulate("classic", arrivals(2e6, 30), 1_000_000)
    # Pytomo 3's rule starts with 2 s of media: at twice the rate they are there after 1 s.
    assert result.startup_delay_s == pytest.approx(1.0, abs=0.11)
    assert (result.stall_count, result.is_started, result.is_validated) == (0, True, False)
    # 30 s at twice the rate are 60 s of media.
    assert result.media_received_s == pytest.approx(60.0, abs=0.2)


@pytest.mark.parametrize("number", [np.int64, np.float32])
def test_bitrate_may_be_a_number_of_numpy(number: type[Any]) -> None:
    plain = pytomo.simulate("classic", arrivals(2e6, 5), 1_000_000)
    assert pytomo.simulate("classic", arrivals(2e6, 5), number(1_000_000)).startup_delay_s == plain.startup_delay_s


def test_line_of_half_the_bitrate_stalls_for_half_of_the_time() -> None:
    result = pytomo.simulate("classic", arrivals(0.5e6, 60), 1_000_000)
    # In 60 s 30 s of media arrive, and no more can be played.
    assert result.played_s <= 30.0 and result.stall_count > 0
    assert result.startup_delay_s + result.played_s + result.stalled_s == pytest.approx(60.0, abs=0.01)


def test_every_player_of_segments_plays_a_bitrate_too() -> None:
    for player in ("dashjs", "shaka", "exo", "progressive", "youtube"):
        result = pytomo.simulate(player, arrivals(4e6, 30), 1_000_000)
        assert (result.failure, result.is_started) == (None, True), player


def test_video_of_a_length_ends_and_parameters_are_taken() -> None:
    result = pytomo.simulate("classic", arrivals(4e6, 30), 1_000_000, duration_s=10, window_s=30)
    assert result.is_ended and result.played_s == pytest.approx(10.0)
    longer = pytomo.simulate("dashjs", arrivals(4e6, 30), 1_000_000, parameters={"start_lag_s": 2.0})
    assert longer.startup_delay_s > pytomo.simulate("dashjs", arrivals(4e6, 30), 1_000_000).startup_delay_s


@pytest.mark.slow
def test_adaptive_player_plays_the_rung_that_the_line_carries() -> None:
    rates = [400_000, 1_000_000, 5_000_000]
    slow, fast = (pytomo.simulate("dashjs", arrivals(rate_bps, 24), rates) for rate_bps in (0.7e6, 10e6))
    assert (slow.player, slow.failure) == ("dashjs-adaptive", None)
    # Rungs count from 1: a line of 0.7 Mbit/s carries the lowest alone, one of 10 Mbit/s the highest.
    assert slow.switches[-1][1] == 1 and fast.switches[-1][1] == 3
    assert fast.mean_bitrate_bps > slow.mean_bitrate_bps >= 400_000
    assert pytomo.simulate("dashjs-adaptive", arrivals(0.7e6, 8), steady_ladder(rates, 600.0, 5.0)) is not None


def test_steady_ladder_has_a_rung_for_each_bitrate_the_lowest_first() -> None:
    ladder = steady_ladder([2_000_000, 500_000], 10.0, 4.0)
    assert [track.bitrate_bps for track in ladder.video] == [500_000, 2_000_000] and ladder.audio == ()
    assert [one.size_bytes for one in ladder.video[0].segments] == [250_000, 250_000, 125_000]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("nobody", [(1, 1)], 1e6), "no player 'nobody'"),
        (("dashjs", [], 1e6), "arrivals is empty"),
        (("dashjs", [(1, 1)], 0), "A bitrate of 0 bit/s cannot be played"),
        (("dashjs", [(1, 1)], "fast.json"), "The ladder fast.json cannot be read: No such file"),
        (("dashjs", [(1, 1)], ["x"]), "is neither a bitrate nor a ladder"),
        (("dashjs", [(1, 1)], []), "is neither a bitrate nor a ladder"),
        (("classic", [(1, 1)], [1e6]), "'classic' plays one bitrate: a ladder is for dashjs"),
        (("classic", [(1, 1)], INF), "A bitrate of inf bit/s cannot be played"),
        (("classic", [(1, 1)], NAN), "A bitrate of nan bit/s cannot be played"),
        (("dashjs", [(1, 1)], [1e6, INF]), "is neither a bitrate nor a ladder"),
        (("dashjs", [(1, 1)], [0, 1e6]), "is neither a bitrate nor a ladder"),
        (("dashjs", [(1, 1)], None), "None is neither a bitrate nor a ladder"),
        # Every point is looked at, and the one that is none is named.
        (
            ("classic", [(1, 1), (NAN, 2)], 1e6),
            r"The arrival \(nan, 2\) is not usable: seconds and bytes must be numbers",
        ),
        (("classic", [(1, 1), (INF, 2)], 1e6), r"The arrival \(inf, 2\) is not usable"),
        (("classic", [(-1, 1), (2, 2)], 1e6), r"The arrival \(-1, 1\) is not usable"),
        (("classic", [(1, -1)], 1e6), r"The arrival \(1, -1\) is not usable"),
        (("classic", [(1, NAN)], 1e6), r"The arrival \(1, nan\) is not usable"),
    ],
)
def test_what_cannot_be_played_is_one_sentence(given: tuple[object, ...], sentence: str) -> None:
    with pytest.raises(pytomo.SettingError, match=sentence):
        pytomo.simulate(*given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        *(
            ({"window_s": bad}, f"window_s={bad!r} is not usable: it must be a number of at least 0")
            for bad in (-1, NAN, INF)
        ),
        *(
            ({"duration_s": bad}, "cannot be played: bitrate, duration and segment length")
            for bad in (0, -1, NAN, INF, 1e9)
        ),
        *(({"segment_s": bad}, "cannot be played: bitrate, duration and segment length") for bad in (0, -1, NAN)),
        # A million segments are enough; without a bound the list of them would take the machine's memory.
        ({"segment_s": 1e-9}, "and the segments 1000000 at most"),
        ({"parameters": {"colour": 1}}, "Player 'classic' has no parameter 'colour'"),
        (
            {"parameters": {"initial_buffer_s": -1}},
            "initial_buffer_s=-1 is not usable: it must be a number of at least 0",
        ),
        ({"parameters": {"initial_buffer_s": "2"}}, "initial_buffer_s='2' is not usable: it must be a number"),
    ],
)
def test_option_that_cannot_be_used_is_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(pytomo.SettingError, match=sentence):
        pytomo.simulate("classic", [(1, 1000)], 1e6, **options)


def test_session_that_is_judged_before_anything_arrived_has_not_started() -> None:
    assert pytomo.simulate("classic", [(1.0, 1_000_000)], 1e6, window_s=0).is_started is False


def test_steady_timeline_has_its_bitrate_at_every_point() -> None:
    timeline = steady_timeline(800_000, 10.0, 4.0)
    # 100 000 bytes a second.
    assert (timeline.offset_bytes[0], timeline.complete_s[0]) == (10_000, 0.1)
    assert (timeline.offset_bytes[-1], timeline.complete_s[-1]) == (1_000_000, 10.0)
    assert [(one.start_byte, one.end_byte, one.start_s, one.duration_s) for one in timeline.segments] == [
        (0, 400_000, 0.0, 4.0), (400_000, 800_000, 4.0, 4.0), (800_000, 1_000_000, 8.0, 2.0),
    ]  # fmt: skip
    for bad in ((0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1e9, 1)):
        with pytest.raises(ValueError, match="must be above 0"):
            steady_timeline(*bad)
