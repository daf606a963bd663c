"""Alerts: a message when one class of failure repeats, and when it is over."""

from __future__ import annotations

import asyncio
import logging
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.config import AlertConfig, Config
from pytomo_scrapy.crawl.notices import has_ways, send_notice
from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.items import VideoItem

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alert:
    """The message that is posted. `event` is "failing" or "recovered"."""

    event: str
    failure: str
    attribution: str
    meaning: str
    count: int  # failures of the class in a row, the most of them where it is over


class Streak:
    """Counts failures of one class in a row. Pure. A success ends the streak, another class begins its own."""

    def __init__(self, alert_after: int) -> None:
        self._alert_after = alert_after
        self._failure: str | None = None
        self._count = 0
        # The longest streak of each class that somebody was told of and that no success has ended, in that order.
        self._alerted: dict[str, int] = {}

    def next(self, failure: str | None) -> Sequence[Alert]:
        """Take the next measurement's failure. Returns the alerts to post now: a success may end several classes."""
        if failure is None:
            # Nobody is called for the end of a streak of which nobody was told.
            alerted, self._failure, self._count, self._alerted = self._alerted, None, 0, {}
            return [_alert("recovered", *one) for one in alerted.items()]
        self._count = self._count + 1 if failure == self._failure else 1
        self._failure = failure
        # Once until a success: a line that is down for a night would post hundreds of times.
        if failure in self._alerted:
            self._alerted[failure] = max(self._alerted[failure], self._count)
        elif self._count == self._alert_after:
            self._alerted[failure] = self._count
            return [_alert("failing", failure, self._count)]
        return []


def _alert(event: str, failure: str, count: int) -> Alert:
    known = FAILURES[failure]
    return Alert(event, failure, known.attribution.value, known.meaning, count)


class Alerts:
    """Sends alerts while the crawl runs; a web hook that is away costs a line in the log, never a measurement."""

    def __init__(self, config: AlertConfig, about: dict[str, Any]) -> None:
        self._config = config
        self._streak = Streak(config.after)
        self._about = about
        self._posts: set[asyncio.Task[bool]] = set()

    def stored(self, item: VideoItem) -> None:
        """Count a stored measurement's failure, and post the alerts that are due, without holding up the crawl."""
        for alert in self._streak.next(item.failure):
            logger.warning("%s: %s, %d in a row", alert.event, alert.failure, alert.count)
            message = {
                **asdict(alert),
                **self._about,
                "crawl": item.crawl,
                "video_id": item.video_id,
                "at": datetime.now(UTC).isoformat(),
            }
            subject = (
                f"{alert.failure}, {alert.count} in a row" if alert.event == "failing" else f"{alert.failure} is over"
            )
            # The set holds the tasks, as the event loop keeps only a weak reference to them.
            post = asyncio.ensure_future(run_in_thread(send_notice, self._config, subject, message))
            self._posts.add(post)
            post.add_done_callback(self._posts.discard)

    async def close(self) -> None:
        """Wait for posts under way."""
        # Each ends by itself within `TIMEOUT_S` a way: a hook that is silent holds up the end of a crawl for no longer.
        await asyncio.gather(*self._posts)


def alerts_of(checked: Config) -> Alerts | None:
    """Return the alerts that the settings ask for. None where they would go nowhere."""
    if not has_ways(checked.alerts):
        return None
    return Alerts(checked.alerts, {"vantage": checked.vantage or platform.node(), "provider": checked.provider})
