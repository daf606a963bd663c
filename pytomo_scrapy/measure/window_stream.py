"""One media stream of a window: its arrival trace, its spool file, and which bytes to ask for next."""

from __future__ import annotations

import os
import tempfile
from array import array
from pathlib import Path

from pytomo_scrapy.items import MediaFormat, StreamDownload
from pytomo_scrapy.measure.redirects import Target

MERGE_S = 0.001
MAX_TRACE_ENTRIES = 40_000
# Sizes announced by the resolution are exact for most formats and estimates for some.
LENGTH_TOLERANCE_RATIO = 0.05


class ArrivalTrace:
    """When how many bytes in all had arrived. Arrivals within `merge_s` share an entry, stamped with the last one.

    The number of entries is bounded: at the bound every second one goes and `merge_s` doubles.
    """

    def __init__(self, merge_s: float = MERGE_S, max_entries: int = MAX_TRACE_ENTRIES) -> None:
        self.merge_s = merge_s
        self._max_entries = max_entries
        self._times = array("d")
        self._totals = array("q")
        self._entry_from_s = -1.0

    def add(self, t_s: float, total_bytes: int) -> None:
        """Note that `total_bytes` had arrived at `t_s`, which never runs backwards."""
        # The first arrival keeps an entry of its own: it is a figure.
        if len(self._times) > 1 and t_s - self._entry_from_s < self.merge_s:
            self._times[-1], self._totals[-1] = t_s, total_bytes
            return
        if len(self._times) >= self._max_entries:
            # The last entry of each pair stays: at its time exactly its bytes had arrived.
            self._times, self._totals = self._times[1::2], self._totals[1::2]
            self.merge_s *= 2
        self._entry_from_s = t_s
        self._times.append(t_s)
        self._totals.append(total_bytes)

    @property
    def times(self) -> tuple[float, ...]:
        """Seconds from t0, one an entry."""
        return tuple(self._times)

    @property
    def totals(self) -> tuple[int, ...]:
        """Bytes in all, one an entry."""
        return tuple(self._totals)

    @property
    def last_s(self) -> float | None:
        """Time of the last arrival. None before the first."""
        return self._times[-1] if self._times else None

    @property
    def first_s(self) -> float | None:
        """Time of the first entry. None before the first arrival."""
        return self._times[0] if self._times else None


class Spool:
    """The file that keeps a stream's first bytes until the analysis. Its reader removes it."""

    def __init__(self, directory: str, max_bytes: int) -> None:
        self._file, self.path = tempfile.mkstemp(prefix="window-", suffix=".media", dir=directory)
        self._max_bytes = max_bytes
        self.written_bytes = 0

    def write(self, body: bytes) -> None:
        """Keep `body` as far as the cap allows."""
        room = self._max_bytes - self.written_bytes
        if room > 0:
            self.written_bytes += os.write(self._file, body if len(body) <= room else body[:room])

    def close(self) -> None:
        """Close the file, and remove it where it is empty."""
        os.close(self._file)
        if not self.written_bytes:
            Path(self.path).unlink(missing_ok=True)


class Stream:
    """What is known of one media stream while the window is open."""

    def __init__(self, place: int, media: MediaFormat, target: Target, spool: Spool) -> None:
        self.place = place
        self.media = media
        self.target = target
        self.spool = spool
        self.trace = ArrivalTrace()
        self.received_bytes = 0
        self.size_bytes: int | None = None
        self.tls_version: str | None = None  # of its connection
        self.is_complete = False
        self.is_over = False
        self.failure: str | None = None
        self.failure_detail: str | None = None

    def receive(self, t_s: float, body: bytes) -> None:
        """Take bytes that follow those received so far."""
        self.received_bytes += len(body)
        self.trace.add(t_s, self.received_bytes)
        self.spool.write(body)

    def next_range(self) -> tuple[int, int] | None:
        """Return the first and last byte to ask for. None to ask for the whole file at once, without a range."""
        if self.media.chunk_bytes is None:
            return None
        last = self.received_bytes + self.media.chunk_bytes - 1
        size_bytes = self.size_bytes or self.media.declared_size_bytes
        # A declared size that turned out too small must not make an empty range.
        if size_bytes is not None and self.received_bytes < size_bytes:
            last = min(last, size_bytes - 1)
        return self.received_bytes, last

    def complete(self) -> None:
        """End the stream: every byte of it is here."""
        self.is_complete = self.is_over = True

    def fail(self, failure: str, detail: str | None = None) -> None:
        """End the stream with its first failure; what was received stays."""
        self.is_over = True
        if self.failure is None:
            self.failure, self.failure_detail = failure, detail

    def length_failure(self) -> str | None:
        """Tell how the server's length differs from the resolution's. None while they agree or one is unknown."""
        declared_bytes = self.media.declared_size_bytes
        if self.size_bytes is None or declared_bytes is None:
            return None
        if abs(self.size_bytes - declared_bytes) <= LENGTH_TOLERANCE_RATIO * declared_bytes:
            return None
        return f"{self.size_bytes} bytes, announced {declared_bytes}"

    def close(self) -> StreamDownload:
        """Close the spool and return what arrived."""
        self.spool.close()
        detail = self.length_failure()
        if self.failure is None and detail is not None:
            self.failure, self.failure_detail = "wrong_length", detail
        return StreamDownload(
            kind=self.media.kind,
            format_id=self.media.format_id,
            received_bytes=self.received_bytes,
            size_bytes=self.size_bytes,
            declared_size_bytes=self.media.declared_size_bytes,
            is_complete=self.is_complete,
            arrival_s=self.trace.times,
            arrival_bytes=self.trace.totals,
            spool_path=self.spool.path if self.spool.written_bytes else None,
            spooled_bytes=self.spool.written_bytes,
            failure=self.failure,
            failure_detail=self.failure_detail,
        )
