"""Hossfeld's stalling model, inside and outside what its study covered."""

from __future__ import annotations

import math

import pytest

from pytomo_scrapy.items import Interval
from pytomo_scrapy.measure.playback.mos import mos_stalling_hossfeld2011


def stalls(*durations: float) -> list[Interval]:
    return [Interval(10.0 * index, duration) for index, duration in enumerate(durations)]


def test_mos_without_a_stall_is_five() -> None:
    assert mos_stalling_hossfeld2011([], 30.0) == pytest.approx(5.0)


def test_mos_of_two_stalls_follows_the_equation() -> None:
    # L = 3, N = 2: 3.5 exp(-(0.15 * 3 + 0.19) * 2) + 1.5 = 3.5 exp(-1.28) + 1.5
    assert mos_stalling_hossfeld2011(stalls(2.0, 4.0), 30.0) == pytest.approx(3.5 * math.exp(-1.28) + 1.5)


@pytest.mark.parametrize(
    ("intervals", "exposure_s"),
    [
        (stalls(2.0), 10.0),
        (stalls(2.0), 60.0),
        (stalls(0.4), 30.0),
        (stalls(9.0), 30.0),
        (stalls(*[2.0] * 7), 30.0),
        ([Interval(20.0, 3.0, is_open=True)], 30.0),
    ],
)
def test_mos_outside_the_study_is_none(intervals: list[Interval], exposure_s: float) -> None:
    assert mos_stalling_hossfeld2011(intervals, exposure_s) is None
