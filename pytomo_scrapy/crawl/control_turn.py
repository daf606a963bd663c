"""Whose turn a control is: at most one each hour of a measuring point, over all its crawls."""

from __future__ import annotations

import platform
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.failures import StorageError


class ControlTurn:
    """Remembers when the measuring point last had controls: this crawl's own, and those that are stored."""

    def __init__(
        self,
        vantage: str | None,
        last_control_at: Callable[[str], datetime | None],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._vantage = vantage or platform.node()
        self._last_control_at = last_control_at
        self._now = now
        self._taken_at: datetime | None = None

    async def take(self, every_s: float) -> bool:
        """Take the turn. False where the last one is less than `every_s` ago."""
        now, taken_at = self._now(), self._taken_at
        # 1. Before anything is waited for: two videos may be at it.
        if taken_at is not None and now - taken_at < timedelta(seconds=every_s):
            return False
        self._taken_at = now
        # 2. What earlier crawls did, and others that measure at this point.
        try:
            stored_at = await run_in_thread(self._last_control_at, self._vantage)
        except StorageError:  # away: the measurement that waits for it is worth more
            # No control was measured: the next video may ask again, and no sooner than an hour after the last control.
            self._taken_at = taken_at
            return False
        if stored_at is None or now - stored_at >= timedelta(seconds=every_s):
            return True
        # Known now: the other videos of the hour need not ask the database.
        self._taken_at = stored_at
        return False
