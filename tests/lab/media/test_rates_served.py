"""The lab's media hosts: that bytes arrive at the rates that are set."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import Any

import pytest

pytestmark = pytest.mark.alone

FAST = "rr1---sn-fast.googlevideo.com"
ONE_MBIT = "rr1---sn-slow.googlevideo.com"
FIVE_MBIT = "rr2---sn-slow.googlevideo.com"
HALF = "rr3---sn-slow.googlevideo.com"
OUTAGE = "rr4---sn-slow.googlevideo.com"
# No host is faster than it is set; on a busy machine, some of the bytes come after the end of a short read.
LEAST_SHARE = 0.75


@pytest.mark.parametrize(("host", "rate_bps"), [(ONE_MBIT, 1e6), (FIVE_MBIT, 5e6)])
def test_limited_host_delivers_its_rate_smoothly(lab: Any, host: str, rate_bps: float) -> None:
    arrivals = lab.read_for(lab.url("good-muxed_90", 18, host=host), 2.0)
    last_s, total = arrivals[-1]
    assert LEAST_SHARE * rate_bps < 8 * total / last_s < 1.1 * rate_bps
    # Never ahead of the line by more than a portion of 10 ms and a tenth of a second of this client's own delays.
    assert all(8 * count <= rate_bps * (t_s + 0.11) for t_s, count in arrivals)


def test_limited_host_sends_its_first_portions_without_holes(lab: Any) -> None:
    """Nagle's algorithm would hold the second one back for 40 ms; the best of six, as this machine may be busy."""

    def longest_gap_s() -> float:
        arrivals = lab.read_for(lab.url("good-muxed_90", 18, host=ONE_MBIT), 0.2)
        return max(later - earlier for (earlier, _), (later, _) in pairwise(arrivals))

    assert min(longest_gap_s() for _ in range(6)) < 0.03


def test_limited_host_with_clip_ratio_delivers_that_share_of_the_clip_s_rate(lab: Any) -> None:
    last_s, total = lab.read_for(lab.url("good-muxed_90", 18, host=HALF), 2.0)[-1]
    rate_bps = 0.5 * lab.clips["muxed_90"].mean_bps
    assert LEAST_SHARE * rate_bps < 8 * total / last_s < 1.1 * rate_bps


def test_limited_host_shares_its_rate_fairly_between_two_connections(lab: Any) -> None:
    urls = [lab.url("good-separate_20", itag, host=ONE_MBIT) for itag in (134, 140)]
    totals = [0, 0]

    def read(index: int) -> None:
        totals[index] = lab.read_for(urls[index], 1.5)[-1][1]

    threads = [threading.Thread(target=read, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert LEAST_SHARE * 1e6 < 8 * sum(totals) / 1.5 < 1.1e6
    assert totals[0] == pytest.approx(totals[1], rel=0.25)


def test_host_with_an_outage_sends_nothing_meanwhile_and_goes_on_after_it(lab: Any) -> None:
    arrivals = lab.read_for(lab.url("good-muxed_90", 18, host=OUTAGE), 2.0)
    gaps = [(later - earlier, earlier) for (earlier, _), (later, _) in pairwise(arrivals)]
    longest_s, began_s = max(gaps)
    assert 0.65 <= longest_s < 1.3 and 0.35 <= began_s < 1.0
    # 0.5 s and 0.7 s at 4 Mbit/s.
    assert LEAST_SHARE * 4.8e6 < 8 * arrivals[-1][1] < 1.1 * 4.8e6


def test_cache_at_another_address_serves_at_its_own_rate(lab: Any) -> None:
    """A resolver that leads to another cache leads to that cache's line."""
    last_s, total = lab.read_for(lab.url("good-muxed_90", 18), 1.5, lab.world.hosts[FIVE_MBIT].address)[-1]
    assert LEAST_SHARE * 5e6 < 8 * total / last_s < 1.15 * 5e6


def test_unlimited_host_is_not_what_limits_a_client(lab: Any) -> None:
    url = lab.url("good-muxed_90", 18)
    size = len(lab.content("good-muxed_90", 18))
    with lab.connect(FAST) as connection:
        began = time.monotonic()
        for _ in range(4):
            assert len(lab.exchange(connection, url).body) == size
        taken_s = time.monotonic() - began
    # Far above any rate of the lab's worlds even on a loaded machine; an idle one reaches ten times as much.
    assert 4 * size / taken_s > 20e6
