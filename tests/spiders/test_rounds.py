"""When rounds start."""

from __future__ import annotations

import statistics
from random import Random

from pytomo_scrapy.config import EnduranceConfig
from pytomo_scrapy.spiders.rounds import Rounds


def make(clock: list[float], **settings: object) -> Rounds:
    return Rounds(EnduranceConfig(**settings), random=Random(1), clock=lambda: clock[0])  # type: ignore[arg-type]


def test_start_is_spread_over_the_jitter() -> None:
    rounds = make([0.0], start_jitter_s=100.0)
    waits = [rounds.before_first_s() for _ in range(1000)]
    assert 0 <= min(waits) < 5 and 95 < max(waits) <= 100
    assert make([0.0]).before_first_s() == 0


def test_fixed_gap_counts_from_start_to_start_and_is_never_negative() -> None:
    clock = [0.0]
    rounds = make(clock, round_every_s=3600.0)
    clock[0] = 50.0
    rounds.begin()
    clock[0] = 1050.0
    assert rounds.before_next_s() == 2600
    clock[0] = 9000.0
    assert rounds.before_next_s() == 0


def test_exponential_gaps_have_their_mean_and_their_spread() -> None:
    rounds = make([0.0], round_every_s=100.0, round_gaps="exponential")
    rounds.begin()
    gaps = [rounds.before_next_s() for _ in range(20_000)]
    # The mean of an exponential distribution is its standard deviation too.
    assert abs(statistics.mean(gaps) - 100) < 3
    assert abs(statistics.stdev(gaps) - 100) < 3


def test_no_gap_is_no_wait() -> None:
    assert make([0.0]).before_next_s() == 0
