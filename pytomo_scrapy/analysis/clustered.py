"""How sure a figure is whose rows are not independent: rows of one day share a line, rows of one video a cache. Pure.

A figure is moved by each row by its score, and the scores sum to nothing. Days drawn with replacement, and videos, and
days within videos, give three variances of it; the first two together count what is in both of them twice. Of sums, a
bootstrap's variance needs no drawing: it is the sum of the squared sums of the clusters.

**Source**: Cameron, Gelbach and Miller, "Robust inference with multiway clustering", J. Bus. Econ. Statist. 29 (2011);
degrees of freedom after Satterthwaite, Biometrics Bull. 2 (1946), since few days tell a variance badly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pytomo_scrapy.analysis.fixed_effects import numbered
from pytomo_scrapy.analysis.student_t import central_bound

LEAST_DAYS = 3  # below, what differs between days cannot be told: an interval is of these days only
LEAST_VIDEOS = 10
LEVEL = 0.95
_SMALL = 64  # days or groups of videos that need no smaller numbers
_CELLS_A_ROW = 8  # up to here cells are counted, not sorted

Integers = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spread:
    """The standard error of a figure. `is_of_these_days`: it holds for the days measured, not for others."""

    error: float
    degrees: float
    is_of_these_days: bool

    @property
    def reach(self) -> float:
        """Return half the width of the 95 % interval."""
        return central_bound(LEVEL, self.degrees) * self.error if self.error else 0.0


@dataclass(frozen=True, slots=True)
class Lost:
    """The share of the rows' freedom that effects taken out of the scores have used up: all, and those of times."""

    ratio: float = 0.0
    of_times_ratio: float = 0.0


NOTHING_LOST = Lost()


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of some rows, a cell being a video on a day: of each row its place, and the places with rows."""

    places: Integers = field(repr=False)
    there: Integers  # the places that have rows
    of_day: Integers  # of each of those, numbers from 0
    of_video: Integers

    def sums(self, scores: Values) -> Values:
        """Return the sum of the rows' scores in each cell that has rows."""
        found: Values = np.bincount(self.places, weights=scores)[self.there].astype(np.float64)
        return found

    def taken(self, rows: Integers) -> Cells:
        """Return the cells of some of the rows."""
        places = self.places[rows]
        size = int(self.there[-1]) + 1 if len(self.there) else 1
        has_rows = np.bincount(places, minlength=size)[self.there] > 0
        of_day, of_video = (numbered(index[has_rows]) for index in (self.of_day, self.of_video))
        return Cells(places, self.there[has_rows], of_day, of_video)


def cells_of(days: Integers, videos: Integers) -> Cells:
    """Return the cells of rows by day and video: the same for every figure of them."""
    days, videos = _from_0(days), _from_0(videos)
    width = int(videos.max(initial=0)) + 1
    cells = days.astype(np.int64) * width + videos
    if len(cells) and int(days.max()) * width < _CELLS_A_ROW * len(cells):
        there: Integers = np.flatnonzero(np.bincount(cells))
        return Cells(cells, there, numbered(there // width), numbered(there % width))
    found, places = np.unique(cells, return_inverse=True)
    return Cells(places, np.arange(len(found)), numbered(found // width), numbered(found % width))


def _from_0(values: Integers) -> Integers:
    """Return numbers from 0 on, as they are where they are few: which of them have rows is seen by cell."""
    is_small = len(values) and int(values.min()) >= 0 and int(values.max()) < _SMALL
    return values if is_small else numbered(values)


def spread_of(scores: Values, days: Integers, videos: Integers, lost: Lost = NOTHING_LOST) -> Spread | None:
    """Return how far a figure moves, by the scores of its rows. None where there are too few videos."""
    return spread_in(cells_of(days, videos), scores, lost)


def spread_in(cells: Cells, scores: Values, lost: Lost = NOTHING_LOST) -> Spread | None:
    """Return the spread by rows whose cells are known.

    Effects taken out shrink what rows of one day still have in common, and all scores a little; an effect of each
    video leaves the sums of videos as they are.
    """
    sums, of_day, of_video = cells.sums(scores), cells.of_day, cells.of_video
    day_count, video_count = (int(index.max(initial=-1)) + 1 for index in (of_day, of_video))
    if video_count < LEAST_VIDEOS:
        return None
    by_video = _variance(sums, of_video, video_count) / (1 - lost.of_times_ratio)
    if day_count < LEAST_DAYS:
        return Spread(math.sqrt(by_video), video_count - 1, True)
    by_day, by_cell = _variance(sums, of_day, day_count), _variance(sums, np.arange(len(sums)), len(sums))
    of_days = (by_day - by_cell) / (1 - lost.ratio) ** 2
    # Differences of estimates: with few clusters the sum may fall below what independent rows would have.
    variance = max(by_video + of_days, by_cell / 2)
    if variance <= 0:
        return Spread(0.0, day_count - 1, False)
    noise = (by_cell + of_days) ** 2 / (day_count - 1) + by_video**2 / (video_count - 1)
    return Spread(math.sqrt(variance), max(variance**2 / noise, 1.0) if noise else day_count - 1.0, False)


def _variance(scores: Values, index: Integers, count: int) -> float:
    if count < 2:
        return 0.0
    sums = np.bincount(index, weights=scores, minlength=count)
    return float((sums**2).sum()) * count / (count - 1)


def share_interval(share: float, row_count: float, spread: Spread) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson's score, for as many rows as would tell as much independently.

    **Source**: Wilson, J. Amer. Statist. Assoc. 22 (1927); Korn and Graubard, Survey Methodology 24 (1998).
    """
    bound = central_bound(LEVEL, spread.degrees)
    count = share * (1 - share) / spread.error**2 if spread.error > 0 and 0 < share < 1 else row_count
    count = max(min(count, row_count * 2), 1.0)
    weight = bound**2 / count
    middle = (share + weight / 2) / (1 + weight)
    half = bound * math.sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    return max(0.0, middle - half) if share > 0 else 0.0, min(1.0, middle + half) if share < 1 else 1.0
