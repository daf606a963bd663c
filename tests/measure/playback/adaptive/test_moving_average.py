"""The two averages that players estimate by, worked out by hand."""

import pytest

from pytomo_scrapy.measure.playback.adaptive.moving_average import HalvingAverage, LowerAverage


def test_a_sample_counts_half_after_the_half_life() -> None:
    average = HalvingAverage(2.0)
    assert average.value() is None
    average.add(2.0, 100.0)
    assert average.value() == pytest.approx(100.0), "what is missing at the start is divided out"
    average.add(2.0, 400.0)
    # 400 x 1/2 + 100 x 1/4, over 3/4.
    assert average.value() == pytest.approx((400 / 2 + 100 / 4) / 0.75)


def test_the_lower_of_a_fast_and_a_slow_average_counts() -> None:
    average = LowerAverage(HalvingAverage(1.0), HalvingAverage(4.0))
    average.add(4.0, 1000.0)
    average.add(1.0, 200.0)
    fast = (200 / 2 + 1000 * (1 - 0.5**4) / 2) / (1 - 0.5**5)
    assert average.value() == pytest.approx(fast), "down at once"
    average.add(8.0, 2000.0)
    slow = average.slow.value()
    assert slow is not None and average.value() == slow, "up slowly"
