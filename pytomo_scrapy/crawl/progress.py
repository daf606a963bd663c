"""What a person sees on a terminal while a crawl runs: videos done, stalls so far, what it is at, time left."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.text import Text

from pytomo_scrapy.crawl.standing import Standing
from pytomo_scrapy.crawl.video_count import VideoCount
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.items.in_words import counted, duration, number
from pytomo_scrapy.measure.outcome import headline

_BETWEEN = " | "


class Progress:
    """A live line under the log, on standard error; a narrow terminal shows it on several."""

    def __init__(self, console: Console, limit: int | None, standing: Standing | None = None) -> None:
        self._console = console
        self._limit = limit
        self._standing = standing or Standing()
        self._started_s = time.monotonic()
        self._videos = VideoCount()
        self._done_before = self._failed = self._stalls = 0
        self._stalled_s = 0.0
        self._redirected: list[logging.StreamHandler[Any]] = []
        # Transient: at the end the summary stands in its place.
        self._live = Live(console=console, get_renderable=self.line, refresh_per_second=2, transient=True)

    def open(self) -> None:
        """Start the display; log lines go through it, so that neither tears the other."""
        # Before the display starts: it puts its own stream in the place of this one.
        stderr = sys.stderr
        self._live.start()
        self._redirected = [
            handler
            for handler in logging.root.handlers
            if isinstance(handler, logging.StreamHandler) and handler.stream is stderr
        ]
        for handler in self._redirected:
            handler.setStream(sys.stderr)

    def close(self) -> None:
        """Take the display away."""
        self._live.stop()
        for handler in self._redirected:
            handler.setStream(sys.stderr)

    def begin(self, done_count: int) -> None:
        """Count from the videos that earlier runs of the crawl have done; the time left is told by this run's pace."""
        self._done_before, self._started_s = done_count, time.monotonic()

    def stored(self, item: VideoItem) -> None:
        """Count a stored measurement."""
        self._videos.stored(item)
        self._failed += item.failure is not None
        playback = headline(item)
        if playback is not None and playback.stall_count is not None:
            self._stalls += playback.stall_count
            self._stalled_s += playback.stalled_s or 0.0

    def line(self) -> Text:
        """Return the line as it stands now."""
        return Text(_joined(self._parts(), self._console.width), style="bold")

    def _parts(self) -> list[str]:
        done = self._done_before + self._videos.value
        videos = (
            counted(done, "video") if self._limit is None else f"{number(done, 0)} of {counted(self._limit, 'video')}"
        )
        stalls = counted(self._stalls, "stall")
        parts = [
            videos,
            f"{number(self._failed, 0)} failed",
            f"{stalls}, {self._stalled_s:.0f} s" if self._stalls else stalls,
        ]
        if doing := self._standing.sentence():
            parts.append(doing)
        if self._limit is not None and self._videos.value:
            elapsed_s = time.monotonic() - self._started_s
            parts.append(f"about {duration((self._limit - done) * elapsed_s / self._videos.value)} to go")
        return parts


def _joined(parts: list[str], width: int) -> str:
    """Join the parts to lines of at most that width, where the parts themselves are no longer."""
    lines = [parts[0]]
    for part in parts[1:]:
        if cell_len(lines[-1] + _BETWEEN + part) <= width:
            lines[-1] += _BETWEEN + part
        else:
            lines.append(part)
    return "\n".join(lines)


def progress_of(wanted: str, limit: int | None, standing: Standing) -> Progress | None:
    """Return the display for PYTOMO_PROGRESS. None where it is off, or "auto" without a terminal."""
    console = Console(stderr=True)
    if wanted == "off" or (wanted == "auto" and not console.is_terminal):
        return None
    return Progress(console, limit, standing)
