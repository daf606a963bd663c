"""The sums and the histogram of one figure over some measurements: tallies of days can be added up."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytomo_scrapy.analysis.columnar.blocks import Integers
from pytomo_scrapy.analysis.columnar.scan import SelectedRows
from pytomo_scrapy.analysis.figures import Figure
from pytomo_scrapy.analysis.histogram import Histogram, steps_of

_STEP, _COUNT = "<u2", "<u4"


def _nothing() -> Integers:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Tally:
    """`row_count` rows were counted, `known_count` of them have a value; `steps` are those of `histogram.steps_of`."""

    row_count: int = 0
    known_count: int = 0
    total: float = 0.0
    low: float | None = None
    high: float | None = None
    steps: Integers = field(default_factory=_nothing)
    counts: Integers = field(default_factory=_nothing)

    def __add__(self, other: Tally) -> Tally:
        """Return the tally of both sets of measurements together."""
        steps, inverse = np.unique(np.concatenate([self.steps, other.steps]), return_inverse=True)
        counts = np.zeros(len(steps), dtype=np.int64)
        np.add.at(counts, inverse, np.concatenate([self.counts, other.counts]))
        return Tally(
            row_count=self.row_count + other.row_count,
            known_count=self.known_count + other.known_count,
            total=self.total + other.total,
            low=min((tally.low for tally in (self, other) if tally.low is not None), default=None),
            high=max((tally.high for tally in (self, other) if tally.high is not None), default=None),
            steps=steps,
            counts=counts,
        )

    @property
    def mean(self) -> float | None:
        """Return the mean of the known values. None where there is none."""
        return self.total / self.known_count if self.known_count else None

    @property
    def histogram(self) -> Histogram:
        """Return the histogram, for quantiles."""
        return Histogram(self.steps, self.counts)

    def columns(self) -> dict[str, Any]:
        """Return the columns of `daily_figure`."""
        packed = self.steps.astype(_STEP).tobytes() + self.counts.astype(_COUNT).tobytes()
        return {
            "row_count": self.row_count,
            "known_count": self.known_count,
            "total": self.total if self.known_count else None,
            "low": self.low,
            "high": self.high,
            "histogram": zlib.compress(packed),
        }


def tally_of(rows: SelectedRows, parameter: Figure) -> Tally:
    """Sum up a figure over rows."""
    steps = steps_of(rows, parameter)
    distinct, counts = np.unique(steps[steps >= 0], return_counts=True)
    values = rows.value(parameter.name)
    known: NDArray[np.float64] = values[~np.isnan(values)]
    if parameter.is_censored:
        # Only sessions count here: a measurement that is no session could never have reached the value.
        known = values[(steps >= 0) & ~np.isnan(values)]
    return Tally(
        row_count=int(counts.sum()) if parameter.is_censored else len(rows),
        known_count=len(known),
        total=float(known.sum()),
        low=float(known.min()) if len(known) else None,
        high=float(known.max()) if len(known) else None,
        steps=distinct.astype(np.int64),
        counts=counts.astype(np.int64),
    )


def stored_tally(row: Any) -> Tally:
    """Return the tally that a row of `daily_figure` keeps."""
    packed = zlib.decompress(row.histogram)
    size = len(packed) // (np.dtype(_STEP).itemsize + np.dtype(_COUNT).itemsize)
    steps = np.frombuffer(packed, dtype=_STEP, count=size).astype(np.int64)
    counts = np.frombuffer(packed, dtype=_COUNT, count=size, offset=size * np.dtype(_STEP).itemsize)
    return Tally(row.row_count, row.known_count, row.total or 0.0, row.low, row.high, steps, counts.astype(np.int64))
