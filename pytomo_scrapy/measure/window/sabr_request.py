"""One POST of a SABR session, and where the body of its answer goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytomo_scrapy.measure.sabr.sabr_errors import SabrFailure
from pytomo_scrapy.measure.sabr.sabr_session import SabrSession
from pytomo_scrapy.measure.sabr.segments import Receive
from pytomo_scrapy.measure.window.judge import Failure
from pytomo_scrapy.measure.window.request import Hop, HttpExchange
from pytomo_scrapy.measure.window.stream import MAX_DISCARDED_BYTES, STOP, Allowance

UMP_TYPE = "application/vnd.yt-ump"
_FIELDS = {"Content-Type": "application/x-protobuf", "Accept": UMP_TYPE, "Expect": ""}


class SabrBody:
    """Takes the bodies of a session's answers as curl's write callback, and hands their bytes to the session.

    A track's bytes are stamped by its stream, at each read, as in a plain window.
    """

    stream_index = 0  # one connection carries every track

    def __init__(self, session: SabrSession, allowance: Allowance, clock: Callable[[], float]) -> None:
        self.tls_version: str | None = None
        self.is_discarding = True  # the answer is no UMP, or not known to be
        self.failure: Failure | None = None
        self.first_s: float | None = None  # on the clock
        self.last_s: float | None = None
        self._session = session
        self._read_bytes = 0  # of the answer under way, the run's left out
        self._take_run: Receive = lambda body: None
        self._run_bytes = 0  # of media of one segment, which go to its stream without a look at them
        self._run_left_bytes = 0
        self._allowance = allowance
        self._clock = clock

    @property
    def may_be_counted(self) -> bool:
        """Never: what is media and what is not, only its parts tell."""
        return False

    def count(self, body_bytes: int) -> None:
        """Take bytes that curl has counted by itself: there are none."""
        raise AssertionError("a body of parts cannot be counted")

    @property
    def received_bytes(self) -> int:
        """Bytes of the answer under way."""
        return self._read_bytes + self._run_bytes - self._run_left_bytes

    def begin(self) -> None:
        """Get ready for the next answer."""
        self.is_discarding, self.failure = True, None
        self._read_bytes = self._run_bytes = self._run_left_bytes = 0
        self.first_s = self.last_s = None

    def receive(self, body: bytes) -> int | None:
        """Take bytes of an answer: curl's write callback, as short as it can be where they are media alone."""
        size_bytes = len(body)
        if size_bytes < self._run_left_bytes:
            self._run_left_bytes -= size_bytes
            self.last_s = self._clock()
            return self._take_run(body)
        self._end_run()
        self._read_bytes += size_bytes
        if self.is_discarding:
            return STOP if self._read_bytes > MAX_DISCARDED_BYTES else None
        self.last_s = self._clock()
        if self.first_s is None:
            self.first_s = self.last_s
        try:
            said = self._session.feed(body)
        except SabrFailure as error:
            self.failure = error.failure, str(error)
            return STOP
        if (run := self._session.run()) is not None:
            self._take_run, self._run_bytes = run
            self._run_left_bytes = self._run_bytes
        return said

    def settle(self) -> None:
        """Take what of the answer was no media off the window's allowance; media take themselves off as they come."""
        self._end_run()
        self._allowance.left_bytes -= self._read_bytes - self._session.media_bytes

    def _end_run(self) -> None:
        taken_bytes = self._run_bytes - self._run_left_bytes
        self._run_bytes = self._run_left_bytes = 0
        if taken_bytes:
            self._read_bytes += taken_bytes
            self._session.pass_run(taken_bytes)


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
