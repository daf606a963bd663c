"""A SABR session without sockets: answers' bytes in, requests' bodies out, and when to send the next.

One request at a time. `request` gives the next body, `feed` takes an answer's bytes as they come, `end_answer` judges
what it was. What the server says (policies, contexts, redirects, a change of quality) is kept and obeyed; what it
refuses is raised as a `SabrFailure`. Times are seconds from the window's t0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pytomo_scrapy.measure.net.clock import Clock
from pytomo_scrapy.measure.sabr.demand import Demand
from pytomo_scrapy.measure.sabr.estimator import RateEstimator
from pytomo_scrapy.measure.sabr.messages import (
    ContextSendingPolicy,
    ContextUpdate,
    FormatInitialization,
    MediaHeader,
    NextRequestPolicy,
    PlaybackStartPolicy,
    ProtectionStatus,
    SabrErrorPart,
    SabrRedirect,
    read_message,
)
from pytomo_scrapy.measure.sabr.request_body import Contexts, PlayerMoment, request_body
from pytomo_scrapy.measure.sabr.sabr_errors import (
    BrokenBody,
    Gated,
    MediaWithheld,
    ReloadOrdered,
    ServiceError,
)
from pytomo_scrapy.measure.sabr.sabr_plan import SabrPlan
from pytomo_scrapy.measure.sabr.segments import SegmentHeader, SegmentIntake, Sink, TrackIntake
from pytomo_scrapy.measure.sabr.ump import ControlPart, Skimmed, UmpReader, read_number

# The types of parts that are read. Source: LuanRT/googlevideo (`UMPPartId`).
MEDIA_HEADER, MEDIA_END = 20, 22
NEXT_REQUEST_POLICY, FORMAT_INITIALIZATION = 35, 42
SABR_REDIRECT, SABR_ERROR, RELOAD_PLAYER_RESPONSE = 43, 44, 46
PLAYBACK_START_POLICY = 47
CONTEXT_UPDATE, PROTECTION_STATUS, CONTEXT_SENDING_POLICY = 57, 58, 59

PENDING, REQUIRED = 2, 3  # of the protection status
# Kinds whose parts may wait until they are read: all that they say is which media came when.
PASSED = frozenset({MEDIA_HEADER, MEDIA_END})
# Answers without media that are due, one after the other, that end a session.
MOST_EMPTY = 3


@dataclass(slots=True)
class QualitySpell:
    """A time in which one quality of video was sent."""

    t_s: float
    itag: int
    received_bytes: int = 0
    media_s: float = 0.0


class MediaRun(NamedTuple):
    """Media of one segment, which go to their sink as they are: whoever has them need not read them."""

    sink: Sink
    header_id: int
    left_bytes: int  # of the part under way


@dataclass(slots=True)
class _Answer:
    """What has come of the answer under way."""

    reader: UmpReader
    was_due: bool
    first_s: float | None = None
    last_s: float = 0.0
    body_bytes: int = 0
    has_context: bool = False


@dataclass(slots=True)
class SessionFigures:
    """What a session adds to a window's figures."""

    protection_status: int | None = None
    overhead_bytes: int = 0  # of answers, that are no media
    empty_count: int = 0  # answers without media
    spells: list[QualitySpell] = field(default_factory=list)


