"""The declared estimator, worked out by hand."""

from __future__ import annotations

import pytest

from pytomo_scrapy.measure.sabr.estimator import EstimatorConfig, RateEstimator, declared_estimator


def declared(window: object, percentile: object, scalar: object) -> EstimatorConfig:
    ranks = {"slidingWindowSize": window, "percentile": percentile, "scalar": scalar}
    return declared_estimator({"mediaCommonConfig": {"bandwidthEstimationConfig": {"nearestRankConfig": ranks}}})


def test_estimate_is_the_nearest_rank_of_the_last_rates() -> None:
    estimator = RateEstimator(EstimatorConfig(4, 0.5, 0.5))
    assert estimator.bytes_per_s is None
    for kilobytes in (900, 100, 400, 200, 300):  # per second; the first one is forgotten
        estimator.add(kilobytes * 1000 * 2, 2.0)
    # In order 100, 200, 300, 400: rank ceil(0.5 x 4) = 2, times 0.5.
    assert estimator.bytes_per_s == 100_000


def test_small_answers_say_nothing_of_the_line() -> None:
    estimator = RateEstimator(EstimatorConfig())
    estimator.add(1000, 0.5)
    estimator.add(10**6, 0.0)
    assert estimator.bytes_per_s is None


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ((5, 0.5, 0.8), EstimatorConfig(5, 0.5, 0.8)),
        ((0, 0, 0), EstimatorConfig()),  # as visionOS declares
        ((12, 0.25, "x"), EstimatorConfig()),
        ((10**9, 0.25, 0.9), EstimatorConfig()),
        ((12, float("nan"), 0.9), EstimatorConfig()),
    ],
)
def test_declared_estimator_is_used_where_it_can_estimate(
    given: tuple[object, object, object], used: EstimatorConfig
) -> None:
    assert declared(*given) == used


def test_nothing_declared_gives_the_usual_one() -> None:
    assert declared_estimator(None) == declared_estimator({"mediaCommonConfig": 3}) == EstimatorConfig(12, 0.25, 0.91)
