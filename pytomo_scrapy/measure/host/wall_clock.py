"""How far our wall clock is off the media servers', by the `Date` of answers that the window gets anyway."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta

_DATE_STEP_S = 1.0  # a Date has whole seconds, rounded down
_TIMEX_BYTES = 256  # struct timex is smaller on every architecture
_TIME_ERROR = 5  # Source: adjtimex(2): the clock is not synchronised


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """Our clock minus theirs, and how far the truth may be from it."""

    offset_s: float
    error_s: float


class ClockBounds:
    """What each answer says of the offset. Each bounds it to a little over a second; together they do so closer.

    An answer was stamped between the moment we asked and the moment it came. So the offset is more than
    asked - date - 1 s and at most answered - date.
    """

    def __init__(self, started_at: datetime) -> None:
        self._started_at = started_at
        self._least_s = float("-inf")
        self._most_s = float("inf")

    def add(self, asked_s: float, answered_s: float, date: datetime) -> None:
        """Take an answer: times from the window's start, and its Date."""
        asked_at = self._started_at + timedelta(seconds=asked_s)
        answered_at = self._started_at + timedelta(seconds=answered_s)
        self._least_s = max(self._least_s, (asked_at - date).total_seconds() - _DATE_STEP_S)
        self._most_s = min(self._most_s, (answered_at - date).total_seconds())

    def result(self) -> ClockOffset | None:
        """Return the offset. None without an answer, or where the servers' clocks contradict each other."""
        if not self._least_s <= self._most_s or self._most_s == float("inf"):
            return None
        return ClockOffset((self._least_s + self._most_s) / 2, (self._most_s - self._least_s) / 2)


def is_clock_synchronised() -> bool | None:
    """Return what the kernel says of its own clock. None where it does not say."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (AttributeError, OSError):
        return None
    return None if state < 0 else bool(state != _TIME_ERROR)
