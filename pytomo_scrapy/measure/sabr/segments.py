"""The segments of a session: from the parts of an answer to the bytes of each track, in the order of its file.

A header's offset is that of the file behind the plain URL, so that a track's bytes are those a plain window has. In
what order segments come is the server's business: those before the next byte of the file are passed over, those behind
it wait, within a bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from pytomo_scrapy.items import MediaSegment
from pytomo_scrapy.measure.sabr.messages import FormatId, FormatInitialization, MediaHeader
from pytomo_scrapy.measure.sabr.sabr_errors import BrokenBody
from pytomo_scrapy.measure.sabr.ump import MediaPiece, Skimmed

MAX_HELD_BYTES = 16 * 1024 * 1024
MAX_OPEN_SEGMENTS = 64
# Segments that leave a shorter gap than this between them follow each other: their times are rounded.
JOIN_S = 0.1

FormatKey = tuple[int, int, str]


class Sink(Protocol):
    """Where a track's bytes go. `receive` returns None, or a number where no more are wanted."""

    @property
    def received_bytes(self) -> int: ...

    @property
    def may_be_counted(self) -> bool:
        """Whether the number of bytes is enough, which `count` takes, and late by a moment."""

    def receive(self, body: bytes) -> int | None: ...

    def count(self, body_bytes: int, at_s: float | None = None) -> None: ...


def format_key(format_id: FormatId) -> FormatKey:
    """Return what tells a format from others."""
    return format_id.itag or 0, format_id.lmt or 0, format_id.xtags or ""


@dataclass(slots=True)
class SegmentRun:
    """Whole segments of a format that follow each other."""

    first: int
    last: int
    start_ms: int
    end_ms: int


@dataclass(slots=True)
class FormatIntake:
    """What has come of one format."""

    format_id: FormatId
    last_segment: int | None = None
    end_ms: int | None = None
    is_init_here: bool = False
    next_byte: int = 0  # of the file
    runs: list[SegmentRun] = field(default_factory=list)

    def add(self, sequence: int, start_ms: int, end_ms: int) -> None:
        """Note a whole segment. Segments come in order but for rare exceptions, which begin a run of their own."""
        for run in reversed(self.runs):
            if run.first <= sequence <= run.last:
                return
            if sequence == run.last + 1:
                run.last, run.end_ms = sequence, end_ms
                return
        self.runs.append(SegmentRun(sequence, sequence, start_ms, end_ms))


@dataclass(slots=True)
class TrackIntake:
    """One track of the session: its formats, the one that came last, and the media that are whole."""

    kind: str  # video or audio
    sink: Sink
    formats: dict[FormatKey, FormatIntake] = field(default_factory=dict)
    current: FormatIntake | None = None
    segments: list[MediaSegment] = field(default_factory=list)  # whole ones, by their place in the track's bytes
    end_s: float = 0.0  # media that are whole from the start on
    _later: list[tuple[float, float]] = field(default_factory=list)

    @property
    def is_switched(self) -> bool:
        """Whether the server has sent more than one quality."""
        return len(self.formats) > 1

    @property
    def is_over(self) -> bool:
        """Whether the last segment is here."""
        last = self.current.last_segment if self.current is not None else None
        return last is not None and any(run.last >= last for intake in self.formats.values() for run in intake.runs)

    def append(self, header: SegmentHeader) -> None:
        """Note a segment whose last byte has just gone to the sink."""
        end_byte, end_s = self.sink.received_bytes, header.start_s + header.duration_s
        self.segments.append(
            MediaSegment(max(0, end_byte - header.length_bytes), end_byte, header.start_s, header.duration_s)
        )
        if not self._later and header.start_s <= self.end_s + JOIN_S:
            self.end_s = max(self.end_s, end_s)
            return
        self._later.append((header.start_s, end_s))
        self._later.sort()
        while self._later and self._later[0][0] <= self.end_s + JOIN_S:
            self.end_s = max(self.end_s, self._later.pop(0)[1])


