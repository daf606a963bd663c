"""Pacing: exact means, small portions, no bursts, with a clock that is moved by hand."""

from __future__ import annotations

import math

import pytest

from pytomo_scrapy.lab.media.rates import PACKET_BYTES, QUANTUM_MAX_BYTES, Pacer, RateTrace
from pytomo_scrapy.lab.model import RateRule


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def make_pacer(clock: Clock, *steps: tuple[float, float], period_s: float | None = None) -> Pacer:
    return Pacer(RateTrace(RateRule(steps=steps, period_s=period_s), 0.0), clock)


def send_for(pacer: Pacer, clock: Clock, duration_s: float, late_s: float = 0.0) -> int:
    """Send portions until `duration_s` from now have passed, waking `late_s` late each time; return the bytes."""
    end, sent, ready_at = clock.now_s + duration_s, 0, clock.now_s
    while True:
        size = pacer.quantum_bytes()
        due = pacer.reserve(size, ready_at)
        if due > end:
            return sent
        clock.now_s = max(clock.now_s, due + late_s)
        ready_at = due
        sent += size


@pytest.mark.parametrize("rate_bps", [100e3, 1e6, 5e6, 80e6])
@pytest.mark.parametrize("late_s", [0.0, 0.004])
def test_pacer_over_ten_seconds_keeps_the_mean_within_a_percent(rate_bps: float, late_s: float) -> None:
    clock = Clock()
    pacer = make_pacer(clock, (0.0, rate_bps))
    pacer.join(0)
    assert 8 * send_for(pacer, clock, 10.0, late_s) / 10 == pytest.approx(rate_bps, rel=0.01)


def test_pacer_quantum_is_ten_milliseconds_but_a_packet_and_at_most_16_kib() -> None:
    # 2 Mbit/s for 10 ms: 20 000 bit = 2500 bytes; 1 Mbit/s would be 1250 bytes, 100 Mbit/s 125 000.
    assert make_pacer(Clock(), (0.0, 2e6)).quantum_bytes() == 2500
    assert make_pacer(Clock(), (0.0, 1e6)).quantum_bytes() == PACKET_BYTES == 1448
    assert make_pacer(Clock(), (0.0, 100e6)).quantum_bytes() == QUANTUM_MAX_BYTES == 16384


def test_pacer_after_idling_sends_nothing_early() -> None:
    clock = Clock()
    pacer = make_pacer(clock, (0.0, 1e6))
    pacer.join(0)
    send_for(pacer, clock, 1.0)
    clock.now_s += 60.0
    # A new portion of 1250 bytes is due its own 10 ms from now, not at once.
    assert pacer.reserve(1250) == pytest.approx(clock.now_s + 0.01)


def test_pacer_with_a_peer_that_read_nothing_for_long_catches_up_a_quarter_second_at_most() -> None:
    clock = Clock()
    pacer = make_pacer(clock, (0.0, 1e6))
    pacer.join(0)
    first = pacer.reserve(1250)
    clock.now_s += 10.0
    assert pacer.reserve(1250, ready_at=first) == pytest.approx(clock.now_s - 0.25 + 0.01)


def test_pacer_with_two_connections_serves_them_in_turn() -> None:
    clock = Clock()
    pacer = make_pacer(clock, (0.0, 1e6))
    pacer.join(0)
    pacer.join(0)
    sent = [0, 0]
    due = [pacer.reserve(1250), pacer.reserve(1250)]
    for _ in range(100):
        who = due.index(min(due))
        clock.now_s = due[who]
        sent[who] += 1250
        due[who] = pacer.reserve(1250, due[who])
    assert sent[0] == sent[1]
    assert 8 * sum(sent) / (clock.now_s - 100.0) == pytest.approx(1e6, rel=0.01)


def test_pacer_over_a_step_and_an_outage_follows_the_integral() -> None:
    clock = Clock()
    pacer = make_pacer(clock, (0.0, 1e6), (1.0, 0.0), (3.0, 2e6))
    pacer.join(0)
    # 1 s at 1 Mbit/s, nothing for 2 s, then 1.5 Mbit at 2 Mbit/s end at 3.75 s.
    assert pacer.reserve(125_000) == pytest.approx(101.0)
    assert pacer.reserve(187_500) == pytest.approx(103.75)


def test_pacer_with_a_period_repeats_its_steps() -> None:
    clock = Clock()
    pacer = make_pacer(clock, (0.0, 1e6), (1.0, 3e6), period_s=2.0)
    pacer.join(0)
    # 4 Mbit a period of 2 s: 10 Mbit take two periods (8 Mbit), 1 s (1 Mbit) and a third of one (1 of 3 Mbit/s).
    assert pacer.reserve(1_250_000) == pytest.approx(100 + 5 + 1 / 3)


@pytest.mark.parametrize("period_s", [None, 2.0])
def test_pacer_whose_rate_stays_zero_is_never_due(period_s: float | None) -> None:
    pacer = make_pacer(Clock(), (0.0, 0.0), period_s=period_s)
    assert pacer.reserve(1) == math.inf


def test_pacer_from_byte_zero_after_a_pause_starts_its_steps_anew() -> None:
    clock = Clock()
    pacer = make_pacer(clock, (0.0, 2e6), (1.0, 4e6))
    pacer.join(0)
    pacer.leave()
    clock.now_s += 30.0
    pacer.join(500)
    assert pacer.quantum_bytes() == 5000
    pacer.leave()
    clock.now_s += 0.5
    pacer.join(0)
    assert pacer.quantum_bytes() == 5000
    pacer.leave()
    clock.now_s += 1.0
    pacer.join(0)
    assert pacer.quantum_bytes() == 2500


def test_trace_with_clip_ratio_is_that_multiple_of_the_clip_s_mean() -> None:
    trace = RateTrace(RateRule(clip_ratio=0.5), 700_000.0)
    assert trace.segment(3.0)[0] == 350_000.0
    assert trace.is_limited and not RateTrace(RateRule(), 700_000.0).is_limited


@pytest.mark.parametrize(
    "rule",
    [
        RateRule(steps=((0.0, 1.0), (2.0, 1.0), (1.0, 1.0))),
        RateRule(steps=((0.0, -1.0),)),
        RateRule(steps=((1.0, 1.0),)),
        RateRule(steps=((0.0, 1.0), (5.0, 2.0)), period_s=5.0),
    ],
)
def test_trace_from_impossible_steps_raises_value_error(rule: RateRule) -> None:
    with pytest.raises(ValueError, match="rate"):
        RateTrace(rule, 1.0)


def test_trace_with_a_period_that_binary_fractions_miss_still_ends_on_time() -> None:
    trace = RateTrace(RateRule(steps=((0.0, 1e6), (0.1, 2e6)), period_s=0.3), 0.0)
    # 0.1 s at 1 and 0.2 s at 2 Mbit/s: 0.5 Mbit a period, 1000 periods in 300 s.
    assert trace.finish(0.0, 500e6) == pytest.approx(300.0, abs=1e-6)
