from __future__ import annotations

import numpy as np
import pytest

from pytomo_scrapy.analysis.differentiation.kolmogorov_smirnov import chance, distance


def values(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=np.float64)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (values(1, 2, 3), values(4, 5, 6), 1.0),
        (values(1, 3, 5), values(2, 4, 6), 1 / 3),
        (values(1, 2, 3), values(1, 2, 3), 0.0),
        # Behind 1 the shares are 3/4 and 1/2; equal values are one step.
        (values(1, 1, 1, 2), values(1, 2), 1 / 4),
    ],
)
def test_distance_is_the_largest_between_the_shares_below(
    first: np.ndarray, second: np.ndarray, expected: float
) -> None:
    assert distance(first, second) == distance(second, first) == pytest.approx(expected)


def test_chance_of_equal_sizes_is_the_share_of_orders_as_far_apart() -> None:
    # Of the 20 orders of three and three, 2 are wholly apart.
    assert chance(values(1, 2, 3), values(4, 5, 6)) == pytest.approx(2 / 20)
    # Two steps apart at least are 2 * C(6, 1) = 12 of them, one step all: 2 * (C(6, 2) - C(6, 1) + 1) = 20.
    assert chance(values(1, 2, 4), values(3, 5, 6)) == pytest.approx(12 / 20)
    assert chance(values(1, 3, 5), values(2, 4, 6)) == pytest.approx(1.0)
    assert chance(values(1, 2), values(1, 2)) == 1.0


def test_chance_is_near_that_of_every_order_drawn_for_any_sizes() -> None:
    draw = np.random.default_rng(3)
    for sizes in ((30, 30), (20, 45)):
        observed = distance(values(*range(sizes[0])), values(*(np.arange(sizes[1]) * sizes[0] / sizes[1] + 4)))
        drawn = []
        for _ in range(2000):
            mixed = draw.permutation(sum(sizes)).astype(np.float64)
            drawn.append(distance(mixed[: sizes[0]], mixed[sizes[0] :]) >= observed - 1e-9)
        said = chance(values(*range(sizes[0])), values(*(np.arange(sizes[1]) * sizes[0] / sizes[1] + 4)))
        assert said == pytest.approx(np.mean(drawn), abs=0.04)


def test_chance_of_large_samples_falls_to_nothing() -> None:
    draw = np.random.default_rng(5)
    one, other = draw.normal(0, 1, 3000), draw.normal(0.3, 1, 2500)
    assert chance(one, other) < 1e-9
    assert chance(one, one[:2500]) > 0.5
