"""The wait that the service orders before its media may be fetched: earlier requests are refused (403)."""

from __future__ import annotations

import time
from dataclasses import replace

from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.measure.net.clock import Clock, utc_now

# Two readings of the clocks may lie so far apart on a busy machine; a clock that was set by less costs no more.
_CLOCK_NOISE_S = 1.0


def clock_lead_s(clock: Clock) -> float:
    """Return how far the wall clock is ahead of the monotonic one: it changes only when the wall clock is set."""
    return utc_now().timestamp() - clock()


def with_ordered_wait(result: ResolveResult, max_wait_s: float, *, clock: Clock = time.monotonic) -> ResolveResult:
    """Return `result` with the wait from now on in `available_wait_s`, or failed where it is longer than `max_wait_s`.

    yt-dlp adds the service's wait to the wall clock, at an instant that it does not tell: where the clock was set
    meanwhile, the longest wait that the service may have ordered is waited for, and a longer one is the clock's doing.
    """
    times = [media.available_at.timestamp() for media in result.formats if media.available_at is not None]
    if not times or result.clock_leads_s is None:
        return result
    before_s, after_s = result.clock_leads_s
    was_set = abs(after_s - before_s) > _CLOCK_NOISE_S
    waits_s = [max(times) - lead_s - clock() for lead_s in (before_s, after_s)]
    possible_s = [wait_s for wait_s in waits_s if wait_s <= max_wait_s]
    wait_s = max(0.0, *possible_s) if possible_s else max_wait_s if was_set else max(waits_s)
    if wait_s > max_wait_s:
        detail = f"the service orders a wait of {wait_s:.1f} s, more than PYTOMO_RESOLVE_MAX_WAIT_S={max_wait_s:g}"
        return replace(result, formats=(), failure="not_available_yet", failure_detail=detail)
    return replace(result, available_wait_s=wait_s)
