"""Effects of several factors: what is left has no mean in any level, and is the column less something additive."""

from __future__ import annotations

import numpy as np
import pytest

from pytomo_scrapy.analysis import fixed_effects
from pytomo_scrapy.analysis.fixed_effects import Effects, numbered


def factors_of(row_count: int, *levels: int) -> list[fixed_effects.Integers]:
    chance = np.random.default_rng(5)
    return [numbered(chance.integers(0, count, row_count)) for count in levels]


@pytest.mark.parametrize("most_cells", [fixed_effects._MOST_CELLS, 500])
@pytest.mark.parametrize("most_solved", [fixed_effects._MOST_SOLVED, 10])
def test_what_is_left_has_no_mean_in_any_level(
    monkeypatch: pytest.MonkeyPatch, most_cells: int, most_solved: int
) -> None:
    """Solved for at once, in parts of the largest factor, and by sweeps where the others are too many."""
    monkeypatch.setattr(fixed_effects, "_MOST_CELLS", most_cells)
    monkeypatch.setattr(fixed_effects, "_MOST_SOLVED", most_solved)
    factors = factors_of(900, 120, 14, 24)
    column = np.random.default_rng(6).normal(size=900) + 0.3 * factors[0] - 2.0 * factors[1]
    effects = Effects(factors)
    left = effects.left_of(column)
    assert effects.level_count == 120 + 14 + 24
    for factor in factors:
        assert np.abs(np.bincount(factor, weights=left) / np.bincount(factor)).max() < 1e-6
    # What was taken out has nothing in common with what is left.
    assert abs(float((column - left) @ left)) < 1e-7 * float(np.linalg.norm(column) * np.linalg.norm(left))
    assert effects.left_of(left) == pytest.approx(left, abs=1e-6)


def test_factors_without_overlap_are_taken_out_too() -> None:
    # Two groups of videos on two groups of days: how the groups differ is told by neither factor alone.
    half = np.repeat([0, 1], 40)
    chance = np.random.default_rng(7)
    videos, days = half * 5 + chance.integers(0, 5, 80), half * 3 + chance.integers(0, 3, 80)
    left = Effects([videos, days]).left_of(100.0 * half + videos + 3.0 * days)
    assert np.abs(left).max() < 1e-6


def test_numbers_are_the_same_counted_and_sorted() -> None:
    values = np.array([7, 3, 3, 10**12, -5])
    assert numbered(values).tolist() == [2, 1, 1, 3, 0]
    assert numbered(values[values < 100]).tolist() == [2, 1, 1, 0]
