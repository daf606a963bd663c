"""How many had started by when, against tables computed by hand."""

from __future__ import annotations

import pytest

from pytomo_scrapy.analysis.survival import Delay, incidence_curve, incidence_quantile, quantile


def started(*seconds: float) -> list[Delay]:
    return [Delay(delay_s, True) for delay_s in seconds]


def censored(*seconds: float) -> list[Delay]:
    return [Delay(delay_s, False) for delay_s in seconds]


def failed(*seconds: float) -> list[Delay]:
    return [Delay(delay_s, False, True) for delay_s in seconds]


def test_curve_without_censoring_is_the_empirical_one() -> None:
    assert incidence_curve(started(1, 2, 3, 4)) == [(1, 0.25), (2, 0.5), (3, 0.75), (4, 1.0)]


def test_curve_takes_censored_sessions_out_after_their_end() -> None:
    # At 1: 5 wait, 1 starts: 1/5. One gives up at 2. At 3: 3 wait, 1 starts: 1/5 + 4/5 * 1/3 = 7/15.
    # At 4: 2 wait, 1 starts and 1 gives up at the same moment: 7/15 + 8/15 * 1/2 = 11/15.
    curve = incidence_curve(started(1, 3, 4) + censored(2, 4))
    assert [seconds for seconds, _ in curve] == [1, 3, 4]
    assert [share for _, share in curve] == pytest.approx([1 / 5, 7 / 15, 11 / 15])


def test_curve_ends_at_the_share_that_started_where_the_others_failed() -> None:
    # 79 start within 7.9 s, 11 are refused at once: as longer waits, they would let the curve reach 1.
    delays = [index / 10 for index in range(1, 80)]
    curve = incidence_curve(started(*delays) + failed(*[0.0] * 11))
    assert curve[-1] == (7.9, pytest.approx(79 / 90))
    # The 45th of 90 starts at 4.5 s; the median of the 79 alone would be 4.0 s.
    assert incidence_quantile(curve, 0.5) == 4.5
    assert incidence_quantile(curve, 0.9) is None


def test_failure_counts_among_those_at_risk_until_it_comes() -> None:
    # At 1: 4 wait, 1 starts: 1/4. At 2 one fails: 3/4 * 2/3 = 1/2 still wait. At 3: 2 wait, 1 starts: 1/4 + 1/2 * 1/2.
    curve = incidence_curve(started(1, 3) + failed(2) + censored(30))
    assert curve == [(1, 0.25), (3, pytest.approx(0.5))]


def test_windows_of_two_lengths_leave_at_their_own_horizon() -> None:
    # Of 4 with a window of 2 s, 2 start at 1; of 4 with 30 s, 2 start at 1 and 1 at 10. By 1 s 4 of 8 had started. Of
    # those 2 that still wait at 10 s, 1 starts: 1/2 + 1/2 * 1/2. Over one horizon of 30 s it would be 5/8.
    curve = incidence_curve(started(1, 1, 1, 1, 10) + censored(2, 2, 30))
    assert curve == [(1, 0.5), (10, pytest.approx(0.75))]


def test_quantile_is_unknown_where_too_few_started() -> None:
    # 2 of 5 start at 1 and 2, 3 are cut at 30; the median is never reached.
    curve = incidence_curve(started(1, 2) + censored(30, 30, 30))
    assert incidence_quantile(curve, 0.2) == 1
    assert incidence_quantile(curve, 0.4) == 2
    assert incidence_quantile(curve, 0.5) is None


def test_curve_of_sessions_that_never_started_is_empty() -> None:
    assert incidence_curve(censored(30, 30)) == []
    assert incidence_quantile([], 0.5) is None


@pytest.mark.parametrize(("ratio", "value"), [(0.0, 1.0), (0.5, 2.5), (0.25, 1.75), (1.0, 4.0)])
def test_sample_quantile_is_linear_between_values(ratio: float, value: float) -> None:
    assert quantile([4.0, 1.0, 3.0, 2.0], ratio) == value


def test_sample_quantile_of_nothing_is_unknown() -> None:
    assert quantile([], 0.5) is None
