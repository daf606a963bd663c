"""Kaplan-Meier against tables computed by hand."""

from __future__ import annotations

import pytest

from pytomo_scrapy.analysis.survival import Delay, quantile, survival_curve, survival_quantile


def started(*seconds: float) -> list[Delay]:
    return [Delay(delay_s, True) for delay_s in seconds]


def censored(*seconds: float) -> list[Delay]:
    return [Delay(delay_s, False) for delay_s in seconds]


def test_curve_without_censoring_is_the_empirical_one() -> None:
    # 4 sessions: 3/4, 2/4, 1/4, 0 left.
    assert survival_curve(started(1, 2, 3, 4)) == [(1, 0.75), (2, 0.5), (3, 0.25), (4, 0.0)]


def test_curve_takes_censored_sessions_out_after_their_end() -> None:
    # At 1: 5 wait, 1 starts: 4/5. One gives up at 2. At 3: 3 wait, 1 starts: 4/5 * 2/3 = 8/15.
    # At 4: 2 wait, 1 starts and 1 gives up at the same moment: 8/15 * 1/2 = 4/15.
    curve = survival_curve(started(1, 3, 4) + censored(2, 4))
    assert [seconds for seconds, _ in curve] == [1, 3, 4]
    assert [share for _, share in curve] == pytest.approx([4 / 5, 8 / 15, 4 / 15])


def test_quantile_is_unknown_where_too_few_started() -> None:
    # 2 of 5 start at 1 and 2, 3 are cut at 30: 4/5, 3/5 left; the median is never reached.
    curve = survival_curve(started(1, 2) + censored(30, 30, 30))
    assert survival_quantile(curve, 0.2) == 1
    assert survival_quantile(curve, 0.4) == 2
    assert survival_quantile(curve, 0.5) is None


def test_curve_of_sessions_that_never_started_is_empty() -> None:
    assert survival_curve(censored(30, 30)) == []
    assert survival_quantile([], 0.5) is None


@pytest.mark.parametrize(("ratio", "value"), [(0.0, 1.0), (0.5, 2.5), (0.25, 1.75), (1.0, 4.0)])
def test_sample_quantile_is_linear_between_values(ratio: float, value: float) -> None:
    assert quantile([4.0, 1.0, 3.0, 2.0], ratio) == value


def test_sample_quantile_of_nothing_is_unknown() -> None:
    assert quantile([], 0.5) is None
