"""What is left of columns when what videos, days and hours have in common is taken out. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Values = NDArray[np.float64]

_SWEEPS = 100
_ENOUGH = 1e-7  # of a column's own spread
_EXACT = 1e-11  # of what is to be solved
_MOST_STEPS = 300
_MOST_SOLVED = 2500  # levels of all factors but the largest
_MOST_CELLS = 4_000_000  # counted at a time: 32 MB
_FEW_CELLS = 10_000
_DENSE_RATIO = 8  # of the range of whole numbers to how many there are: up to here they are counted, not sorted


class Effects:
    """An effect of each level of each factor, to be taken out of columns. Factors are numbers from 0.

    The effects of the largest factor follow from those of the others, which solve a system as small as they are few.

    **Source**: Frisch and Waugh, Econometrica 1 (1933); conjugate gradients: Hestenes and Stiefel, J. Res. NBS 49
    (1952). Where they find no solution, alternating projections: Gaure, Comput. Statist. Data Anal. 66 (2013). Factors
    that hardly overlap converge slowly: after 100 sweeps it is what it is.
    """

    def __init__(self, factors: Sequence[Integers]) -> None:
        # Largest first.
        self._factors = sorted(factors, key=lambda factor: -int(factor.max(initial=-1)))
        self._shape = tuple(int(factor.max(initial=-1)) + 1 for factor in self._factors[1:])
        self._joint = self._joined()
        # How often levels of all factors but the largest meet, where they are few enough to be kept.
        self._meetings = (
            None
            if self._joint is None
            else np.bincount(self._joint, minlength=math.prod(self._shape)).reshape(self._shape)
        )
        counts = [np.bincount(factor) for factor in self._factors[:1]] + self._counts_of_others()
        self.level_count = sum(int(np.count_nonzero(count)) for count in counts)
        self._sizes = [np.maximum(count, 1).astype(np.float64) for count in counts]
        # How often each level of the largest factor meets each level of the others, where it is few enough to be kept.
        self._cells: Values | None = None
        self._matrix = self._reduced(np.concatenate(counts[1:])) if len(counts) > 1 else None

    @property
    def is_exact(self) -> bool:
        """Return whether columns are solved for, and not swept until little moves."""
        return len(self._factors) < 2 or self._matrix is not None

    def left_of(self, column: Values) -> Values:
        """Return the column less the effects."""
        left = column - column.mean() if len(column) else column
        if not self._factors or not len(column):
            return left
        if len(self._factors) == 1:
            return self._without_means(left, 0)[0]
        least = _ENOUGH * (math.sqrt(float(left @ left) / len(left)) or 1.0)
        solved = self._solved(left)
        return self._swept(left, least) if solved is None else solved

    def _solved(self, left: Values) -> Values | None:
        if self._matrix is None:
            return None
        if self._cells is not None and self._joint is not None:
            return self._solved_by_cells(left, self._matrix, self._cells, self._joint)
        left, _ = self._without_means(left, 0)
        sums = [np.bincount(factor, weights=left) for factor in self._factors[1:]]
        found = _solution(self._matrix, np.concatenate(sums))
        if found is None:
            return None
        for factor, own in zip(
            self._factors[1:], np.split(found, np.cumsum([len(one) for one in sums])[:-1]), strict=True
        ):
            left -= np.take(own, factor, mode="clip")
        return self._without_means(left, 0)[0]

    def _solved_by_cells(self, left: Values, matrix: Values, cells: Values, joint: Integers) -> Values | None:
        """Solve from sums alone, so that each row is looked at twice: to be summed up, and to be left over."""
        means = np.bincount(self._factors[0], weights=left) / self._sizes[0]
        sums = np.bincount(joint, weights=left, minlength=math.prod(self._shape)).reshape(self._shape)
        axes = range(len(self._shape))
        of_each = [sums.sum(axis=tuple(other for other in axes if other != axis)) for axis in axes]
        found = _solution(matrix, np.concatenate(of_each) - means @ cells)
        if found is None:
            return None
        means -= cells @ found / self._sizes[0]
        effects = np.zeros(self._shape)
        for axis, own in enumerate(np.split(found, np.cumsum(self._shape)[:-1])):
            effects += own.reshape([-1 if other == axis else 1 for other in axes])
        left = left - np.take(means, self._factors[0], mode="clip")
        left -= np.take(effects.ravel(), joint, mode="clip")
        return left

    def _joined(self) -> Integers | None:
        """Return all factors but the largest as one. None: there is but one factor, or they have too many levels."""
        most = max(_DENSE_RATIO * len(self._factors[0]), _FEW_CELLS) if self._factors else 0
        if not 0 < math.prod(self._shape) <= most or len(self._factors) < 2:
            return None
        joint = self._factors[1]
        for factor, size in zip(self._factors[2:], self._shape[1:], strict=True):
            joint = joint * size + factor
        return joint

    def _counts_of_others(self) -> list[Integers]:
        """Return how many rows each level of each factor but the largest has."""
        if self._meetings is None:
            return [np.bincount(factor) for factor in self._factors[1:]]
        axes = range(len(self._shape))
        return [self._meetings.sum(axis=tuple(other for other in axes if other != axis)) for axis in axes]

    def _shared(self, place: int, other: int) -> Values:
        """Return how often the levels of two of the other factors meet."""
        if self._meetings is None or len(self._shape) != 2:
            one, two = self._factors[1 + place], self._factors[1 + other]
            return _counted(one, two, self._shape[place], self._shape[other])
        found = self._meetings.astype(np.float64)
        return found if place < other else found.T

    def _swept(self, left: Values, least: float) -> Values:
        for _ in range(_SWEEPS):
            moved = 0.0
            for place in range(len(self._factors)):
                left, most = self._without_means(left, place)
                moved = max(moved, most)
            if moved < least:
                break
        return left

    def _without_means(self, left: Values, place: int) -> tuple[Values, float]:
        factor = self._factors[place]
        means = np.bincount(factor, weights=left) / self._sizes[place]
        return left - np.take(means, factor, mode="clip"), float(np.abs(means).max())

    def _reduced(self, of_others: Integers) -> Values | None:
        """Return the system that is left when the largest factor is eliminated. None: too large a one.

        `of_others` are the rows of each level of the other factors.
        """
        total = sum(self._shape)
        if not 0 < total <= _MOST_SOLVED or not len(self._factors[0]):
            return None
        ends = np.cumsum(self._shape).tolist()
        parts = [slice(end - size, end) for end, size in zip(ends, self._shape, strict=True)]
        matrix = np.diag(of_others.astype(np.float64))
        for place, one in enumerate(parts):
            for other in range(place):
                shared = self._shared(place, other)
                matrix[one, parts[other]] += shared
                matrix[parts[other], one] += shared.T
        for first, rows in _parts(self._factors[0], max(_MOST_CELLS // total, 1)):
            here = self._factors[0][rows]
            here = here - first if first else here
            size = int(here.max()) + 1
            cells = np.concatenate(
                [
                    _counted(here, factor[rows], size, count)
                    for factor, count in zip(self._factors[1:], self._shape, strict=True)
                ],
                axis=1,
            )
            if size == len(self._sizes[0]):
                self._cells = cells
            cells = cells / np.sqrt(self._sizes[0][first : first + size, None])
            matrix -= cells.T @ cells
        return matrix


def _solution(matrix: Values, wanted: Values) -> Values | None:
    """Solve a symmetric system that has a solution, though not one alone, by conjugate gradients. None: not reached."""
    scale = np.where(np.diag(matrix) > 0, np.diag(matrix), 1.0)
    found, left = np.zeros_like(wanted), wanted.copy()
    enough = _EXACT * float(np.abs(wanted).max(initial=0.0))
    ahead = left / scale
    step, size = ahead.copy(), float(left @ ahead)
    for _ in range(_MOST_STEPS):
        if float(np.abs(left).max(initial=0.0)) <= enough:
            return found
        moved = matrix @ step
        slope = float(step @ moved)
        if slope <= 0:
            return None
        found += size / slope * step
        left -= size / slope * moved
        ahead = left / scale
        size, before = float(left @ ahead), size
        step = ahead + size / before * step
    return None


def _counted(one: Integers, other: Integers, height: int, width: int) -> Values:
    found: Values = np.bincount(one * width + other, minlength=height * width).reshape(height, width).astype(np.float64)
    return found


def _parts(factor: Integers, level_count: int) -> list[tuple[int, Integers | slice]]:
    """Return the rows of so many levels at a time, each with the first of the levels."""
    levels = int(factor.max()) + 1
    if levels <= level_count:
        return [(0, slice(None))]
    order = np.argsort(factor, kind="stable")
    firsts = range(0, levels, level_count)
    bounds = np.searchsorted(factor[order], [*firsts, levels])
    return [(first, order[begin:end]) for first, begin, end in zip(firsts, bounds[:-1], bounds[1:], strict=True)]


def without_effects(column: Values, factors: Sequence[Integers]) -> Values:
    """Return the column less an effect of each level of each factor."""
    return Effects(factors).left_of(column)


def numbered(values: Integers) -> Integers:
    """Return the values as numbers from 0, in their order."""
    if not len(values):
        return values
    least, most = int(values.min()), int(values.max())
    if most - least > _DENSE_RATIO * len(values):
        found: Integers = np.unique(values, return_inverse=True)[1].astype(np.int64)
        return found
    # By counting, which takes a twentieth of the time that sorting does.
    is_there = np.zeros(most - least + 1, dtype=np.bool_)
    is_there[values - least] = True
    places: Integers = np.cumsum(is_there) - 1
    return places[values - least]
