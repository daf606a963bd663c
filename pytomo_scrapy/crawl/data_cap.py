"""A crawl's downloads: the amount expected, logged at its start, and the day's cap on a metered line."""

from __future__ import annotations

import platform
from collections.abc import Callable
from datetime import UTC, datetime

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.config import Config
from pytomo_scrapy.crawl.gate import Gate
from pytomo_scrapy.items import VideoItem

# Rough figures for the sentence at the start; the cap counts real bytes.
ASSUMED_MEDIA_BPS = 2_500_000  # 720p H.264 and AAC of the service, about
ASSUMED_LINE_BPS = 100_000_000
OUTSIDE_WINDOW_S = 2.5
SEGMENT_S = 5.0


def expected_bytes_per_hour(checked: Config) -> int:
    """Estimate the media bytes of an hour of windows, on a line of ASSUMED_LINE_BPS."""
    window_count = 3600 / max(checked.pace_s, checked.download.window_s + OUTSIDE_WINDOW_S)
    return int(window_count * _window_bytes(checked))


def _window_bytes(checked: Config) -> float:
    """Estimate the media bytes of a window.

    A paced one takes its own length, the buffer goal and a segment of media; a bulk one uses the full line.
    """
    settings = checked.download
    line_bytes = settings.window_s * ASSUMED_LINE_BPS / 8
    bulk_bytes = min(settings.max_bytes, line_bytes)
    # At the end of the window the buffer is full, and the segment that filled it was asked for whole.
    media_s = settings.window_s + settings.buffer_goal_s + SEGMENT_S
    paced_bytes = min(bulk_bytes, media_s * ASSUMED_MEDIA_BPS / 8)
    # What an adaptive window takes depends on the line; a paced one of the same length is the nearest guess.
    share = 1.0 if settings.mode == "bulk" else 0.0
    if settings.mode == "paced" and settings.bulk_every:
        share = 1 / settings.bulk_every
    return share * bulk_bytes + (1 - share) * paced_bytes


def volume_sentence(checked: Config) -> str:
    """Say what a video and a day of the crawl will download, and what bounds it."""
    cap = checked.download.data_cap_bytes_per_day
    bound = f"at most {cap / 1e9:.2f} GB a day" if cap else "no cap: PYTOMO_DATA_CAP_BYTES_PER_DAY sets one"
    day_bytes = 24 * expected_bytes_per_hour(checked)
    return (
        f"about {_window_bytes(checked) / 1e6:.0f} MB a video, {day_bytes / 1e9:.0f} GB in a whole day, on a line of "
        f"{ASSUMED_LINE_BPS / 1e6:.0f} Mbit/s; less on a slower one ({bound})"
    )


class DataCap:
    """Counts the media bytes of the day (UTC) and ends the crawl, in order, when they reach the cap."""

    def __init__(
        self,
        checked: Config,
        gate: Gate,
        bytes_since: Callable[[str, datetime], int],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._config = checked
        self._gate = gate
        self._bytes_since = bytes_since
        self._now = now
        self._day = now().date()
        self._received_bytes = 0
        self._has_stopped = False

    async def begin(self) -> None:
        """Count the bytes that earlier crawls of the day received."""
        if self._cap_bytes:
            midnight = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
            self._day = midnight.date()
            vantage = self._config.vantage or platform.node()
            self._received_bytes = await run_in_thread(self._bytes_since, vantage, midnight)
            self._stop_if_reached()

    def took(self, received_bytes: int) -> None:
        """Count a window as soon as it is over: the next one may begin before this one is stored."""
        self._received_bytes = self._taken_today() + received_bytes

    def stored(self, item: VideoItem) -> None:
        """End the crawl where the cap is reached, now that what reached it is kept."""
        self._stop_if_reached()

    @property
    def _cap_bytes(self) -> int:
        return self._config.download.data_cap_bytes_per_day

    @property
    def is_reached(self) -> bool:
        """Whether nothing more may be downloaded today."""
        return bool(self._cap_bytes) and self._taken_today() >= self._cap_bytes

    def room_bytes(self) -> int:
        """Return how many bytes a window may still take: its own cap, or the rest of the day's."""
        window_bytes = self._config.download.max_bytes
        return max(1, min(window_bytes, self._cap_bytes - self._taken_today())) if self._cap_bytes else window_bytes

    def _taken_today(self) -> int:
        # Asked for at each look, as a crawl may wait over midnight. A crawl that the cap has ended stays ended by it.
        today = self._now().date()
        if today != self._day and not self._has_stopped:
            self._day, self._received_bytes = today, 0
        return self._received_bytes

    def _stop_if_reached(self) -> None:
        # What waits in the pipelines goes back to the frontier; the walk says why.
        if self.is_reached:
            self._has_stopped = True
            self._gate.stop()

    def sentence(self) -> str:
        """Say why the crawl ends, and how it goes on."""
        return (
            f"The data cap of the day is reached: {self._received_bytes / 1e6:.1f} MB of "
            f"PYTOMO_DATA_CAP_BYTES_PER_DAY={self._cap_bytes}. The same command goes on from here after midnight UTC."
        )
