"""Pairs of windows: the same bytes from the same address, under the service's name and under a neutral one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from pytomo_scrapy.items import NamedWindow, TimedFetch
from pytomo_scrapy.items.name_pair import NEUTRAL, SERVICE
from pytomo_scrapy.measure.comparing.named_fetch import FetchPlan, fetch
from pytomo_scrapy.measure.net.clock import Clock, Sleep

GAP_S = 0.5  # between two windows: what the one before left in queues is gone then
# After so many pairs without a whole one the rest would be as they are.
_VAIN_PAIRS = 3


@dataclass(frozen=True, slots=True)
class PairsPlan:
    """What is fetched, under which names, how often. `fetch` names the service's own host."""

    fetch: FetchPlan
    neutral_name: str
    first_pairs: int
    most_pairs: int
    seed: str
    room_bytes: int


def measure_pairs(
    plan: PairsPlan,
    needed_pairs: Callable[[Sequence[NamedWindow]], int],
    tell: Callable[[NamedWindow], None] = lambda _: None,
    *,
    clock: Clock = time.monotonic,
    sleep: Sleep = time.sleep,
) -> tuple[NamedWindow, ...]:
    """Measure pair after pair, each in an order that is drawn. Blocks; never raises for the network.

    After `first_pairs` whole ones, `needed_pairs` says how many there must be. Ends before a pair for which
    `room_bytes` has no room, and after three without a whole one.
    """
    draw, begun_s = Random(f"names:{plan.seed}"), clock()
    windows: list[NamedWindow] = []
    whole_count, wanted, left_bytes = 0, plan.first_pairs, plan.room_bytes
    for number in range(plan.most_pairs):
        if (
            whole_count >= wanted
            or left_bytes < 2 * plan.fetch.max_bytes
            or (not whole_count and number >= _VAIN_PAIRS)
        ):
            break
        halves: list[TimedFetch] = []
        for turn, role in enumerate(draw.sample((SERVICE, NEUTRAL), 2)):
            if windows:
                sleep(GAP_S)
            t_s, name = clock() - begun_s, plan.neutral_name if role == NEUTRAL else None
            halves.append(fetch(replace(plan.fetch, sent_name=name), clock))
            windows.append(NamedWindow(number, role, turn, t_s, halves[-1]))
            left_bytes -= halves[-1].received_bytes
            tell(windows[-1])
        whole_count += all(half.failure is None for half in halves)
        if whole_count == plan.first_pairs and wanted == plan.first_pairs:
            wanted = min(plan.most_pairs, needed_pairs(windows))
    return tuple(windows)
