"""What this machine did while a window was open, twice a second: bytes of the interface, time without a processor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil

from pytomo_scrapy.items import HostSamples

INTERVAL_S = 0.5
SCHEDULE = Path("/proc/self/schedstat")


def waited_s(schedule: Path = SCHEDULE) -> float | None:
    """Return how long this process has been ready to run without a processor, by other load or by a quota.

    None where the system does not tell. Source: Linux Documentation/scheduler/sched-stats.rst, /proc/<pid>/schedstat.
    """
    try:
        return int(schedule.read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


class HostSampler:
    """Reads the counters of one interface and of this process, from the window's own loop."""

    def __init__(self, interface: str | None, paused_s: Callable[[], float]) -> None:
        self._interface = interface
        self._paused_s = paused_s
        self._first = self._read()
        self._next_s = 0.0
        self._rows: list[tuple[float, int, int, float, float]] = []

    def tick(self, now_s: float) -> None:
        """Take a sample where it is due."""
        if now_s < self._next_s or self._first is None:
            return
        self._next_s = now_s + INTERVAL_S
        read = self._read()
        if read is not None:
            received, sent, waited, paused = (value - first for value, first in zip(read, self._first, strict=True))
            self._rows.append((now_s, int(received), int(sent), max(0.0, waited), max(0.0, paused)))

    def close(self, now_s: float) -> HostSamples:
        """Take the last sample and return all."""
        self._next_s = 0.0
        self.tick(now_s)
        columns = tuple(zip(*self._rows, strict=True)) if self._rows else ((), (), (), (), ())
        return HostSamples(*columns)

    def _read(self) -> tuple[float, float, float, float] | None:
        """Return bytes received and sent, time waited, time paused. None on loopback, where bytes count twice."""
        if self._interface is None:
            return None
        counters = psutil.net_io_counters(pernic=True, nowrap=False).get(self._interface)
        if counters is None:
            return None
        return counters.bytes_recv, counters.bytes_sent, waited_s() or 0.0, self._paused_s()
