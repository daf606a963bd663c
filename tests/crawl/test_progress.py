"""The live line of a crawl on a terminal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from pytomo_scrapy.crawl.progress import Progress
from pytomo_scrapy.measure.window.plan import WindowProgress
from tests.factories import make_item, make_playback


def make_progress(limit: int | None = 5) -> Progress:
    return Progress(Console(file=StringIO()), limit)


def test_line_counts_videos_failures_and_stalls() -> None:
    progress = make_progress()
    progress.stored(make_item(playbacks=(make_playback(stall_count=2, stalled_s=3.0),)))
    progress.stored(make_item(failure="private"))
    line = progress.line().plain
    assert line.startswith("2/5 videos | 1 failed | 2 stalls 3 s")
    assert "to go" in line


def test_line_shows_the_open_window_with_its_rate_and_time_left() -> None:
    progress = make_progress()
    progress.window_opened("abcdefghijk", 30.0)
    progress.window_received(WindowProgress(1.0, 125_000))
    line = progress.line().plain
    assert "window of abcdefghijk: 30 s left" in line and "Mbit/s" in line
    progress.window_closed()
    assert "window of" not in progress.line().plain


def test_line_without_a_limit_says_no_time_left() -> None:
    progress = make_progress(limit=None)
    progress.stored(make_item())
    assert progress.line().plain == "1 videos | 0 failed | 0 stalls 0 s"
