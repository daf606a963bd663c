"""What a crawl is at, for whoever looks: the open window, the stages under way, and what it waits for until when."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.items.in_words import duration
from pytomo_scrapy.measure.window.plan import WindowProgress

_VERBS = {
    Stage.RESOLVE: "resolving",
    Stage.DNS: "looking up the hosts of",
    Stage.PING: "pinging the hosts of",
    Stage.DOWNLOAD: "before the window of",
    Stage.PLAYBACK: "analysing",
    Stage.STORE: "storing",
}
# Shorter waits are over before they are read.
_LEAST_WAIT_S = 1.0
_DAY_S = 86_400.0


@dataclass(slots=True)
class _Window:
    video_id: str
    opened_s: float
    window_s: float
    delivery_bps: float | None = None

    def left_s(self, now_s: float) -> float:
        return max(0.0, self.opened_s + self.window_s - now_s)


def time_of_day(wait_s: float) -> str:
    """Return the local time at which a wait of that length will be over, with its day where that is not soon."""
    at = datetime.now().astimezone() + timedelta(seconds=wait_s)
    return f"{at:%H:%M:%S}" if wait_s < _DAY_S / 2 else f"{at:%Y-%m-%d %H:%M}"


class Standing:
    """Told by the parts of a crawl what they do; read by its display and at its end."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: list[_Window] = []
        self._stages: list[tuple[Stage, str]] = []
        self._waits: list[tuple[str, float]] = []

    @asynccontextmanager
    async def showing(self, item: VideoItem, window_s: float) -> AsyncIterator[Callable[[WindowProgress], None]]:
        """Note one window while it is open; it is told of its progress."""
        window = _Window(item.video_id, self._clock(), window_s)
        self._windows.append(window)

        def progress(told: WindowProgress) -> None:
            window.delivery_bps = told.delivery_bps

        try:
            yield progress
        finally:
            self._windows.remove(window)

    @contextmanager
    def at(self, stage: Stage, video_id: str) -> Iterator[None]:
        """Note a stage of a video while it is under way."""
        entry = (stage, video_id)
        self._stages.append(entry)
        try:
            yield
        finally:
            self._stages.remove(entry)

    @contextmanager
    def waiting(self, what: str, wait_s: float) -> Iterator[None]:
        """Note a wait, and what it is for, while it lasts."""
        entry = (what, self._clock() + wait_s)
        self._waits.append(entry)
        try:
            yield
        finally:
            self._waits.remove(entry)

    def sentence(self) -> str:
        """Say what is under way: a window before a wait, and a wait before a stage. Empty where nothing is."""
        now_s = self._clock()
        if self._windows:
            window = self._windows[0]
            rate = "" if window.delivery_bps is None else f", {window.delivery_bps / 1e6:.2f} Mbit/s"
            return f"window of {window.video_id}: {window.left_s(now_s):.0f} s left{rate}"
        # Of several waits the longest: the crawl goes on only after it.
        what, until_s = max(self._waits, key=lambda wait: wait[1], default=("", now_s))
        if until_s - now_s >= _LEAST_WAIT_S:
            return f"waiting until {time_of_day(until_s - now_s)} ({duration(until_s - now_s)}): {what}"
        if self._stages:
            stage, video_id = self._stages[0]
            return f"{_VERBS.get(stage, stage)} {video_id}"
        return ""

    def ending_sentence(self, analysis_s: float) -> str:
        """Say what a crawl that was asked to end still does, and how long that may take.

        `analysis_s` is the longest that the analysis of a window may take.
        """
        again = "Ctrl-C once more ends it at once, and the same command goes on with what is left."
        if not self._windows:
            return f"The crawl ends: what is measured is stored within seconds. {again}"
        window = self._windows[0]
        left_s = window.left_s(self._clock())
        return (
            f"The crawl ends: the open window of {window.video_id} goes on for up to {left_s:.0f} s and is then "
            f"analysed and stored, in some seconds ({duration(left_s + analysis_s)} at most). {again}"
        )
