"""Intervals and change points against values computed by hand, and the words made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytomo_scrapy.analysis import bootstrap
from pytomo_scrapy.analysis.histogram import Histogram, bin_middle
from pytomo_scrapy.analysis.overview import KINDS, Estimate, Overview
from pytomo_scrapy.analysis.survival import Delay, incidence_curve, incidence_quantile
from pytomo_scrapy.reporting.verdict import part_of_day, verdict

STARTUP = next(kind for kind in KINDS if kind.name == "startup")
STALLS = next(kind for kind in KINDS if kind.name == "with_stalls")


def test_ratio_of_equal_cells_has_no_spread() -> None:
    cells = {(day, group): (1.0, 4.0) for day in range(5) for group in range(5)}
    replicates = bootstrap.ratio_replicates(cells, bootstrap.draw_weights(list(cells)))
    assert set(replicates) == {0.25}
    assert bootstrap.interval(replicates) == (0.25, 0.25)


def test_weights_draw_as_many_days_and_groups_as_there_are() -> None:
    cells = [(day, group) for day in range(4) for group in range(3)]
    weights = bootstrap.draw_weights(cells)
    # 4 days times 3 groups are drawn, so the products add up to 12 in every replicate.
    assert {sum(drawn) for drawn in weights.replicates} == {12}
    assert (bootstrap.draw_weights(cells).replicates == weights.replicates).all()


def test_interval_widens_where_days_differ() -> None:
    same = {(day, group): (2.0, 4.0) for day in range(6) for group in range(6)}
    varied = {(day, group): (4.0 * (day % 2), 4.0) for day, group in same}
    weights = bootstrap.draw_weights(list(same))
    low, high = bootstrap.interval(bootstrap.ratio_replicates(varied, weights)) or (0, 0)
    assert low < 0.25 and high > 0.75


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    import random

    chance = random.Random(3)
    covered = 0
    for _ in range(60):
        cells = {
            (day, group): (float(sum(chance.random() < 0.3 for _ in range(20))), 20.0)
            for day in range(7)
            for group in range(8)
        }
        low, high = bootstrap.interval(bootstrap.ratio_replicates(cells, bootstrap.draw_weights(list(cells)))) or (1, 0)
        covered += low <= 0.3 <= high
    assert covered >= 54


def test_interval_of_too_few_replicates_is_none() -> None:
    assert bootstrap.interval([0.5] * 10) is None


def test_change_is_relative_or_in_points() -> None:
    assert bootstrap.change_replicates([3.0], [2.0], is_relative=True) == [0.5]
    assert bootstrap.change_replicates([3.0], [2.0], is_relative=False) == [1.0]
    assert bootstrap.change_replicates([3.0], [0.0], is_relative=True) == []


def test_change_point_is_where_the_share_jumps() -> None:
    # Four buckets of 1 in 10, then four of 8 in 10: the sums of differences from the mean turn at the fifth.
    buckets = [(at, 1.0, 10.0) for at in range(4)] + [(at, 8.0, 10.0) for at in range(4, 8)]
    assert bootstrap.change_point(buckets) == 4
    assert bootstrap.change_point([]) is None


@pytest.mark.parametrize("ratio", [0.1, 0.25, 0.5, 0.75, 0.9])
def test_quantile_of_counts_equals_that_of_sessions(ratio: float) -> None:
    # Bins 1, 2, 4 and 9; a step is twice the bin, and one more where the window was over. 16384 and the bin: failed.
    steps = {2: 3, 4: 1, 5: 2, 8: 5, 19: 1, 16384: 1, 16386: 1}
    delays = [
        Delay(float(step - 16384), False, True) if step >= 16384 else Delay(float(step // 2), step % 2 == 0)
        for step, count in steps.items()
        for _ in range(count)
    ]
    found = Histogram(np.array(list(steps)), np.array(list(steps.values()))).quantile(ratio)
    exact = incidence_quantile(incidence_curve(delays), ratio)
    assert found == (None if exact is None else bin_middle(int(exact)))


def make_overview(*estimates: Estimate, **changes: object) -> Overview:
    found = Overview(0, 1_795_000_000, 300, 290, 214, 7, 1, [], list(estimates))
    return replace(found, **changes)  # type: ignore[arg-type]


def make_estimate(**changes: object) -> Estimate:
    made = Estimate(STARTUP, 2.0, 1.9, 2.1, 290, 1.0, 1.0, 0.8, 1.2)
    return replace(made, **changes)  # type: ignore[arg-type]


def words_of(found: Overview, since_s: int | None = None) -> list[str]:
    return [sentence.text for sentence in verdict(found, "ISP A", lambda _: since_s)]


def test_verdict_says_what_doubled_since_when() -> None:
    # 1794938400 s is Tuesday, 17 November 2026, 18:00 UTC.
    assert words_of(make_overview(make_estimate()), 1_794_938_400) == [
        "Startup delay of ISP A doubled since Tuesday evening: 1.00 to 2.00 s"
        " (+100%, 95 % interval +80% to +120%), 214 videos on 7 days."
    ]


def test_verdict_of_an_interval_that_includes_none_claims_nothing() -> None:
    [words] = words_of(make_overview(make_estimate(change_low=-0.1)))
    assert words.startswith("No change against the period before is shown, 214 videos")


def test_verdict_puts_what_got_worse_first() -> None:
    better = make_estimate(value=0.5, change=-0.5, change_low=-0.6, change_high=-0.4)
    worse = replace(make_estimate(), kind=STALLS, value=0.2, before=0.1, change=0.1, change_low=0.05, change_high=0.15)
    sentences = verdict(make_overview(better, worse), "ISP A", lambda _: None)
    assert [sentence.tone for sentence in sentences] == ["worse", "better"]
    assert (
        "With stalls of ISP A rose: 10.0 to 20.0 % (95 % interval of the change +5.0 to +15.0 points)"
        in sentences[0].text
    )
    assert "halved" in sentences[1].text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"valid_count": 0}, "Not enough data: no valid measurement"),
        ({"day_count": 2}, "Not enough data: 214 videos on 2 days"),
        ({"video_count": 9}, "Not enough data: 9 videos on 7 days"),
        ({"uncompared": "yt-dlp changed"}, "Not compared with the period before: yt-dlp changed."),
    ],
)
def test_verdict_without_enough_data_says_so(changes: dict[str, object], words: str) -> None:
    [told] = words_of(make_overview(make_estimate(), **changes))
    assert told.startswith(words)


def test_verdict_without_a_period_before_says_so() -> None:
    [told] = words_of(make_overview(make_estimate(change_low=None, change_high=None)))
    assert told == "Not enough data in the period before to tell a change."


def test_part_of_day_names_the_date_where_it_is_long_ago() -> None:
    assert part_of_day(1_794_938_400, 1_795_000_000) == "Tuesday evening"
    assert part_of_day(1_794_938_400, 1_796_000_000) == "Tuesday evening, 17 November"
