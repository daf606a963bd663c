"""Histograms of 1 % bins, and the quantiles that follow from them: of bounded size whatever is counted."""

from __future__ import annotations

import math

import numpy as np

from pytomo_scrapy.analysis.columnar.blocks import Integers, Values
from pytomo_scrapy.analysis.columnar.scan import Mask, SelectedRows
from pytomo_scrapy.analysis.figures import Figure

# Bins of 1 %: a quantile from them is within half of that.
BIN_RATIO = 1.01
_LEAST = 1e-4
_BINS = 8192  # up to 1e-4 * 1.01 ** 8192, which is beyond every figure
_FAILED = 2 * _BINS  # steps from here on: the bin in which a session failed for good
MAX_STEPS = 32_768


def log_bins(values: Values) -> Integers:
    """Return the bins of 1 % that values fall into, -1 for NaN; 0, and what is smaller than the least, is in bin 0."""
    # In place: of a million values, memory for each step would take longer than the step.
    bins = np.maximum(values, _LEAST)
    bins /= _LEAST
    np.log(bins, out=bins)
    bins /= math.log(BIN_RATIO)
    np.minimum(bins, _BINS - 1, out=bins)
    np.copyto(bins, -1.0, where=np.isnan(bins))
    return bins.astype(np.int64)


def steps_of(rows: SelectedRows, parameter: Figure) -> Integers:
    """Return for each row its step in a histogram, -1 if its value is not known or does not apply.

    A step is twice the bin, plus one if the session's window was over before it reached the value: within a bin, rows
    that did come first. A session that failed before is in a step of its own kind, see `Histogram`.
    """
    value = rows.value(parameter.name)
    if not parameter.is_censored:
        # Of -1, which is not known, twice is -2.
        return np.maximum(2 * log_bins(value), -1)
    is_reached, is_failed = outcomes_of(rows, parameter)
    bins = log_bins(np.where(is_failed, rows.failed_after(parameter.name), rows.waited(parameter.name)))
    is_asked = (rows.plain("is_session") == 1) & (bins >= 0)
    steps = np.where(is_failed, _FAILED + bins, 2 * bins + ~is_reached)
    return np.where(is_asked, steps, -1)


def outcomes_of(rows: SelectedRows, parameter: Figure) -> tuple[Mask, Mask]:
    """Return which rows reached a censored figure, and which failed for good before it."""
    is_reached = ~np.isnan(rows.value(parameter.name))
    return is_reached, rows.is_failed() & ~is_reached


class Histogram:
    """Counts by step. Quantiles from them are those of `survival.incidence_quantile`, to the width of a bin."""

    def __init__(self, steps: Integers, counts: Integers) -> None:
        """Take how often each step was counted; the same step may come several times."""
        is_failed = steps >= _FAILED
        is_reached = ~is_failed & (steps % 2 == 0)
        self.row_count = int(counts.sum())
        self.known_count = int(counts[is_reached].sum())
        self.failed_count = int(counts[is_failed].sum())
        bins, index = np.unique(np.where(is_failed, steps - _FAILED, steps // 2), return_inverse=True)
        starts, ends, gone = (
            np.bincount(index, weights=counts * mask, minlength=len(bins))
            for mask in (is_reached, is_reached | is_failed, np.full(len(steps), True))
        )
        at_risk = np.maximum(self.row_count - np.cumsum(gone) + gone, 1)
        waiting = np.cumprod(1 - ends / at_risk)
        before = np.concatenate([[1.0], waiting[:-1]]) if len(bins) else waiting
        shares: Values = np.cumsum(before * starts / at_risk)
        self.bins: Integers = bins[starts > 0]
        self.shares: Values = shares[starts > 0]  # of all rows, up to the end of each of the bins

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
