from __future__ import annotations

import math

import numpy as np
import pytest

from pytomo_scrapy.analysis.differentiation.paired import LEAST_PAIRS, compare_pairs, pairs_for, spread_of_pairs


def pairs(count: int, ratio: float, spread: float = 0.1, drift: float = 0.0) -> list[tuple[float, float]]:
    draw = np.random.default_rng(11)
    line = [10e6 * math.exp(drift * number / count) for number in range(count)]
    return [(bps * ratio * math.exp(draw.normal(0, spread)), bps) for bps in line]


def test_pairs_show_a_quarter_less_whatever_the_line_did_meanwhile() -> None:
    for drift in (0.0, 2.0):
        found = compare_pairs(pairs(20, 0.75, drift=drift))
        assert found.is_shown and found.value == pytest.approx(-0.25, abs=0.05)
        assert found.low is not None and found.high is not None and found.low < -0.2 < -0.2 + 0.1 and found.high < 0


def test_pairs_without_a_difference_show_none() -> None:
    found = compare_pairs(pairs(20, 1.0))
    assert not found.is_shown and found.low is not None and found.high is not None
    assert found.low < 0 < found.high


def test_value_is_the_geometric_mean_of_the_ratios() -> None:
    # Half, and equal, ten times each: the root of a half.
    found = compare_pairs([(5e6, 10e6), (10e6, 10e6)] * 10)
    assert found.value == pytest.approx(math.sqrt(0.5) - 1)


def test_fewer_pairs_than_a_comparison_needs_say_nothing() -> None:
    found = compare_pairs(pairs(LEAST_PAIRS - 1, 0.5))
    assert (found.value, found.chance, found.is_shown) == (None, None, False)
    assert compare_pairs([]).pair_count == 0


def test_pairs_that_never_differ_have_no_chance() -> None:
    assert not compare_pairs([(1e6, 1e6)] * 20).is_shown


@pytest.mark.parametrize(
    ("spread", "effect_ratio", "expected"),
    [
        # (2.576 + 2.054)^2 = 21.43; over ln(0.75)^2 = 0.08276: 259 times the variance, and 3.3.
        (0.3, 0.25, 27),  # 23.3 + 3.3
        (0.5, 0.25, 69),  # 64.7 + 3.3
        (0.1, 0.25, LEAST_PAIRS),
        (0.3, 0.5, LEAST_PAIRS),
    ],
)
def test_pairs_needed_follow_from_their_spread(spread: float, effect_ratio: float, expected: int) -> None:
    assert pairs_for(spread, effect_ratio) == expected


def test_spread_is_that_of_the_ratios() -> None:
    # Logarithms 0 and ln 4, whose standard deviation is ln 4 / sqrt 2.
    assert spread_of_pairs([(1e6, 1e6), (4e6, 1e6)]) == pytest.approx(math.log(4) / math.sqrt(2))
    assert spread_of_pairs([(1e6, 1e6)]) is None
