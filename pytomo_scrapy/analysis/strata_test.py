"""Whether a share differs between strata, where a unit may have been asked for several times. Pure.

A unit is one video: its rows share its fate, so that rows must not be counted as if they were independent. Under the
null hypothesis the strata are labels that were dealt to the videos by chance. Of each video we take what it has above
the common share, d = refused - share x asked. Q = (N - 1) x (sum over strata of (sum of d)^2 / size) / (sum of d^2) is
chi-square distributed with one degree of freedom less than there are strata.

**Source**: the mean score statistic of Landis, Heyman and Koch, "Average partial association in three-way contingency
tables", Int. Statist. Rev. 46 (1978). Several properties: Holm, Scand. J. Statist. 6 (1979).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05  # of all properties together
LEAST_OF_STRATUM = 5  # videos: smaller strata are left out of the test
LEAST_OF_EACH = 10  # videos that were refused, and that were measured


def difference_chance(
    strata: NDArray[np.int64], refused: NDArray[np.float64], measured: NDArray[np.float64]
) -> float | None:
    """Return how probable a difference between strata as large as this one is by chance.

    An entry of each array for every video: its stratum, and how often it was refused and measured. None where fewer
    than two strata, or too few videos, allow the question.
    """
    sizes = np.bincount(strata)
    is_tested = sizes[strata] >= LEAST_OF_STRATUM
    strata, refused, measured = strata[is_tested], refused[is_tested], measured[is_tested]
    names, index = np.unique(strata, return_inverse=True)
    if len(names) < 2 or min(int((refused > 0).sum()), int((measured > 0).sum())) < LEAST_OF_EACH:
        return None
    asked = refused + measured
    above = refused - refused.sum() / asked.sum() * asked
    sums = np.bincount(index, weights=above)
    spread = float((above**2).sum())
    if spread == 0:
        return 1.0  # every video was refused equally often
    statistic = (len(above) - 1) * float((sums**2 / np.bincount(index)).sum()) / spread
    return chi_square_tail(statistic, len(names) - 1)


def chi_square_tail(statistic: float, degrees: int) -> float:
    """Return the probability that a chi-square variable exceeds `statistic`.

    **Source**: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.4.4 and 26.4.5: finite sums.
    """
    half = statistic / 2
    if degrees % 2 == 0:
        term = total = 1.0
        for index in range(1, degrees // 2):
            term *= half / index
            total += term
        return math.exp(-half) * total
    total = math.erfc(math.sqrt(half))
    term = math.exp(-half) * math.sqrt(half) * 2 / math.sqrt(math.pi)
    for index in range(1, degrees // 2 + 1):
        total += term
        term *= half / (index + 0.5)
    return total


def shown_by_holm(chances: Mapping[str, float], level: float = LEVEL) -> frozenset[str]:
    """Return the properties whose difference is shown, the error of all together being at most `level`."""
    shown: list[str] = []
    for name in sorted(chances, key=lambda name: chances[name]):
        if chances[name] > level / (len(chances) - len(shown)):
            break
        shown.append(name)
    return frozenset(shown)
