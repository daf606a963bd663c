"""The account of refusals over made-up rows: it finds a bias that is there, and none where refusals are at random."""

from __future__ import annotations

import numpy as np
import pytest

from pytomo_scrapy.analysis.columnar.text_codes import TextCodes
from pytomo_scrapy.analysis.refusals import AskedRows, RefusalAccount, RefusalTally
from pytomo_scrapy.analysis.strata_test import chi_square_tail, difference_chance, shown_by_holm
from pytomo_scrapy.analysis.wilson import wilson_interval

KINDS = ("charts", "search", "related")


def account_of(
    failures: list[str | None], views: list[float], *, kinds: list[str] | None = None, videos: list[int] | None = None
) -> RefusalAccount:
    """Account for rows given by their failure and listed views; nothing else is listed."""
    tally = RefusalTally(TextCodes())
    count = len(failures)
    nothing = np.full(count, np.nan)
    tally.add(
        AskedRows(
            videos=np.arange(count) if videos is None else np.array(videos),
            failures=tally.numbers(failures),
            is_valid=np.array([failure is None for failure in failures], dtype=np.int64),
            kinds=tally.numbers(kinds or [None] * count),
            listed={"views": np.array(views, dtype=np.float64), "age": nothing, "duration": nothing},
        )
    )
    return tally.account()


@pytest.mark.parametrize(
    ("count", "of", "interval"),
    [
        # z^2 = 3.8415: 0 of 10 ends at z^2 / (n + z^2) = 3.8415 / 13.8415.
        (0, 10, (0.0, 0.27753)),
        (10, 10, (0.72247, 1.0)),
        # (0.5 + 1.92073 / 10 -+ 1.95996 sqrt(0.025 + 3.8415 / 400)) / 1.38415
        (5, 10, (0.23659, 0.76341)),
        (0, 0, None),
    ],
)
def test_wilson_interval_of_a_share(count: int, of: int, interval: tuple[float, float] | None) -> None:
    assert wilson_interval(count, of) == (interval if interval is None else pytest.approx(interval, abs=1e-5))


# The 95 % quantiles of the tables.
@pytest.mark.parametrize(("degrees", "quantile"), [(1, 3.8415), (2, 5.9915), (3, 7.8147), (4, 9.4877), (5, 11.0705)])
def test_chi_square_tail_at_its_quantiles(degrees: int, quantile: float) -> None:
    assert chi_square_tail(quantile, degrees) == pytest.approx(0.05, abs=1e-5)


def test_difference_of_two_strata_by_hand() -> None:
    # 20 videos each, 15 and 5 refused: share 1/2, d = +-1/2, sums +5 and -5, Q = 39 (25/20 + 25/20) / (40/4) = 9.75.
    strata = np.repeat([1, 2], 20)
    refused = np.array([1.0] * 15 + [0.0] * 5 + [1.0] * 5 + [0.0] * 15)
    assert difference_chance(strata, refused, 1 - refused) == pytest.approx(chi_square_tail(9.75, 1))


def test_difference_of_videos_that_were_asked_for_again_counts_each_once() -> None:
    strata = np.repeat([1, 2], 20)
    refused = np.array([1.0] * 13 + [0.0] * 7 + [1.0] * 7 + [0.0] * 13)
    once = difference_chance(strata, refused, 1 - refused)
    assert difference_chance(strata, 50 * refused, 50 * (1 - refused)) == pytest.approx(once)


@pytest.mark.parametrize(
    ("strata", "refused"),
    [
        (np.ones(40, dtype=np.int64), np.arange(40) % 2.0),  # one stratum
        (np.repeat([1, 2], 20), (np.arange(40) < 9) * 1.0),  # nine refused
        (np.repeat([1, 2], (36, 4)), np.arange(40) % 2.0),  # four videos of the other
    ],
)
def test_difference_of_few_videos_is_not_known(strata: np.ndarray, refused: np.ndarray) -> None:
    assert difference_chance(strata, refused, 1 - refused) is None


def test_difference_where_every_video_was_refused_as_often_is_none() -> None:
    assert difference_chance(np.repeat([1, 2], 20), np.ones(40), np.ones(40)) == 1.0


def test_holm_shows_the_smallest_first_and_stops() -> None:
    assert shown_by_holm({"a": 0.012, "b": 0.2, "c": 0.03, "d": 0.001}) == {"a", "d"}  # 0.05/4, 0.05/3, 0.05/2 < 0.03


