"""Attributable fractions: values worked out by hand, and intervals that hold as often as they say."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from pytomo_scrapy.analysis.attributable import ExposedCounts, Fraction, fraction_of, shown_among

GROUPS = 12


def spread(count: float) -> list[float]:
    """Share a count among the groups of videos."""
    return [count / GROUPS] * GROUPS


def counts(*strata: tuple[float, float, float, float]) -> ExposedCounts:
    """Each stratum: exposed sessions, bad ones among them, other sessions, bad ones among these."""
    exposed, bad, other, other_bad = (np.array([spread(stratum[part]) for stratum in strata]) for part in range(4))
    return ExposedCounts(exposed, bad, exposed + other, bad + other_bad)


def found_of(one: ExposedCounts, more_bad: float = 0.0) -> Fraction:
    """The fraction, where so many bad sessions besides are of no known exposure."""
    bad = one.known_bad + more_bad / one.known.size
    return shown_among([fraction_of(one, bad, np.arange(len(bad)))])[0]


def test_fraction_is_the_exposed_share_of_the_bad_times_what_is_above_the_others() -> None:
    # 30 of 100 bad under it, 10 of 100 else: R = 3, p = 30 / 40, F = 0.75 * 2 / 3.
    assert found_of(counts((100, 30, 100, 10))).value == pytest.approx(0.5)


def test_bad_sessions_of_unknown_exposure_count_among_all_bad_ones() -> None:
    # As above, with 20 more bad sessions: p = 30 / 60.
    assert found_of(counts((100, 30, 100, 10)), 20).value == pytest.approx(0.5 * 2 / 3)


def test_what_differs_between_strata_only_accounts_for_nothing() -> None:
    # A bad evening that has most of the exposure: within each stratum both are equally bad.
    assert found_of(counts((90, 45, 10, 5), (10, 1, 90, 9))).value == pytest.approx(0.0)


def test_risk_ratio_is_that_of_mantel_and_haenszel() -> None:
    # Sums of a n0 / n and b n1 / n: 10 * 40 / 60 + 8 * 20 / 60 = 9.333, 5 * 20 / 60 + 2 * 40 / 60 = 3, p = 18 / 25.
    found = found_of(counts((20, 10, 40, 5), (40, 8, 20, 2)))
    assert found.value == pytest.approx(18 / 25 * (1 - 3 / (28 / 3)))
    assert (found.exposed_count, found.other_count, found.exposed_bad_count, found.other_bad_count) == (60, 60, 18, 7)


def test_better_than_the_others_accounts_for_less_than_nothing_and_is_not_shown() -> None:
    found = found_of(counts((300, 15, 300, 90), (300, 15, 300, 90), (300, 15, 300, 90)))
    # R = 1 / 6, p = 1 / 7.
    assert found.value == pytest.approx(1 / 7 * (1 - 6)) and not found.is_shown


@pytest.mark.parametrize(
    "one",
    [
        counts((19, 9, 400, 4)),  # too few under it
        counts((400, 40, 19, 4)),  # too few others
        counts((100, 0, 100, 0)),  # no bad session
        counts((100, 50, 0, 0), (0, 0, 100, 10)),  # never side by side
    ],
)
def test_nothing_is_said_where_nothing_can_be_compared(one: ExposedCounts) -> None:
    assert found_of(one).value is None


def test_no_bad_session_among_the_others_has_an_interval_all_the_same() -> None:
    found = found_of(counts((60, 9, 200, 0), (60, 8, 200, 0), (60, 7, 200, 0), (60, 9, 200, 0)))
    assert found.value == 1.0 and found.low is not None and found.high is not None
    assert 0.0 < found.low < found.high <= 1.0


def test_few_days_are_said_and_few_videos_have_no_interval() -> None:
    chance = np.random.default_rng(1)
    day = counts((120, 40, 200, 10))
    mixed = ExposedCounts(
        *(chance.permuted(part, axis=1) for part in (day.exposed, day.exposed_bad, day.known, day.known_bad))
    )
    assert fraction_of(mixed, mixed.known_bad, np.zeros(1, dtype=np.int64)).value == pytest.approx(0.8 * 0.85)
    few = ExposedCounts(*(part[:, :5] * 4 for part in (day.exposed, day.exposed_bad, day.known, day.known_bad)))
    assert fraction_of(few, few.known_bad, np.zeros(1, dtype=np.int64)).low is None


@pytest.mark.slow
@pytest.mark.parametrize("risk", [1.0, 3.0])
def test_intervals_hold_the_truth_and_chance_is_rarely_shown(
    risk: float, coverage: ModuleType, simulated: int, three_errors: float
) -> None:
    told = coverage.run_exposures(risk, range(9000, 9000 + simulated))
    assert abs(told["coverage"] - 0.95) <= three_errors
    assert told["false_alarm"] <= 0.05 + three_errors
    assert risk == 1.0 or told["found"] > 0.9
