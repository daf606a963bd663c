"""Intervals of headline figures lie within what such a figure can be."""

from __future__ import annotations

import pytest

from pytomo_scrapy.analysis.clustered import Spread
from pytomo_scrapy.analysis.estimates import KINDS, Computed, interval_of

BY_NAME = {kind.name: kind for kind in KINDS}


@pytest.mark.parametrize(
    ("name", "value", "error", "expected"),
    [
        ("stall_ratio", 0.05, 0.036, (0.0, None)),
        ("stall_ratio", 0.98, 0.036, (None, 1.0)),
        ("stall_ratio", 0.5, 0.01, (None, None)),
        ("mos", 4.9, 0.2, (None, 5.0)),
        ("mos", 1.1, 0.2, (1.0, None)),
    ],
)
def test_interval_ends_where_the_figure_does(
    name: str, value: float, error: float, expected: tuple[float | None, float | None]
) -> None:
    spread = Spread(error, 20.0, False)
    low, high = interval_of(BY_NAME[name], Computed(value, 30, spread))
    least, most = expected
    assert low == pytest.approx(value - spread.reach if least is None else least)
    assert high == pytest.approx(value + spread.reach if most is None else most)
