"""From a SABR request to the parts of its answer. No sockets; what the server must remember comes back in contexts.

It sends what lies between the playhead and the readahead and is not in the ranges of the request, both tracks by media
time. A format that the request does not name as initialised comes with its init segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import protobug

from pytomo_scrapy.lab.clips.clip import ClipStream
from pytomo_scrapy.lab.sabr.behaviours import SabrBehaviour
from pytomo_scrapy.lab.sabr.segment_list import FileSegment, SegmentList
from pytomo_scrapy.lab.sabr.server_messages import (
    AskedContext,
    AskedState,
    FormatName,
    SabrAsked,
    SentContext,
    SentCookie,
    SentHeader,
    SentInitialization,
    SentPolicy,
    SentProtection,
    SentReload,
    SentStartPolicy,
    SentStep,
    SentText,
    Span,
    Ticks,
)
from pytomo_scrapy.lab.sabr.ump_writer import media_parts, ump_number, ump_part

READAHEAD_MS, LONGEST_PAUSE_MS, BACKOFF_MS = 15_000, 60_000, 2000
START_MS, RESUME_MS = 1200, 6000
LAST_MODIFIED = 1_749_442_709_125_698
# The logs' answers carry two to four segments of video.
MOST_SEGMENTS = 4  # of a track in one answer
AD_CONTEXT, AD_SCOPE = 5, 2
BY_HAND = 999_999
# The higher quality is sent while the reported estimate is this many times its own rate.
SAFETY_RATIO = 1.5
_ODD_PART_BYTES = 5000


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file that segments are sent of."""

    stream: ClipStream
    content: memoryview
    index: SegmentList

    @property
    def name(self) -> FormatName:
        """How requests name it."""
        return FormatName(self.stream.itag, LAST_MODIFIED)


@dataclass(frozen=True, slots=True)
class SabrMedia:
    """What one video's server has: its files, and where a redirect leads."""

    video_id: str
    files: tuple[ServedFile, ...]
    behaviour: SabrBehaviour
    redirect_url: str | None = None


@dataclass(frozen=True, slots=True)
class SabrAnswer:
    """The answer's status and body. `is_cut`: the connection ends without the body's own end."""

    body: bytes = b""
    status: int = 200
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class _Due:
    """A segment that is to be sent."""

    file: ServedFile
    segment: FileSegment


def answer_request(body: bytes, media: SabrMedia, now_s: float) -> SabrAnswer:
    """Return the answer to a request's body. A body that is none gets status 400."""
    try:
        asked = protobug.loads(body, SabrAsked)
    except (ValueError, TypeError, NotImplementedError, EOFError):
        return SabrAnswer(status=400)
    state, behaviour = asked.state or AskedState(), media.behaviour
    if media.redirect_url is not None:
        return SabrAnswer(ump_part(43, SentText(media.redirect_url)))
    files = [choose_file(media.files, asked.video, state), choose_file(media.files, asked.audio, state)]
    chosen = [file for file in files if file is not None]
    if not chosen or not asked.config:
        return SabrAnswer(ump_part(44, SentText("sabr.malformed_config", 3)))
    due = [_due(file, media.files, asked, state.player_time_ms) for file in chosen]
    next_ms = min((segments[0].segment.start_ms for segments in due if segments), default=None)
    refusal = _refusal(behaviour, next_ms, chosen)
    if refusal is not None:
        return refusal
    if behaviour.ad_ms is not None and (wait := _advertisement(asked.context, behaviour.ad_ms, now_s)) is not None:
        return SabrAnswer(_control(chosen, backoff_ms=wait[0], status=1) + wait[1])
    return _media_answer(media, asked, chosen, due)


