"""95 % intervals for figures whose rows are not independent: a bootstrap over days and over videos. Pure.

Rows of one evening share a line, rows of one video share a cache, so neither rows nor days alone may be drawn. Days and
groups of videos are drawn independently, and a row counts as often as its day times as often as its group was drawn.
**Source**: Owen, "The pigeonhole bootstrap", Ann. Appl. Stat. 1 (2007): the intervals are somewhat too wide, never too
narrow. Quantiles follow Woodruff, J. Amer. Statist. Assoc. 47 (1952): the interval of the share below, read back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REPLICATES = 300
LEAST_DAYS = 3
LEAST_VIDEOS = 10
_TAIL = 0.025

Cell = tuple[int, int]  # (day, group of videos)
# Numerator and denominator of a figure in each cell.
Cells = Mapping[Cell, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Weights:
    """How often each cell was drawn: a row for every replicate, a column for every cell."""

    cells: tuple[Cell, ...]
    replicates: NDArray[np.float64]


def draw_weights(cells: Sequence[Cell], *, seed: int = 0, replicates: int = REPLICATES) -> Weights:
    """Draw days and groups of videos with replacement; the same cells and seed give the same weights."""
    ordered = tuple(sorted(cells))
    if not ordered:
        return Weights((), np.empty((0, 0)))
    chance = np.random.default_rng(seed)
    drawn = []
    for part in (0, 1):
        values, value_index = np.unique([cell[part] for cell in ordered], return_inverse=True)
        drawn.append(chance.multinomial(len(values), [1 / len(values)] * len(values), size=replicates)[:, value_index])
    return Weights(ordered, (drawn[0] * drawn[1]).astype(np.float64))


def ratio_replicates(cells: Cells, weights: Weights) -> list[float]:
    """Return numerator over denominator of each replicate; replicates without any denominator are left out."""
    if not weights.cells:
        return []
    above, below = weights.replicates @ np.array([cells.get(cell, (0.0, 0.0)) for cell in weights.cells]).T[..., None]
    is_there = below[:, 0] > 0
    found: list[float] = (above[is_there, 0] / below[is_there, 0]).tolist()
    return found


def interval(replicates: Sequence[float]) -> tuple[float, float] | None:
    """Return the middle 95 % of the replicates. None where there are too few."""
    if len(replicates) < REPLICATES // 2:
        return None
    ordered = sorted(replicates)
    low = int(_TAIL * len(ordered))
    return ordered[low], ordered[len(ordered) - 1 - low]


def quantile_replicates(below: Sequence[float], ratio: float, quantile: Callable[[float], float | None]) -> list[float]:
    """Turn replicates of the share below the estimated quantile into replicates of the quantile itself.

    If a replicate has a larger share below than expected, its own quantile lies lower by the difference: at
    2 * ratio - share.
    """
    found = []
    for share in below:
        value = quantile(min(max(2 * ratio - share, 1e-6), 1 - 1e-6))
        if value is not None:
            found.append(value)
    return found


def change_replicates(new: Sequence[float], old: Sequence[float], *, is_relative: bool) -> list[float]:
    """Return the change from old to new in independent replicates, as a ratio minus one or as a difference."""
    if is_relative:
        return [after / before - 1 for after, before in zip(new, old, strict=False) if before > 0]
    return [after - before for after, before in zip(new, old, strict=False)]


def change_point(buckets: Sequence[tuple[int, float, float]]) -> int | None:
    """Return where a share changed most: the start of the bucket after the extreme of the cumulative sum.

    `buckets` are (start, numerator, denominator) in order of time. **Source**: Page, Biometrika 41 (1954).
    """
    total = sum(below for _, _, below in buckets)
    if total <= 0:
        return None
    mean = sum(above for _, above, _ in buckets) / total
    best, change_start, running = 0.0, None, 0.0
    for index, (_, above, below) in enumerate(buckets[:-1]):
        running += above - mean * below
        if abs(running) > best:
            best, change_start = abs(running), buckets[index + 1][0]
    return change_start
