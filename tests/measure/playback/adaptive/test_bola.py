"""BOLA's numbers, worked out by hand for a ladder of 100, 200 and 400 kbit/s."""

import math

import pytest

from pytomo_scrapy.measure.playback.adaptive.bola import Bola, bola_scale

BITRATES = (100_000.0, 200_000.0, 400_000.0)
# Utilities: 1, 1 + ln 2, 1 + ln 4. The top is reached at 18 s: gp = ln 4 / (18/10 - 1), vp = 10 / gp.
GP = math.log(4) / 0.8
VP = 10 / GP


@pytest.fixture
def bola() -> Bola:
    scale = bola_scale(BITRATES, 18.0)
    assert scale is not None
    return Bola(scale)


def test_scale_follows_from_the_ladder(bola: Bola) -> None:
    assert (bola.scale.gp, bola.scale.vp) == (pytest.approx(1.7329, abs=1e-4), pytest.approx(5.7708, abs=1e-4))
    assert bola_scale(BITRATES[:1], 18.0) is None, "nothing to choose"
    # Six rungs want 10 + 6 x 2 = 22 s, more than the player's 18 s.
    scale = bola_scale([100_000.0 * 2**n for n in range(6)], 18.0)
    assert scale is not None and scale.gp == pytest.approx(math.log(32) / (22 / 10 - 1))


# vp x (u - 1 + gp) is 10, 14 and 18 s; the score is (that - level) / bitrate.
@pytest.mark.parametrize(
    ("level_s", "rung"),
    [
        (5.0, 0),  # 5/100 > 9/200 > 13/400
        (7.0, 1),  # 3/100 < 7/200 > 11/400
        (12.0, 2),  # -2/100 < 2/200 < 6/400
    ],
)
def test_rung_for_a_level_has_the_best_score(bola: Bola, level_s: float, rung: int) -> None:
    assert bola.scale.rung_for(level_s) == rung


def test_levels_at_which_a_rung_begins_and_ends(bola: Bola) -> None:
    # 10 + vp x (1 + (200 x 1 - 100 x (1 + ln 2)) / 100 - 1) in the player's own form: 10 + vp x (1 - ln 2).
    assert bola.scale.least_level_s(0) == 0.0
    assert bola.scale.least_level_s(1) == pytest.approx(10 + VP * (1 - math.log(2)))
    assert bola.scale.most_level_s(1) == pytest.approx(10 + VP * (1 + math.log(2)))


def test_it_begins_with_what_the_line_carries(bola: Bola) -> None:
    assert bola.choose(1.0, 4.0, 1) == (1, 0.0)
    # The placeholder stands for the buffer that would make BOLA choose that rung.
    assert bola.placeholder_s == pytest.approx(bola.scale.least_level_s(1) - 4.0)
    assert not bola.is_steady, "no segment was loaded yet"
    bola.loaded(5.0, 4.0, 1, (1.0, 3.0), 2.0)
    bola.choose(3.0, 6.0, 1)
    assert bola.is_steady


def test_steady_it_goes_no_higher_than_the_line_carries(bola: Bola) -> None:
    bola.is_steady, bola.rung = True, 0
    assert bola.choose(1.0, 12.0, 1) == (1, 0.0), "BOLA alone would take 2"
    assert bola.choose(1.0, 12.0, 0) == (1, 0.0), "but it does not go down for that"


def test_a_full_buffer_waits_below_the_top(bola: Bola) -> None:
    bola.is_steady, bola.rung = True, 1
    most_s = bola.scale.most_level_s(1)
    rung, wait_s = bola.choose(1.0, most_s + 3.0, 1)
    assert (rung, wait_s) == (1, pytest.approx(3.0)), "BOLA would take the top; the line carries rung 1"
    assert bola.choose(1.0, 60.0, 2) == (2, 0.0), "at the top the schedule says how far to fill"


def test_a_segment_in_place_of_another_grows_the_placeholder(bola: Bola) -> None:
    bola.loaded(10.0, 5.0, 1, (0.0, 1.0), 8.0)
    assert (bola.was_replacement, bola.placeholder_s) == (False, 0.0)
    bola.loaded(10.0, 5.0, 2, (1.0, 2.0), 8.0)
    assert (bola.was_replacement, bola.placeholder_s) == (True, 5.0)


def test_a_dry_buffer_and_an_abandoned_request_take_the_placeholder(bola: Bola) -> None:
    bola.is_steady, bola.rung, bola.placeholder_s = True, 1, 9.0
    bola.abandoned(10.0)
    assert bola.placeholder_s == pytest.approx(bola.scale.least_level_s(1) - 10.0)
    bola.emptied()
    assert bola.placeholder_s == 0.0
