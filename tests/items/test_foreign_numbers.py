"""The length of a video as somebody else tells it."""

from __future__ import annotations

import pytest

from pytomo_scrapy.items.foreign_numbers import LONGEST_VIDEO_S, length_s
from pytomo_scrapy.pages.renderers import seconds_of_clock


@pytest.mark.parametrize("told", [None, 0, -1, LONGEST_VIDEO_S + 1, 10**400, 1e308, float("inf"), float("nan")])
def test_what_no_video_lasts_is_no_length(told: float | None) -> None:
    assert length_s(told) is None


@pytest.mark.parametrize("told", [0.04, 19, 25 * 86_400, LONGEST_VIDEO_S])
def test_what_a_video_may_last_is_its_length(told: float) -> None:
    assert length_s(told) == told


@pytest.mark.parametrize(
    ("printed", "seconds"), [("4:05", 245.0), ("1:02:03", 3723.0), ("9999:59:59", None), ("0:00", None)]
)
def test_length_printed_beside_a_picture(printed: str, seconds: float | None) -> None:
    assert seconds_of_clock(printed) == seconds
