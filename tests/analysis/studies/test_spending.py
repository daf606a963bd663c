"""Levels of looks, against the published table of Lan and DeMets' O'Brien-Fleming spending."""

from __future__ import annotations

from statistics import NormalDist

import pytest

from pytomo_scrapy.analysis.studies.spending import look_levels

# Bounds in standard errors, two-sided 5 %: Reboussin, DeMets, Kim and Lan, Control. Clin. Trials 21 (2000), table 1.
PUBLISHED = {
    (0.5, 1.0): (2.963, 1.969),
    (0.2, 0.4, 0.6, 0.8, 1.0): (4.877, 3.357, 2.680, 2.290, 2.031),
}


@pytest.mark.parametrize("shares", PUBLISHED)
def test_levels_are_those_of_the_published_bounds(shares: tuple[float, ...]) -> None:
    bounds = [NormalDist().inv_cdf(1 - level / 2) for level in look_levels(shares)]
    assert bounds == pytest.approx(PUBLISHED[shares], abs=0.002)


def test_one_look_has_the_whole_error() -> None:
    assert look_levels([1.0]) == pytest.approx((0.05,))
