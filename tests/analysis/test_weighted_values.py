"""Quantiles of weighted values, against the definition itself."""

from __future__ import annotations

import numpy as np
import pytest

from pytomo_scrapy.analysis.weighted_values import Values, WeightedValues


def by_definition(values: Values, weights: Values, ratio: float) -> float | None:
    """The least value with that share of the weights at or below it; None: it is infinite, or there is none."""
    distinct = sorted(set(values.tolist()))
    for one in distinct:
        if float(weights[values <= one].sum()) / float(weights.sum()) >= ratio - 1e-12:
            return None if np.isinf(one) else one
    return None


@pytest.mark.parametrize("count", [0, 1, 50, 2500])
@pytest.mark.parametrize("lowest_weight", [0.2, -0.3])
def test_quantile_is_the_least_value_with_the_share(count: int, lowest_weight: float) -> None:
    chance = np.random.default_rng(count)
    for scale in (1.0, 1e7):
        values = np.round(scale * chance.lognormal(-1, 1.5, count), 2)
        values[chance.random(count) < 0.1] = np.inf
        values[chance.random(count) < 0.05] = 0.0
        weights = chance.uniform(lowest_weight, 1.0, count)
        found = WeightedValues(values, weights)
        for ratio in (1e-6, 0.1, 0.43, 0.5, 0.77, 0.99, 1.0) if count else (0.5,):
            assert found.quantile(ratio) == by_definition(values, weights, ratio), ratio


def test_equal_values_stand_together_whatever_their_order() -> None:
    # At or below 1 are 0.4 - 0.3 + 0.9 = 1.0 of 2.0: half, though the first row alone has 0.4, and two have 0.1.
    values, weights = np.array([1.0, 1.0, 1.0, 2.0]), np.array([0.4, -0.3, 0.9, 1.0])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        assert WeightedValues(values[order], weights[order]).quantile(0.5) == 1.0
        assert WeightedValues(values[order], weights[order]).quantile(0.51) == 2.0


def test_infinite_and_negative_values_keep_their_order() -> None:
    many = np.arange(-2500.0, 2500.0)
    assert WeightedValues(many, np.ones(5000)).quantile(0.25) == -1251.0
    lost = np.where(np.arange(5000) < 2000, np.arange(5000) / 7, np.inf)
    assert WeightedValues(lost, np.ones(5000)).quantile(0.4) == 1999 / 7
    assert WeightedValues(lost, np.ones(5000)).quantile(0.41) is None
