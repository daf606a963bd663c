"""What a crawl is at: the open window, waits with their end, stages; and what it still does when it is asked to end."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta

import pytest

from pytomo_scrapy.crawl.standing import Standing, time_of_day
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.measure.window.plan import WindowProgress
from tests.factories import make_item


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def standing(clock: Clock) -> Standing:
    return Standing(clock=clock)


@pytest.mark.parametrize(
    ("age_s", "delivery_bps", "shown"),
    [
        (10.0, 10_000_000.0, "20 s left, 10.00 Mbit/s"),
        (0.0, None, "30 s left"),
        (31.0, 0.0, "0 s left, 0.00 Mbit/s"),
    ],
)
def test_open_window_is_told_with_the_rate_that_its_row_would_have(
    standing: Standing, clock: Clock, age_s: float, delivery_bps: float | None, shown: str
) -> None:
    async def run() -> str:
        async with standing.showing(make_item(video_id="v"), 30.0) as show:
            clock.now_s += age_s
            show(WindowProgress(age_s, 1, delivery_bps))
            return standing.sentence()

    assert asyncio.run(run()) == f"window of v: {shown}"
    assert standing.sentence() == ""


def test_wait_is_told_with_its_end_and_the_longest_first(standing: Standing, clock: Clock) -> None:
    with standing.waiting("the pace", 5.0), standing.waiting("the service refused", 3600.0):
        clock.now_s += 60.0
        said = standing.sentence()
        at = datetime.now().astimezone() + timedelta(seconds=3540)
    match = re.fullmatch(r"waiting until (\d\d:\d\d):(\d\d) \(59 min\): the service refused", said)
    assert match and abs((at - timedelta(seconds=int(match[2]))).minute - int(match[1][3:])) in {0, 1, 59}
    assert standing.sentence() == ""


def test_wait_that_is_over_in_a_moment_is_not_told(standing: Standing) -> None:
    with standing.at(Stage.RESOLVE, "v"), standing.waiting("the pace", 0.4):
        assert standing.sentence() == "resolving v"


def test_wait_of_a_day_names_the_day() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", time_of_day(86_400.0))
    assert re.fullmatch(r"\d\d:\d\d:\d\d", time_of_day(60.0))


def test_crawl_that_is_asked_to_end_says_what_it_still_does_and_for_how_long(standing: Standing, clock: Clock) -> None:
    assert standing.ending_sentence(60.0).startswith("The crawl ends: what is measured is stored within seconds.")

    async def run() -> str:
        async with standing.showing(make_item(video_id="v"), 30.0):
            clock.now_s += 12.0
            return standing.ending_sentence(60.0)

    # 18 s of the window, and 60 s for its analysis at most.
    assert asyncio.run(run()) == (
        "The crawl ends: the open window of v goes on for up to 18 s and is then analysed and stored, in some seconds "
        "(78 s at most). Ctrl-C once more ends it at once, and the same command goes on with what is left."
    )
