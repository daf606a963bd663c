"""Power by simulation, against what can be worked out: independent sessions, where a formula is exact."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from pytomo_scrapy.analysis.comparison import Clusters, ComparedFigure, ComparedRows, Way
from pytomo_scrapy.analysis.studies.likeness import Likeness, likeness_of
from pytomo_scrapy.analysis.studies.power import Design, power_of, simulated_rows

NORMAL = NormalDist()
DAY_S = 86_400


def make_likeness(share: float, **parts: float) -> Likeness:
    values = np.repeat([0.0, 1.0], [round(1000 * (1 - share)), round(1000 * share)])
    found = {"of_video": 0.0, "of_day": 0.0, "of_hour": 0.0, "of_line_day": 0.0, **parts}
    return Likeness("with_stalls", Way.SHARE, values, 0.0, **found, row_count=1000, video_count=100, day_count=10,
                    is_line_known=True)  # fmt: skip


def make_rows(
    has_video: bool, seed: int = 3, *, evening: float = 0.0, day: float = 0.0, line_day: float = 0.0
) -> ComparedRows:
    """Rows of two lines over 40 days: a video shares half of a normal variable or nothing.

    Evenings, days and the days of one line share the parts that are given, over and above its variance of 1.
    """
    chance = np.random.default_rng(seed)
    count, videos = 12_000, 300
    video = chance.integers(0, videos, count)
    line, started_s = chance.integers(0, 2, count), chance.integers(0, 40 * DAY_S, count)
    normal = chance.normal(0, 1, count)
    if has_video:
        normal = math.sqrt(0.5) * (normal + chance.normal(0, 1, videos)[video])
    days = started_s // DAY_S
    normal += math.sqrt(16 / 3 * evening) * (started_s % DAY_S >= 18 * 3600)  # a quarter of the day: x (1 - x) = 3 / 16
    normal += math.sqrt(day) * chance.normal(0, 1, 40)[days]
    normal += math.sqrt(line_day) * chance.normal(0, 1, (2, 40))[line, days]
    has_stall = (normal > np.quantile(normal, 0.8)).astype(np.float64)
    figure = ComparedFigure("with_stalls", Way.SHARE, True, has_stall)
    return ComparedRows(line, started_s, video, np.full(count, -1), Clusters(started_s // DAY_S, video), [figure])


@pytest.mark.slow
def test_power_of_independent_sessions_is_that_of_the_formula() -> None:
    # 30 % against 36 %, 30 daily rounds of 30 videos: a variance of (0.3 x 0.7 + 0.36 x 0.64) / 900, so that the
    # difference is 2.71 standard errors. Beyond a bound of 1.96 lie 77 %, beyond the 2.05 of 29 days 75 %.
    error = math.sqrt((0.3 * 0.7 + 0.36 * 0.64) / 900)
    expected = NORMAL.cdf(0.06 / error - 2.045)
    found = power_of(Design(30, 30, DAY_S, 2, 0.2), make_likeness(0.3), studies=200)
    assert found == pytest.approx(expected, abs=0.09)  # three standard errors


def test_there_is_as_much_power_as_error_where_nothing_differs() -> None:
    design = Design(30, 10, DAY_S, 2, 1e-9)
    assert power_of(design, make_likeness(0.3), studies=150) < 0.06  # half of 5 %, in one direction


def test_likeness_tells_what_videos_share() -> None:
    apart, shared = (likeness_of(rows, rows.figures[0]) for rows in (make_rows(False), make_rows(True)))
    assert isinstance(apart, Likeness) and isinstance(shared, Likeness)
    assert apart.share == pytest.approx(0.2, abs=0.02)
    assert apart.of_video < 0.02 and shared.of_video == pytest.approx(0.5, abs=0.08)
    assert max(shared.of_day, shared.of_hour, shared.of_line_day) < 0.02


def likeness(**parts: float) -> list[Likeness]:
    found = [likeness_of(rows, rows.figures[0]) for rows in (make_rows(False, seed, **parts) for seed in range(4))]
    assert all(isinstance(one, Likeness) for one in found)
    return [one for one in found if isinstance(one, Likeness)]


def test_slow_evening_of_every_day_hides_no_day_of_a_line() -> None:
    # Hours of one day are less alike than hours of two days: only one of them is the evening. Taken for what the lines
    # have in common, it left 0.004 of a part of 0.06.
    found = likeness(evening=0.6, line_day=0.1)
    assert np.mean([one.of_line_day for one in found]) > 0.02
    assert max(one.of_day for one in found) < 0.02


def test_days_of_lines_are_told_from_days_of_all() -> None:
    found = likeness(day=0.1, line_day=0.1)
    assert np.mean([one.of_line_day for one in found]) == pytest.approx(0.1 / 1.2, rel=0.25)
    assert np.mean([one.of_day for one in found]) == pytest.approx(0.1 / 1.2, rel=0.4)


@pytest.mark.parametrize(("share", "effect"), [(0.1, 0.2), (0.1, -0.2), (0.7, 0.2)])
def test_effect_is_as_large_on_bad_days_as_on_good_ones(share: float, effect: float) -> None:
    design = Design(200, 400, DAY_S, 2, effect)
    rows, _ = simulated_rows(design, make_likeness(share, of_line_day=0.0, of_day=0.2), np.random.default_rng(1))
    values = rows.figures[0].values.reshape(2, 400, 200)
    assert values[0].mean() == pytest.approx(share, rel=0.15)
    by_day = values.mean(axis=2)
    assert by_day[1].mean() / by_day[0].mean() == pytest.approx(1 + effect, rel=0.04)
    if share < 0.5:  # else a bad day has no room for it
        bad = by_day.sum(axis=0) > np.median(by_day.sum(axis=0))
        ratios = [by_day[1][those].mean() / by_day[0][those].mean() for those in (bad, ~bad)]
        assert ratios == pytest.approx([1 + effect, 1 + effect], rel=0.08)


def test_too_few_sessions_promise_nothing() -> None:
    rows = make_rows(False)
    figure = ComparedFigure("with_stalls", Way.SHARE, True, np.where(np.arange(12_000) < 150, 1.0, np.nan))
    assert likeness_of(rows, figure) == (
        "the database holds 150 sessions with this figure, and 200 are needed to simulate the study"
    )
