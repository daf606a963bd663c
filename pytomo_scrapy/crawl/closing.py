"""What a run says at its end: how much it measured, what was bad, startup and stalls with their n, what to do next."""

from __future__ import annotations

import logging
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator

from pytomo_scrapy.analysis.survival import Delay, incidence_curve, incidence_quantile
from pytomo_scrapy.crawl.video_count import VideoCount
from pytomo_scrapy.failures import Attribution, attribution_of, is_for_good, meaning_of
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.items.in_words import counted, duration, number
from pytomo_scrapy.measure.outcome import headline
from pytomo_scrapy.storage.shown_url import database_option

logger = logging.getLogger(__name__)

_MOST_CLASSES = 8
# All other reasons are ours, and have had a sentence of their own in the log.
_ENDS = {"finished": "The crawl is finished", "shutdown": "The crawl was interrupted"}
_GOES_ON = ", and the same command goes on with what is left"


class Summary:
    """Sums up the measurements of this run; eight bytes for each session, so that a run of months may keep one."""

    def __init__(self, database: str, window_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database, self._window_s, self._clock = database, window_s, clock
        self._started_s = clock()
        self.is_resumable = True
        self._videos = VideoCount()
        self._failures: Counter[str] = Counter()
        self._started: array[float] = array("d")
        self._censored: array[float] = array("d")
        self._failed: array[float] = array("d")
        self._stall_count = self._stalled_session_count = 0
        self._stalled_s = 0.0

    def stored(self, item: VideoItem) -> None:
        """Count a stored measurement, as the report does: sessions that the network failed are valid ones."""
        self._videos.stored(item)
        # What the service, the video or this tool failed says nothing of the line: counted above, in no figure below.
        if item.failure is not None:
            self._failures[item.failure] += 1
            if attribution_of(item.failure) is not Attribution.NETWORK:
                return
        playback = headline(item)
        if playback is not None and playback.startup_delay_s is not None:
            self._started.append(playback.startup_delay_s)
        # Waiting longer would not have helped: a competing end of the session, and no censored delay.
        elif is_for_good(item.failure):
            self._failed.append((item.downloads[0].elapsed_s or 0.0) if item.downloads else 0.0)
        else:
            horizon_s = None if playback is None else playback.horizon_s
            self._censored.append(self._window_s if horizon_s is None else horizon_s)
        if playback is not None and playback.stall_count:
            self._stalled_session_count += 1
            self._stall_count += playback.stall_count
            self._stalled_s += playback.stalled_s or 0.0

    def tell(self, reason: str) -> None:
        """Log the lines."""
        for line in self.lines(reason):
            logger.info("%s", line)

    def lines(self, reason: str) -> Iterator[str]:
        """Yield the lines. `reason` is why the run ended, in Scrapy's words."""
        how = _ENDS.get(reason, f"The crawl ended ({reason})")
        if reason == "shutdown" and self.is_resumable:
            how += _GOES_ON
        yield f"{how}: {counted(self._videos.value, 'video')} in {duration(self._clock() - self._started_s)}"
        most = self._failures.most_common(_MOST_CLASSES)
        for name, count in most:
            yield f"  {number(count, 0)} {name} ({attribution_of(name)}): {meaning_of(name)}"
        if (others := len(self._failures) - len(most)) > 0:
            yield f"  and {counted(self._failures.total() - sum(count for _, count in most), 'video')} of {others} more"
        yield from self._played()
        yield f"Database: {self._database}"
        yield f"Next: {self._next()}"

    def _played(self) -> Iterator[str]:
        # The median is over all sessions: over those that began alone it would be the better, the more never did.
        never_count = len(self._censored) + len(self._failed)
        session_count = len(self._started) + never_count
        if not session_count:
            return
        delays = [Delay(value_s, True) for value_s in self._started]
        delays += [Delay(value_s, False) for value_s in self._censored]
        delays += [Delay(value_s, False, True) for value_s in self._failed]
        median_s = incidence_quantile(incidence_curve(delays), 0.5)
        median = "not reached" if median_s is None else f"{median_s:.2f} s"
        never = f", {number(never_count, 0)} never began" if never_count else ""
        yield f"Startup: median {median} (n = {number(session_count, 0)}{never})"
        stalls = f"{counted(self._stall_count, 'stall')}, {self._stalled_s:.1f} s in all"
        where = f"in {number(self._stalled_session_count, 0)} of {counted(len(self._started), 'session')}"
        yield (
            f"Stalls: {stalls}, {where}" if self._stall_count else f"Stalls: none (n = {number(len(self._started), 0)})"
        )

    def _next(self) -> str:
        of = database_option(self._database)
        return f"pytomo report{of} prints what the database holds, pytomo serve{of} shows it in a browser"