def test_account_counts_by_outcome_and_class() -> None:
    failures = ["bot_check"] * 3 + ["http_403"] + ["private"] * 2 + [None] * 4 + ["data_cap", "unknown_failure"]
    found = account_of(failures, [float("nan")] * 12)
    assert (found.attempted_count, found.every.asked_count, found.measured_count) == (12, 10, 4)
    assert (found.every.refused_count, found.every.share) == (4, 0.4)
    assert [(one.name, one.refused_count, one.share) for one in found.classes] == [
        ("bot_check", 3, 0.3),
        ("http_403", 1, 0.1),
    ]
    assert found.sentences == (
        "The service refused 4 of 10 videos (40.0 %, 95 % interval 16.8 % to 68.7 %).",
        "Whether refused videos differ from measured ones is not known: 10 of each are needed.",
    )


def test_account_without_a_refusal_is_one_sentence() -> None:
    found = account_of([None] * 100, [1e5] * 100)
    assert found.sentences == ("The service refused none of 100 videos (95 % interval 0.0 % to 3.7 %).",)
    assert found.classes == found.properties == ()


def test_account_of_nothing_says_nothing() -> None:
    assert account_of([], []).sentences == ()
    assert account_of(["data_cap"], [1.0]).sentences == ("Nothing was asked of the service.",)


def test_account_sorts_videos_into_strata_and_says_what_is_not_listed() -> None:
    views = [0.0, 99_999.0, 100_000.0, 1e6, 1e7, 2e9, float("nan")]
    found = account_of(["bot_check"] * 7, views, kinds=["charts"] * 3 + ["search"] * 4)
    by_name = {one.name: [(part.name, part.asked_count) for part in one.strata] for one in found.properties}
    assert by_name["views"] == [
        ("under 100 000", 2),
        ("100 000 to 1 million", 1),
        ("1 to 10 million", 1),
        ("10 million or more", 2),
        ("not listed", 1),
    ]
    assert by_name["age"] == [("not listed", 7)]
    assert by_name["source"] == [("charts", 3), ("search", 4)]


class SimulatedCrawl:
    """A crawl whose videos play the better the more they are viewed, as caches do; refusals follow views or nothing.

    With `passes` each video is asked for so often, and each has a share of refusals of its own.
    """

    def __init__(self, seed: int, *, follows_views: bool, count: int = 400, passes: int = 1) -> None:
        chance = np.random.default_rng(seed)
        videos = np.tile(np.arange(count), passes)
        views = 10 ** chance.uniform(3, 9, count)[videos]
        startup_s = 3.0 - 0.3 * np.log10(views) + chance.exponential(0.2, len(videos))
        at_random = chance.beta(1, 2, count)[videos] if passes > 1 else np.full(count, 0.35)
        is_refused = chance.random(len(videos)) < (
            np.clip((np.log10(views) - 3) / 8, 0, 1) if follows_views else at_random
        )
        self.startup_of_all_s = float(startup_s.mean())
        self.startup_of_measured_s = float(startup_s[~is_refused].mean())
        tally = RefusalTally(TextCodes())
        kinds, failures = tally.numbers(KINDS), tally.numbers([None, "bot_check"])
        tally.add(
            AskedRows(
                videos=videos,
                failures=failures[is_refused.astype(np.int64)],
                is_valid=(~is_refused).astype(np.int64),
                kinds=kinds[chance.integers(0, 3, count)[videos]],
                listed={
                    "views": views,
                    "age": 10 ** chance.uniform(3, 9, count)[videos],
                    "duration": 10 ** chance.uniform(1, 4, count)[videos],
                },
            )
        )
        self.account = tally.account()


def test_refusals_that_follow_popularity_bias_the_mean_and_are_found() -> None:
    crawl = SimulatedCrawl(1, follows_views=True)
    # The mean of what was measured is wrong: popular videos, which start sooner, are the ones that are missing.
    assert crawl.startup_of_measured_s > crawl.startup_of_all_s + 0.1
    assert [one.name for one in crawl.account.properties if one.is_different] == ["views"]
    said = " ".join(crawl.account.sentences)
    assert "Refused videos differ from measured ones in views" in said
    assert 'of "10 million or more"' in said and 'of "under 100 000"' in said


def test_refusals_that_follow_popularity_are_found_in_nearly_every_crawl() -> None:
    found = [SimulatedCrawl(seed, follows_views=True).account for seed in range(50)]
    assert all(one.properties[0].is_different for one in found)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "passes"), [(40, 1), (400, 1), (100, 5)])
def test_refusals_at_random_raise_false_alarms_within_the_error(
    count: int, passes: int, simulated: int, three_errors: float
) -> None:
    found = [SimulatedCrawl(seed, follows_views=False, count=count, passes=passes).account for seed in range(simulated)]
    alarms = sum(any(one.is_different for one in account.properties) for account in found)
    # 5 % of all properties together.
    assert alarms / simulated <= 0.05 + three_errors
    silent = [account for account in found if not any(one.is_different for one in account.properties)]
    assert not any("Refused videos differ" in sentence for account in silent for sentence in account.sentences)
