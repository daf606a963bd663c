"""How often a study finds the smallest effect of interest, where there is one: by simulating studies like it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pytomo_scrapy.analysis.comparison import Clusters, ComparedFigure, ComparedRows, Way, differences
from pytomo_scrapy.analysis.strata_test import shown_by_holm
from pytomo_scrapy.analysis.studies.likeness import NODES, Likeness, normal_mean
from pytomo_scrapy.analysis.studies.spending import ERROR, look_levels

STUDIES = 400  # simulated: the power's own standard error is below 2.5 points
_STUDIES_TO_SEARCH = 200
_DAY_S = 86_400
_SEED = 17
_MOST_ROUNDS = 20_000
_STEPS = 4

Values = NDArray[np.float64]

_NORMAL = NormalDist()
_MOST_SHARE = 0.999
_MOST_FACTOR = 1e6
_GRID = np.linspace(-8.0, 8.0, 8001)
_BELOW = np.array([_NORMAL.cdf(value) for value in _GRID])


@dataclass(frozen=True, slots=True)
class Design:
    """What a simulated study is like: sizes, times, effect, and after which rounds it is looked at."""

    videos: int
    rounds: int
    every_s: float
    arms: int
    effect_ratio: float
    looks: Sequence[int] = ()

    @property
    def look_rounds(self) -> tuple[int, ...]:
        """Return the rounds of all looks, the last one too."""
        return tuple(sorted({*(look for look in self.looks if look < self.rounds), self.rounds}))

    @property
    def days(self) -> float:
        """Return how long the study takes."""
        return max(self.rounds * self.every_s / _DAY_S, 0.0)


@dataclass(frozen=True, slots=True)
class Power:
    """The power of a plan, and how many rounds would have the power that is asked for. None: more than can be."""

    power_ratio: float
    needed_rounds: int | None


def power_of(design: Design, likeness: Likeness, studies: int = STUDIES, seed: int = _SEED) -> float:
    """Return the share of simulated studies that show the second arm's difference, in its true direction."""
    levels = look_levels([round_number / design.rounds for round_number in design.look_rounds])
    chance = np.random.default_rng(seed)
    found = sum(_is_found(design, likeness, levels, chance) for _ in range(studies))
    return found / studies


def power_and_need(design: Design, likeness: Likeness, wanted_ratio: float) -> Power:
    """Return the power of a design, and how many rounds have the power that is wanted."""
    power = power_of(design, likeness)
    return Power(
        power, design.rounds if power >= wanted_ratio else _needed_rounds(design, likeness, power, wanted_ratio)
    )


def _needed_rounds(design: Design, likeness: Likeness, power: float, wanted_ratio: float) -> int | None:
    """Search: what a normal statistic with as many more rows would have, simulated, and again from there."""
    rounds = design.rounds
    for _ in range(_STEPS):
        # With next to no power the square says nothing: no step is more than 16 times the one before.
        growth = (_strength(wanted_ratio) / max(_strength(power), 0.1)) ** 2
        rounds = max(rounds + 1, math.ceil(rounds * min(growth, 16.0)))
        if rounds > _MOST_ROUNDS or rounds * design.videos * design.arms > 2_000_000:
            return None
        looks = tuple(round(look * rounds / design.rounds) for look in design.looks)
        power = power_of(replace(design, rounds=rounds, looks=looks), likeness, _STUDIES_TO_SEARCH)
        if power >= wanted_ratio:
            return rounds
    return None


def _strength(power: float) -> float:
    """Return of how many standard errors an effect is that is found with this power."""
    return _NORMAL.inv_cdf(1 - ERROR / 2) + _NORMAL.inv_cdf(min(max(power, 0.03), 0.995))