class SegmentHeader(NamedTuple):
    """Which bytes and which time of a format a segment is."""

    key: FormatKey
    is_init: bool
    sequence: int
    start_byte: int
    length_bytes: int
    start_s: float
    duration_s: float

    @classmethod
    def read(cls, header: MediaHeader) -> SegmentHeader:
        """Return what a header says. Raises BrokenBody where it leaves something out that is needed."""
        format_id = header.format_id or FormatId(header.itag, header.lmt, header.xtags)
        if format_id.itag is None or header.content_length is None:
            raise BrokenBody("a segment without format or length")
        if header.compression:
            raise BrokenBody(f"a segment is compressed ({header.compression})")
        start_s, duration_s = (header.start_ms or 0) / 1000, (header.duration_ms or 0) / 1000
        ticks = header.time_range
        if ticks is not None and ticks.timescale and ticks.duration_ticks:
            start_s, duration_s = (ticks.start_ticks or 0) / ticks.timescale, ticks.duration_ticks / ticks.timescale
        return cls(
            format_key(format_id),
            bool(header.is_init_segment),
            header.sequence_number or 0,
            header.start_range or 0,
            header.content_length,
            start_s,
            duration_s,
        )


@dataclass(slots=True)
class _OpenSegment:
    header: SegmentHeader
    track: TrackIntake
    intake: FormatIntake
    received_bytes: int = 0
    skipped_bytes: int = 0  # of its first ones, that the track has already
    is_held: bool = False  # bytes of the file that come before it have not come
    # One piece, not a list of them: parts of a byte each would take many times their size.
    held: bytearray = field(default_factory=bytearray)

    @property
    def is_whole(self) -> bool:
        return self.received_bytes == self.header.length_bytes


