"""The two clocks of a measurement: a monotonic one for durations, the wall clock once per item."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

# Durations are differences of a monotonic clock, which is passed in so that tests can move it by hand.
Clock = Callable[[], float]
Sleep = Callable[[float], None]


def utc_now() -> datetime:
    """Return the aware wall-clock time. Never subtract two of these: the clock may be set in between."""
    return datetime.now(UTC)
