"""The interval of a share. Pure."""

from __future__ import annotations

from math import sqrt

_Z_95 = 1.959963984540054  # normal quantile at 0.975


def wilson_interval(count: int, of: int) -> tuple[float, float] | None:
    """Return the 95 % interval of the share `count` / `of` by Wilson's score, which is good at 0, at 1 and for few.

    None where there is nothing to have a share of.

    **Source**: Wilson, J. Amer. Statist. Assoc. 22 (1927); Brown, Cai and DasGupta, Statist. Sci. 16 (2001).
    """
    if of == 0:
        return None
    share, weight = count / of, _Z_95**2 / of
    middle = (share + weight / 2) / (1 + weight)
    half = _Z_95 * sqrt(share * (1 - share) / of + weight / (4 * of)) / (1 + weight)
    # At the ends the interval touches 0 or 1 but for a rounding error.
    return max(0.0, middle - half) if count else 0.0, min(1.0, middle + half) if count < of else 1.0
