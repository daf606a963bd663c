"""Outages of the line: told from bad sessions, waited for, and accounted for with the sessions that met them.

A session that failed by the network before the service answered may have met one, and so may a window to which nothing
came any more at its end: then the resolvers are asked. Where none of them answers, the session waits here, with its
claim, until one does: so the crawl stands still by itself.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import dns.rcode

from pytomo_scrapy.config import DnsConfig
from pytomo_scrapy.failures import Attribution, attribution_of
from pytomo_scrapy.items import StreamDownload, VideoItem
from pytomo_scrapy.measure.dns.lookup import look_up_hosts
from pytomo_scrapy.measure.net.clock import utc_now
from pytomo_scrapy.measure.net.path import family_of
from pytomo_scrapy.measure.tools import Activity, Stopped, ThreadRunner

logger = logging.getLogger(__name__)

Sender = tuple[str, int]  # address and port

CONNECT_TIMEOUT_S = 3.0
SILENT_S = 2.0  # for so long nothing came at a window's end, though it was asked for
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0
# From beyond the line: a resolver at home says of a dead line that it failed itself.
_ANSWERS = frozenset({dns.rcode.to_text(dns.rcode.NOERROR), dns.rcode.to_text(dns.rcode.NXDOMAIN)})
_PAGE_FAILURES = frozenset({"page_unreachable", "page_timeout"})


def met_silence(item: VideoItem) -> bool:
    """Tell whether a session failed by the network without a byte of media: by an outage, or by bad luck."""
    is_networks = attribution_of(item.failure) is Attribution.NETWORK
    return is_networks and not any(window.received_bytes for window in item.downloads)


def fell_silent_at(item: VideoItem) -> datetime | None:
    """Return since when nothing came to the last window, though it was asked for. None where media came to its end."""
    window = next((window for window in reversed(item.downloads) if window.received_bytes), None)
    if window is None or window.started_at is None or window.elapsed_s is None:
        return None
    # A refusal was answered, and what this machine did to the window is its own.
    if attribution_of(window.failure) not in {None, Attribution.NETWORK}:
        return None
    since_s = [_silent_since_s(stream) for stream in window.streams if not stream.is_complete]
    if not since_s or window.elapsed_s - max(since_s) < SILENT_S:
        return None
    return window.started_at + timedelta(seconds=max(since_s))


def _silent_since_s(stream: StreamDownload) -> float:
    """Return when a stream's last byte came, or when it asked for more after a pause of its own."""
    asked_s = stream.no_demand[-1][1] if stream.no_demand else 0.0
    return max(asked_s, stream.arrival_s[-1] if stream.arrival_s else 0.0)


def _sender(item: VideoItem) -> Sender | None:
    """Return who sent the session its media. None where nobody did, or through a proxy."""
    for window in item.downloads:
        if window.received_bytes and window.address:
            port = next((request.port for request in window.requests if request.address == window.address), None)
            return (window.address, port) if port else None
    return None


def _connects(sender: Sender, source_address: str | None) -> bool:
    """Tell whether a host answers a connection, be it with a refusal. Blocking."""
    is_same_family = source_address is not None and family_of(source_address) == family_of(sender[0])
    source = (source_address, 0) if source_address is not None and is_same_family else None
    try:
        socket.create_connection(sender, CONNECT_TIMEOUT_S, source).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class OutageConfig:
    """How to tell whether the line is out. `is_on`: the crawl waits for a line that is."""

    dns: DnsConfig
    source_address: str | None = None
    is_on: bool = True


class Outages:
    """Whether the line is dead, for all sessions of a crawl that ask.

    Off where nobody waits for it, and behind a proxy: resolvers say nothing of the way there.
    """

    def __init__(
        self,
        config: OutageConfig,
        hold: Callable[[Activity], AbstractAsyncContextManager[None]],
        pause: Callable[[float], Awaitable[None]],
        in_thread: ThreadRunner,
    ) -> None:
        self._config, self._hold, self._pause, self._in_thread = config, hold, pause, in_thread
        self._began_at: datetime | None = None  # of the outage that lasts
        self._last: tuple[datetime, datetime] | None = None
        self._sender: Sender | None = None  # of media, the last one

    async def outlast(self, item: VideoItem) -> None:
        """Wait for the end of an outage that the session met, and note it in the item. Returns at once without one.

        A crawl that stops meanwhile leaves the end open.
        """
        self._sender = _sender(item) or self._sender
        is_silent, silent_at = met_silence(item), fell_silent_at(item)
        if is_silent or silent_at is not None:
            # A service that answered was reached: resolvers that are silent then may be blocked, or set wrongly.
            is_answered = item.resolve is not None and item.resolve.failure is None
            item.outage_started_at, item.outage_ended_at = await self._wait(
                item.url, item.started_at if is_silent else silent_at, needs_proof=is_answered or not is_silent
            )

    async def met_page(self, url: str, failure: str | None) -> bool:
        """Wait likewise where a page failed, and tell whether it met an outage."""
        return failure in _PAGE_FAILURES and (await self._wait(url, None))[0] is not None

    async def _wait(
        self, url: str, started_at: datetime | None, *, needs_proof: bool = False
    ) -> tuple[datetime | None, datetime | None]:
        """Return when the outage began and ended. (None, None) without one.

        With `needs_proof` silent resolvers are not enough: who sent media before must be silent too.
        """
        host, pause_s, began_at = urlsplit(url).hostname or "", FIRST_PAUSE_S, None
        if not self._config.is_on:
            return None, None
        try:
            while not await self._is_answered(host, needs_proof):
                if self._began_at is None:
                    self._began_at = started_at or utc_now()
                    logger.warning("Nothing answers any more: the line is out. The crawl goes on when it is back")
                began_at = began_at or self._began_at
                await self._pause(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        except Stopped:
            return began_at, None
        if began_at is None:
            # What failed meanwhile may come here only when the line is back.
            if self._last is not None and started_at is not None and started_at <= self._last[1]:
                return self._last
            return None, None
        ended_at = utc_now()
        if self._began_at is not None:
            self._began_at, self._last = None, (began_at, ended_at)
            duration_s = (ended_at - began_at).total_seconds()
            logger.warning("The line is back after %.0f s: what failed meanwhile is asked for again", duration_s)
        return began_at, ended_at

    async def _is_answered(self, host: str, needs_proof: bool) -> bool:
        async with self._hold(Activity.PROBE):
            found = await self._in_thread(look_up_hosts, (host,), None, self._config.dns)
            # Without a host to look up nothing is known of the line: no session is held up for that.
            if not found.lookups or any(lookup.rcode in _ANSWERS for lookup in found.lookups):
                return True
            if not needs_proof:
                return False
            sender, source_address = self._sender, self._config.source_address
            return sender is None or await self._in_thread(_connects, sender, source_address)
