"""The name look-ups of redirects' hosts: inside the window, with its resolver, beside the transfers."""

from __future__ import annotations

import threading
import time

from pytomo_scrapy.config import DnsConfig
from pytomo_scrapy.items import DnsResult
from pytomo_scrapy.measure.dns.lookup import look_up_hosts


class HostLookup:
    """A look-up that runs in a thread while the window goes on. A window that ends leaves it behind."""

    def __init__(self, host: str, family: int | None, config: DnsConfig) -> None:
        self.host = host
        self.result: DnsResult | None = None
        self.elapsed_s: float | None = None
        self._family = family
        self._config = config
        self._thread = threading.Thread(target=self._run, name=f"look-up-{host}", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether the thread has ended."""
        return not self._thread.is_alive()

    def answer(self) -> tuple[str | None, str | None, str | None]:
        """Return (address, failure, detail) of a look-up that is done."""
        if self.result is None:
            return None, "unknown_failure", "the look-up ended without a result"
        address = self.result.chosen.get(self.host)
        if address is None:
            return None, self.result.failure or "dns_no_answer", self.result.failure_detail
        return address, None, None

    def _run(self) -> None:
        started = time.monotonic()
        self.result = look_up_hosts([self.host], self._family, self._config)
        self.elapsed_s = time.monotonic() - started


class HostLookups:
    """The look-ups of a window under way, each for one stream."""

    def __init__(self, config: DnsConfig) -> None:
        self._config = config
        self._open: list[tuple[int, HostLookup]] = []

    def start(self, stream_index: int, host: str, family: int | None) -> HostLookup:
        """Begin a look-up."""
        lookup = HostLookup(host, family, self._config)
        self._open.append((stream_index, lookup))
        return lookup

    def take_done(self) -> list[tuple[int, HostLookup]]:
        """Return the look-ups that are over, with the stream that waits for each."""
        before = self._open
        self._open = [entry for entry in before if not entry[1].is_done]
        return [entry for entry in before if entry not in self._open]
