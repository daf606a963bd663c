"""Quantiles of values that do not count alike, without sorting all of them. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Integers = NDArray[np.int64]

_FEW = 2000  # values that are sorted at once
# The leading bits of a positive number, its exponent and 12 bits behind it, rise with it: bins of 0.02 % of a value.
_BITS_LEFT_OUT = 40
_MOST_BINS = 1 << 18  # below the largest value: what is smaller is in the first bin
_INFINITE = int(np.float64(np.inf).view(np.int64)) >> _BITS_LEFT_OUT


class WeightedValues:
    """Quantiles of values that do not count alike; infinite ones were never reached.

    Weights may be negative. The share at or below a value is then the largest so far, so that it never falls.
    """

    def __init__(self, values: Values, weights: Values) -> None:
        self._values, self._weights = values, weights
        bins = _bins_of(values)
        self._bins: Integers = np.zeros(len(values), dtype=np.int64) if bins is None else bins
        sums = np.bincount(self._bins, weights=weights, minlength=1)
        self._before = np.cumsum(sums) - sums
        total = float(sums.sum())
        self._total = total if total > 0 else 1.0
        # The most that the share can be anywhere in a bin.
        self._most = self._before + np.bincount(self._bins, weights=np.maximum(weights, 0.0), minlength=1)
        self._sorted: dict[int, tuple[Values, Values]] = {}

    def quantile(self, ratio: float) -> float | None:
        """Return the least value with at least that share at or below it. None where it was never reached."""
        wanted = (min(max(ratio, 1e-9), 1.0) - 1e-12) * self._total
        # 1e-9 more: sums in another order differ by rounding, and the bin itself tells.
        for number in np.flatnonzero(self._most >= wanted - 1e-9 * self._total).tolist():
            values, shares = self._in_bin(number)
            position = int(np.argmax(shares >= wanted)) if len(shares) else 0
            if len(shares) and shares[position] >= wanted:
                return None if np.isinf(values[position]) else float(values[position])
        return None

    def _in_bin(self, number: int) -> tuple[Values, Values]:
        """Return the distinct values of a bin in order, and the sum of the weights up to each."""
        if number not in self._sorted:
            here = np.flatnonzero(self._bins == number)
            values, index = np.unique(self._values[here], return_inverse=True)
            sums = np.bincount(index, weights=self._weights[here], minlength=len(values))
            self._sorted[number] = values, self._before[number] + np.cumsum(sums)
        return self._sorted[number]


def _bins_of(values: Values) -> Integers | None:
    """Return a bin for each value, in their order. None for few values, and where there are negative ones."""
    if len(values) < _FEW:
        return None
    bins: Integers = np.ascontiguousarray(values).view(np.int64) >> _BITS_LEFT_OUT
    if int(bins.min()) < 0:
        return None
    top = int(bins.max(where=bins < _INFINITE, initial=0))
    least = max(int(bins.min()), top - _MOST_BINS)
    found: Integers = np.clip(bins, least, top + 1) - least
    return found
