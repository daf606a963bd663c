"""Differences between groups: by hand where it can be done, and what they say of simulated studies."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from pytomo_scrapy.analysis.comparison import Clusters, ComparedFigure, ComparedRows, Way, differences
from pytomo_scrapy.analysis.fixed_effects import without_effects
from pytomo_scrapy.analysis.matching import NOTHING, PAIRS, VIDEOS_AND_TIMES, design_of, match

DAY_S = 86_400


def made(groups: list[int], days: list[int], videos: list[int], values: list[float], pairs: list[int]) -> ComparedRows:
    group, day, video, pair = (np.array(column, dtype=np.int64) for column in (groups, days, videos, pairs))
    figure = ComparedFigure("with_stalls", Way.SHARE, True, np.array(values))
    return ComparedRows(group, day * DAY_S, video, pair, Clusters(day, video), [figure])


def test_effects_of_two_factors_are_taken_out_whole() -> None:
    rows, columns = (part.ravel() for part in np.meshgrid(np.arange(5), np.arange(4), indexing="ij"))
    column = 3.0 * rows - 2.0 * columns + 7.0
    assert np.abs(without_effects(column, [rows, columns])).max() < 1e-6


def test_pairs_are_compared_pair_by_pair() -> None:
    # 24 pairs on 4 days; of each the second stalls where the first does, and in 6 of them besides: 6 / 24.
    count = 24
    first = [float(index % 3 == 0) for index in range(count)]
    second = [1.0 if index % 4 == 1 else value for index, value in enumerate(first)]
    more = sum(b - a for a, b in zip(first, second, strict=True)) / count
    days = [index % 4 for index in range(count)]
    numbers = list(range(count))
    rows = made([0] * count + [1] * count, days * 2, numbers * 2, first + second, numbers * 2)
    [one] = differences(rows, 2)
    assert one.basis == PAIRS and one.row_count == 48
    assert one.value == pytest.approx(more)
    assert one.low is not None and one.high is not None and one.low < more < one.high


def test_groups_of_other_days_are_not_told_apart() -> None:
    # The second group stalls always and the first never, but one was measured a month after the other.
    count = 60
    videos = [index % 20 for index in range(count)]
    days = [index % 6 for index in range(count)]
    rows = made([0] * count + [1] * count, days + [day + 30 for day in days], videos + [v + 20 for v in videos],
                [0.0] * count + [float(index % 7 > 0) for index in range(count)], [-1] * 2 * count)  # fmt: skip
    [one] = differences(rows, 2)
    assert one.basis == NOTHING and one.value is not None and one.value > 0.8
    assert one.chance is None and one.verdict == "cannot tell"
    [apart] = differences(rows, 2, is_of_times=False)
    assert apart.verdict == "worse"


def test_too_few_rows_say_nothing() -> None:
    rows = made([0] * 50 + [1] * 19, list(range(50)) + list(range(19)), list(range(50)) + list(range(19)),
                [0.0] * 50 + [1.0] * 19, [-1] * 69)  # fmt: skip
    [one] = differences(rows, 2)
    assert (one.value, one.verdict) == (None, "cannot tell")


@pytest.mark.parametrize(("is_better_low", "verdict"), [(True, "worse"), (False, "better")])
def test_medians_in_one_lump_are_told_apart_in_the_direction_of_the_test(*, is_better_low: bool, verdict: str) -> None:
    # Of the first group 19 of 20 values are 1 and of the second 11 of 20, the others 5: the medians are the same.
    places = np.arange(400)
    values = [*np.where(places % 20 < 19, 1.0, 5.0), *np.where(places % 20 < 11, 1.0, 5.0)]
    rows = made([0] * 400 + [1] * 400, [*places // 20 % 8] * 2, [*places // 7 % 40] * 2, values, [-1] * 800)
    [figure] = rows.figures
    [found] = differences(replace(rows, figures=[replace(figure, way=Way.MEDIAN, is_better_low=is_better_low)]), 2)
    assert found.value == 0 and found.is_shown and found.verdict == verdict


def test_match_is_chosen_by_who_measured_what_when() -> None:
    chance = np.random.default_rng(1)
    second = np.repeat([False, True], 400)
    started, videos = chance.integers(0, 10 * DAY_S, 800), chance.integers(0, 30, 800)
    found = match(design_of(second, started, videos, np.full(800, -1)))
    assert found is not None and found.basis == VIDEOS_AND_TIMES
    assert found.weights[second].sum() == pytest.approx(1) and found.weights[~second].sum() == pytest.approx(-1)


def test_drift_evenings_and_other_videos_make_no_difference(coverage: ModuleType) -> None:
    """The raw means differ, since the second line measured later, in evenings and slow videos; like with like not."""
    raw, adjusted = [], []
    for seed in range(40):
        rows = coverage.rows_of(coverage.Study(), seed)
        [figure] = [one for one in rows.figures if one.name == "with_stalls"]
        raw.append(np.nanmean(figure.values[rows.groups == 1]) - np.nanmean(figure.values[rows.groups == 0]))
        [one] = differences(replace(rows, figures=[figure]), 2)
        adjusted.append(one.value or 0.0)
    assert abs(np.mean(adjusted)) < 0.017 < 0.03 < np.mean(raw)


def test_medians_say_the_same_whichever_group_is_first(coverage: ModuleType) -> None:
    """A median of 1.25 times the other's is 0.8 times it the other way round, and so are the ends of the interval."""
    for seed in range(5):
        rows = coverage.rows_of(coverage.Study(effect=0.2), seed)
        rows = replace(rows, figures=[figure for figure in rows.figures if figure.way is Way.MEDIAN])
        [one], [other] = differences(rows, 2), differences(replace(rows, groups=1 - rows.groups), 2)
        found, back = ([made.low, made.value, made.high] for made in (one, other))
        assert [1 / (1 + value) - 1 for value in reversed(back) if value is not None] == pytest.approx(found, abs=0.03)


def test_effect_is_found_where_there_is_one(coverage: ModuleType) -> None:
    study = replace(coverage.SCENARIOS["four weeks, 200 videos"], effect=0.3)
    found = [one for seed in range(20) for one in differences(coverage.rows_of(study, seed), 2)]
    shown = [one for one in found if one.figure == "startup" and one.is_shown]
    assert len(shown) >= 16 and all(one.verdict == "worse" for one in shown)


@pytest.mark.slow
def test_intervals_hold_about_as_often_as_they_say(coverage: ModuleType, simulated: int, three_errors: float) -> None:
    told = coverage.run(coverage.Study(effect=0.2), range(simulated))
    assert all(abs(value - 0.95) <= three_errors for name, value in told.items() if name.startswith("coverage"))
    # A fifth longer is found in a fifth of such studies: wider intervals would hold more often, and find nothing.
    assert told["found"] > 0.08
    assert coverage.run(coverage.Study(), range(simulated))["false_alarm"] <= 0.05 + three_errors
