"""Pacing of a media host's body bytes: exact over time, in small portions, shared fairly by its connections."""

from __future__ import annotations

import math
from collections.abc import Callable

from pytomo_scrapy.lab.model import RateRule

QUANTUM_S = 0.01
QUANTUM_MAX_BYTES = 16 * 1024
PACKET_BYTES = 1448  # payload of a TCP segment on Ethernet: no line delivers less at a time
# A sender that woke late makes up for at most this much; without it a busy machine would fall short of the rate.
CATCH_UP_MAX_S = 0.25
# After a pause of this length, a fetch from the first byte starts the rule's own time anew.
RESTART_AFTER_S = 1.0


class RateTrace:
    """A rate over time: a `RateRule` as a function that can be integrated."""

    def __init__(self, rule: RateRule, clip_mean_bps: float) -> None:
        steps = rule.steps
        if rule.clip_ratio is not None:
            steps = ((0.0, rule.clip_ratio * clip_mean_bps),)
        if any(rate < 0 for _, rate in steps) or [start for start, _ in steps] != sorted(start for start, _ in steps):
            raise ValueError(f"the steps of a rate must rise in time and not fall below 0: {steps}")
        if steps and steps[0][0] > 0:
            raise ValueError(f"the first step of a rate must begin at 0: {steps}")
        if rule.period_s is not None and steps and rule.period_s <= steps[-1][0]:
            raise ValueError(f"the period of a rate must be longer than its last step begins: {rule.period_s}")
        self._steps = steps
        self._period_s = rule.period_s

    @property
    def is_limited(self) -> bool:
        """Tell whether there is any limit."""
        return bool(self._steps)

    def segment(self, t_s: float) -> tuple[float, float]:
        """Return the rate in bit/s at `t_s` and the time until which it holds (infinity for the last step)."""
        base, local = 0.0, t_s
        if self._period_s is not None:
            base = math.floor(t_s / self._period_s) * self._period_s
            local = t_s - base
        index = max(i for i, (start, _) in enumerate(self._steps) if i == 0 or start <= local)
        if index + 1 < len(self._steps):
            until = base + self._steps[index + 1][0]
        else:
            until = math.inf if self._period_s is None else base + self._period_s
        # Adding the base can round a boundary down onto t_s itself; time must move on.
        return self._steps[index][1], max(until, math.nextafter(t_s, math.inf))

    def finish(self, start_s: float, bits: float) -> float:
        """Return when `bits` that begin at `start_s` have passed. Infinity when the rate stays 0."""
        idle_s = 0.0
        while True:
            rate_bps, until_s = self.segment(start_s)
            if rate_bps > 0 and start_s + bits / rate_bps <= until_s:
                return start_s + bits / rate_bps
            if math.isinf(until_s):
                return math.inf
            idle_s = 0.0 if rate_bps > 0 else idle_s + until_s - start_s
            if self._period_s is not None and idle_s > 2 * self._period_s:
                return math.inf
            bits -= rate_bps * (until_s - start_s)
            start_s = until_s


class Pacer:
    """Gives each portion of body bytes its time, for all connections of one video at one media host.

    A portion is due when its last bit would have left a line of the rule's rate. So what a client has received by any
    time is at most what the line carries until then, the mean is exact, and idling earns no burst.
    """

    def __init__(self, trace: RateTrace, clock: Callable[[], float]) -> None:
        self._trace = trace
        self._clock = clock
        self._started_at = clock()
        self._busy_until = self._started_at
        self._open_count = 0
        self._left_at = -math.inf

    @property
    def is_limited(self) -> bool:
        """Tell whether there is any limit; without one the other methods need not be called."""
        return self._trace.is_limited

    def join(self, first_byte: int) -> None:
        """Note that a connection starts to send; from byte 0 after a pause the rule's own time starts anew."""
        now = self._clock()
        if self._open_count == 0 and first_byte == 0 and now - self._left_at >= RESTART_AFTER_S:
            self._started_at = self._busy_until = now
        self._open_count += 1

    def leave(self) -> None:
        """Note that a connection has ended."""
        self._open_count -= 1
        self._left_at = self._clock()

    def quantum_bytes(self) -> int:
        """Return how many bytes to ask for at once: 10 ms at the rate of now, but a packet, and at most 16 KiB."""
        rate_bps, _ = self._trace.segment(max(self._clock(), self._busy_until) - self._started_at)
        return max(PACKET_BYTES, min(QUANTUM_MAX_BYTES, int(rate_bps * QUANTUM_S / 8)))

    def reserve(self, size_bytes: int, ready_at: float | None = None) -> float:
        """Return the clock's time at which `size_bytes` more may be sent. Infinity when the rate stays 0.

        `ready_at` is since when the sender has been waiting to send: the time of its previous portion as long as its
        peer takes everything. It lets a sender that woke late stay on time. Portions are served in the order of calls,
        so that connections which take turns share equally.
        """
        now = self._clock()
        ready_at = now if ready_at is None else min(now, max(ready_at, now - CATCH_UP_MAX_S))
        start = max(ready_at, self._busy_until) - self._started_at
        self._busy_until = self._started_at + self._trace.finish(start, 8 * size_bytes)
        return self._busy_until
