"""The five lines that a crawl begins with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, cast

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.crawl.opened_crawl import OpenedCrawl
from pytomo_scrapy.crawl.opening import opening_lines
from pytomo_scrapy.spiders.arguments import parse_arguments
from pytomo_scrapy.storage.frontier.crawls import OpenCrawl
from pytomo_scrapy.storage.frontier.frontier import Counts


@dataclass
class Frontier:
    crawl: OpenCrawl
    found: Counts

    def counts(self) -> Counts:
        return self.found


@dataclass
class Opened:
    frontier: Frontier
    shown_database: str = "sqlite:///databases/pytomo.db"


def lines(
    *, is_resumed: bool = False, pass_number: int = 1, limit: int = 50, settings: Any = None, **given: str
) -> list[str]:
    counts = Counts(admitted=20, queued=5, in_flight=1, done=14, sources_left=0, max_crawled_url=limit)
    opened = Opened(Frontier(OpenCrawl(1, "spring", is_resumed, pass_number), counts))
    arguments = asdict(parse_arguments({"country": "FR", **given}))
    checked = config.load((settings or {}).get)
    return opening_lines("youtube", arguments, checked, cast(OpenedCrawl, opened))


def test_crawl_begins_with_what_how_many_how_where_and_how_much() -> None:
    assert lines() == [
        "Crawl spring: popular videos of this week in FR on youtube, and what is related to them",
        "Videos: 50 at most; Ctrl-C ends the crawl, and the same command goes on",
        "Window: 30 s of each video, fetched as a player does, 1 in 10 as fast as the line gives",
        "Database: sqlite:///databases/pytomo.db",
        # (30 + 25 + 5) s at 2.5 Mbit/s = 18.75 MB, one in ten 375 MB: 54 MB; 110.8 windows an hour: 145 GB.
        "Volume: about 54 MB a video, 145 GB in a whole day, on a line of 100 Mbit/s; less on a slower one "
        "(no cap: PYTOMO_DATA_CAP_BYTES_PER_DAY sets one)",
    ]


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"urls": "a,b"}, "2 videos that you named, and what is related to them"),
        ({"urls": "a", "related": "0"}, "1 video that you named"),
        ({"input_file": "links.txt", "max_rounds": "1"}, "the videos of links.txt"),
        ({"time_frame": "today", "related": "0"}, "popular videos of today in FR on youtube"),
    ],
)
def test_first_line_says_which_videos(given: dict[str, str], what: str) -> None:
    assert lines(**given)[0] == f"Crawl spring: {what}"


def test_resumed_crawl_says_what_is_done_and_what_waits() -> None:
    assert lines(is_resumed=True)[1] == "Videos: 50 at most; resumed: 14 done, 6 waiting"
    assert lines(is_resumed=True, pass_number=3, limit=5_000_000)[1].startswith("Videos: no limit, pass 3; resumed")


@pytest.mark.parametrize(
    ("settings", "how"),
    [
        ({"PYTOMO_DOWNLOAD_MODE": "bulk"}, "30 s of each video, as fast as the line gives"),
        ({"PYTOMO_DOWNLOAD_BULK_EVERY": "0"}, "30 s of each video, fetched as a player does"),
        (
            {"PYTOMO_DOWNLOAD_MODE": "adaptive", "PYTOMO_ADAPTIVE_PLAYER": "shaka-adaptive"},
            "30 s of each video, at the qualities that shaka-adaptive chooses",
        ),
        (
            {"PYTOMO_DOWNLOAD_BULK_EVERY": "0", "PYTOMO_PACE_S": "120"},
            "30 s of each video, fetched as a player does; 120 s at least from video to video",
        ),
    ],
)
def test_window_is_told_with_its_mode_and_pace(settings: dict[str, str], how: str) -> None:
    assert lines(settings=settings)[2] == f"Window: {how}"
