"""Alerts: a message to a web hook when one class of failure repeats, and when it is over."""

from __future__ import annotations

import asyncio
import json
import logging
import platform
import urllib.request
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.config import Config
from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.items import VideoItem

logger = logging.getLogger(__name__)

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Alert:
    """What is told. `event` is "failing" or "recovered"."""

    event: str
    failure: str
    attribution: str
    meaning: str
    count: int  # failures of the class in a row


class Streak:
    """Counts failures of one class in a row. Pure. A success ends the streak, another class begins its own."""

    def __init__(self, alert_after: int) -> None:
        self._alert_after = alert_after
        self._failure: str | None = None
        self._count = 0
        self._told: tuple[str, int] | None = None

    def next(self, failure: str | None) -> Alert | None:
        """Take the next measurement's failure. Returns what has to be told now, if anything."""
        if failure is None:
            told, self._failure, self._count, self._told = self._told, None, 0, None
            return None if told is None else _alert("recovered", *told)
        self._count = self._count + 1 if failure == self._failure else 1
        self._failure = failure
        if self._told is not None and self._told[0] == failure:
            self._told = (failure, self._count)
        elif self._count == self._alert_after:
            self._told = (failure, self._count)
            return _alert("failing", failure, self._count)
        return None


def _alert(event: str, failure: str, count: int) -> Alert:
    known = FAILURES[failure]
    return Alert(event, failure, known.attribution.value, known.meaning, count)


class Alerts:
    """Posts alerts while the crawl runs; a web hook that is away costs a line in the log, never a measurement."""

    def __init__(self, webhook: str, alert_after: int, about: dict[str, Any]) -> None:
        self._webhook = webhook
        self._streak = Streak(alert_after)
        self._about = about
        self._posts: set[asyncio.Task[None]] = set()

    def stored(self, item: VideoItem) -> None:
        """Look at a stored measurement, and post what it gives reason to, beside the crawl."""
        alert = self._streak.next(item.failure)
        if alert is not None:
            logger.warning("%s: %s, %d in a row", alert.event, alert.failure, alert.count)
            message = {
                **asdict(alert),
                **self._about,
                "crawl": item.crawl,
                "video_id": item.video_id,
                "at": datetime.now(UTC).isoformat(),
            }
            post = asyncio.ensure_future(run_in_thread(self._post, message))
            self._posts.add(post)
            post.add_done_callback(self._posts.discard)

    async def close(self) -> None:
        """Wait for posts under way."""
        await asyncio.gather(*self._posts)

    def _post(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        request = urllib.request.Request(self._webhook, body, {"Content-Type": "application/json"}, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S):
                return
        except (OSError, ValueError) as error:
            # The address holds a secret of its own, so it is not in the line.
            logger.warning("The alert could not be posted: %s", type(error).__name__)


def alerts_of(checked: Config) -> Alerts | None:
    """Return the alerts that PYTOMO_ALERT_WEBHOOK asks for. None where it is empty."""
    if checked.endurance.alert_webhook is None:
        return None
    about = {"vantage": checked.vantage or platform.node(), "provider": checked.provider}
    return Alerts(checked.endurance.alert_webhook, checked.endurance.alert_after, about)
