"""What a run says at its end, from figures worked out by hand."""

from __future__ import annotations

import pytest

from pytomo_scrapy.crawl.closing import Summary
from pytomo_scrapy.failures import FAILURES, Stage
from pytomo_scrapy.items import VideoItem
from tests.factories import make_item, make_playback

DEFAULT = "sqlite:///databases/pytomo.db"


def summarised(*items: VideoItem, database: str = DEFAULT, reason: str = "finished") -> list[str]:
    times = iter((100.0, 700.0))
    summary = Summary(database, 30.0, clock=lambda: next(times))
    for item in items:
        summary.stored(item)
    return list(summary.lines(reason))


def played(startup_s: float | None, stall_count: int | None = 0, stalled_s: float | None = 0.0) -> VideoItem:
    playback = make_playback(
        is_started=startup_s is not None, startup_delay_s=startup_s, stall_count=stall_count, stalled_s=stalled_s
    )
    return make_item(playbacks=(playback,))


def failed(stage: Stage, failure: str) -> VideoItem:
    item = make_item()
    item.fail(stage, failure, "")
    return item


def test_run_ends_with_counts_classes_startup_stalls_database_and_what_to_do_next() -> None:
    lines = summarised(
        played(0.4), played(0.6, 2, 3.5), played(1.0, 1, 0.5), played(None, None, None),
        failed(Stage.RESOLVE, "private"), failed(Stage.RESOLVE, "private"), failed(Stage.DOWNLOAD, "reset"),
    )  # fmt: skip
    assert lines == [
        "The crawl is finished: 7 videos in 10 min",
        f"  2 private (content): {FAILURES['private'].meaning}",
        f"  1 reset (network): {FAILURES['reset'].meaning}",
        # Five valid sessions: 0.4, 0.6, 1.0, and two that were given up at 30 s. Three of five had begun by 1.0 s.
        "Startup: median 1.00 s (n = 5, 2 never began)",
        "Stalls: 3 stalls, 4.0 s in all, in 2 of 3 sessions",
        f"Database: {DEFAULT}",
        "Next: pytomo report prints what the database holds, pytomo serve shows it in a browser",
    ]


def test_run_that_measured_nothing_says_so_and_no_figure() -> None:
    assert summarised(reason="shutdown")[:2] == [
        "The crawl was interrupted, and the same command goes on with what is left: 0 videos in 10 min",
        f"Database: {DEFAULT}",
    ]


def test_median_that_too_few_reached_is_not_made_up() -> None:
    lines = summarised(played(0.4), played(None), played(None))
    assert "Startup: median not reached (n = 3, 2 never began)" in lines and "Stalls: none (n = 1)" in lines


def test_rare_classes_are_summed_up() -> None:
    names = [name for name, one in FAILURES.items() if not name.startswith("skipped")][:10]
    lines = summarised(*(failed(Stage.RESOLVE, name) for name in names))
    assert lines[9] == "  and 2 videos of 2 more"


@pytest.mark.parametrize(
    ("database", "option"),
    [
        ("sqlite:////data/my line.db", " --database '/data/my line.db'"),
        ("postgresql://me:***@db.example/x", ""),  # without its password it is no use in a command
    ],
)
def test_next_command_names_the_database(database: str, option: str) -> None:
    assert summarised(database=database)[-1].startswith(f"Next: pytomo report{option} prints")
    assert f"pytomo serve{option} shows" in summarised(database=database)[-1]


def test_interrupted_run_of_a_project_is_not_said_to_go_on() -> None:
    summary = Summary("sqlite:///x.db", 30.0)
    assert "the same command goes on" in next(summary.lines("shutdown"))
    summary.is_resumable = False
    assert next(summary.lines("shutdown")).startswith("The crawl was interrupted: 0 videos")