class SegmentIntake:
    """Takes headers, pieces and ends, and gives each track its bytes in order."""

    def __init__(self, tracks: Mapping[str, TrackIntake]) -> None:
        self.tracks = tracks
        self.repeated_bytes = 0
        self._open: dict[int, _OpenSegment] = {}
        self._held: list[_OpenSegment] = []
        self._held_bytes = 0

    def begin_format(self, message: FormatInitialization) -> None:
        """Take the initialisation of a format. One of a kind that nobody asked for is passed over."""
        if message.format_id is None or message.format_id.itag is None:
            raise BrokenBody("an initialisation without a format")
        kind = (message.mime_type or "").partition("/")[0]
        track = self.tracks.get(kind)
        if track is None:
            return
        intake = track.formats.setdefault(format_key(message.format_id), FormatIntake(message.format_id))
        intake.last_segment, intake.end_ms = message.last_segment, message.end_ms
        track.current = intake

    def begin_segment(self, message: MediaHeader) -> tuple[TrackIntake, SegmentHeader]:
        """Take a segment's header, and return its track. Raises BrokenBody where its format was never initialised."""
        header = SegmentHeader.read(message)
        if len(self._open) >= MAX_OPEN_SEGMENTS:
            raise BrokenBody(f"more than {MAX_OPEN_SEGMENTS} segments at once")
        for track in self.tracks.values():
            if (intake := track.formats.get(header.key)) is not None:
                segment = _OpenSegment(header, track, intake)
                self._open[message.header_id or 0] = segment
                if track.is_switched and intake.is_init_here and header.start_byte > intake.next_byte:
                    # A quality that takes over in the middle begins there in its file too.
                    intake.next_byte = header.start_byte
                segment.is_held = header.start_byte > intake.next_byte
                segment.skipped_bytes = max(0, intake.next_byte - header.start_byte)
                track.current = intake
                return track, header
        raise BrokenBody(f"a segment of itag {header.key[0]}, which was not initialised")

    def take(self, piece: MediaPiece) -> int | None:
        """Take bytes of a segment. Returns what the track's sink says."""
        segment = self._open.get(piece.header_id)
        if segment is None:
            raise BrokenBody("media without a header")
        body, before = piece.body, segment.received_bytes
        segment.received_bytes = before + len(body)
        if segment.received_bytes > segment.header.length_bytes:
            raise BrokenBody(f"a segment is longer than its {segment.header.length_bytes} bytes")
        if segment.is_held:
            self._hold(segment, body)
            return None
        if before < segment.skipped_bytes:
            known = min(len(body), segment.skipped_bytes - before)
            self.repeated_bytes += known
            body = body[known:]
            if not body:
                return None
        segment.intake.next_byte += len(body)
        return segment.track.sink.receive(body)

    def run(self, header_id: int) -> tuple[Sink, int] | None:
        """Return who takes a segment's bytes as they are, and how many are missing of it.

        None where they are held back, are here already, or belong to no segment.
        """
        segment = self._open.get(header_id)
        if segment is None or segment.is_held or segment.received_bytes < segment.skipped_bytes:
            return None
        return segment.track.sink, segment.header.length_bytes - segment.received_bytes

    def skim(self, header_id: int, skimmed: Skimmed) -> None:
        """Take note of bytes of a segment that nobody wants to see, as `take` takes them."""
        segment, size_bytes = self._open.get(header_id), skimmed.media_bytes
        if segment is None or segment.is_held or segment.received_bytes < segment.skipped_bytes:
            # Which of them are kept or known is for `take` to find out. Of those that are only counted all are alike.
            self.take(MediaPiece(header_id, bytes(size_bytes)))
            return
        segment.received_bytes += size_bytes
        if segment.received_bytes > segment.header.length_bytes:
            raise BrokenBody(f"a segment is longer than its {segment.header.length_bytes} bytes")
        segment.intake.next_byte += size_bytes
        if skimmed.untold_bytes:
            segment.track.sink.count(skimmed.untold_bytes, skimmed.at_s)

    def end_segment(self, header_id: int) -> list[tuple[TrackIntake, SegmentHeader]]:
        """Take a segment's end, and return the segments of media that are whole by it."""
        segment = self._open.pop(header_id, None)
        if segment is None:
            raise BrokenBody("the end of a segment without a header")
        whole: list[tuple[TrackIntake, SegmentHeader]] = []
        if segment.is_held:
            self._held.append(segment)
        elif self._finish(segment):
            whole.append((segment.track, segment.header))
        return whole + self._release(segment.intake) if self._held else whole

    def end_answer(self) -> None:
        """Forget the segments that have no end: their bytes stay, and they are not whole."""
        self._open.clear()
        if self._held:
            first = min(segment.header.start_byte for segment in self._held)
            raise BrokenBody(f"bytes of a file are missing before byte {first}")

    def _hold(self, segment: _OpenSegment, body: bytes) -> None:
        segment.held += body
        self._held_bytes += len(body)
        if self._held_bytes > MAX_HELD_BYTES:
            raise BrokenBody("bytes of a file are missing before those that came")

    def _finish(self, segment: _OpenSegment) -> bool:
        """Note a segment that has ended. Tells whether it is one of media, whole and new."""
        header = segment.header
        if not segment.is_whole or segment.skipped_bytes >= header.length_bytes:
            return False
        if header.is_init:
            segment.intake.is_init_here = True
            return False
        start_ms = round(header.start_s * 1000)
        segment.intake.add(header.sequence, start_ms, round((header.start_s + header.duration_s) * 1000))
        segment.track.append(header)
        return True

    def _release(self, intake: FormatIntake) -> list[tuple[TrackIntake, SegmentHeader]]:
        """Give the segments that waited for `intake`'s bytes, in order, as far as they follow now."""
        whole = []
        for segment in sorted(self._held, key=lambda held: held.header.start_byte):
            if segment.intake is not intake or segment.header.start_byte > intake.next_byte:
                continue
            self._held.remove(segment)
            segment.skipped_bytes = intake.next_byte - segment.header.start_byte
            body, segment.held = bytes(segment.held), bytearray()
            self._held_bytes -= len(body)
            if len(body) > segment.skipped_bytes:
                intake.next_byte += len(body) - segment.skipped_bytes
                segment.track.sink.receive(body[segment.skipped_bytes :])
            if self._finish(segment):
                whole.append((segment.track, segment.header))
        return whole
