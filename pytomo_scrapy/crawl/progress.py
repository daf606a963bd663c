"""What a person sees on a terminal while a crawl runs: videos done, the open window, stalls so far, time left."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.items.in_words import duration
from pytomo_scrapy.measure.outcome import headline
from pytomo_scrapy.measure.window.plan import WindowProgress


class Progress:
    """One live line under the log, on standard error."""

    def __init__(self, console: Console, limit: int | None) -> None:
        self._limit = limit
        self._started_s = time.monotonic()
        self._done = self._failed = self._stalls = 0
        self._stalled_s = 0.0
        self._window: tuple[str, float, float] | None = None  # video, start, length
        self._window_bytes = 0
        self._redirected: list[logging.StreamHandler[Any]] = []
        self._live = Live(console=console, get_renderable=self.line, refresh_per_second=2, transient=True)

    def open(self) -> None:
        """Start the display; log lines go through it, so that neither tears the other."""
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

    @asynccontextmanager
    async def showing(self, item: VideoItem, window_s: float) -> AsyncIterator[Callable[[WindowProgress], None]]:
        """Show one window while it is open."""
        self.window_opened(item.video_id, window_s)
        try:
            yield self.window_received
        finally:
            self.window_closed()

    def window_opened(self, video_id: str, window_s: float) -> None:
        """Count a window down from now."""
        self._window, self._window_bytes = (video_id, time.monotonic(), window_s), 0

    def window_received(self, progress: WindowProgress) -> None:
        """Show the open window's bytes so far."""
        self._window_bytes = progress.received_bytes

    def window_closed(self) -> None:
        """Show no window."""
        self._window = None

    def stored(self, item: VideoItem) -> None:
        """Count a stored measurement."""
        self._done += 1
        self._failed += item.failure is not None
        playback = headline(item)
        if playback is not None and playback.stall_count is not None:
            self._stalls += playback.stall_count
            self._stalled_s += playback.stalled_s or 0.0

    def line(self) -> Text:
        """Return the line as it stands now."""
        elapsed_s = time.monotonic() - self._started_s
        of = f"/{self._limit}" if self._limit is not None else ""
        parts = [f"{self._done}{of} videos", f"{self._failed} failed", f"{self._stalls} stalls {self._stalled_s:.0f} s"]
        if self._window is not None:
            video_id, opened_s, window_s = self._window
            age_s = time.monotonic() - opened_s
            rate = self._window_bytes * 8 / max(age_s, 0.1) / 1e6
            parts.append(f"window of {video_id}: {max(0.0, window_s - age_s):.0f} s left, {rate:.2f} Mbit/s")
        if self._limit is not None and self._done:
            parts.append(f"about {duration((self._limit - self._done) * elapsed_s / self._done)} to go")
        return Text(" | ".join(parts), style="bold", no_wrap=True, overflow="ellipsis")


def progress_of(wanted: str, limit: int | None) -> Progress | None:
    """Return the display for PYTOMO_PROGRESS. None where it is off, or "auto" without a terminal."""
    console = Console(stderr=True)
    if wanted == "off" or (wanted == "auto" and not console.is_terminal):
        return None
    return Progress(console, limit)
