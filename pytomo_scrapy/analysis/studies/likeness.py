"""What sessions have in common, measured in a database: so that studies like it can be simulated. Pure.

A session's figure is read off a normal variable, which is a sum: a part of the video, of the day, of the hour, of the
day of a line, and of nothing but the session. How large each is follows from pairs of sessions that share it and
nothing more: for numbers from the products of their normal scores, for shares from how often both are 1 (tetrachoric
correlation).

**Source**: Emrich and Piedmonte, "A method for generating high-dimensional multivariate binary variates", Amer.
Statist. 45 (1991); normal scores: van der Waerden, Proc. Kon. Ned. Akad. Wet. A 55 (1952).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pytomo_scrapy.analysis.comparison import ComparedFigure, ComparedRows, Way
from pytomo_scrapy.analysis.fixed_effects import numbered

LEAST_ROWS = 200
LEAST_VIDEOS = 10
LEAST_DAYS = 3
_MOST = 0.95  # of all common parts together
_DAY_S = 86_400

Integers = NDArray[np.int64]
Values = NDArray[np.float64]

_NORMAL = NormalDist()
NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a figure is like: its values in order, how often it is not known, and the parts of its variance."""

    figure: str
    way: Way
    values: Values
    unknown_ratio: float
    of_video: float
    of_day: float
    of_hour: float
    of_line_day: float
    row_count: int
    video_count: int
    day_count: int
    is_line_known: bool  # two lines measured on the same days; else all of the day is taken for the line's own

    @property
    def share(self) -> float:
        """Return the share of a figure that is 0 or 1."""
        return float(self.values.mean())

    @property
    def of_itself(self) -> float:
        """Return the part that a session has in common with no other."""
        return max(0.0, 1 - self.of_video - self.of_day - self.of_hour - self.of_line_day)


def likeness_of(rows: ComparedRows, figure: ComparedFigure) -> Likeness | str:
    """Return what a figure is like in these rows, whose groups are lines; a sentence where they are too few."""
    known = ~np.isnan(figure.values)
    values = figure.values[known]
    days, hours = rows.started_s[known] // _DAY_S, rows.started_s[known] // 3600
    lines, videos = rows.groups[known], rows.videos[known]
    counts = [len(values), len(np.unique(videos)), len(np.unique(days))]
    for count, least, what in zip(
        counts, (LEAST_ROWS, LEAST_VIDEOS, LEAST_DAYS), ("sessions", "videos", "days"), strict=True
    ):
        if count < least:
            return f"the database holds {count} {what} with this figure, and {least} are needed to simulate the study"
    if len(np.unique(values)) < 2:
        return "the figure has one value in all sessions of the database"
    parts = _Parts(values, figure.way)
    video = parts.correlation([videos], apart=[days])
    hour = parts.correlation([lines, hours], apart=[videos])
    line_day = parts.correlation([lines, days], apart=[hours, videos])
    common, is_known = parts.between_lines(lines, days, hours, videos)
    return Likeness(
        figure=figure.name,
        way=figure.way,
        values=np.sort(values),
        unknown_ratio=float(1 - len(values) / len(known)),
        **_bounded(video, common, hour - line_day, line_day - common),
        row_count=counts[0],
        video_count=counts[1],
        day_count=counts[2],
        is_line_known=is_known,
    )


def _bounded(*parts: float) -> dict[str, float]:
    """Return the parts of video, day, hour and line's day as parts of a variance."""
    # Below nothing is chance. It is cut here and not before: a difference of what was cut would be too small.
    video, day, hour, line_day = (max(part, 0.0) for part in parts)
    total = video + day + hour + line_day
    scale = min(1.0, _MOST / total) if total > 0 else 1.0
    names = ("of_video", "of_day", "of_hour", "of_line_day")
    return {name: part * scale for name, part in zip(names, (video, day, hour, line_day), strict=True)}


class _Parts:
    """Correlations of rows that share one thing, and not another."""

    def __init__(self, values: Values, way: Way) -> None:
        self._is_share = way is Way.SHARE
        self._mean = float(values.mean())
        self._scores = values - self._mean if self._is_share else _normal_scores(values)

    def correlation(self, shared: list[Integers], apart: Sequence[Integers]) -> float:
        """Return the correlation of the normal variables of two rows with `shared` in common, and none of `apart`."""
        product, count = self._pairs_apart(shared, apart)
        return self._read(product / count) if count > 0 else 0.0

    def between_lines(self, lines: Integers, days: Integers, hours: Integers, videos: Integers) -> tuple[float, bool]:
        """Return the correlation of two lines on one day, and whether two lines were measured on the same days."""
        # Of other hours, as those of one line are: an evening that is slow every day is in neither.
        product, count = self._pairs_apart([days], [lines, hours, videos])
        return (self._read(product / count), True) if count >= LEAST_ROWS else (0.0, False)

    def _pairs_apart(self, shared: list[Integers], apart: Sequence[Integers]) -> tuple[float, float]:
        """Return the sum of the products of all pairs with `shared` in common and none of `apart`, and their number."""
        if not apart:
            return self._pairs(shared)
        product, count = self._pairs_apart(shared, apart[1:])
        less, fewer = self._pairs_apart([*shared, apart[0]], apart[1:])
        return product - less, count - fewer

    def _pairs(self, keys: list[Integers]) -> tuple[float, float]:
        """Return the sum of the products of all pairs that have these keys in common, and how many there are."""
        index = np.zeros(len(self._scores), dtype=np.int64)
        for key in keys:
            own = numbered(key)
            index = numbered(index * (int(own.max()) + 1) + own)
        sums = np.bincount(index, weights=self._scores)
        squares = np.bincount(index, weights=self._scores**2)
        sizes = np.bincount(index).astype(np.float64)
        return float((sums**2 - squares).sum() / 2), float((sizes * (sizes - 1)).sum() / 2)

    def _read(self, covariance: float) -> float:
        """Return the correlation of normal variables; of one below nothing as much below."""
        if covariance < 0:
            return -self._read(-covariance)
        if not self._is_share:
            return min(covariance, _MOST)
        both = covariance + self._mean**2
        low, high = 0.0, _MOST
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if _both_ones(self._mean, middle) < both else (low, middle)
        return (low + high) / 2


def _normal_scores(values: Values) -> Values:
    """Return the normal score of each value's middle rank; values that are the same have the same."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    scores = np.array([_NORMAL.inv_cdf(rank / (len(values) + 1)) for rank in middle])
    found: Values = scores[index]
    centred: Values = (found - found.mean()) / (found.std() or 1.0)
    return centred


def normal_mean(values: Values) -> float:
    """Return the mean of a function of a normal variable, whose values at NODES these are (Gauss-Hermite)."""
    return float((_WEIGHTS * values).sum() / math.sqrt(2 * math.pi))


def _both_ones(share: float, correlation: float) -> float:
    """Return how probable it is that both of two such variables are 1, by Gauss-Hermite quadrature."""
    threshold = _NORMAL.inv_cdf(1 - share)
    own = math.sqrt(1 - correlation)
    ones = [0.5 * math.erfc((threshold - math.sqrt(correlation) * node) / own / math.sqrt(2)) for node in NODES]
    return normal_mean(np.array(ones) ** 2)