class SabrSession:
    """One session, from its first request to its last answer."""

    def __init__(self, plan: SabrPlan, sinks: Mapping[str, Sink], clock: Clock) -> None:
        self.tracks = {kind: TrackIntake(kind, sink) for kind, sink in sinks.items()}
        self.segments = SegmentIntake(self.tracks)
        self.demand = Demand(self.tracks, plan.player)
        self.figures = SessionFigures()
        self.redirect_url: str | None = None  # that this answer named
        self._plan = plan
        self.t0_s = 0.0  # on the clock
        self._clock = clock
        self._came_s: float | None = None  # on the clock: when the part came that is read now. None: now
        self._contexts = Contexts()
        self._estimator = RateEstimator(plan.estimator)
        self._answer = _Answer(UmpReader(()), was_due=True)
        self._withheld_count = self._pending_count = 0
        self._take: Mapping[int, Callable[[bytes], None]] = {
            MEDIA_HEADER: self._begin_segment,
            MEDIA_END: self._end_segment,
            NEXT_REQUEST_POLICY: lambda body: self.demand.take_policy(read_message(NextRequestPolicy, body)),
            FORMAT_INITIALIZATION: lambda body: self.segments.begin_format(read_message(FormatInitialization, body)),
            SABR_REDIRECT: self._take_redirect,
            SABR_ERROR: self._fail,
            RELOAD_PLAYER_RESPONSE: self._reload,
            PLAYBACK_START_POLICY: lambda body: self.demand.take_start_policy(read_message(PlaybackStartPolicy, body)),
            CONTEXT_UPDATE: self._update_context,
            PROTECTION_STATUS: self._take_protection,
            CONTEXT_SENDING_POLICY: lambda body: self._contexts.apply(read_message(ContextSendingPolicy, body)),
        }

    def _now_s(self) -> float:
        return (self._clock() if self._came_s is None else self._came_s) - self.t0_s

    @property
    def is_over(self) -> bool:
        """Whether every track has its last segment."""
        return all(track.is_over for track in self.tracks.values())

    @property
    def may_be_counted(self) -> bool:
        """Whether of media no track wants more than their number of bytes."""
        return all(track.sink.may_be_counted for track in self.tracks.values())

    @property
    def media_bytes(self) -> int:
        """Bytes of media of the answer under way."""
        return self._answer.reader.media_bytes

    def request(self) -> bytes:
        """Return the body of the next request, which is sent now."""
        now_s = self._now_s()
        self.demand.asked(now_s)
        self.redirect_url = None
        self._answer = _Answer(UmpReader(self._take), self.demand.is_due(now_s))
        moment = PlayerMoment(now_s, self.demand.playhead_s, self._estimator.bytes_per_s, self.demand.cookie)
        return request_body(self._plan, moment, self.tracks, self._contexts)

    def feed(self, data: bytes) -> int | None:
        """Take bytes of the answer. Returns what the tracks' sinks say: None, or that no more are wanted.

        Raises SabrFailure.
        """
        answer, said = self._answer, None
        answer.body_bytes += len(data)
        for part in answer.reader.feed(data):
            if isinstance(part, ControlPart):
                self._take[part.kind](part.body)
            else:
                said = self.segments.take(part) or said
        return said

    def run(self) -> MediaRun | None:
        """Return what takes the bytes that follow as they are. None where they are to be read.

        Almost every read lies in such a run: whoever has it gives it to the sink, and tells `take_skimmed` of it.
        """
        header_id, left_bytes = self._answer.reader.media_left
        if not left_bytes or (found := self.segments.run(header_id)) is None:
            return None
        sink, missing_bytes = found
        return MediaRun(sink, header_id, left_bytes) if left_bytes <= missing_bytes else None

    def take_skimmed(self, notes: Iterable[Skimmed]) -> None:
        """Take, each with its time, what of the answer was passed over since the last feed. Raises SabrFailure."""
        answer, reader = self._answer, self._answer.reader
        try:
            for note in notes:
                self._came_s, answer.body_bytes = note.at_s, note.body_bytes
                self.segments.skim(reader.pass_media(note), note)
                if note.next_bytes:
                    heads, at, count = note.heads, 0, 0
                    while at < len(heads):
                        start = at + 2  # the type and the size of a part that is passed over are of a byte each
                        kind, at = heads[at], start + heads[at + 1]
                        self._take[kind](heads[start:at])
                        count += 1
                    reader.begin_media(note.header_id, note.next_bytes, count)
        finally:
            self._came_s = None

    def end_answer(self, *, first_s: float | None, last_s: float | None, is_cut: bool = False) -> None:
        """Take note that the answer is over, whose body came from `first_s` to `last_s`, and judge it.

        `is_cut`: we ourselves took no more of it. Raises SabrFailure.
        """
        answer, now_s = self._answer, self._now_s()
        media_bytes = answer.reader.media_bytes
        self.figures.overhead_bytes += answer.body_bytes - media_bytes
        self.figures.empty_count += not media_bytes
        if first_s is not None and last_s is not None:
            self._estimator.add(answer.body_bytes, last_s - first_s)
        is_ad = self._is_ad(answer, media_bytes)
        self.demand.answered(now_s, is_ad=is_ad)
        if is_cut:
            return
        answer.reader.finish()
        self.segments.end_answer()
        if media_bytes or self.redirect_url is not None:
            self._withheld_count = self._pending_count = 0
            return
        self._judge_empty(answer, is_ad=is_ad)

    def close(self) -> None:
        """Take note that the window is over."""
        self.demand.close(self._now_s())

    def _is_ad(self, answer: _Answer, media_bytes: int) -> bool:
        """Tell whether an advertisement holds the media back: a wait, and a context that is to be echoed with it."""
        is_held_back = answer.was_due and not media_bytes and self.demand.backoff_s > 0
        return is_held_back and (answer.has_context or bool(self._contexts.sent & set(self._contexts.values)))

    def _judge_empty(self, answer: _Answer, *, is_ad: bool) -> None:
        status = self.figures.protection_status
        if status == REQUIRED:
            raise Gated("the service demands a proof of origin (protection status 3)")
        if is_ad or not answer.was_due:
            return
        if status == PENDING:
            self._pending_count += 1
            if self._pending_count >= MOST_EMPTY:
                raise Gated(f"{MOST_EMPTY} answers without media while the proof of origin is pending (status 2)")
        if not self.demand.backoff_s:
            self._withheld_count += 1
            if self._withheld_count >= MOST_EMPTY:
                raise MediaWithheld(f"{MOST_EMPTY} answers without media, and no wait was ordered")

    def _begin_segment(self, body: bytes) -> None:
        track, header = self.segments.begin_segment(read_message(MediaHeader, body))
        spells, itag = self.figures.spells, header.key[0]
        # A quality that was sent before comes back without an initialisation: its segments alone tell.
        if track.kind == "video" and not header.is_init and (not spells or spells[-1].itag != itag):
            spells.append(QualitySpell(self._now_s(), itag))

    def _end_segment(self, body: bytes) -> None:
        header_id = read_number(body)
        if header_id is None:
            raise BrokenBody("the end of no segment")
        whole = self.segments.end_segment(header_id[0])
        for track, header in whole:
            self._tally(track, header)
        if whole:
            self.demand.appended(self._now_s())

    def _tally(self, track: TrackIntake, header: SegmentHeader) -> None:
        if track.kind != "video":
            return
        for spell in reversed(self.figures.spells):
            if spell.itag == header.key[0]:
                spell.received_bytes += header.length_bytes
                spell.media_s += header.duration_s
                return

    def _take_redirect(self, body: bytes) -> None:
        self.redirect_url = read_message(SabrRedirect, body).url or ""

    def _fail(self, body: bytes) -> None:
        message = read_message(SabrErrorPart, body)
        raise ServiceError(f"{(message.type or 'no type')[:100]}, code {message.code}")

    def _reload(self, body: bytes) -> None:
        raise ReloadOrdered("the service orders the player's answer to be asked for anew")

    def _update_context(self, body: bytes) -> None:
        self._answer.has_context = True
        self._contexts.update(read_message(ContextUpdate, body))

    def _take_protection(self, body: bytes) -> None:
        self.figures.protection_status = read_message(ProtectionStatus, body).status
