"""One POST of a SABR session, and where the body of its answer goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytomo_scrapy.measure.sabr.sabr_errors import SabrFailure
from pytomo_scrapy.measure.sabr.sabr_session import MediaRun, SabrSession
from pytomo_scrapy.measure.sabr.ump import NextSegment
from pytomo_scrapy.measure.window.judge import Failure
from pytomo_scrapy.measure.window.request import Hop, HttpExchange
from pytomo_scrapy.measure.window.stream import MAX_DISCARDED_BYTES, STOP, Allowance

UMP_TYPE = "application/vnd.yt-ump"
_FIELDS = {"Content-Type": "application/x-protobuf", "Accept": UMP_TYPE, "Expect": ""}


class SabrBody:
    """Takes the bodies of a session's answers as curl's write callback, and hands their bytes to the session.

    A track's bytes are stamped by its stream, at each read, as in a plain window; once the streams only count, once a
    turn of the loop, as there.
    """

    stream_index = 0  # one connection carries every track

    def __init__(self, session: SabrSession, allowance: Allowance, clock: Callable[[], float]) -> None:
        self.tls_version: str | None = None
        self.is_discarding = True  # the answer is no UMP, or not known to be
        self.failure: Failure | None = None
        self.first_s: float | None = None  # on the clock
        self.last_s: float | None = None
        self._session = session
        self._allowance = allowance
        self._clock = clock
        self._run: MediaRun | None = None  # media that go to their stream without a look at them
        self._part_bytes = self._left_bytes = 0  # of the part under way, and those of them that are still to come
        self._more_bytes = 0  # that the segment has room for behind that part
        self._before_bytes = self._head_bytes = 0  # of parts that ended in the run, and of the heads between them
        self._noted_bytes = 0  # of the run's media, that their stream was told of
        self._read_bytes = 0  # of the answer under way, those of the run left out

    @property
    def may_be_counted(self) -> bool:
        """Whether the media among the bytes that come only have to be counted."""
        return not self.is_discarding and self.failure is None and self._session.may_be_counted

    @property
    def counter(self) -> Callable[[bytes], int | None]:
        """What curl calls meanwhile. Only the parts of a body tell what is media and what is not: they are read."""
        return self._count_or_read

    @property
    def received_bytes(self) -> int:
        """Bytes of the answer under way."""
        return self._read_bytes + self._before_bytes + self._head_bytes + self._part_bytes - self._left_bytes

    def begin(self) -> None:
        """Get ready for the next answer."""
        self.is_discarding, self.failure = True, None
        self._read_bytes = 0
        self._forget_run()
        self.first_s = self.last_s = None

    def receive(self, body: bytes) -> int | None:
        """Take bytes of an answer: curl's write callback, as short as it can be where they are media alone."""
        self.last_s = self._clock()
        if len(body) < self._left_bytes and self._run is not None:
            self._left_bytes -= len(body)
            self._noted_bytes += len(body)
            return self._run.sink.receive(body)
        return self._read(body)

    def count(self, body_bytes: int) -> None:
        """Let the run's stream note what has been counted."""
        self.last_s = self._clock()
        self._note()

    def settle(self) -> None:
        """Take what of the answer was no media off the window's allowance; media take themselves off as they come."""
        self._end_run()
        self._allowance.left_bytes -= self._read_bytes - self._session.media_bytes

    def _count_or_read(self, body: bytes) -> int | None:
        still_bytes = self._left_bytes - len(body)
        if still_bytes > 0:
            self._left_bytes = still_bytes
            return None
        size_bytes, left_bytes = len(body), self._left_bytes
        if (
            0 < left_bytes < size_bytes
            and self._run is not None
            and (part := self._run.next_part(body, left_bytes, self._more_bytes)) is not None
        ):
            # The next part of the same segment, as most are.
            start, part_bytes = part
            self._before_bytes += self._part_bytes
            self._head_bytes += start - left_bytes
            self._more_bytes -= part_bytes
            self._part_bytes, self._left_bytes = part_bytes, part_bytes - size_bytes + start
            return None
        self.last_s = self._clock()
        if (
            0 < left_bytes < size_bytes
            and self._run is not None
            and not self._more_bytes
            and (found := self._run.next_segment(body, left_bytes)) is not None
        ):
            return self._begin_segment(found, body)
        return self._read(body)

    def _begin_segment(self, found: NextSegment, body: bytes) -> int | None:
        """Take bytes that end the run's segment and begin another, as most that end one do."""
        self._left_bytes = 0
        self._note()
        run_bytes, head_bytes = self._before_bytes + self._part_bytes, self._head_bytes
        self._read_bytes += run_bytes + head_bytes + found.head_bytes
        self._forget_run()
        try:
            self._session.pass_segment(found, run_bytes, head_bytes)
        except SabrFailure as error:
            self._read_bytes += found.media_bytes
            self.failure = error.failure, str(error)
            return STOP
        run = self._session.run()
        if run is None or found.media_bytes >= run.size_bytes:
            return self._read(body[-found.media_bytes :]) if found.media_bytes else None
        self._begin_run(run)
        self._left_bytes -= found.media_bytes
        return None

    def _read(self, body: bytes) -> int | None:
        """Take bytes that are not media of one run alone. `last_s` is the time at which they came."""
        self._end_run()
        self._read_bytes += len(body)
        if self.is_discarding:
            return STOP if self._read_bytes > MAX_DISCARDED_BYTES else None
        if self.first_s is None:
            self.first_s = self.last_s
        try:
            said = self._session.feed(body)
        except SabrFailure as error:
            self.failure = error.failure, str(error)
            return STOP
        if (run := self._session.run()) is not None:
            self._begin_run(run)
        return said

    def _begin_run(self, run: MediaRun) -> None:
        self._run = run
        self._part_bytes = self._left_bytes = run.size_bytes
        self._more_bytes = run.more_bytes

    def _note(self) -> None:
        if self._run is None:
            return
        taken_bytes = self._before_bytes + self._part_bytes - self._left_bytes
        if taken_bytes > self._noted_bytes:
            self._run.sink.count(taken_bytes - self._noted_bytes)
            self._noted_bytes = taken_bytes

    def _end_run(self) -> None:
        if self._run is None:
            return
        self._note()
        taken_bytes = self._part_bytes - self._left_bytes
        self._read_bytes += taken_bytes + self._before_bytes + self._head_bytes
        self._session.pass_run(taken_bytes, self._before_bytes, self._head_bytes)
        self._forget_run()

    def _forget_run(self) -> None:
        self._run = None
        self._part_bytes = self._left_bytes = self._more_bytes = 0
        self._before_bytes = self._head_bytes = self._noted_bytes = 0


@dataclass(frozen=True, slots=True)
class Posting:
    """What a request posts, and with which header fields besides those of the protocol."""

    body: bytes
    fields: Mapping[str, str]


class SabrRequest(HttpExchange):
    """A request of a SABR session."""

    def __init__(self, channel: SabrBody, hop: Hop, proxy: str | None, now_s: float, posting: Posting) -> None:
        super().__init__(channel, hop, proxy, now_s)
        self.posted = posting.body
        self._channel = channel
        self._fields = {**posting.fields, **_FIELDS}
        channel.begin()

    @property
    def received_bytes(self) -> int:
        return self._channel.received_bytes

    @property
    def fields(self) -> Mapping[str, str]:
        return self._fields

    @property
    def is_useless(self) -> bool:
        """Whether the answer's head is reason enough to end the transfer."""
        return self.stop_failure is not None

    def take_success(self) -> None:
        if self.head.coding is not None:
            self.stop_failure = "bad_response", f"the body is coded ({self.head.coding}), which was not asked for"
        elif self.head.content_type != UMP_TYPE:
            self.stop_failure = "wrong_content", f"the answer is {self.head.content_type}"
        self._channel.is_discarding = self.stop_failure is not None