def choose_file(files: Sequence[ServedFile], wanted: Sequence[FormatName], state: AskedState) -> ServedFile | None:
    """Return which of the files that a request names is sent: the only one, or by the client's estimate.

    Of several the highest whose rate the estimate carries SAFETY_RATIO times; without an estimate the lowest.
    """
    named = {one.itag for one in wanted}
    found = sorted((file for file in files if file.stream.itag in named), key=lambda file: file.stream.bitrate_bps)
    if not found:
        return None
    carried = [file for file in found if state.bandwidth * 8 >= SAFETY_RATIO * file.stream.average_bitrate_bps]
    return (carried or found[:1])[-1]


def _due(file: ServedFile, files: Sequence[ServedFile], asked: SabrAsked, playhead_ms: int) -> list[_Due]:
    """Return the segments of a file that are to be sent, in order."""
    kinds = {one.stream.itag: one.stream.kind for one in files}
    spans = [
        (had.start_ms, had.start_ms + had.duration_ms)
        for had in asked.ranges
        if had.format_id is not None and kinds.get(had.format_id.itag) == file.stream.kind
    ]
    found = []
    for segment in file.index.segments:
        is_wanted = segment.end_ms > playhead_ms and segment.start_ms < playhead_ms + READAHEAD_MS
        # By its middle: ranges that a client reports are rounded at both ends.
        middle_ms = (segment.start_ms + segment.end_ms) / 2
        if is_wanted and not any(start <= middle_ms < end for start, end in spans):
            found.append(_Due(file, segment))
    return found[:MOST_SEGMENTS]


def _refusal(behaviour: SabrBehaviour, next_ms: int | None, chosen: Sequence[ServedFile]) -> SabrAnswer | None:
    """Return the answer without media that a behaviour gives from some time of the content on."""

    def is_reached(at_ms: int | None) -> bool:
        return at_ms is not None and next_ms is not None and next_ms >= at_ms

    if is_reached(behaviour.refuse_at_ms):
        return SabrAnswer(status=403)
    if is_reached(behaviour.error_at_ms):
        return SabrAnswer(ump_part(44, SentText("sabr.no_media", 7)))
    if is_reached(behaviour.reload_at_ms):
        return SabrAnswer(ump_part(46, SentReload(SentText("reload-token"))))
    if is_reached(behaviour.gate_at_ms):
        return SabrAnswer(_control(chosen, status=3, backoff_ms=BACKOFF_MS))
    if is_reached(behaviour.withhold_at_ms):
        return SabrAnswer(_control(chosen, status=behaviour.withhold_status))
    return None


def _advertisement(context: AskedContext | None, ad_ms: int, now_s: float) -> tuple[int, bytes] | None:
    """Return the wait and the part that an advertisement gives. None once it is over and its context came back."""
    echoed = {one.type: one.value for one in context.contexts} if context is not None else {}
    value = echoed.get(AD_CONTEXT)
    if value is None:
        began = str(now_s).encode()
        return ad_ms, ump_part(57, SentContext(AD_CONTEXT, AD_SCOPE, began, True, 1)) + ump_part(59, b"\x08\x05")
    left_ms = ad_ms - (now_s - float(value)) * 1000
    return (max(1, round(left_ms)), b"") if left_ms > 0 else None


def _control(
    chosen: Sequence[ServedFile], *, backoff_ms: int | None = None, status: int = 1, is_odd: bool = False
) -> bytes:
    """Return the parts that every answer begins with."""
    names = {file.stream.kind: file.name for file in chosen}
    cookie = SentCookie(BY_HAND, 0, names.get("video"), names.get("audio"))
    policy = SentPolicy(READAHEAD_MS, READAHEAD_MS, LONGEST_PAUSE_MS, backoff_ms, cookie)
    parts: list[tuple[int, object]] = [
        (47, SentStartPolicy(SentStep(0, START_MS), SentStep(None, RESUME_MS))),
        (58, SentProtection(status, 20 if status == 3 else None)),
        (52, b"\x0a\x06\0\0\0\0\0\0"),
        (35, policy),
    ]
    if is_odd:
        # Kinds that no client knows, of no length and of more than one read: they are to be passed over.
        parts[1:1] = [(99, b"not known"), (4242, b"x" * 70_000), (68, b"")]
    return b"".join(ump_part(kind, body, is_long=is_odd and kind != 4242) for kind, body in parts)


