"""Power by simulation, against what can be worked out: independent sessions, where a formula is exact."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from pytomo_scrapy.analysis.comparison import Clusters, ComparedFigure, ComparedRows, Way
from pytomo_scrapy.analysis.studies.likeness import Likeness, likeness_of
from pytomo_scrapy.analysis.studies.power import Design, power_of

NORMAL = NormalDist()
DAY_S = 86_400


def make_likeness(share: float, **parts: float) -> Likeness:
    values = np.repeat([0.0, 1.0], [round(1000 * (1 - share)), round(1000 * share)])
    found = {"of_video": 0.0, "of_day": 0.0, "of_hour": 0.0, "of_line_day": 0.0, **parts}
    return Likeness("with_stalls", Way.SHARE, values, 0.0, **found, row_count=1000, video_count=100, day_count=10,
                    is_line_known=True)  # fmt: skip


def make_rows(has_video: bool, seed: int = 3) -> ComparedRows:
    """Rows of two lines over 40 days, whose videos share a normal variable's half or nothing."""
    chance = np.random.default_rng(seed)
    count, videos = 12_000, 300
    video = chance.integers(0, videos, count)
    line, started_s = chance.integers(0, 2, count), chance.integers(0, 40 * DAY_S, count)
    normal = chance.normal(0, 1, count)
    if has_video:
        normal = math.sqrt(0.5) * (normal + chance.normal(0, 1, videos)[video])
    has_stall = (normal > NORMAL.inv_cdf(0.8)).astype(np.float64)
    figure = ComparedFigure("with_stalls", Way.SHARE, True, has_stall)
    return ComparedRows(line, started_s, video, np.full(count, -1), Clusters(started_s // DAY_S, video), [figure])


def test_power_of_independent_sessions_is_that_of_the_formula() -> None:
    # 30 % against 33 %, 60 daily rounds of 60 videos: a variance of (0.3 x 0.7 + 0.33 x 0.67) / 3600, so that the
    # difference is 2.74 standard errors. Beyond a bound of 1.96 lie 78 %, beyond the 2.00 of 59 days 77 %.
    error = math.sqrt((0.3 * 0.7 + 0.33 * 0.67) / 3600)
    expected = NORMAL.cdf(0.03 / error - 2.0)
    found = power_of(Design(60, 60, DAY_S, 2, 0.1), make_likeness(0.3), studies=300)
    assert found == pytest.approx(expected, abs=0.08)


def test_there_is_as_much_power_as_error_where_nothing_differs() -> None:
    design = Design(30, 10, DAY_S, 2, 1e-9)
    assert power_of(design, make_likeness(0.3), studies=300) < 0.06  # half of 5 %, in one direction


def test_likeness_tells_what_videos_share() -> None:
    apart, shared = (likeness_of(rows, rows.figures[0]) for rows in (make_rows(False), make_rows(True)))
    assert isinstance(apart, Likeness) and isinstance(shared, Likeness)
    assert apart.share == pytest.approx(0.2, abs=0.02)
    assert apart.of_video < 0.02 and shared.of_video == pytest.approx(0.5, abs=0.08)
    assert max(shared.of_day, shared.of_hour, shared.of_line_day) < 0.02


def test_too_few_sessions_promise_nothing() -> None:
    rows = make_rows(False)
    figure = ComparedFigure("with_stalls", Way.SHARE, True, np.where(np.arange(12_000) < 150, 1.0, np.nan))
    assert likeness_of(rows, figure) == (
        "the database holds 150 sessions with this figure, and 200 are needed to simulate the study"
    )
