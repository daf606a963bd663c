"""Retries while the database is away or full: the one way in which a crawl calls its storage."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.failures import RefusedError, StorageError

logger = logging.getLogger(__name__)

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

# A restarted server is back within seconds; a minute-long outage is not worth more than a knock every five.
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 5.0


class Retrying:
    """Repeats a failed call until it succeeds, `limit_s` has passed, or the crawl stops."""

    def __init__(
        self,
        limit_s: float,
        is_stopping: Callable[[], bool],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._limit_s = limit_s
        self._is_stopping = is_stopping
        self._clock = clock
        self._sleep = sleep
        self._waiting = 0

    async def ask(self, function: Callable[Given, Answer], /, *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        """Call `function` in a thread. It must do no harm when it is called again after a commit without an answer.

        Raises StorageError after `limit_s`, or at once when the crawl stops or the database refuses the values.
        """
        since_s: float | None = None
        wait_s = FIRST_WAIT_S
        try:
            while True:
                try:
                    return await run_in_thread(function, *args, **kwargs)
                except RefusedError:
                    raise
                except StorageError as error:
                    # Counted from the first failure: a call that took long by itself has waited for nobody.
                    if since_s is None:
                        since_s = self._clock()
                        self._begin(error)
                    self._check(error, self._clock() - since_s)
                await self._sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
        finally:
            if since_s is not None:
                self._end(self._clock() - since_s)

    def _check(self, error: StorageError, waited_s: float) -> None:
        if self._is_stopping() or waited_s >= self._limit_s:
            raise error

    def _begin(self, error: StorageError) -> None:
        # Several calls may wait for the same outage: one line in the log is enough.
        self._waiting += 1
        if self._waiting == 1 and not self._is_stopping():
            logger.warning("%s The crawl waits up to %.0f s for it.", error, self._limit_s)

    def _end(self, waited_s: float) -> None:
        self._waiting -= 1
        if self._waiting == 0:
            logger.info("The wait for the database ended after %.0f s", waited_s)
