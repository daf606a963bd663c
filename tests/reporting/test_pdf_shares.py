"""Distributions on the logarithmic axis of the PDF."""

from __future__ import annotations

import pytest

from pytomo_scrapy.reporting.pdf import shares_at


@pytest.mark.parametrize(
    ("values", "shares", "expected"),
    [
        ((2.0, 8.0), (0.5, 1.0), [0.0, 0.5, 0.5, 1.0]),
        # 60 % have no stall at all: they are below every place of the axis.
        ((0.0, 4.0), (0.6, 1.0), [0.6, 0.6, 1.0, 1.0]),
        ((0.0,), (1.0,), [1.0, 1.0, 1.0, 1.0]),
        ((), (), [0.0, 0.0, 0.0, 0.0]),
    ],
)
def test_share_stays_between_the_steps_of_a_curve(
    values: tuple[float, ...], shares: tuple[float, ...], expected: list[float]
) -> None:
    assert shares_at((1.0, 2.0, 4.0, 8.0), values, shares) == expected
