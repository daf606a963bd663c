"""Histograms of 1 % bins, and the quantiles that follow from them: of bounded size whatever is counted."""

from __future__ import annotations

import math

import numpy as np

from pytomo_scrapy.analysis.columnar.blocks import Integers, Values
from pytomo_scrapy.analysis.columnar.scan import SelectedRows
from pytomo_scrapy.analysis.figures import Figure

# Bins of 1 %: a quantile from them is within half of that.
BIN_RATIO = 1.01
_LEAST = 1e-4
MAX_STEPS = 16_384  # up to 1e-4 * 1.01 ** 8192, which is beyond every figure


def log_bins(values: Values) -> Integers:
    """Return the bins of 1 % that values fall into, -1 for NaN; 0, and what is smaller than the least, is in bin 0."""
    with np.errstate(invalid="ignore"):
        bins = np.log(np.maximum(values, _LEAST) / _LEAST) / math.log(BIN_RATIO)
    return np.where(np.isnan(values), -1, np.minimum(np.nan_to_num(bins), MAX_STEPS // 2 - 1)).astype(np.int64)


def steps_of(rows: SelectedRows, parameter: Figure) -> Integers:
    """Return for each row its step in a histogram, -1 if its value is not known or does not apply.

    A step is twice the bin, plus one if the row never reached the value: within a bin, rows that did come first.
    """
    value = rows.value(parameter.name)
    if not parameter.is_censored:
        bins = log_bins(value)
        return np.where(bins >= 0, 2 * bins, -1)
    bins = log_bins(rows.waited(parameter.name))
    is_asked = (rows.plain("is_session") == 1) & (bins >= 0)
    return np.where(is_asked, 2 * bins + np.isnan(value), -1)


class Histogram:
    """Counts by step. Quantiles from them are Kaplan-Meier's, the same as of `survival.survival_quantile`."""

    def __init__(self, steps: Integers, counts: Integers) -> None:
        is_reached = steps % 2 == 0
        self.row_count = int(counts.sum())
        self.known_count = int(counts[is_reached].sum())
        waiting = self.row_count - np.cumsum(counts) + counts
        left = np.cumprod(np.where(is_reached, 1 - counts / np.maximum(waiting, 1), 1.0))
        self.bins = steps[is_reached] // 2
        self.shares: Values = 1 - left[is_reached]  # up to the end of each of the bins

    def quantile(self, ratio: float) -> float | None:
        """Return the middle of the bin by which that share had reached the value. None if too few ever did."""
        bin_index = int(np.searchsorted(self.shares, ratio - 1e-12))
        return bin_middle(int(self.bins[bin_index])) if bin_index < len(self.bins) else None


def bin_middle(bin_number: int) -> float:
    """Return the value in the middle of a bin."""
    return 0.0 if bin_number == 0 else float(_LEAST * BIN_RATIO ** (bin_number + 0.5))


def bin_end(bin_number: int) -> float:
    """Return the value where a bin ends."""
    return float(_LEAST * BIN_RATIO ** (bin_number + 1))
