"""One media stream of a window: its arrival trace, its spool file, and which bytes to ask for next."""

from __future__ import annotations

import math
import os
import tempfile
from array import array
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path

from pytomo_scrapy.items import MediaFormat, MediaSegment, StreamDownload
from pytomo_scrapy.measure.media.sniffing import SNIFF_BYTES, sniff
from pytomo_scrapy.measure.net.clock import Clock
from pytomo_scrapy.measure.net.redirects import Target, read_target
from pytomo_scrapy.measure.window.part_queue import PartQueue

STOP = -1  # a callback's answer that makes curl end the transfer
# The body of an error page or a redirect is of no interest; a longer one costs its connection.
MAX_DISCARDED_BYTES = 65_536
SPOOL_BATCH = 64  # bodies a system call: about 1 MiB
MERGE_S = 0.001
MAX_TRACE_ENTRIES = 40_000
# Nearer to the byte cap than this every body is looked at: more than what one turn of the loop may bring.
NEAR_CAP_BYTES = 16 * 1024 * 1024
# A body that stands still for this share of the window, up to its end, has stopped.
SILENCE_RATIO = 1 / 3
# Sizes announced by the resolution are exact for most formats and estimates for some.
LENGTH_TOLERANCE_RATIO = 0.05


class StreamState(Enum):
    """What a stream is about."""

    ASKING = "its next bytes are about to be asked for"
    RESTING = "paced: it has enough ahead of its player"
    LOOKING_UP = "waits for the address of a redirect's host"
    FETCHING = "a request is under way"
    COMPLETE = "every byte is here"
    FAILED = "it will get no more bytes"


class Step(Enum):
    """What moves a stream on."""

    REST = "its player wants nothing now"
    LOOK_UP = "its next host has no address yet"
    SEND = "a request goes out"
    ANSWER = "the request is done, and more is to be asked for"
    COMPLETE = "the request is done, and was the last"
    FAIL = "the request or the look-up failed, or stood still until the window's end"


# From each state by each step that can come in it. Any other is a bug, and a KeyError.
TRANSITIONS: dict[StreamState, dict[Step, StreamState]] = {
    StreamState.ASKING: {
        Step.REST: StreamState.RESTING,
        Step.LOOK_UP: StreamState.LOOKING_UP,
        Step.SEND: StreamState.FETCHING,
    },
    StreamState.RESTING: {
        Step.REST: StreamState.RESTING,
        Step.LOOK_UP: StreamState.LOOKING_UP,
        Step.SEND: StreamState.FETCHING,
    },
    StreamState.LOOKING_UP: {
        Step.SEND: StreamState.FETCHING,
        Step.FAIL: StreamState.FAILED,
    },
    StreamState.FETCHING: {
        Step.ANSWER: StreamState.ASKING,
        Step.COMPLETE: StreamState.COMPLETE,
        Step.FAIL: StreamState.FAILED,
    },
    StreamState.COMPLETE: {},
    StreamState.FAILED: {},
}
# Asked for at each turn of a window's loop: a state as a key is hashed by a function in Python.
_FINAL = tuple(state for state, steps in TRANSITIONS.items() if not steps)


class ArrivalTrace:
    """The bytes received in all, over time. Arrivals within `merge_s` share an entry, stamped with the last one.

    The number of entries is bounded: at the bound every second one goes and `merge_s` doubles. `until_s` and `last_s`
    are read and set by the write callback itself, which runs a hundred thousand times for a gigabyte.
    """

    __slots__ = ("_max_entries", "_times", "_totals", "first_s", "last_s", "merge_s", "until_s")

    def __init__(self, merge_s: float = MERGE_S, max_entries: int = MAX_TRACE_ENTRIES) -> None:
        self.merge_s = merge_s
        self.until_s = -math.inf  # an arrival from here on begins an entry
        self.first_s: float | None = None
        self.last_s: float | None = None
        self._max_entries = max_entries
        self._times = array("d")
        self._totals = array("q")

    def begin(self, now_s: float, total_before_bytes: int) -> None:
        """Begin an entry at `now_s`, before whose bytes `total_before_bytes` had arrived."""
        if self.first_s is None or self.last_s is None:
            # The first arrival keeps an entry of its own: it is a figure.
            self.first_s = now_s
            self.until_s = now_s
            return
        self._append(self.last_s, total_before_bytes)
        self.until_s = now_s + self.merge_s

    def finish(self, t0_s: float, total_bytes: int) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """End the last entry and return (seconds from `t0_s`, bytes in all), one an entry."""
        if self.last_s is not None:
            self._append(self.last_s, total_bytes)
            self.last_s = None
        return tuple(t_s - t0_s for t_s in self._times), tuple(self._totals)

    def _append(self, t_s: float, total_bytes: int) -> None:
        if len(self._times) >= self._max_entries:
            # The last entry of each pair stays: at its time exactly its bytes had arrived.
            self._times, self._totals = self._times[1::2], self._totals[1::2]
            self.merge_s *= 2
        self._times.append(t_s)
        self._totals.append(total_bytes)


