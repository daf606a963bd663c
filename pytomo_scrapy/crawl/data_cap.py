"""How much a crawl downloads: what it expects to, said at its start, and the day's cap on a metered line."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable
from datetime import UTC, datetime

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.config import Config
from pytomo_scrapy.crawl.gate import Gate
from pytomo_scrapy.items import VideoItem

logger = logging.getLogger(__name__)

# Rough figures for the sentence at the start; the cap counts real bytes.
ASSUMED_MEDIA_BPS = 2_500_000  # 720p H.264 and AAC of the service, about
ASSUMED_LINE_BPS = 100_000_000
OUTSIDE_WINDOW_S = 2.5
SEGMENT_S = 5.0


def expected_bytes_per_hour(checked: Config) -> int:
    """Estimate the media bytes of an hour of windows, on a line of ASSUMED_LINE_BPS.

    A paced window takes its own length, the buffer goal and a segment of media; a bulk one what the line gives.
    """
    settings = checked.download
    window_count = 3600 / max(checked.pace_s, settings.window_s + OUTSIDE_WINDOW_S)
    line_bytes = settings.window_s * ASSUMED_LINE_BPS / 8
    bulk_bytes = min(settings.max_bytes, line_bytes)
    media_s = settings.window_s + settings.buffer_goal_s + SEGMENT_S
    paced_bytes = min(bulk_bytes, media_s * ASSUMED_MEDIA_BPS / 8)
    share = 1.0
    if settings.mode == "paced":
        share = 1 / settings.bulk_every if settings.bulk_every else 0.0
    return int(window_count * (share * bulk_bytes + (1 - share) * paced_bytes))


def volume_sentence(checked: Config) -> str:
    """Say what an hour of the crawl will download, and what bounds it."""
    cap = checked.download.data_cap_bytes_per_day
    bound = f"at most {cap / 1e9:.2f} GB a day" if cap else "no cap: PYTOMO_DATA_CAP_BYTES_PER_DAY sets one"
    return (
        f"Windows of {checked.download.window_s:g} s, {checked.download.mode}: about "
        f"{expected_bytes_per_hour(checked) / 1e9:.1f} GB an hour on a line of {ASSUMED_LINE_BPS / 1e6:.0f} Mbit/s, "
        f"less on a slower one ({bound})"
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

    async def begin(self) -> None:
        """Say what is expected, and count what earlier crawls of the day have taken."""
        logger.info("%s", volume_sentence(self._config))
        if self._cap_bytes:
            midnight = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
            vantage = self._config.vantage or platform.node()
            self._received_bytes = await run_in_thread(self._bytes_since, vantage, midnight)
            self._stop_if_reached()

    def took(self, received_bytes: int) -> None:
        """Count a window as soon as it is over: the next one may begin before this one is stored."""
        today = self._now().date()
        if today != self._day:
            self._day, self._received_bytes = today, 0
        self._received_bytes += received_bytes

    def stored(self, item: VideoItem) -> None:
        """End the crawl where the cap is reached, now that what reached it is kept."""
        self._stop_if_reached()

    @property
    def _cap_bytes(self) -> int:
        return self._config.download.data_cap_bytes_per_day

    @property
    def is_reached(self) -> bool:
        """Whether nothing more may be downloaded today."""
        return bool(self._cap_bytes) and self._received_bytes >= self._cap_bytes

    def room_bytes(self) -> int:
        """Return how many bytes a window may still take: its own cap, or what is left of the day's."""
        own = self._config.download.max_bytes
        return max(1, min(own, self._cap_bytes - self._received_bytes)) if self._cap_bytes else own

    def _stop_if_reached(self) -> None:
        # What waits in the pipelines goes back to the frontier; the walk says why.
        if self.is_reached:
            self._gate.stop()

    def sentence(self) -> str:
        """Say why the crawl ends, and how it goes on."""
        return (
            f"The data cap of the day is reached: {self._received_bytes / 1e6:.1f} MB of "
            f"PYTOMO_DATA_CAP_BYTES_PER_DAY={self._cap_bytes}. The same command goes on from here after midnight UTC."
        )
