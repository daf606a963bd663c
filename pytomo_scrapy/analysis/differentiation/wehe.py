"""Wehe's verdict over the throughput samples of two replays, here of the windows of both names. Pure.

Differentiation: the means differ by more than a tenth of the larger one, the distributions differ by a Kolmogorov-
Smirnov test at 0.05, and the test says the same of random halves of the samples. None: neither differs, and the halves
agree. Else inconclusive.

**Source**: Li, Niaki, Choffnes, Gill and Mislove, A Large-Scale Analysis of Deployed Traffic Differentiation Practices,
SIGCOMM 2019, section 3, and Wehe's server (NEU-SNS/wehe-py3, `testHypothesis.py`, `oneDiffTest.py`): samples without
zeros for the test itself, 100 halves after NetPolice (Zhang, Mao and Zhang, CoNEXT 2009), of which more than 95 % must
agree. Where they do not, Wehe's client lets the means alone decide; as its paper does, that is inconclusive here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytomo_scrapy.analysis.differentiation.kolmogorov_smirnov import Values, chance

AREA_LIMIT = 0.1
CHANCE_LIMIT = 0.05
HALVES = 100
AGREEING_LIMIT = 0.95

DIFFERENTIATION, NONE, INCONCLUSIVE = "differentiation", "none", "inconclusive"
# Of each name: fewer samples cannot be halved and still tell.
LEAST_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class WeheVerdict:
    """What the method says. None: too few samples. `area_ratio` above 0: the service's name was slower."""

    verdict: str = INCONCLUSIVE
    area_ratio: float | None = None
    chance: float | None = None
    agreeing_count: int | None = None  # of 100 halves


def judge(service_bps: Sequence[float], neutral_bps: Sequence[float], seed: int = 0) -> WeheVerdict:
    """Judge the throughput samples of windows under either name; `seed` draws the halves."""
    service, neutral = np.asarray(service_bps, dtype=np.float64), np.asarray(neutral_bps, dtype=np.float64)
    if min((service > 0).sum(), (neutral > 0).sum()) < LEAST_SAMPLES:
        return WeheVerdict()
    means = float(service.mean()), float(neutral.mean())
    area = (means[1] - means[0]) / max(means)
    whole = chance(service[service > 0], neutral[neutral > 0])
    differs = whole < CHANCE_LIMIT
    draw = np.random.default_rng(seed)
    agreeing = sum(
        (chance(_half(service, draw), _half(neutral, draw)) < CHANCE_LIMIT) == differs for _ in range(HALVES)
    )
    return WeheVerdict(_verdict(area, differs, agreeing), area, whole, agreeing)


def _half(values: Values, draw: np.random.Generator) -> Values:
    return draw.choice(values, len(values) // 2, replace=False)


def _verdict(area: float, differs: bool, agreeing: int) -> str:
    if agreeing <= AGREEING_LIMIT * HALVES or differs != (abs(area) > AREA_LIMIT):
        return INCONCLUSIVE
    return DIFFERENTIATION if differs else NONE
