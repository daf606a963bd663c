from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pytomo_scrapy.items import NamedWindow, TimedFetch
from pytomo_scrapy.items.name_pair import NEUTRAL, SERVICE
from pytomo_scrapy.measure.comparing import name_pairs
from pytomo_scrapy.measure.comparing.name_pairs import GAP_S, PairsPlan, measure_pairs
from pytomo_scrapy.measure.comparing.named_fetch import FetchPlan

PLAN = FetchPlan("https://rr1---sn-one.googlevideo.com/v", "192.0.2.1", 5.0, 1000)


class Network:
    """A network that brings what a test wants, and a clock on which each fetch takes 5 s."""

    def __init__(self, answer: Callable[[FetchPlan], TimedFetch]) -> None:
        self._answer, self.now_s = answer, 100.0
        self.fetched: list[FetchPlan] = []
        self.slept: list[float] = []

    def fetch(self, plan: FetchPlan, _clock: Any) -> TimedFetch:
        self.fetched.append(plan)
        self.now_s += 5.0
        return self._answer(plan)

    def measure(
        self, monkeypatch: pytest.MonkeyPatch, needed: int = 4, seed: str = "a", **changes: Any
    ) -> Sequence[NamedWindow]:
        monkeypatch.setattr(name_pairs, "fetch", self.fetch)
        values = {"first_pairs": 4, "most_pairs": 12, "seed": seed, "room_bytes": 10**9, **changes}
        plan = PairsPlan(PLAN, "www.example.com", **values)
        return measure_pairs(plan, lambda _: needed, clock=lambda: self.now_s, sleep=self.slept.append)


def good(_: FetchPlan) -> TimedFetch:
    return TimedFetch(received_bytes=1000)


def test_both_halves_of_each_pair_ask_the_same_of_the_same_address(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(good)
    windows = network.measure(monkeypatch)
    assert [(one.pair_number, one.turn) for one in windows] == [(n, turn) for n in range(4) for turn in (0, 1)]
    assert all({one.role for one in windows[n : n + 2]} == {SERVICE, NEUTRAL} for n in range(0, 8, 2))
    names = {one.role: plan.sent_name for one, plan in zip(windows, network.fetched, strict=True)}
    assert names == {SERVICE: None, NEUTRAL: "www.example.com"}
    assert {(plan.url, plan.address, plan.first_byte, plan.max_bytes) for plan in network.fetched} == {
        (PLAN.url, "192.0.2.1", 0, 1000)
    }
    assert network.slept == [GAP_S] * 7
    assert [one.t_s for one in windows[:3]] == [0.0, 5.0, 10.0]


def test_order_within_pairs_is_drawn_and_the_same_for_the_same_test(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_roles(seed: str) -> list[str]:
        windows = Network(good).measure(monkeypatch, 12, seed)
        return [one.role for one in windows if one.turn == 0]

    assert first_roles("a") == first_roles("a") != first_roles("b")
    assert set(first_roles("a")) == {SERVICE, NEUTRAL}


@pytest.mark.parametrize(("needed", "expected"), [(4, 4), (7, 7), (100, 12)])
def test_first_pairs_say_how_many_there_must_be(monkeypatch: pytest.MonkeyPatch, needed: int, expected: int) -> None:
    assert len(Network(good).measure(monkeypatch, needed)) == 2 * expected


def test_pair_that_failed_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def once_reset(_: FetchPlan) -> TimedFetch:
        calls.append(1)
        return TimedFetch(failure="reset") if len(calls) == 3 else TimedFetch(received_bytes=1000)

    assert len(Network(once_reset).measure(monkeypatch)) == 10


def test_refused_name_ends_the_test_after_three_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(plan: FetchPlan) -> TimedFetch:
        return TimedFetch(failure="neutral_name_refused") if plan.sent_name else TimedFetch(received_bytes=1000)

    assert len(Network(refusing).measure(monkeypatch)) == 6


def test_pair_without_room_below_the_cap_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    # 2000 bytes a pair: the third would need more than is left.
    assert len(Network(good).measure(monkeypatch, room_bytes=5500)) == 4
