"""One window on the wire: the crawler-wide gate that keeps pages, probes and windows apart.

Who may hold it together: pages with pages (and resolutions), probes with probes (DNS, pings), an analysis with pages or
another analysis; a window only alone. Waiters are served in the order of their coming, so that a window never starves.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.http import Request, Response

from pytomo_scrapy import config
from pytomo_scrapy.measure.tools import Activity as Activity
from pytomo_scrapy.measure.tools import Stopped as Stopped

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector


_TOGETHER = {
    frozenset({Activity.PAGE}),
    frozenset({Activity.PROBE}),
    frozenset({Activity.ANALYSIS}),
    frozenset({Activity.PAGE, Activity.ANALYSIS}),
}


class Gate:
    """A first-come gate over activities; with `is_quiet` off, only windows exclude each other."""

    def __init__(
        self,
        *,
        is_quiet: bool,
        stats: StatsCollector | None = None,
        clock: Callable[[], float] = time.monotonic,
        ahead_count: int = 1,
    ) -> None:
        self._is_quiet = is_quiet
        self._ahead_count = ahead_count
        self._stats = stats
        self._clock = clock
        self._holding: list[Activity] = []
        self._waiting: deque[tuple[Activity, asyncio.Future[None]]] = deque()
        self._window_ended_s: float | None = None
        self._idle_s: list[float] = []
        self.is_stopping = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build the gate as an extension, so that every component of a crawl shares one."""
        checked = config.load(crawler.settings.get)
        gate = cls(is_quiet=checked.quiet_window, stats=crawler.stats, ahead_count=checked.frontier_ahead)
        crawler.signals.connect(gate.report, signal=signals.spider_closed)
        return gate

    def stop(self) -> None:
        """Let nothing new start: every waiter, and whoever comes from now on, gets `Stopped`.

        Analyses go on: what a window has measured is not thrown away.
        """
        self.is_stopping = True
        for activity, turn in self._waiting:
            if activity is not Activity.ANALYSIS and not turn.done():
                turn.set_exception(Stopped())
        self._admit()

    @asynccontextmanager
    async def hold(self, activity: Activity) -> AsyncIterator[None]:
        """Hold the gate for one activity. Raises Stopped when the crawl stops first."""
        await self.acquire(activity)
        try:
            yield
        finally:
            self.release(activity)

    async def acquire(self, activity: Activity) -> None:
        """Wait for the turn of `activity`. Raises Stopped when the crawl stops first."""
        if self.is_stopping and activity is not Activity.ANALYSIS:
            raise Stopped
        if self._waiting or not self._is_free_for(activity):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((activity, turn))
            try:
                await turn
            except asyncio.CancelledError:
                # Cancelled in the very moment that the turn came: hand it on.
                if turn.done() and not turn.cancelled() and turn.exception() is None:
                    self.release(activity)
                raise
        else:
            self._enter(activity)

    def release(self, activity: Activity) -> None:
        """Give the gate back, and let in whoever may enter now."""
        self._holding.remove(activity)
        if activity is Activity.WINDOW:
            self._window_ended_s = self._clock()
        self._admit()

    def _admit(self) -> None:
        while self._waiting:
            waiting, turn = self._waiting[0]
            if turn.done():
                self._waiting.popleft()
                continue
            if not self._is_free_for(waiting):
                return
            self._waiting.popleft()
            self._enter(waiting)
            turn.set_result(None)

    def report(self) -> None:
        """Write how long a video kept the line idle: `pytomo/gate/idle_s` is the median over videos, in seconds.

        Videos that are prepared together have their windows one right after the other: what they waited for together is
        shared among them, else the median over single gaps would be 0 for every crawl that prepares two at a time.
        """
        if self._stats is not None and self._idle_s:
            together = min(self._ahead_count, len(self._idle_s))
            starts = range(len(self._idle_s) - together + 1)
            shares = [statistics.fmean(self._idle_s[start : start + together]) for start in starts]
            self._stats.set_value("pytomo/gate/idle_s", round(statistics.median(shares), 3))
            self._stats.set_value("pytomo/gate/idle_mean_s", round(statistics.fmean(self._idle_s), 3))
            self._stats.set_value("pytomo/gate/idle_max_s", round(max(self._idle_s), 3))

    def _enter(self, activity: Activity) -> None:
        self._holding.append(activity)
        if activity is Activity.WINDOW and self._window_ended_s is not None:
            self._idle_s.append(self._clock() - self._window_ended_s)

    def _is_free_for(self, activity: Activity) -> bool:
        if not self._is_quiet:
            return activity is not Activity.WINDOW or Activity.WINDOW not in self._holding
        return all(frozenset({activity, other}) in _TOGETHER for other in self._holding)


class GateMiddleware:
    """Downloader middleware next to the wire (999): every page, robots.txt too, holds the gate while it is fetched."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(gate_of(crawler))

    async def process_request(self, request: Request) -> None:
        if request.url.startswith("data:"):
            return
        await self._gate.acquire(Activity.PAGE)
        request.meta["holds_gate"] = True

    def process_response(self, request: Request, response: Response) -> Response:
        self._give_back(request)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        self._give_back(request)

    def _give_back(self, request: Request) -> None:
        if request.meta.pop("holds_gate", False):
            self._gate.release(Activity.PAGE)


def gate_of(crawler: Crawler) -> Gate:
    """Return the crawl's gate. Raises RuntimeError if the add-on is not switched on."""
    gate = crawler.get_extension(Gate)
    if gate is None:
        raise RuntimeError(
            "the extension pytomo_scrapy.crawl.gate.Gate is off: ADDONS must hold pytomo_scrapy.addons.PytomoAddon"
        )
    return gate
