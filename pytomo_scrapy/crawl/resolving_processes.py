"""The processes that yt-dlp runs in: one stays warm between videos, more are started where videos overlap."""

from __future__ import annotations

import asyncio
import logging
import secrets

from pytomo_scrapy.config import ResolveConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.measure.resolve.availability import with_ordered_wait
from pytomo_scrapy.measure.resolve.own_process import PRELOAD, resolve_here
from pytomo_scrapy.measure.worker.child import OUT_OF_MEMORY
from pytomo_scrapy.measure.worker.confinement import Confinement
from pytomo_scrapy.measure.worker.worker import Worker

logger = logging.getLogger(__name__)

# Of 60 MB each; more videos than that wait for their turn.
MOST_RESOLVERS = 4
# After it, in PYTOMO_RESOLVE_TIMEOUT_S, a resolution is ended from outside, whatever it does.
DEADLINE_TIMEOUTS = 4
_SALT_BYTES = 32


class Resolvers:
    """Resolves videos away from the crawl: what a page does to yt-dlp costs one row."""

    def __init__(self, together: int) -> None:
        """`together` is how many videos may be resolved at a time, up to MOST_RESOLVERS."""
        self._workers = [
            Worker("pytomo-resolver", preload=PRELOAD, confinement=Confinement.RESOLVING)
            for _ in range(min(together, MOST_RESOLVERS))
        ]
        # The last that was used is the next: the others are started only where it is busy.
        self._free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        for worker in reversed(self._workers):
            self._free.put_nowait(worker)
        # Of the guests' hashes: those of a run can be compared although several processes make them.
        self._salt = secrets.token_hex(_SALT_BYTES)

    async def open(self) -> None:
        """Start the first process, ahead of the first video."""
        await self._workers[0].start()

    async def close(self) -> None:
        """End all processes; a resolution under way fails."""
        for worker in self._workers:
            await worker.close()

    async def resolve(self, url: str, config: ResolveConfig) -> ResolveResult:
        """Resolve `url`, and wait until its media may be fetched. Every trouble is a failure of the result.

        Returns within 4 x timeout_s plus max_wait_s of its turn, whatever the service answers.
        """
        worker = await self._free.get()
        try:
            result = await self._answer(worker, url, config)
        finally:
            self._free.put_nowait(worker)
        result = with_ordered_wait(result, config.max_wait_s)
        await asyncio.sleep(result.available_wait_s or 0.0)
        return result

    async def _answer(self, worker: Worker, url: str, config: ResolveConfig) -> ResolveResult:
        deadline_s = DEADLINE_TIMEOUTS * config.timeout_s
        try:
            result = await worker.run(
                resolve_here, url, config, self._salt, deadline_s=deadline_s, on_progress=_log_error
            )
            if result.failure == "resolve_frozen":
                # What is still computed there holds Python's lock: the process could not even end itself, and the next
                # video would wait for it.
                await worker.replace()
            return result
        except MeasurementError as error:
            return ResolveResult(failure=_class_of(error), failure_detail=error.detail, attempt_count=1)


def _log_error(text: str) -> None:
    logger.error("%s", text)


def _class_of(error: MeasurementError) -> str:
    if error.failure == "deadline":
        return "resolve_frozen"
    return "answer_too_large" if error.detail == OUT_OF_MEMORY else error.failure
