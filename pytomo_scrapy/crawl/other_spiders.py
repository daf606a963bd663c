"""Videos of spiders that are not of this package: the first opens the run, and all are measured at the crawl's pace.

A spider of ours begins its crawl itself and gives a video out when there is room for it. Any other yields as fast as it
finds, with no frontier behind it: so its items wait here, before the first stage.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
import weakref
from collections.abc import Awaitable, Callable
from weakref import WeakSet

from pytomo_scrapy.crawl.gate import Gate, Stopped
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.pages.urls import parse_video_url

logger = logging.getLogger(__name__)

_POLL_S = 0.5


def named(item: VideoItem, source: str = "") -> VideoItem:
    """Fill in which video of which service an item's URL means, and what brought it. What it says itself stays.

    A URL that names none fails the resolution, and the row keeps it.
    """
    item.source = item.source or source
    if item.video_id and item.service:
        return item
    try:
        found = parse_video_url(item.url)
    except ValueError as error:
        # Both are a part of what a row is found by: the same address is the same video the next time.
        item.service, item.video_id = "other", hashlib.sha256(item.url.encode("utf-8", "replace")).hexdigest()[:16]
        item.fail(Stage.RESOLVE, "unsupported_url", str(error))
        return item
    item.service, item.video_id, item.url = found.service, found.video_id, found.url
    return item


class Admission:
    """Lets videos into the stages: those of our own spiders at once, others as many at a time as a crawl takes ahead.

    `begin` opens the run, `ready` waits until the service may be asked; both come before the first stage of a video.
    """

    def __init__(
        self,
        gate: Gate,
        begin: Callable[[], Awaitable[None]],
        ready: Callable[[], Awaitable[None]],
        *,
        ahead: int = 2,
        pace_s: float = 0.0,
        source: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gate = gate
        self._begin = begin
        self._ready = ready
        self._places = asyncio.Semaphore(ahead)
        self._turn = asyncio.Lock()
        self._pace_s = pace_s
        self._source = source
        self._clock = clock
        self._has_begun = False
        self._next_s = float("-inf")
        self._admitted: WeakSet[VideoItem] = WeakSet()

    async def admit(self, item: VideoItem) -> None:
        """Wait for the video's place, the run, and the pace. Raises Stopped if the crawl stops first."""
        # Every stage's pipeline asks; only the first of them has anything to wait for.
        if item in self._admitted:
            return
        self._admitted.add(named(item, self._source))
        await self._take_place()
        # The place is free again with the end of the item, whatever pipeline of the project drops or keeps it.
        loop = asyncio.get_running_loop()
        weakref.finalize(item, _free, loop, self._places).atexit = False
        # One at a time, or two first videos would each begin a run.
        async with self._turn:
            if not self._has_begun:
                await self._begin()
                self._has_begun = True
            await self._ready()
            await self._gate.pause(max(0.0, self._next_s - self._clock()))
            self._next_s = self._clock() + self._pace_s

    async def _take_place(self) -> None:
        while not self._gate.is_stopping:
            # Asked for again and again, as a semaphore knows nothing of a stop.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._places.acquire(), _POLL_S)
                return
        raise Stopped


class OpenAdmission(Admission):
    """Lets every video in at once: its spider's walk has waited already."""

    def __init__(self) -> None:
        """Need nothing."""

    async def admit(self, item: VideoItem) -> None:
        """Fill in what an item does not say of itself."""
        named(item)


def _free(loop: asyncio.AbstractEventLoop, places: asyncio.Semaphore) -> None:
    # Threads of a stage may have been the last to hold the item.
    if not loop.is_closed():
        loop.call_soon_threadsafe(places.release)


class EndWatch:
    """Ends the crawl of a spider that asks nobody: where it must not go on, and at once where somebody ends it."""

    def __init__(
        self,
        gate: Gate,
        is_ending: Callable[[], bool],
        reason_to_end: Callable[[], str | None],
        close_spider: Callable[[str], Awaitable[None]],
    ) -> None:
        self._gate = gate
        self._is_ending = is_ending
        self._reason_to_end = reason_to_end
        self._close_spider = close_spider
        self._watching: asyncio.Task[None] | None = None
        self._closing: asyncio.Future[None] | None = None

    def begin(self) -> None:
        """Watch from now on."""
        self._watching = asyncio.create_task(self._watch())

    def close(self) -> None:
        """Watch no more."""
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        while not self._is_ending():
            if (reason := self._reason_to_end()) is not None:
                # Scrapy waits for every item that is under way, and we are one of those who must not wait for that.
                self._closing = asyncio.ensure_future(self._close_spider(reason))
                break
            await asyncio.sleep(_POLL_S)
        self._gate.stop()
