"""How much of what is bad goes with something: attributable fractions, adjusted, with intervals. Pure.

Of the bad sessions, the fraction that would not have been bad if sessions under the exposure had been as good as those
without it: F = p (R - 1) / R, with p the exposed share of the bad sessions and R the risk ratio. R is Mantel and
Haenszel's over strata, so that like is compared with like. It says what goes with what: that it is the cause, no
figure can tell.

Each session moves F by its score, and sessions of one day and of one video share their luck: `clustered` turns scores
into an error. The interval is on the scale of log(1 - F), where F is nearer to normal. Several exposures are looked at
together, so that the largest is one by luck more often than 1 in 20: which are shown, Holm's test says.

**Source**: Miettinen, Amer. J. Epidemiol. 99 (1974), for F; Greenland and Robins, Biometrics 41 (1985), for R;
Greenland, Statist. Med. 6 (1987), for both together and the scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pytomo_scrapy.analysis.clustered import spread_of
from pytomo_scrapy.analysis.strata_test import shown_by_holm
from pytomo_scrapy.analysis.student_t import two_sided_chance

_NORMAL_BOUND = 1.96
LEAST_ROWS = 20  # exposed, and not exposed: below, nothing is said of an exposure

Values = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ExposedCounts:
    """Counts by stratum and group of videos: exposed sessions and the bad among them, and the same of all known."""

    exposed: Values
    exposed_bad: Values
    known: Values
    known_bad: Values


@dataclass(frozen=True, slots=True)
class Fraction:
    """What an exposure accounts for. `low` and `high` bound the 95 % interval; None where the data do not tell."""

    exposed_count: int
    other_count: int
    exposed_bad_count: int
    other_bad_count: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None  # of one as far from nothing, if it were nothing
    is_shown: bool = False  # above nothing, among all that were looked at
    is_of_these_days: bool = False


def fraction_of(one: ExposedCounts, bad: Values, day_of: Integers) -> Fraction:
    """Return what an exposure accounts for of `bad`, the bad sessions by stratum and group of videos.

    `day_of` says the day of each stratum. Nothing is said of an exposure that hardly any session has, or all have, nor
    of one that no stratum has both with and without.
    """
    exposed, exposed_bad, known, known_bad = (
        round(float(part.sum())) for part in (one.exposed, one.exposed_bad, one.known, one.known_bad)
    )
    made = Fraction(exposed, known - exposed, exposed_bad, known_bad - exposed_bad)
    if min(made.exposed_count, made.other_count) < LEAST_ROWS or not bad.sum():
        return made
    is_used = (one.known + bad).any(axis=1)
    one = ExposedCounts(*(part[is_used] for part in (one.exposed, one.exposed_bad, one.known, one.known_bad)))
    bad, day_of = bad[is_used], day_of[is_used]
    value, scores = _scored(one, bad)
    if value is None:
        return made
    middle: float | None = value
    is_lone = value > 0 and not (one.known_bad - one.exposed_bad)[_compares(one)].sum()
    if is_lone:
        # No bad session among the others says that they are few, not that there is none: as if there had been one.
        middle, scores = _scored(*_with_one_more(one, bad))
    made = replace(made, value=value)
    day, video = (part.ravel() for part in np.broadcast_arrays(day_of[:, None], np.arange(bad.shape[1])[None, :]))
    is_there = (one.known + bad).ravel() > 0
    spread = spread_of(scores.ravel()[is_there], day[is_there], video[is_there])
    if spread is None or not (spread.error or is_lone):
        return made
    assert middle is not None
    error, reach = spread.error / (1 - middle), spread.reach / (1 - middle)
    if is_lone:
        # A single bad session might as well have been none or two: its number is uncertain by itself.
        error, reach = math.hypot(error, 1.0), math.hypot(reach, _NORMAL_BOUND)
    at = math.log(1 - middle)
    low, high = 1 - math.exp(at + reach), 1 - math.exp(at - reach)
    chance = two_sided_chance(at / error, spread.degrees)
    return replace(made, low=low, high=max(high, value), chance=chance, is_of_these_days=spread.is_of_these_days)


def shown_among(found: Sequence[Fraction]) -> list[Fraction]:
    """Return the fractions with what is shown of them, all looked at together."""
    chances = {str(index): one.chance for index, one in enumerate(found) if one.chance is not None}
    shown = shown_by_holm(chances)
    return [replace(one, is_shown=str(index) in shown and (one.value or 0.0) > 0) for index, one in enumerate(found)]


def _scored(one: ExposedCounts, bad: Values) -> tuple[float | None, Values]:
    """Return the fraction and how far each stratum's group of videos moves it. None where no stratum compares."""
    other, other_bad = one.known - one.exposed, one.known_bad - one.exposed_bad
    n1, n0, a, b = (part.sum(axis=1, keepdims=True) for part in (one.exposed, other, one.exposed_bad, other_bad))
    n = np.maximum(n1 + n0, 1.0)
    risk, base = float((a * n0 / n).sum()), float((b * n1 / n).sum())
    if risk <= 0:
        # No bad session under the exposure is better than nothing; that it accounts for less than nothing is not said.
        return (0.0 if base > 0 else None), np.zeros_like(bad)
    # The derivatives of both sums by the counts that they are made of.
    of_risk = one.exposed_bad * n0 / n + (other * n1 - one.exposed * n0) * a / n**2
    of_base = other_bad * n1 / n + (one.exposed * n0 - other * n1) * b / n**2
    total, ratio = float(bad.sum()), base / risk
    share = float(one.exposed_bad.sum()) / total
    scores = (1 - ratio) * (one.exposed_bad - share * bad) / total - share * (of_base - ratio * of_risk) / risk
    return share * (1 - ratio), scores


def _compares(one: ExposedCounts) -> NDArray[np.bool_]:
    """Return which strata have sessions both with and without the exposure."""
    exposed, known = one.exposed.sum(axis=1), one.known.sum(axis=1)
    found: NDArray[np.bool_] = (exposed > 0) & (known > exposed)
    return found


def _with_one_more(one: ExposedCounts, bad: Values) -> tuple[ExposedCounts, Values]:
    """Return the counts as if one more session without the exposure had been bad, nobody knows which."""
    other = np.where(_compares(one)[:, None], one.known - one.exposed, 0.0)
    more = other / other.sum()
    return replace(one, known_bad=one.known_bad + more), bad + more
