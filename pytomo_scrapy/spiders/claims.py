"""Claims of the frontier for one walk: a few at a time, read on from the user's list, and released in the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytomo_scrapy.crawl.crawl_storage import CrawlStorage
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.spiders.user_list import VideoList
from pytomo_scrapy.storage.frontier.frontier import Claim, Frontier

IDLE_POLL_S = 1.0
# What kills the crawler takes down what is under way beside it: the last attempt at a row is made alone, so that only
# the culprit is given up.
MAX_ATTEMPTS = 5


class Claims:
    """The claims that this process holds of the frontier, at most `ahead` at once.

    A list is read on when its last batch is claimed: so a million lines cost no more memory than ten, and first videos
    stay before related ones.
    """

    def __init__(self, storage: CrawlStorage, frontier: Frontier, ahead: int, is_ended: Callable[[], bool]) -> None:
        self._storage = storage
        self._frontier = frontier
        self._ahead = ahead
        self._is_ended = is_ended
        self._in_flight: set[int] = set()
        self._alone: set[int] = set()
        self._something_done = asyncio.Event()
        self._list: VideoList | None = None
        self._listed_ahead = 0
        self._is_answer_lost = False

    async def seed_sources(self, names: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Queue the sources of popular videos; those that are there already stay as they are."""
        await self._storage.ask(self._frontier.add_sources, names)

    def seed_list(self, videos: VideoList) -> None:
        """Take first videos from a list, read as they are claimed."""
        self._list, self._listed_ahead = videos, 0

    async def next(self) -> Claim | None:
        """Return the next claim once there is room. None when nothing of the pass is unfinished, or the crawl ends."""
        while not self._is_ended():
            if len(self._in_flight) < self._ahead and not self._in_flight & self._alone:
                await self._read_list()
                claim = await self._storage.ask(self._claim)
                if claim is not None:
                    self._in_flight.add(claim.id)
                    self._listed_ahead -= claim.depth == 1
                    if claim.attempt_count >= MAX_ATTEMPTS:
                        self._alone = {claim.id}
                        await self._wait_for_the_others()
                    return claim
                if await self._is_list_left():
                    continue
                if not self._in_flight and not await self._storage.ask(self._frontier.has_unfinished):
                    return None
            await self._wait_for_something()
        return None

    async def _wait_for_the_others(self) -> None:
        while len(self._in_flight) > 1 and not self._is_ended():
            await self._wait_for_something()

    async def _wait_for_something(self) -> None:
        self._something_done.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._something_done.wait(), IDLE_POLL_S)

    def done(self, claim_id: int | None) -> None:
        """Make room: the claim's row is done."""
        if claim_id is not None:
            self._in_flight.discard(claim_id)
        self._something_done.set()

    async def give_back(self, claim_id: int, *, is_counted: bool = True) -> None:
        """Queue a claim again; `is_counted` where it was an attempt that failed.

        Where the database is away, the end of this process gives it back.
        """
        if is_counted:
            await self._storage.write(self._frontier.release, claim_id)
        else:
            await self._storage.write(self._frontier.release, claim_id, is_counted=False)
        self.done(claim_id)

    async def renew_leases(self, every_s: float) -> None:
        """Lengthen our leases until cancelled. A database that is away for a moment is asked again in time."""
        while True:
            await asyncio.sleep(every_s)
            with contextlib.suppress(StorageError):
                await self._storage.ask(self._frontier.renew)

    def _claim(self) -> Claim | None:
        # A commit whose answer was lost leaves a claim unknown to us: free it before the next.
        if self._is_answer_lost:
            self._frontier.release_all(except_ids=tuple(self._in_flight))
            self._is_answer_lost = False
        try:
            return self._frontier.claim()
        except StorageError:
            self._is_answer_lost = True
            raise

    async def _read_list(self) -> None:
        while self._list is not None and not self._list.is_end and self._listed_ahead <= 0:
            if await self._storage.ask(self._frontier.is_full):
                return
            batch = await asyncio.to_thread(self._list.next_batch)
            # Only the new videos of the batch are ahead of us; another machine may have read the same lines.
            self._listed_ahead = await self._storage.ask(
                self._frontier.add_listed, batch.videos, batch.position, is_end=batch.is_end
            )

    async def _is_list_left(self) -> bool:
        """Tell whether the list goes on although nothing is queued: other machines have claimed what we read."""
        if self._list is None or self._list.is_end or await self._storage.ask(self._frontier.is_full):
            return False
        self._listed_ahead = 0
        return True
