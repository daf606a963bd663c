"""Pauses of this machine inside a window: whatever stands still then is ours to answer for, not the line's."""

from __future__ import annotations

import time
from dataclasses import replace

from pytomo_scrapy.failures import Attribution, attribution_of
from pytomo_scrapy.items import DownloadResult
from pytomo_scrapy.measure.net.clock import Clock

# The loop looks every 10 ms. A process that only waits for its turn on a busy machine stays well below this; a shorter
# gap adds at most its own length to a startup or a stall. It is also how late a window may end.
MAX_PROBE_GAP_S = 0.25
# Shorter gaps are the loop's own work and its waiting for the next byte.
NOTED_GAP_S = 0.05


def clock_through_sleep() -> float:
    """Return a monotonic time that goes on while the machine sleeps, as that for durations may not.

    Source: clock_gettime(2). Where the name is missing, CLOCK_MONOTONIC counts sleep itself (macOS).
    """
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class PauseWatch:
    """Notes the longest time between two looks at it, and all of 50 ms and more together."""

    def __init__(self, clock: Clock = clock_through_sleep) -> None:
        self._clock = clock
        self._last_s = clock()
        self.longest_s = 0.0
        self.paused_s = 0.0

    def look(self) -> float:
        """Say that this process runs, and return how long ago that was said before."""
        now_s = self._clock()
        gap_s, self._last_s = now_s - self._last_s, now_s
        self.longest_s = max(self.longest_s, gap_s)
        self.paused_s += gap_s if gap_s >= NOTED_GAP_S else 0.0
        return gap_s


def judge_pause(window: DownloadResult) -> DownloadResult:
    """Return the window as the tool's where this machine stood still in it, unless it failed by what was answered."""
    gap_s, failure = window.probe_gap_s or 0.0, window.failure
    if gap_s <= MAX_PROBE_GAP_S or attribution_of(failure) not in {None, Attribution.NETWORK}:
        return window
    detail = f"nothing was read for {gap_s:.2f} s"
    if failure is not None:
        detail = f"{detail}; {failure}, {window.failure_detail}"
    return replace(window, failure="probe_paused", failure_detail=detail)
