"""Student's t distribution, from the incomplete beta function. Pure."""

from __future__ import annotations

import math
from statistics import NormalDist

_ITERATIONS = 300
_NEWTON_STEPS = 100
_BEYOND = 1e9
_MANY_DEGREES = 2000
_TINY = 1e-300


def two_sided_chance(statistic: float, degrees: float) -> float:
    """Return the probability that a t variable is at least as far from 0 as `statistic`. `degrees` is above 0."""
    if math.isinf(statistic):
        return 0.0
    return _incomplete_beta(degrees / (degrees + statistic * statistic), degrees / 2, 0.5)


def central_bound(share: float, degrees: float) -> float:
    """Return the bound that a t variable does not exceed, to either side, with probability `share`."""
    bound = _expanded(NormalDist().inv_cdf((1 + share) / 2), degrees)
    if degrees > _MANY_DEGREES:
        return bound
    # From below Newton's steps never pass the bound, since the share is concave, and from above the first one does.
    front = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)
    for _ in range(_NEWTON_STEPS):
        density = 2 * front * (1 + bound * bound / degrees) ** (-(degrees + 1) / 2)
        step = (share - 1 + two_sided_chance(bound, degrees)) / density
        bound += step
        if bound > _BEYOND:
            return math.inf
        # Each step squares what the one before left.
        if abs(step) <= bound * 1e-8:
            break
    return bound


def _expanded(z: float, degrees: float) -> float:
    """Return the bound from that of the normal distribution; near to it where the degrees are many.

    **Source**: Abramowitz and Stegun 26.7.5, without the last of its terms.
    """
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / degrees**power for power, term in enumerate(terms, 1))


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function.

    **Source**: Abramowitz and Stegun 26.5.8, the continued fraction, evaluated by Lentz's method.
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    fraction, c, d = 1.0, 1.0, 0.0
    for step in range(_ITERATIONS):
        m = step // 2
        if step == 0:
            term = 1.0
        elif step % 2 == 0:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / _not_zero(1 + term * d)
        c = _not_zero(1 + term / c)
        fraction *= c * d
        if abs(1 - c * d) < 1e-12:
            break
    return front * (fraction - 1) / a


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
