"""Manners towards the service: a refusal is answered by leaving it alone, longer each time, and by an end at last."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

from pytomo_scrapy.config import EnduranceConfig
from pytomo_scrapy.crawl.gate import Gate, Stopped
from pytomo_scrapy.crawl.standing import Standing, time_of_day
from pytomo_scrapy.failures import FAILURES, REFUSALS, Stage
from pytomo_scrapy.items import VideoItem

logger = logging.getLogger(__name__)

# No crawl waits longer for one answer, whatever it orders.
LONGEST_ORDER_S = 86_400.0
_POLL_S = 0.5


# Fewer videos than these say nothing of a share, unless the window is shorter: any two guests may both be unlucky.
_LEAST_VIDEOS = 3


class BackOff:
    """How long to leave the service alone. Pure: the caller passes in the service's answers and the time."""

    def __init__(self, settings: EnduranceConfig) -> None:
        self._settings = settings
        self._refusal_count = 0
        self._until_s = float("-inf")
        # Of the last videos, whether each was refused.
        self._videos: deque[bool] = deque(maxlen=settings.backoff_videos)

    def refused(self, now_s: float, ordered_s: float = 0.0) -> float:
        """Note a refusal of this address. Returns how long to wait from now on: a short time, then pauses that double.

        A wait that the service orders is kept, for up to LONGEST_ORDER_S, where refusals make us wait at all.
        """
        ordered_s = min(ordered_s, LONGEST_ORDER_S)
        if now_s < self._until_s:
            # What was under way when the pause began says nothing new, but for a longer wait.
            self._until_s = max(self._until_s, now_s + ordered_s)
            return self._until_s - now_s
        self._refusal_count += 1
        # The first refusal has a short wait of its own: pauses count from the second on.
        pause_s = self._settings.backoff_pause_s * 2 ** max(0, self._refusal_count - 2)
        wait_s = self._settings.backoff_retry_s if self._refusal_count == 1 else pause_s
        wait_s = max(wait_s, ordered_s) if wait_s > 0 else 0.0
        self._until_s = now_s + wait_s
        return wait_s

    def guest_refused(self, now_s: float) -> float:
        """Note a video that no guest of ours got. Returns how long to wait from now on.

        Guests are refused at random: only when most of the last videos were refused is it the address that is meant.
        """
        if now_s >= self._until_s:
            self._videos.append(True)
            if not self._are_most_refused:
                return 0.0
        return self.refused(now_s)

    def answered(self) -> None:
        """Note a video that the service gave us: it speaks with us again."""
        self._videos.append(False)
        self._refusal_count = 0

    def wait_s(self, now_s: float) -> float:
        """Return how long the service is still left alone."""
        return max(0.0, self._until_s - now_s)

    @property
    def is_over(self) -> bool:
        """Whether the service refused once more after the last pause that it is given."""
        is_ever = self._settings.backoff_pause_s > 0
        return is_ever and self._refusal_count > self._settings.backoff_max_pauses + 1

    @property
    def _are_most_refused(self) -> bool:
        count = len(self._videos)
        is_enough = count >= min(_LEAST_VIDEOS, self._settings.backoff_videos)
        return is_enough and sum(self._videos) / count >= self._settings.backoff_share


# Media refused from the first byte on, although freshly resolved: the service no longer accepts the client's requests.
_REFUSED = frozenset((("client_broken", Stage.RESOLVE), ("http_403", Stage.DOWNLOAD)))
# Media cut off after the first of them: the service distrusts the guest, or where it comes from.
_GATED = ("media_gated", Stage.DOWNLOAD)

# Of a resolution: drawn for each guest anew. All other refusals, and those of pages, are of this address.
_DRAWN = frozenset({"bot_check"})


class Politeness:
    """The crawl's one BackOff: every stage that asks the service waits for it first."""

    def __init__(
        self,
        settings: EnduranceConfig,
        gate: Gate,
        standing: Standing | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._standing = standing or Standing()
        self._back_off = BackOff(settings)
        self._gate = gate
        self._clock = clock
        self._refused_count = 0
        self._gated_count = 0

    def stored(self, item: VideoItem) -> None:
        """Learn from a measurement whether the service refuses us."""
        if item.failure_stage is Stage.RESOLVE and item.failure in _DRAWN:
            wait_s = self._back_off.guest_refused(self._clock())
            if wait_s > 0 or self.is_over:
                self._wait(str(item.failure), wait_s)
        elif item.failure_stage is Stage.RESOLVE:
            self.note(item.failure)
        # Resolved, whatever became of its window: the service speaks with this address.
        elif item.resolve is not None:
            self.note(None)
        self._note_client(item)

    def _note_client(self, item: VideoItem) -> None:
        """Count videos in a row whose media were refused or cut off; videos without media of their own say nothing."""
        outcome = (item.failure, item.failure_stage)
        if outcome == _GATED:
            self._gated_count += 1
        elif outcome in _REFUSED:
            self._refused_count += 1
        elif any(download.received_bytes for download in item.downloads):
            self._refused_count = self._gated_count = 0
        if self._is_client_broken:
            self._gate.stop()

    @property
    def _is_client_broken(self) -> bool:
        return 0 < self._settings.broken_client_max <= self._refused_count + self._gated_count

    def note(self, failure: str | None, ordered_s: float = 0.0) -> None:
        """Note how a page or a resolution went, and what wait it ordered. Other failures than refusals say nothing."""
        if failure is None:
            self._back_off.answered()
        elif failure in REFUSALS:
            self._wait(failure, self._back_off.refused(self._clock(), ordered_s))

    def _wait(self, failure: str, wait_s: float) -> None:
        if self.is_over:
            # What waits in the pipelines goes back to the frontier; the walk says why.
            self._gate.stop()
            return
        logger.warning(
            "The service refuses (%s: %s): it is asked again in %.0f s, at %s",
            failure,
            FAILURES[failure].meaning,
            wait_s,
            time_of_day(wait_s),
        )

    async def ready(self) -> None:
        """Wait until the service may be asked. Raises Stopped if the crawl stops first."""
        while (wait_s := self._back_off.wait_s(self._clock())) > 0:
            if self._gate.is_stopping:
                raise Stopped
            with self._standing.waiting("the service refused and is left alone", wait_s):
                await asyncio.sleep(min(wait_s, _POLL_S))

    @property
    def is_over(self) -> bool:
        """Whether the crawl should end: the service kept refusing us, or every video's media."""
        return self._back_off.is_over or self._is_client_broken

    def sentence(self) -> str:
        """Say why the crawl ends, and what to do."""
        if self._is_client_broken:
            return self._sentence_on_media()
        return (
            f"The service refused again after {self._settings.backoff_max_pauses} pauses: the crawl ends here. "
            "Wait some hours, pace it (PYTOMO_PACE_S), then resume it by the same command."
        )

    def _sentence_on_media(self) -> str:
        count, upgrade = self._refused_count + self._gated_count, 'pip install -U "yt-dlp[default]"'
        if not self._gated_count:
            return (
                f"The media of {count} videos in a row were refused at their start: yt-dlp is too old for "
                f"the service. Upgrade it ({upgrade}), then resume the crawl by the same command."
            )
        some = f", {self._refused_count} of them at their start" if self._refused_count else ""
        return (
            f"The media of {count} videos in a row were cut off by the service{some}: it distrusts this guest, and the "
            f"line is not the cause. Upgrade yt-dlp ({upgrade}) or wait some hours and measure more slowly "
            "(PYTOMO_PACE_S), then resume the crawl by the same command."
        )
