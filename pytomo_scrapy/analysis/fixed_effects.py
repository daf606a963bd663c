"""What is left of columns when what videos, days and hours have in common is taken out. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Values = NDArray[np.float64]

_SWEEPS = 100
_ENOUGH = 1e-7  # of a column's own spread


def without_effects(column: Values, factors: Sequence[Integers]) -> Values:
    """Return the column less an effect of each level of each factor. Factors are numbers from 0.

    **Source**: Frisch and Waugh, Econometrica 1 (1933); by alternating projections (Gaure, Comput. Statist. Data
    Anal. 66, 2013). Factors that hardly overlap converge slowly: after 100 sweeps it is what it is.
    """
    left = column - column.mean() if len(column) else column
    if not factors or not len(column):
        return left
    sizes = [np.maximum(np.bincount(factor), 1) for factor in factors]
    least = _ENOUGH * (float(left.std()) or 1.0)
    for _ in range(_SWEEPS if len(factors) > 1 else 1):
        moved = 0.0
        for factor, size in zip(factors, sizes, strict=True):
            means = np.bincount(factor, weights=left) / size
            left = left - means[factor]
            moved = max(moved, float(np.abs(means).max()))
        if moved < least:
            break
    return left


def numbered(values: Integers) -> Integers:
    """Return the values as numbers from 0, in their order."""
    found: Integers = np.unique(values, return_inverse=True)[1].astype(np.int64)
    return found


def level_count(factors: Sequence[Integers]) -> int:
    """Return how many effects were taken out."""
    return sum(int(factor.max(initial=-1)) + 1 for factor in factors)
