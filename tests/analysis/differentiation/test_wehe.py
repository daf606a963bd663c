from __future__ import annotations

import numpy as np
import pytest

from pytomo_scrapy.analysis.differentiation.wehe import WeheVerdict, judge

DRAW = np.random.default_rng(7)
USUAL = list(DRAW.normal(10e6, 1e6, 100))
AGAIN = list(DRAW.normal(10e6, 1e6, 100))


def test_samples_of_one_line_show_nothing() -> None:
    found = judge(USUAL, AGAIN)
    assert found.verdict == "none"
    assert found.chance is not None and found.chance > 0.05 and (found.agreeing_count or 0) > 95


@pytest.mark.parametrize(("ratio", "sign"), [(0.5, 1), (2.0, -1)])
def test_half_the_rate_is_differentiation_in_its_direction(ratio: float, sign: int) -> None:
    found = judge([ratio * bps for bps in USUAL], AGAIN)
    # The means differ by half of the larger one, and all halves say so.
    assert (found.verdict, found.agreeing_count) == ("differentiation", 100)
    assert found.area_ratio == pytest.approx(sign * 0.5, abs=0.03)


def test_distributions_that_differ_by_less_than_a_tenth_are_inconclusive() -> None:
    found = judge([0.93 * bps for bps in USUAL], AGAIN)
    assert found.chance is not None and found.chance < 0.05
    assert found.verdict == "inconclusive" and abs(found.area_ratio or 1) < 0.1


def test_halves_that_do_not_agree_are_inconclusive() -> None:
    few = [10e6] * 30 + [9e6] * 11
    others = [10e6] * 18 + [9e6] * 23
    found = judge(few, others)
    assert found.verdict == "inconclusive" and 0 < (found.agreeing_count or 0) <= 95


def test_too_few_samples_say_nothing() -> None:
    assert judge(USUAL[:19], AGAIN) == WeheVerdict()
    assert judge([0.0] * 100, AGAIN) == WeheVerdict()


def test_same_samples_give_the_same_answer() -> None:
    assert judge(USUAL, AGAIN) == judge(USUAL, AGAIN)
