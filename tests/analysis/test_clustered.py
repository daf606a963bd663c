"""Intervals of rows that share days and videos, against values computed by hand, and what they cover."""

from __future__ import annotations

import numpy as np
import pytest

from pytomo_scrapy.analysis.clustered import share_interval, spread_of
from pytomo_scrapy.analysis.comparison import Clusters, group_spread
from pytomo_scrapy.analysis.student_t import central_bound, two_sided_chance
from pytomo_scrapy.analysis.wilson import wilson_interval

DAYS, GROUPS = (part.ravel() for part in np.meshgrid(np.arange(6), np.arange(12), indexing="ij"))


@pytest.mark.parametrize(
    ("degrees", "bound"), [(1, 12.7062), (2, 4.30265), (5, 2.57058), (13, 2.16037), (60, 2.00030), (1e7, 1.95996)]
)
def test_bound_of_t_equals_the_tables(degrees: float, bound: float) -> None:
    assert central_bound(0.95, degrees) == pytest.approx(bound, rel=1e-5)
    assert two_sided_chance(bound, degrees) == pytest.approx(0.05, rel=1e-4)


@pytest.mark.parametrize("share", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("degrees", [1.0, 1.7, 3.2, 9.0, 250.0, 1999.0, 2001.0, 1e5])
def test_bound_of_t_is_exceeded_as_often_as_asked_for(share: float, degrees: float) -> None:
    assert two_sided_chance(central_bound(share, degrees), degrees) == pytest.approx(1 - share, rel=1e-7)


def test_ratio_of_equal_cells_has_no_spread() -> None:
    spread = group_spread(np.full(72, 1.0), np.full(72, 4.0), Clusters(DAYS, GROUPS))
    assert spread is not None and spread.error == pytest.approx(0.0, abs=1e-12)


def test_days_that_differ_are_what_makes_the_interval() -> None:
    # Every second day has 4 of 4, the others none: the share is 1/2, each of 6 days is off by 1/2. A day's score is
    # 1/2 of its sixth: 6 x (1/12)^2 x 6/5 = 1/20. All 12 groups are alike, so that only the days vary.
    spread = group_spread(4.0 * (DAYS % 2), np.full(72, 4.0), Clusters(DAYS, GROUPS))
    assert spread is not None
    cells = 72 * (1 / 144) ** 2 * 72 / 71
    assert spread.error**2 == pytest.approx(1 / 20 - cells)
    assert spread.degrees == pytest.approx(spread.error**4 / (1 / 20) ** 2 * 5)


def test_interval_of_two_days_is_over_videos_alone() -> None:
    scores = np.where(np.arange(24) % 2 == 0, 1.0, -1.0)
    spread = spread_of(scores, np.repeat([0, 1], 12), np.tile(np.arange(12), 2))
    assert spread is not None and spread.is_of_these_days
    # A video's two rows sum to 2 or -2: 12 x 4 x 12/11.
    assert spread.error**2 == pytest.approx(12 * 4 * 12 / 11) and spread.degrees == 11


def test_nothing_is_said_of_nine_videos() -> None:
    assert spread_of(np.ones(9), np.arange(9), np.arange(9)) is None


def test_share_of_none_is_bounded_as_by_wilson() -> None:
    spread = group_spread(np.zeros(72), np.full(72, 1.0), Clusters(DAYS, GROUPS))
    assert spread is not None
    low, high = share_interval(0.0, 72, spread)
    wilson = wilson_interval(0, 72)
    assert wilson is not None
    assert low == 0.0 and wilson[1] < high < 2 * wilson[1]  # few days: t and not the normal quantile


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    chance = np.random.default_rng(3)
    covered = 0
    truth = (1 / (1 + np.exp(1.0 - chance.normal(0, 0.4 * 2**0.5, 1_000_000)))).mean()
    for _ in range(400):
        of_day, of_video = chance.normal(0, 0.4, 6)[DAYS], chance.normal(0, 0.4, 12)[GROUPS]
        share = 1 / (1 + np.exp(1.0 - of_day - of_video))
        above = chance.binomial(20, share).astype(float)
        spread = group_spread(above, np.full(72, 20.0), Clusters(DAYS, GROUPS))
        assert spread is not None
        low, high = share_interval(above.sum() / 1440, 1440, spread)
        covered += low <= truth <= high
    assert 0.93 <= covered / 400 <= 0.97