def _is_found(design: Design, likeness: Likeness, levels: Sequence[float], chance: np.random.Generator) -> bool:
    rows, round_of = simulated_rows(design, likeness, chance)
    for round_number, level in zip(design.look_rounds, levels, strict=True):
        seen = replace(rows, groups=np.where(round_of < round_number, rows.groups, -1))
        compared = {one.group: one for one in differences(seen, design.arms)}
        chances = {str(group): one.chance for group, one in compared.items() if one.chance is not None}
        if "1" in shown_by_holm(chances, level):
            # A difference shown in the wrong direction is an error, and not what the study was to find.
            return (compared[1].value or 0.0) * design.effect_ratio > 0
    return False


def simulated_rows(
    design: Design, likeness: Likeness, chance: np.random.Generator
) -> tuple[ComparedRows, NDArray[np.int64]]:
    """Return the rows of one study, whose second arm differs by the effect, and the round of each."""
    shape = (design.arms, design.rounds, design.videos)
    started = np.arange(design.rounds) * max(design.every_s, 1.0)
    days = (started // _DAY_S).astype(np.int64)
    day_count = int(days[-1]) + 1

    def part(variance: float, *sizes: int) -> Values:
        return math.sqrt(variance) * chance.standard_normal(sizes)

    common = np.zeros(shape)
    common += part(likeness.of_video, design.videos)[None, None, :]
    common += part(likeness.of_day, day_count)[days][None, :, None]
    common += part(likeness.of_hour, design.rounds)[None, :, None]
    common += part(likeness.of_line_day, design.arms, day_count)[:, days][:, :, None]
    if likeness.way is Way.SHARE:
        values = _drawn(common, likeness, design.effect_ratio, chance)
    else:
        values = _read_off(common + part(likeness.of_itself, *shape), likeness, design.effect_ratio)
    values[chance.random(shape) < likeness.unknown_ratio] = np.nan
    arm, round_of, video = (index.ravel() for index in np.indices(shape))
    started_s = started[round_of].astype(np.int64)
    figure = ComparedFigure(likeness.figure, likeness.way, True, values.ravel())
    pairs = round_of * design.videos + video
    return ComparedRows(arm, started_s, video, pairs, Clusters(started_s // _DAY_S, video), [figure]), round_of


def _drawn(common: Values, likeness: Likeness, effect_ratio: float, chance: np.random.Generator) -> Values:
    """Draw 0 or 1 by the chance that each session's common parts give it; the effect multiplies the second arm's.

    So it is a relative difference on good days as on bad ones, as that of a delay is: what days differ grows with it.
    """
    share, own = likeness.share, likeness.of_itself
    threshold, scale = _NORMAL.inv_cdf(1 - share), math.sqrt(own)
    chances = _normal_share((common - threshold) / scale)
    levels = _normal_share((math.sqrt(1 - own) * NODES - threshold) / scale)
    chances[1] = np.minimum(chances[1] * _factor(levels, min(share * (1 + effect_ratio), _MOST_SHARE)), 1.0)
    return (chance.random(common.shape) < chances).astype(np.float64)


def _factor(levels: Values, share: float) -> float:
    """Return what chances are multiplied by for a mean of `share`: more than meant where some would exceed 1."""
    low, high = 0.0, _MOST_FACTOR
    for _ in range(50):
        middle = (low + high) / 2
        is_less = normal_mean(np.minimum(levels * middle, 1.0)) < share
        low, high = (middle, high) if is_less else (low, middle)
    return high


def _normal_share(values: Values) -> Values:
    """Return how much of a normal variable lies below each value, off a table: to 1e-6."""
    found: Values = np.interp(values, _GRID, _BELOW)
    return found


def _read_off(total: Values, likeness: Likeness, effect_ratio: float) -> Values:
    """Return the figure of each normal variable; the second arm's are longer by the effect."""
    # By quantiles: erf of NumPy's own is not there, and a table of its inverse is as good.
    grid = np.array([_NORMAL.inv_cdf((rank + 0.5) / len(likeness.values)) for rank in range(len(likeness.values))])
    values: Values = likeness.values[np.searchsorted(grid, total).clip(0, len(grid) - 1)]
    values = values.copy()
    values[1] *= 1 + effect_ratio
    return values