class Spool:
    """The file that keeps a stream's first bytes until the analysis. Its reader removes it."""

    def __init__(self, directory: str, max_bytes: int) -> None:
        self._file, self.path = -1, ""
        # Without a file everything is lost, which the first flush notices: the line is measured all the same.
        with suppress(OSError):
            self._file, self.path = tempfile.mkstemp(prefix="window-", suffix=".media", dir=directory)
        self.room_bytes = max_bytes
        self.written_bytes = 0
        self.lost_bytes = 0  # the disk did not take them
        self._waiting: list[bytes] = []

    def add(self, body: bytes) -> None:
        """Keep `body` as far as the cap allows. A system call for each would cost more than the copy."""
        self._waiting.append(body if len(body) <= self.room_bytes else body[: self.room_bytes])
        self.room_bytes -= len(self._waiting[-1])
        if len(self._waiting) >= SPOOL_BATCH:
            self.flush()

    def close(self) -> None:
        """Write what waits and close the file; remove it where it is empty."""
        self.flush()
        if self._file >= 0:
            os.close(self._file)
            if not self.written_bytes:
                Path(self.path).unlink(missing_ok=True)
            self._file = -1

    def discard(self) -> None:
        """Close the file and remove it, whatever it holds."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self.path:
            Path(self.path).unlink(missing_ok=True)

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            written = (
                os.writev(self._file, waiting) if hasattr(os, "writev") else os.write(self._file, b"".join(waiting))
            )
        except OSError:
            written = 0
        self.written_bytes += written
        lost_bytes = sum(map(len, waiting)) - written
        if lost_bytes:
            # The disk is full: what follows would leave a hole.
            self.lost_bytes += lost_bytes
            self.room_bytes = 0


class Allowance:
    """How many more bytes the streams of a window may take together."""

    __slots__ = ("left_bytes",)

    def __init__(self, left_bytes: int) -> None:
        self.left_bytes = left_bytes


class Stream:
    """What is known of one media stream while the window is open."""

    def __init__(
        self,
        stream_index: int,
        media: MediaFormat,
        target: Target,
        spool: Spool,
        clock: Clock,
        allowance: Allowance,
    ) -> None:
        self.stream_index = stream_index
        self.state = StreamState.ASKING
        self.media = media
        self.target = target
        self.spool = spool
        self.trace = ArrivalTrace()
        self.received_bytes = 0
        self.discarded_bytes = 0
        self.size_bytes: int | None = None
        self.is_short = False  # the last answer brought less than asked for, and no size is known
        self.no_demand: tuple[tuple[float, float], ...] = ()
        self.announced_segments: tuple[MediaSegment, ...] = ()  # over SABR
        self.is_one_file = True  # not several qualities one after the other
        self.tls_version: str | None = None  # of its connection
        self.parts: PartQueue | None = PartQueue(media.parts) if media.parts else None  # None: it is one file
        self.paced_range: tuple[int, int] | None = None  # the next request of a paced window
        self.is_discarding = False  # the body under way is no media, or not known to be
        self.doubt: tuple[str, str] | None = None  # why it may be none: stands until its first bytes tell
        self.doubted_type: str | None = None  # the type that it is sent with
        self.trusted_type: str | None = None  # one that is of no media, and was media all the same
        self._doubted = b""
        self.failure: str | None = None
        self.failure_detail: str | None = None
        self._clock = clock
        self._allowance = allowance

    def receive(self, body: bytes) -> int | None:
        """Take bytes that follow those received so far: curl's write callback, as short as it can be."""
        if self.is_discarding:
            media = self._settle(body) if self.doubt is not None else None
            if media is None:
                self.discarded_bytes += len(body)
                return STOP if self.discarded_bytes > self._discardable_bytes() else None
            body = media
        before_bytes = self.received_bytes
        self.received_bytes = before_bytes + len(body)
        trace, now_s = self.trace, self._clock()
        if now_s >= trace.until_s:
            trace.begin(now_s, before_bytes)
        trace.last_s = now_s
        if self.spool.room_bytes > 0:
            self.spool.add(body)
        self._allowance.left_bytes -= len(body)
        return None if self._allowance.left_bytes > 0 else STOP

    def _settle(self, body: bytes) -> bytes | None:
        """Return what has come of a doubtful body once its first bytes are those of a media file. None until then."""
        self._doubted += body
        if sniff(self._doubted) is None:
            return None
        media, self._doubted = self._doubted, b""
        self.is_discarding, self.discarded_bytes, self.doubt = False, 0, None
        self.trusted_type = self.doubted_type
        return media

    def _discardable_bytes(self) -> int:
        # Text shows soon; frames of sound may take some bytes to tell.
        return MAX_DISCARDED_BYTES if self.doubt is None else SNIFF_BYTES

    @property
    def may_be_counted(self) -> bool:
        """Whether of the bodies that come only the number of bytes is of interest: the spool is full, the cap far."""
        is_far = self._allowance.left_bytes > NEAR_CAP_BYTES
        return is_far and self.spool.room_bytes <= 0 and not self.is_discarding

    @property
    def counter(self) -> Callable[[bytes], int]:
        """What curl calls meanwhile. `len` returns what curl wants to hear: all of it was taken."""
        return len

    def count(self, body_bytes: int, at_s: float | None = None) -> None:
        """Take bytes that curl has counted by itself, noted at `at_s` on the clock, by default now."""
        trace, now_s = self.trace, self._clock() if at_s is None else at_s
        if now_s >= trace.until_s:
            trace.begin(now_s, self.received_bytes)
        trace.last_s = now_s
        self.received_bytes += body_bytes
        self._allowance.left_bytes -= body_bytes

    def next_range(self) -> tuple[int, int] | None:
        """Return the first and last byte to ask for. None to ask for all of it at once, without a range."""
        if self.parts is not None:
            return self.parts.range()
        if self.paced_range is not None:
            return self.paced_range
        if self.media.chunk_bytes is None:
            return None
        last = self.received_bytes + self.media.chunk_bytes - 1
        size_bytes = self.size_bytes or self.media.declared_size_bytes
        # A declared size that turned out too small must not make an empty range.
        if size_bytes is not None and self.received_bytes < size_bytes:
            last = min(last, size_bytes - 1)
        return self.received_bytes, last

    def next_part(self) -> bool:
        """Go from a part that is whole to the next one. False behind the last."""
        assert self.parts is not None
        self.parts.finish(self.received_bytes)
        if self.parts.current is not None:
            self.target = read_target(self.parts.current.url)
        return not self.parts.is_over

    def give_up_part(self) -> None:
        """Leave the current part as far as it came."""
        assert self.parts is not None
        self.parts.give_up(self.received_bytes)

    @property
    def is_complete(self) -> bool:
        """Whether every byte is here."""
        return self.state is StreamState.COMPLETE

    @property
    def is_over(self) -> bool:
        """Whether nothing will be asked for any more."""
        return self.state in _FINAL

    def move(self, step: Step) -> None:
        """Go on to the next state."""
        self.state = TRANSITIONS[self.state][step]

    def fail(self, failure: str, detail: str | None = None) -> None:
        """End the stream; what was received stays."""
        self.move(Step.FAIL)
        if self.parts is not None:
            detail = f"segment {self.parts.index}: {detail}"
        self.failure, self.failure_detail = failure, detail

    def length_failure(self) -> str | None:
        """Tell how the server's length differs from the resolution's. None while they agree or one is unknown."""
        declared_bytes = self.media.declared_size_bytes
        if self.size_bytes is None or declared_bytes is None:
            return None
        if abs(self.size_bytes - declared_bytes) <= LENGTH_TOLERANCE_RATIO * declared_bytes:
            return None
        return f"{self.size_bytes} bytes, announced {declared_bytes}"

    def close(self, t0_s: float) -> StreamDownload:
        """Close the spool and return what arrived, in seconds from `t0_s`."""
        self.spool.close()
        arrival_s, arrival_bytes = self.trace.finish(t0_s, self.received_bytes)
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
            arrival_s=arrival_s,
            arrival_bytes=arrival_bytes,
            no_demand=self.no_demand,
            parts=self.parts.close(self.received_bytes) if self.parts is not None else (),
            spool_path=self.spool.path if self.spool.written_bytes else None,
            spooled_bytes=self.spool.written_bytes,
            spool_lost_bytes=self.spool.lost_bytes,
            failure=self.failure,
            failure_detail=self.failure_detail,
            announced_segments=self.announced_segments,
            is_one_file=self.is_one_file,
        )
