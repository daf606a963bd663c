"""How small a chance must be at each planned look, so that all looks together err as seldom as one would. Pure.

The error is spent as O'Brien and Fleming do it: hardly any at early looks, nearly all of it at the last.

**Source**: Lan and DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70 (1983), the spending
function of their example 1; boundaries by the recursion of Armitage, McPherson and Rowe, J. R. Statist. Soc. A 132
(1969), for a Brownian motion at the looks' shares of the information.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

ERROR = 0.05  # of the whole study, two-sided

Values = NDArray[np.float64]

_NORMAL = NormalDist()
_REACH = 8.0  # standard deviations: what lies beyond is of no weight
_POINTS = 1601


def spent(share: float, error: float = ERROR) -> float:
    """Return how much of the error is spent once this share of the information is there."""
    # Each side has half of it, and spends 2 - 2 Phi(z / sqrt(share)) with z of half its own.
    return 4 * (1 - _NORMAL.cdf(_NORMAL.inv_cdf(1 - error / 4) / math.sqrt(min(max(share, 1e-9), 1.0))))


def look_levels(shares: Sequence[float], error: float = ERROR) -> tuple[float, ...]:
    """Return the two-sided chance below which a difference is shown, for looks at these rising shares up to 1.

    One look has the whole error.
    """
    levels: list[float] = []
    grid: Values = np.zeros(1)
    density: Values = np.ones(1)  # weights of a motion that has not crossed before
    before, done = 0.0, 0.0
    for share in shares:
        spread = math.sqrt(share - before)
        to_spend = spent(share, error) - done
        bound = _bound(grid, density, spread, to_spend, share)
        levels.append(2 * (1 - _NORMAL.cdf(bound / math.sqrt(share))))
        inside = np.linspace(-bound, bound, _POINTS)
        steps = np.exp(-(((inside[:, None] - grid[None, :]) / spread) ** 2) / 2) / (spread * math.sqrt(2 * math.pi))
        density = (steps @ density) * (inside[1] - inside[0])
        density[[0, -1]] /= 2  # trapezoids
        grid, before, done = inside, share, spent(share, error)
    return tuple(levels)


def _bound(grid: Values, density: Values, spread: float, to_spend: float, share: float) -> float:
    """Return the bound that the motion leaves with that chance at this look. The more, the nearer."""
    low, high = 0.0, _REACH * math.sqrt(share)
    for _ in range(60):
        middle = (low + high) / 2
        if float(density @ _leaves((middle - grid) / spread) + density @ _leaves((middle + grid) / spread)) > to_spend:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _leaves(distances: Values) -> Values:
    """Return how probable a normal variable beyond each distance is."""
    return np.array([0.5 * math.erfc(distance / math.sqrt(2)) for distance in distances])
