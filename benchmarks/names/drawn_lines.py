"""Drawn windows of a line: samples of 0.05 s with slow start, bursts, drift, other traffic, loss and a shaper.

What is drawn is wider than what one line does: rates of 3 to 200 Mbit/s, windows that differ by a tenth for no reason,
samples whose neighbours hang together as those of a sender's window do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytomo_scrapy.items import SAMPLE_S, NamedWindow, TimedFetch
from pytomo_scrapy.items.name_pair import NEUTRAL, SERVICE

WINDOW_S, GAP_S = 5.0, 0.5
_SAMPLES = round(WINDOW_S / SAMPLE_S)
_KEPT = 0.9  # of a sample's deviation, by the next one
_DEVIATION, _OF_WINDOW = 0.15, 0.1
_SLOW_START_S = 0.4

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Condition:
    """What is the matter with a line, besides its own unrest."""

    name: str
    has_drift: bool = False
    has_cross_traffic: bool = False
    has_loss: bool = False


CONDITIONS = (
    Condition("quiet"),
    Condition("drift of the rate", has_drift=True),
    Condition("cross traffic", has_cross_traffic=True),
    Condition("loss", has_loss=True),
    Condition("all three", has_drift=True, has_cross_traffic=True, has_loss=True),
)


def drawn_test(
    condition: Condition, slower_ratio: float, pair_count: int, draw: np.random.Generator
) -> list[NamedWindow]:
    """Return the windows of a test on a drawn line, whose shaper slows the service's name by a ratio (0: none)."""
    mean_bps = math.exp(draw.uniform(math.log(3e6), math.log(200e6)))
    length_s = 2 * pair_count * (WINDOW_S + GAP_S)
    rate_bps = line_rates_bps(condition, mean_bps, length_s, draw)
    windows, t_s = [], 0.0
    for number in range(pair_count):
        roles = [SERVICE, NEUTRAL] if draw.random() < 0.5 else [NEUTRAL, SERVICE]
        for turn, role in enumerate(roles):
            first = round(t_s / SAMPLE_S)
            own = rate_bps[first : first + _SAMPLES] * _unrest(draw)
            if condition.has_loss:
                own = own * _after_losses(draw)
            if role == SERVICE:
                own = own * (1 - slower_ratio)
            windows.append(NamedWindow(number, role, turn, t_s, _fetch(own)))
            t_s += WINDOW_S + GAP_S
    return windows


def line_rates_bps(condition: Condition, mean_bps: float, length_s: float, draw: np.random.Generator) -> Values:
    """Return what the line leaves to us, sample by sample."""
    at_s = np.arange(round(length_s / SAMPLE_S) + 1) * SAMPLE_S
    rates = np.full(len(at_s), mean_bps)
    if condition.has_drift:
        # Up to half or twice over the test, and an evening's wave in it.
        end, wave, phase = draw.uniform(-0.7, 0.7), draw.uniform(0.0, 0.3), draw.uniform(0, 2 * math.pi)
        rates *= np.exp(end * at_s / length_s + wave * np.sin(2 * math.pi * at_s / length_s + phase))
    if condition.has_cross_traffic:
        # Flows of 10 s, one every 20 s, of a fifth to three fifths of the line.
        begin_s = 0.0
        while (begin_s := begin_s + draw.exponential(20.0)) < length_s:
            is_there = (at_s >= begin_s) & (at_s < begin_s + draw.exponential(10.0))
            rates[is_there] *= 1 - draw.uniform(0.2, 0.6)
    return rates


def _unrest(draw: np.random.Generator) -> Values:
    noise = draw.standard_normal(_SAMPLES) * _DEVIATION * math.sqrt(1 - _KEPT**2)
    level, course = draw.standard_normal() * _DEVIATION, []
    for step in noise:
        level = _KEPT * level + step
        course.append(level)
    start = np.minimum(1.0, np.exp((np.arange(_SAMPLES) * SAMPLE_S / _SLOW_START_S - 1) * 4))
    grown: Values = np.exp(np.array(course) + draw.standard_normal() * _OF_WINDOW) * start
    return grown


def _after_losses(draw: np.random.Generator) -> Values:
    """Return the saw of a sender that halves at each loss and needs 1 s to be back (CUBIC: 0.7)."""
    share, course = 1.0, []
    loss_per_s = math.exp(draw.normal(math.log(0.5), 0.5))  # windows differ: losses come in bursts
    for _ in range(_SAMPLES):
        share = share * 0.7 if draw.random() < loss_per_s * SAMPLE_S else min(1.0, share + 0.3 * SAMPLE_S)
        course.append(share)
    return np.array(course)


def _fetch(rate_bps: Values) -> TimedFetch:
    counts = tuple(int(value) for value in rate_bps * SAMPLE_S / 8)
    return TimedFetch(
        received_bytes=sum(counts), elapsed_s=WINDOW_S + 0.05, first_byte_s=0.05, sample_bytes=counts, sent_name="drawn"
    )
