"""The overview in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytomo_scrapy.analysis.estimates import KINDS, Estimate
from pytomo_scrapy.analysis.overview import Overview
from pytomo_scrapy.reporting.verdict import part_of_day, verdict

STARTUP = next(kind for kind in KINDS if kind.name == "startup")
STALLS = next(kind for kind in KINDS if kind.name == "with_stalls")


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
        ({"day_count": 2}, "Not enough data to tell a change: 214 videos on 2 days"),
        ({"video_count": 9}, "Not enough data to tell a change: 9 videos on 7 days"),
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


def test_verdict_of_a_first_hour_says_that_its_intervals_are_of_this_hour() -> None:
    of_videos = make_estimate(is_of_these_days=True, change_low=None, change_high=None)
    [told] = words_of(make_overview(of_videos, start_s=1_794_996_400, day_count=1, video_count=30))
    assert told.endswith("The intervals below are over videos alone: they hold for this hour only.")
