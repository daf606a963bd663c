"""The window that is drawn: a made-up line, and every figure as the measurement itself would compute it."""

from __future__ import annotations

from dataclasses import dataclass

from pytomo_scrapy.items import MediaTimeline, PlaybackResult
from pytomo_scrapy.measure.playback.simulation import StreamTrace, simulate_playback
from pytomo_scrapy.measure.window.throughput import Throughput, measure_throughput

WINDOW_S = 30.0
MEDIA_BYTES_PER_S, MEDIA_S = 100_000, 36
STEP_S = 0.1
# (from, until, bytes per second): a slow start, a bad time, then a good one with pauses in between.
RATES = (
    (0.6, 1.4, 65_000),
    (1.4, 4.0, 130_000),
    (4.0, 10.0, 35_000),
    (10.0, 14.0, 450_000),
    (16.5, 18.0, 400_000),
    (22.5, 24.0, 400_000),
)
NO_DEMAND = ((14.0, 16.4), (18.0, 22.4))


@dataclass(frozen=True, slots=True)
class Example:
    """The window that is drawn: arrivals, and what follows from them."""

    arrivals: list[tuple[float, int]]
    throughput: Throughput
    playback: PlaybackResult

    @property
    def first_s(self) -> float:
        """When the first byte came."""
        return self.arrivals[0][0]

    @property
    def last_s(self) -> float:
        """When the last byte came."""
        return self.arrivals[-1][0]

    @property
    def received_bytes(self) -> int:
        """How many bytes came."""
        return sum(count for _, count in self.arrivals)

    @property
    def positions(self) -> list[tuple[float, float]]:
        """Return (time, media time of the playhead) wherever the playhead starts or stops."""
        now_s, media_s = self.playback.startup_delay_s or 0.0, 0.0
        found = [(0.0, 0.0), (now_s, 0.0)]
        for stall in self.playback.stalls:
            media_s += stall.start_s - now_s
            now_s = stall.start_s + stall.duration_s
            found += [(stall.start_s, media_s), (now_s, media_s)]
        return [*found, (WINDOW_S, media_s + WINDOW_S - now_s)]

    @property
    def totals(self) -> list[tuple[float, int]]:
        """Return (time, bytes so far)."""
        total, found = 0, [(0.0, 0)]
        for t_s, count in self.arrivals:
            found += [(t_s, total)] if t_s - found[-1][0] > 2 * STEP_S else []
            total += count
            found.append((t_s, total))
        return found


def example() -> Example:
    """Compute the window that is drawn, the last byte of the media in it."""
    left, arrivals = MEDIA_BYTES_PER_S * MEDIA_S, []
    for start_s, end_s, rate in RATES:
        for index in range(round((end_s - start_s) / STEP_S)):
            count = min(left, round(rate * STEP_S))
            left -= count
            if count:
                arrivals.append((round(start_s + index * STEP_S, 3), count))
    sums = [sum(count for _, count in arrivals[: index + 1]) for index in range(len(arrivals))]
    steps = range(MEDIA_S * 10 + 1)
    timeline = MediaTimeline(
        kind="muxed",
        method="packets",
        offset_bytes=tuple(step * MEDIA_BYTES_PER_S // 10 for step in steps),
        complete_s=tuple(step / 10 for step in steps),
        duration_s=float(MEDIA_S),
    )
    trace = StreamTrace(tuple(t_s for t_s, _ in arrivals), tuple(sums), timeline)
    playback = simulate_playback([trace], "classic", horizon_s=WINDOW_S)
    return Example(arrivals, measure_throughput(arrivals, NO_DEMAND), playback)
