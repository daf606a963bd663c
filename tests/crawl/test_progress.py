"""The live line of a crawl on a terminal."""

from __future__ import annotations

import logging
import sys
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from pytomo_scrapy.crawl import progress as progress_module
from pytomo_scrapy.crawl.progress import Progress, progress_of
from pytomo_scrapy.crawl.standing import Standing
from pytomo_scrapy.failures import Stage
from tests.factories import make_item, make_playback


class Clock:
    """A monotonic clock set by hand."""

    now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress_module, "time", clock)
    return clock


def make_progress(limit: int | None = None, width: int = 200, standing: Standing | None = None) -> Progress:
    return Progress(Console(file=StringIO(), width=width), limit, standing)


def test_line_counts_videos_failures_and_stalls(clock: Clock) -> None:
    progress = make_progress(5)
    clock.now_s += 10.0
    progress.stored(make_item(playbacks=(make_playback(stall_count=2, stalled_s=3.0),)))
    progress.stored(make_item(failure="private"))
    # 3 videos at 5 s each.
    assert progress.line().plain == "2 of 5 videos | 1 failed | 2 stalls, 3 s | about 15 s to go"


def test_line_counts_a_video_that_was_asked_for_again_once(clock: Clock) -> None:
    progress = make_progress(2)
    for failure in ("bot_check", None):
        item = make_item()
        if failure is not None:
            item.fail(Stage.RESOLVE, failure, "")
        progress.stored(item)
    assert progress.line().plain.startswith("1 of 2 videos | ")


def test_line_without_a_limit_says_no_time_left() -> None:
    progress = make_progress()
    progress.stored(make_item())
    assert progress.line().plain == "1 video | 0 failed | 0 stalls"


@pytest.mark.parametrize(
    ("playbacks", "shown"),
    [
        ((), "0 stalls"),
        ((make_playback(stall_count=2, stalled_s=3.0),), "2 stalls, 3 s"),
        ((make_playback(stall_count=1, stalled_s=None),), "1 stall, 0 s"),
        ((make_playback(stall_count=None, stalled_s=None),), "0 stalls"),
        ((make_playback(stall_count=2, stalled_s=3.0, place=1),), "0 stalls"),  # of a further window
    ],
)
def test_line_counts_the_stalls_of_the_first_window(playbacks: tuple[Any, ...], shown: str) -> None:
    progress = make_progress()
    progress.stored(make_item(playbacks=playbacks))
    assert progress.line().plain.endswith(f"| {shown}")


@pytest.mark.parametrize(
    ("limit", "done", "elapsed_s", "to_go"),
    [
        (10, 0, 60.0, None),  # nothing is done: nothing can be told
        (10, 1, 60.0, "about 9 min to go"),  # 9 x 60 s
        (10, 4, 60.0, "about 90 s to go"),  # 6 x 15 s
        (10, 10, 60.0, "about 0 s to go"),
        (10, 11, 60.0, "about 0 s to go"),  # never less than nothing
        (1000, 1, 60.0, "about 17 h to go"),  # 999 min = 16.65 h
        (None, 5, 60.0, None),
    ],
)
def test_line_tells_the_time_left_by_the_pace_so_far(
    limit: int | None, done: int, elapsed_s: float, to_go: str | None, clock: Clock
) -> None:
    progress = make_progress(limit)
    clock.now_s += elapsed_s
    for _ in range(done):
        progress.stored(make_item())
    assert ([part for part in progress.line().plain.split(" | ") if "to go" in part] or [None])[0] == to_go


def test_resumed_crawl_counts_from_what_is_done_and_tells_the_time_left_by_its_own_pace(clock: Clock) -> None:
    progress = make_progress(50)
    progress.begin(20)
    clock.now_s += 60.0
    progress.stored(make_item())
    # 29 of 50 are left, at one a minute.
    assert progress.line().plain == "21 of 50 videos | 0 failed | 0 stalls | about 29 min to go"


def test_line_says_what_the_crawl_is_at_and_is_broken_between_its_parts() -> None:
    standing = Standing(clock=lambda: 0.0)
    progress = make_progress(5, width=44, standing=standing)
    with standing.at(Stage.PLAYBACK, "abcdefghijk"):
        assert progress.line().plain == "0 of 5 videos | 0 failed | 0 stalls\nanalysing abcdefghijk"
    assert progress.line().plain == "0 of 5 videos | 0 failed | 0 stalls"


@pytest.mark.parametrize(
    ("wanted", "is_terminal", "is_shown"),
    [("off", True, False), ("auto", True, True), ("auto", False, False), ("on", False, True)],
)
def test_line_is_shown_where_it_is_wanted_or_somebody_looks(
    wanted: str, is_terminal: bool, is_shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(file=StringIO(), force_terminal=is_terminal)
    monkeypatch.setattr(progress_module, "Console", lambda **_: console)
    assert (progress_of(wanted, 5, Standing()) is not None) == is_shown


def test_log_goes_through_the_display_while_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr, other = StringIO(), StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    ours, files = logging.StreamHandler(stderr), logging.StreamHandler(other)
    monkeypatch.setattr(logging.root, "handlers", [ours, files, logging.NullHandler()])
    progress = Progress(Console(file=StringIO(), force_terminal=True), 5)
    progress.open()
    assert ours.stream is sys.stderr is not stderr and files.stream is other
    progress.close()
    assert ours.stream is sys.stderr is stderr and files.stream is other
