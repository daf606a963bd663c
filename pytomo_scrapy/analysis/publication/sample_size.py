"""How many sessions an interval takes: from one that is there, or for a share of independent sessions. Pure."""

from __future__ import annotations

import math

from pytomo_scrapy.analysis.estimates import Estimate

TARGETS = (0.05, 0.1)
_Z_95 = 1.959963984540054
_DIGITS = 2  # a forecast from a few days is no better


def rows_for(estimate: Estimate, target: float) -> int | None:
    """Return about how many rows bring the 95 % interval to `target` on either side: points of a share, else a ratio.

    More of the same: as many videos and days for a row as there are now, so that what rows have in common is in it.
    None where there is no interval, or nothing that `target` could be a ratio of.
    """
    if estimate.low is None or estimate.high is None or estimate.value is None:
        return None
    reach = target if estimate.kind.is_share or estimate.kind.unit == "%" else target * estimate.value
    half = max(estimate.high - estimate.value, estimate.value - estimate.low)
    if reach <= 0:
        return None
    return _rounded_up(estimate.row_count * (half / reach) ** 2)


def rows_for_share(share: float, reach: float) -> int:
    """Return how many independent sessions know a share to `reach` on either side, at 95 %.

    **Source**: the normal approximation, as in any textbook; sessions of one day or video tell less than that.
    """
    return math.ceil(_Z_95**2 * share * (1 - share) / reach**2)


def _rounded_up(count: float) -> int:
    step = 10 ** max(0, math.floor(math.log10(count)) + 1 - _DIGITS) if count >= 1 else 1
    return math.ceil(count / step) * step
