"""One POST of a SABR session, and where the body of its answer goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytomo_scrapy.measure.net.clock import Clock
from pytomo_scrapy.measure.sabr.sabr_errors import SabrFailure
from pytomo_scrapy.measure.sabr.sabr_session import PASSED, MediaRun, SabrSession
from pytomo_scrapy.measure.sabr.segments import Sink
from pytomo_scrapy.measure.sabr.ump import Skimmed, find_media
from pytomo_scrapy.measure.window.judge import Failure
from pytomo_scrapy.measure.window.request import Hop, HttpExchange
from pytomo_scrapy.measure.window.stream import MAX_DISCARDED_BYTES, NEAR_CAP_BYTES, STOP, Allowance

UMP_TYPE = "application/vnd.yt-ump"
_FIELDS = {"Content-Type": "application/x-protobuf", "Accept": UMP_TYPE, "Expect": ""}
# How long, and how many, moments of bytes that are only counted wait until the session is told of them.
TELL_S = 0.1
MAX_NOTES = 1000


class SabrBody:
    """Takes the bodies of a session's answers as curl's write callback, and hands their bytes to the session.

    A track's bytes are stamped by its stream, at each read, as in a plain window; once the streams only count, once a
    turn of the loop, as there. Then what stands between media is kept with its time, and the session is told of some
    hundred at once: a segment's end and the next one's header take three times as long to read between two reads of a
    fast line as behind their like, since what that needs has gone from the processor's caches.
    """

    stream_index = 0  # one connection carries every track

    def __init__(self, session: SabrSession, allowance: Allowance, clock: Clock) -> None:
        self.tls_version: str | None = None
        self.is_discarding = True  # the answer is no UMP, or not known to be
        self.failure: Failure | None = None
        self.first_s: float | None = None  # on the clock
        self.last_s: float | None = None
        self._session = session
        self._allowance = allowance
        self._clock = clock
        self._sink: Sink | None = None  # of media that go there without a look at them, if they are handed over
        self._header_id = 0  # theirs
        self._left_bytes = 0  # of the part of such media under way; 0: what comes is to be read
        self._head, self._part_bytes = b"", 0  # its type, size and number, and its length with them. 0: not known
        self._end_bytes = 0  # of the answer, where that part ends
        self._open_bytes = 0  # of media that are in no note up to there
        self._sunk_bytes = self._part_count = 0  # of those, which the sink has; further parts that they began
        self._notes: list[Skimmed] = []
        self._noted_bytes = 0  # of media in them

    @property
    def may_be_counted(self) -> bool:
        """Whether the media among the bytes that come only have to be counted."""
        return not self.is_discarding and self.failure is None and self._session.may_be_counted

    @property
    def counter(self) -> Callable[[bytes], int | None]:
        """What curl calls meanwhile. Only the parts of a body tell what is media: they are looked for."""
        return self._count_or_read

    @property
    def received_bytes(self) -> int:
        """Bytes of the answer under way."""
        return self._end_bytes - self._left_bytes

    def begin(self) -> None:
        """Get ready for the next answer."""
        self.is_discarding, self.failure = True, None
        self._notes, self._noted_bytes = [], 0
        self._go_on(0, None)
        self.first_s = self.last_s = None

    def receive(self, body: bytes) -> int | None:
        """Take bytes of an answer: curl's write callback, as short as it can be where they are media alone."""
        self.last_s = self._clock()
        if len(body) < self._left_bytes and self._sink is not None and not self._notes:
            self._left_bytes -= len(body)
            self._sunk_bytes += len(body)
            return self._sink.receive(body)
        return self._read(body)

    def count(self, body_bytes: int) -> None:
        """Note when the bytes came that were counted."""
        self.last_s = self._clock()
        self._note(self.last_s)
        if self._allowance.left_bytes - self._noted_bytes <= NEAR_CAP_BYTES or len(self._notes) > MAX_NOTES:
            self.catch_up()

    def tick(self) -> None:
        """Tell the session of what has waited long enough."""
        if self._notes and self._clock() >= self._notes[0].at_s + TELL_S:
            self.catch_up()

    def catch_up(self) -> None:
        """Tell the session of all that was passed over. `failure` is set where it is broken."""
        self._note(self._clock())
        if self._notes:
            self._tell()
            self._go_on(self.received_bytes, self._session.run() if self.failure is None else None)

    def settle(self) -> None:
        """Take what of the answer was no media off the window's allowance; media take themselves off as they come."""
        self.catch_up()
        self._allowance.left_bytes -= self.received_bytes - self._session.media_bytes

    def _count_or_read(self, body: bytes) -> int | None:
        left_bytes = self._left_bytes
        still_bytes = left_bytes - len(body)
        if still_bytes > 0:
            self._left_bytes = still_bytes
            return None
        if left_bytes:
            if still_bytes + self._part_bytes > 0 and body.startswith(self._head, left_bytes):
                # A further part of the same segment, as long as the one before: most are.
                self._part_count += 1
                self._open_bytes += self._part_bytes - len(self._head)
                self._end_bytes += self._part_bytes
                self._left_bytes = still_bytes + self._part_bytes
                return None
            if (found := find_media(body, left_bytes, PASSED)) is not None:
                self._begin_part(body, *found)
                return None
        self.last_s = self._clock()
        return self._read(body)

    def _begin_part(self, body: bytes, at: int, start: int, media_bytes: int) -> None:
        """Go on to a part of media whose head is from `at` to `start` in `body`, behind the one under way."""
        left_bytes, header_id = self._left_bytes, body[start - 1]
        if at == left_bytes and header_id == self._header_id:
            self._part_count += 1
        else:
            self._left_bytes, self._header_id = 0, header_id
            self._note(self._clock(), body[left_bytes:at], media_bytes)
        self._head, self._part_bytes = body[at:start], start - at + media_bytes
        self._open_bytes += media_bytes
        self._end_bytes += start - left_bytes + media_bytes
        self._left_bytes = media_bytes - len(body) + start

    def _note(self, at_s: float, heads: bytes = b"", next_bytes: int = 0) -> None:
        """Note the media that came since the last note, and what stands behind them."""
        left_bytes = self._left_bytes
        media_bytes = self._open_bytes - left_bytes
        if not media_bytes:
            return
        untold_bytes = media_bytes - self._sunk_bytes
        self._notes.append(
            Skimmed(
                at_s,
                self._end_bytes - left_bytes,
                media_bytes,
                untold_bytes,
                self._part_count,
                left_bytes,
                heads,
                self._header_id,
                next_bytes,
            )
        )
        self._noted_bytes += untold_bytes
        self._open_bytes, self._sunk_bytes, self._part_count = left_bytes, 0, 0

    def _tell(self) -> None:
        notes, self._notes, self._noted_bytes = self._notes, [], 0
        try:
            self._session.take_skimmed(notes)
        except SabrFailure as error:
            self.failure = error.failure, str(error)

    def _read(self, body: bytes) -> int | None:
        """Take bytes that are not media of one run alone. `last_s` is the time at which they came."""
        self.catch_up()
        received_bytes, run = self.received_bytes + len(body), None
        if self.is_discarding or self.failure is not None:
            self._go_on(received_bytes, None)
            return STOP if received_bytes > MAX_DISCARDED_BYTES or self.failure is not None else None
        if self.first_s is None:
            self.first_s = self.last_s
        try:
            said = self._session.feed(body)
            run = self._session.run()
        except SabrFailure as error:
            self.failure = error.failure, str(error)
            said = STOP
        self._go_on(received_bytes, run)
        return said

    def _go_on(self, received_bytes: int, run: MediaRun | None) -> None:
        """Go on with what follows the first `received_bytes` of the answer, of which the session has all."""
        self._sink, self._header_id, self._left_bytes = run or (None, 0, 0)
        self._head, self._part_bytes = b"", 0
        self._end_bytes = received_bytes + self._left_bytes
        self._open_bytes, self._sunk_bytes, self._part_count = self._left_bytes, 0, 0


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
