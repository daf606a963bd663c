"""One window on the wire: the crawler-wide gate that keeps pages, probes and windows apart.

Who may hold it together: pages with pages (and resolutions), probes with probes (DNS, pings), an analysis with pages or
another analysis; a window only alone. Waiters are served in the order of their coming, so that a window never starves.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from pytomo_scrapy.measure.tools import Activity as Activity
from pytomo_scrapy.measure.tools import Stopped as Stopped

Answer = TypeVar("Answer")

# What may be on the wire or the processor at once. Nothing may beside a window: it would measure its neighbour.
_TOGETHER = {
    frozenset({Activity.PAGE}),
    frozenset({Activity.PROBE}),
    frozenset({Activity.ANALYSIS}),
    frozenset({Activity.PAGE, Activity.ANALYSIS}),
}


class Gate:
    """A first-come gate over activities; with `is_quiet` off, only windows exclude each other."""

    def __init__(self, *, is_quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._is_quiet = is_quiet
        self._clock = clock
        self._holding: list[Activity] = []
        self._waiting: deque[tuple[Activity, asyncio.Future[None]]] = deque()
        self._window_ended_s: float | None = None
        self.idle_s: list[float] = []  # times between two windows
        self.is_stopping = False
        self._stopped = asyncio.Event()
        self._at_stop: list[Callable[[], None]] = []

    def stop(self) -> None:
        """Let nothing new start: every waiter, now and later, gets `Stopped`.

        Analyses go on: no window's measurement is thrown away.
        """
        if not self.is_stopping:
            self.is_stopping = True
            for tell in self._at_stop:
                tell()
        self._stopped.set()
        for activity, turn in self._waiting:
            if activity is not Activity.ANALYSIS and not turn.done():
                turn.set_exception(Stopped())
        self._admit()

    def at_stop(self, tell: Callable[[], None]) -> None:
        """Call `tell` once, when the crawl stops."""
        self._at_stop.append(tell)

    async def pause(self, seconds: float) -> None:
        """Wait without holding anything. Raises Stopped as soon as the crawl stops."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)
        if self.is_stopping:
            raise Stopped

    async def until_stop(self, work: Awaitable[Answer]) -> Answer:
        """Await `work`. Raises Stopped, with the work cancelled, as soon as the crawl stops."""
        task, stop = asyncio.ensure_future(work), asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Stopped
            return task.result()
        finally:
            # Either may be left over: a resolution that nobody awaits would go on, and asyncio would warn of the wait.
            stop.cancel()
            task.cancel()

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
        # Whoever waits goes first, though the newcomer might fit in: else pages could keep a window out for ever.
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
        """Give the gate back, and let in the waiters that may enter now."""
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
            # Nobody overtakes the first: a window waits until the gate is empty, and then has it.
            if not self._is_free_for(waiting):
                return
            self._waiting.popleft()
            self._enter(waiting)
            turn.set_result(None)

    def _enter(self, activity: Activity) -> None:
        self._holding.append(activity)
        if activity is Activity.WINDOW and self._window_ended_s is not None:
            self.idle_s.append(self._clock() - self._window_ended_s)

    def _is_free_for(self, activity: Activity) -> bool:
        if not self._is_quiet:
            return activity is not Activity.WINDOW or Activity.WINDOW not in self._holding
        return all(frozenset({activity, other}) in _TOGETHER for other in self._holding)