def _media_answer(
    media: SabrMedia, asked: SabrAsked, chosen: Sequence[ServedFile], due: Sequence[Sequence[_Due]]
) -> SabrAnswer:
    behaviour = media.behaviour
    segments = sorted((one for track in due for one in track), key=lambda one: one.segment.start_ms)
    backoff_ms = None if segments else BACKOFF_MS
    parts = [_control(chosen, backoff_ms=backoff_ms, is_odd=behaviour.is_odd)]
    initialised = {one.itag for one in asked.selected}
    headers = _Headers(media.video_id)
    for file in chosen:
        if file.stream.itag not in initialised:
            parts.append(ump_part(42, _initialization(media.video_id, file)))
            parts.extend(() if behaviour.is_init_left_out else headers.init(file))
    if behaviour.is_odd:
        parts.extend(_in_turn([list(headers.segment(one, _ODD_PART_BYTES)) for one in segments]))
        return SabrAnswer(b"".join(parts))
    for one in segments:
        written = b"".join(headers.segment(one))
        if behaviour.cut_at_ms is not None and one.segment.start_ms >= behaviour.cut_at_ms:
            return SabrAnswer(b"".join(parts) + written[: len(written) // 2], is_cut=True)
        parts.append(written)
    return SabrAnswer(b"".join(parts))


def _in_turn(written: Sequence[list[bytes]]) -> Iterator[bytes]:
    """Yield the parts of two segments in turn, one part of each, then of the next two."""
    for place in range(0, len(written), 2):
        pair = [list(parts) for parts in written[place : place + 2]]
        while any(pair):
            for parts in pair:
                if parts:
                    yield parts.pop(0)


def _initialization(video_id: str, file: ServedFile) -> SentInitialization:
    last = file.index.segments[-1]
    init, index = file.stream.init_range, file.stream.index_range
    assert init is not None and index is not None
    spans = Span(*init), Span(*index)
    return SentInitialization(
        video_id, file.name, last.end_ms, last.sequence, file.stream.mime_type, *spans, last.end_ms, 1000
    )


class _Headers:
    """Numbers the headers of an answer."""

    def __init__(self, video_id: str) -> None:
        self._video_id = video_id
        self._count = 0

    def init(self, file: ServedFile) -> Iterator[bytes]:
        """Yield the parts of an init segment: header and index of the file."""
        header = replace(self._header(file), is_init=True, content_length=file.index.init_bytes)
        yield from self._parts(header, file.content[: file.index.init_bytes])

    def segment(self, one: _Due, part_bytes: int | None = None) -> Iterator[bytes]:
        """Yield the parts of a segment."""
        segment = one.segment
        duration_ms = segment.end_ms - segment.start_ms
        header = replace(
            self._header(one.file),
            start_range=segment.start,
            sequence=segment.sequence,
            bitrate=one.file.stream.average_bitrate_bps // 8,
            start_ms=segment.start_ms,
            duration_ms=duration_ms,
            content_length=segment.end - segment.start,
            ticks=Ticks(segment.start_ms, duration_ms, 1000),
        )
        yield from self._parts(header, one.file.content[segment.start : segment.end], part_bytes)

    def _header(self, file: ServedFile) -> SentHeader:
        name, self._count = file.name, self._count + 1
        return SentHeader(self._count - 1, self._video_id, name.itag, name.lmt, format_id=name)

    def _parts(self, header: SentHeader, content: memoryview, part_bytes: int | None = None) -> Iterator[bytes]:
        yield ump_part(20, header)
        yield from media_parts(header.header_id, content, *([part_bytes] if part_bytes else []))
        yield ump_part(22, ump_number(header.header_id))
