from __future__ import annotations

import numpy as np
import pytest

from pytomo_scrapy.analysis.differentiation.differential_verdict import judge_windows, needed_pairs, sample_rates_bps
from pytomo_scrapy.items import NamedWindow, TimedFetch
from pytomo_scrapy.items.name_pair import NEUTRAL, SERVICE


def brought(bps: float, draw: np.random.Generator) -> TimedFetch:
    counts = tuple(int(one) for one in draw.normal(1, 0.1, 40).clip(0.1) * bps * draw.normal(1, 0.05) * 0.05 / 8)
    return TimedFetch(received_bytes=sum(counts), elapsed_s=2.1, first_byte_s=0.1, sample_bytes=counts)


REFUSED = TimedFetch(failure="neutral_name_refused")
RESET = TimedFetch(failure="reset")


def windows(count: int, service_bps: float, neutral_bps: float = 8e6) -> list[NamedWindow]:
    draw = np.random.default_rng(2)
    return [
        NamedWindow(number, role, turn, 0.0, brought(bps, draw))
        for number in range(count)
        for turn, (role, bps) in enumerate(((SERVICE, service_bps), (NEUTRAL, neutral_bps)))
    ]


@pytest.mark.parametrize(
    ("service_bps", "verdict"), [(4e6, "slower"), (16e6, "faster"), (8e6, "not_shown"), (7.4e6, "inconclusive")]
)
def test_verdict_needs_both_methods(service_bps: float, verdict: str) -> None:
    judged = judge_windows(windows(20, service_bps), 0.25)
    # At 7.4 of 8 Mbit/s pairs show a difference that Wehe's tenth does not.
    assert (judged.verdict, judged.pair_count, judged.refused_count) == (verdict, 20, 0)
    assert judged.sentence and judged.method_version == 1
    assert judge_windows(windows(20, service_bps), 0.25) == judged


def test_too_few_pairs_are_inconclusive_however_large_the_difference() -> None:
    judged = judge_windows(windows(19, 1e6), 0.25)
    assert (judged.verdict, judged.difference_ratio) == ("inconclusive", None)


def test_refused_name_cannot_be_tested_and_is_nobodys_fault() -> None:
    known = [
        NamedWindow(one.pair_number, one.role, one.turn, 0.0, REFUSED if one.role == NEUTRAL else one.fetch)
        for one in windows(3, 8e6)
    ]
    judged = judge_windows(known, 0.25)
    assert (judged.verdict, judged.refused_count, judged.pair_count) == ("cannot_be_tested", 3, 0)
    assert "nobody's fault" in judged.sentence


def test_pair_counts_where_both_windows_brought_media() -> None:
    known = windows(22, 4e6)
    known[0] = NamedWindow(0, SERVICE, 0, 0.0, RESET)
    del known[3]
    judged = judge_windows(known, 0.25)
    assert (judged.verdict, judged.pair_count) == ("slower", 20)


def test_no_window_at_all_is_inconclusive() -> None:
    assert judge_windows([], 0.25).verdict == "inconclusive"


def test_needed_pairs_follow_from_the_first_ones() -> None:
    assert needed_pairs([], 0.25) == 20
    assert needed_pairs(windows(20, 8e6), 0.25) == 20
    # ln(0.9875) is a 23rd of ln(0.75): 523 times as many, but for those that a t test costs.
    assert needed_pairs(windows(20, 8e6), 0.0125) > 500


def test_rates_of_samples_are_bits_per_second() -> None:
    assert sample_rates_bps(TimedFetch(sample_bytes=(50_000, 0))) == [8e6, 0.0]
