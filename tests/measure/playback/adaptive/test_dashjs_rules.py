"""The rules of dash.js: which rung each one allows, and that the lowest counts."""

import pytest

from pytomo_scrapy.measure.playback.adaptive.dashjs_rules import (
    AbandonWatch,
    DashRules,
    DashSituation,
    SwitchHistory,
    highest_rung,
)
from pytomo_scrapy.measure.playback.players.dashjs_adaptive import PLAYER

PARAMETERS = {name: parameter.default for name, parameter in PLAYER.parameters.items()}
BITRATES = (100_000.0, 500_000.0, 1_000_000.0, 4_000_000.0)


def rules(rate_bps: float | None = None, appended: int = 2) -> DashRules:
    """Rules that have seen segments of this rate."""
    made = DashRules(BITRATES, PARAMETERS)
    if rate_bps is not None:
        made.add_sample(round(rate_bps / 8), 1.0)
    made.appended = appended
    return made


def situation(rung: int = 1, level_s: float = 10.0, **changes: bool) -> DashSituation:
    return DashSituation(5.0, rung, level_s, 5.0, **({"is_loaded": True, "is_empty": False} | changes))


@pytest.mark.parametrize(("rate_bps", "rung"), [(0, 0), (499_999, 0), (500_000, 1), (3_999_999, 2), (9e9, 3)])
def test_highest_rung_of_at_most_a_rate(rate_bps: float, rung: int) -> None:
    assert highest_rung(BITRATES, rate_bps) == rung


@pytest.mark.parametrize(
    ("rate_bps", "level_s", "rung"),
    [
        (1_200_000, 10.0, 2),  # 0.9 x 1200 = 1080 carries 1000
        (1_100_000, 10.0, 1),  # 0.9 x 1100 = 990 does not
        (1_200_000, 2.5, 0),  # 0.7 x 1200 x 2.5 / 5 = 420: a segment of 500 would come too late
        (1_200_000, 3.0, 1),  # 504
    ],
)
def test_throughput_and_the_buffer_limit_the_rung(rate_bps: float, level_s: float, rung: int) -> None:
    assert rules(rate_bps).decide(situation(level_s=level_s)).rung == rung


def test_the_first_two_segments_are_not_limited_by_the_buffer() -> None:
    assert rules(1_200_000, appended=1).decide(situation(level_s=0.5)).rung == 2


def test_an_empty_buffer_takes_the_lowest_rung() -> None:
    assert rules(9e6).decide(situation(level_s=0.2, is_loaded=False, is_empty=True)).rung == 0


def test_no_rule_speaks_before_the_first_sample() -> None:
    made = rules()
    assert made.decide(situation()).rung is None
    assert not made.history.entries, "and nothing is noted"


def test_bola_decides_from_12_s_down_to_6_s() -> None:
    made = rules(1_200_000)
    made.decide(situation())
    assert made.bola is None
    for level_s in (12.0, 6.1):
        made.see_level(level_s)
        made.decide(situation(level_s=level_s))
        assert made.bola is not None
    made.see_level(5.9)
    made.bola = None
    made.decide(situation(level_s=5.9))
    assert made.bola is None


def test_a_rung_that_was_left_downwards_often_is_avoided() -> None:
    history = SwitchHistory(8, 0.075)
    for _ in range(7):
        history.add(1, 1)
    history.add(2, 1)
    # Of 8 decisions one was a drop from rung 2: 1/7 > 0.075, so no higher than 1.
    assert history.limit(4) == 1
    history.add(1, 1)
    assert history.limit(4) == 1
    for _ in range(7):
        history.add(1, 1)
    assert history.limit(4) is None, "the drop is forgotten after 8 decisions"


def test_few_decisions_limit_nothing() -> None:
    history = SwitchHistory(8, 0.075)
    for _ in range(7):
        history.add(2, 0)
    assert history.limit(4) is None


def test_a_request_that_takes_too_long_is_given_up() -> None:
    # 1.04 Mbit/s came of a segment of 20 Mbit: 19 s, more than 1.8 x 5 s. Rung 2, of 1 Mbit/s, is worth it.
    watch = AbandonWatch(first_byte_s=0.0)
    found = []
    for step in range(1, 8):
        received = (0.1 * step, 13_000 * step, 2_500_000)
        found.append(watch.better_rung(received, 5.0, 3, BITRATES, PARAMETERS))
    assert found == [None] * 5 + [2, 2], "six progress events, and more than 0.5 s"
    assert watch.rate_bps == pytest.approx(1_040_000)


@pytest.mark.parametrize(("rung", "size_bytes"), [(0, 2_500_000), (3, 1_000_000)])
def test_the_lowest_rung_and_one_that_comes_in_time_go_on(rung: int, size_bytes: int) -> None:
    watch = AbandonWatch(first_byte_s=0.0)
    steps = ((0.1 * step, 12_500 * step, size_bytes) for step in range(1, 20))
    assert not any(watch.better_rung(received, 5.0, rung, BITRATES, PARAMETERS) for received in steps)
