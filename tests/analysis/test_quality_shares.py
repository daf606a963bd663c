"""Shares of sessions that play a quality, and the grade that follows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytomo_scrapy.analysis.quality_shares import plays_height, shares_of


def row(plays: int | None, fails: int | None, top: int | None = 1080, unknown: str | None = None) -> Any:
    return SimpleNamespace(
        plays_height_px=plays, fails_height_px=fails, top_height_px=top, best_unknown=unknown, source="declared"
    )


@pytest.mark.parametrize(
    ("plays", "fails", "top", "height", "answer"),
    [
        (720, 1080, 1080, 480, True),
        (720, 1080, 1080, 720, True),
        (720, 1080, 1080, 1080, False),
        (720, None, 1080, 1080, None),  # demand-limited
        (480, None, 480, 720, None),  # the video has no such quality
        (0, 360, 1080, 360, False),
        (None, None, None, 360, None),
    ],
)
def test_whether_a_window_plays_a_height(
    plays: int | None, fails: int | None, top: int | None, height: int, answer: bool | None
) -> None:
    assert plays_height(plays, fails, top, height) is answer


def test_shares_count_the_sessions_that_can_tell() -> None:
    rows = [
        *[row(1080, None)] * 9,
        row(480, 720),
        row(None, None, None, "no_bytes"),
        row(480, None, 1080, "demand_limited"),
    ]
    found = shares_of(rows)
    assert (found.window_count, found.declared_count) == (12, 12)
    assert found.unknown == {"no_bytes": 1, "demand_limited": 1}
    by_height = {one.height_px: (one.plays_count, one.known_count) for one in found.shares}
    assert by_height == {360: (11, 11), 480: (11, 11), 720: (9, 10), 1080: (9, 10), 2160: (0, 0)}
    hd = next(one for one in found.shares if one.height_px == 720)
    assert hd.share == 0.9 and hd.low is not None and hd.low == pytest.approx(0.5958, abs=1e-4)


@pytest.mark.parametrize(
    ("hd_count", "sd_count", "bad_count", "grade"),
    [(9, 1, 0, "HD"), (8, 2, 0, "SD"), (0, 9, 1, "SD"), (0, 8, 2, "below SD"), (0, 0, 0, None)],
)
def test_the_grade_is_that_of_nine_plays_in_ten(
    hd_count: int, sd_count: int, bad_count: int, grade: str | None
) -> None:
    rows = [row(720, 1080)] * hd_count + [row(360, 480)] * sd_count + [row(0, 144)] * bad_count
    assert shares_of(rows).grade == grade
