"""The messages of SABR that a measuring client reads and writes, declared field by field.

Fields that are neither read nor written here are left out: a reader passes over them. Every number comes from the
service and may be absent, so that nothing has a default but None.

Source: the .proto files of LuanRT/googlevideo (MIT); where they were seen on the wire, docs/sabr.md.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import cache, lru_cache
from typing import Annotated, Any, NamedTuple, TypeVar, cast, get_args, get_origin, get_type_hints

import protobug
from protobug import Bool, Bytes, Float, String, UInt32, UInt64

from pytomo_scrapy.measure.sabr.sabr_errors import BrokenBody

Message = TypeVar("Message")

# How values are written. Source: protobuf.dev, "Encoding".
_VARINT, _LENGTH, _FOUR_BYTES = 0, 2, 5
_FIXED_BYTES = {1: 8, _FOUR_BYTES: 4}
_MAX_VARINT_BYTES = 10


@protobug.message
class FormatId:
    itag: UInt32 | None = protobug.field(1, default=None)
    lmt: UInt64 | None = protobug.field(2, default=None)
    xtags: String | None = protobug.field(3, default=None)


@protobug.message
class TimeRange:
    start_ticks: UInt64 | None = protobug.field(1, default=None)
    duration_ticks: UInt64 | None = protobug.field(2, default=None)
    timescale: UInt32 | None = protobug.field(3, default=None)


@protobug.message
class ByteRange:
    start: UInt64 | None = protobug.field(3, default=None)
    end: UInt64 | None = protobug.field(4, default=None)


# What the server sends.


@protobug.message
class MediaHeader:
    header_id: UInt32 | None = protobug.field(1, default=None)
    video_id: String | None = protobug.field(2, default=None)
    itag: UInt32 | None = protobug.field(3, default=None)
    lmt: UInt64 | None = protobug.field(4, default=None)
    xtags: String | None = protobug.field(5, default=None)
    start_range: UInt64 | None = protobug.field(6, default=None)
    compression: UInt32 | None = protobug.field(7, default=None)
    is_init_segment: Bool | None = protobug.field(8, default=None)
    sequence_number: UInt64 | None = protobug.field(9, default=None)
    bitrate_bytes_per_s: UInt64 | None = protobug.field(10, default=None)
    start_ms: UInt64 | None = protobug.field(11, default=None)
    duration_ms: UInt64 | None = protobug.field(12, default=None)
    format_id: FormatId | None = protobug.field(13, default=None)
    content_length: UInt64 | None = protobug.field(14, default=None)
    time_range: TimeRange | None = protobug.field(15, default=None)


@protobug.message
class PlaybackCookie:
    resolution: UInt32 | None = protobug.field(1, default=None)  # 999999: chosen by hand, or the top
    field2: UInt32 | None = protobug.field(2, default=None)
    video_format: FormatId | None = protobug.field(7, default=None)
    audio_format: FormatId | None = protobug.field(8, default=None)


@protobug.message
class NextRequestPolicy:
    target_audio_readahead_ms: UInt64 | None = protobug.field(1, default=None)
    target_video_readahead_ms: UInt64 | None = protobug.field(2, default=None)
    max_time_since_last_request_ms: UInt64 | None = protobug.field(3, default=None)
    backoff_time_ms: UInt64 | None = protobug.field(4, default=None)
    min_audio_readahead_ms: UInt64 | None = protobug.field(5, default=None)
    min_video_readahead_ms: UInt64 | None = protobug.field(6, default=None)
    playback_cookie: Bytes | None = protobug.field(7, default=None)  # goes back as it came
    video_id: String | None = protobug.field(8, default=None)


@protobug.message
class FormatInitialization:
    video_id: String | None = protobug.field(1, default=None)
    format_id: FormatId | None = protobug.field(2, default=None)
    end_ms: UInt64 | None = protobug.field(3, default=None)
    last_segment: UInt64 | None = protobug.field(4, default=None)
    mime_type: String | None = protobug.field(5, default=None)
    init_range: ByteRange | None = protobug.field(6, default=None)
    index_range: ByteRange | None = protobug.field(7, default=None)
    duration_ticks: UInt64 | None = protobug.field(9, default=None)
    timescale: UInt32 | None = protobug.field(10, default=None)


@protobug.message
class SabrRedirect:
    url: String | None = protobug.field(1, default=None)


@protobug.message
class SabrErrorPart:
    type: String | None = protobug.field(1, default=None)
    code: UInt32 | None = protobug.field(2, default=None)


@protobug.message
class ReadaheadPolicy:
    min_bytes_per_s: UInt64 | None = protobug.field(1, default=None)
    readahead_ms: UInt64 | None = protobug.field(2, default=None)


@protobug.message
class PlaybackStartPolicy:
    start: list[ReadaheadPolicy] = protobug.field(1, default_factory=list)
    resume: list[ReadaheadPolicy] = protobug.field(2, default_factory=list)


@protobug.message
class ContextUpdate:
    type: UInt32 | None = protobug.field(1, default=None)
    scope: UInt32 | None = protobug.field(2, default=None)
    value: Bytes | None = protobug.field(3, default=None)
    is_sent_by_default: Bool | None = protobug.field(4, default=None)
    write_policy: UInt32 | None = protobug.field(5, default=None)  # 1 overwrite, 2 keep


@protobug.message
class ContextSendingPolicy:
    start: list[UInt32] = protobug.field(1, default_factory=list)
    stop: list[UInt32] = protobug.field(2, default_factory=list)
    discard: list[UInt32] = protobug.field(3, default_factory=list)


@protobug.message
class ProtectionStatus:
    status: UInt32 | None = protobug.field(1, default=None)  # 1 fine, 2 pending, 3 required
    max_retries: UInt32 | None = protobug.field(2, default=None)


# What the client sends.


@protobug.message
class VideoCapability:
    codec: UInt32 | None = protobug.field(1, default=None)  # 2 H.264, 4 VP9, 8 AV1, 9 H.265
    is_efficient: Bool | None = protobug.field(2, default=None)
    is_10_bit: Bool | None = protobug.field(15, default=None)


@protobug.message
class AudioCapability:
    codec: UInt32 | None = protobug.field(1, default=None)  # 1 AAC, 3 Opus


@protobug.message
class MediaCapabilities:
    video: list[VideoCapability] = protobug.field(1, default_factory=list)
    audio: list[AudioCapability] = protobug.field(2, default_factory=list)
    hdr_bitmask: UInt32 | None = protobug.field(5, default=None)


@protobug.message
class ClientAbrState:
    viewport_width_px: UInt32 | None = protobug.field(18, default=None)
    viewport_height_px: UInt32 | None = protobug.field(19, default=None)
    sticky_resolution: UInt32 | None = protobug.field(21, default=None)
    is_viewport_flexible: Bool | None = protobug.field(22, default=None)
    bandwidth_bytes_per_s: UInt64 | None = protobug.field(23, default=None)
    player_time_ms: UInt64 | None = protobug.field(28, default=None)
    since_seek_ms: UInt64 | None = protobug.field(29, default=None)
    visibility: UInt32 | None = protobug.field(34, default=None)
    playback_rate: Float | None = protobug.field(35, default=None)
    elapsed_wall_time_ms: UInt64 | None = protobug.field(36, default=None)
    capabilities: MediaCapabilities | None = protobug.field(38, default=None)
    since_action_ms: UInt64 | None = protobug.field(39, default=None)
    enabled_tracks: UInt32 | None = protobug.field(40, default=None)
    is_drc_enabled: Bool | None = protobug.field(46, default=None)


@protobug.message
class BufferedRange:
    format_id: FormatId | None = protobug.field(1, default=None)
    start_ms: UInt64 | None = protobug.field(2, default=None)
    duration_ms: UInt64 | None = protobug.field(3, default=None)
    first_segment: UInt64 | None = protobug.field(4, default=None)
    last_segment: UInt64 | None = protobug.field(5, default=None)
    time_range: TimeRange | None = protobug.field(6, default=None)


@protobug.message
class ClientInfo:
    device_make: String | None = protobug.field(12, default=None)
    device_model: String | None = protobug.field(13, default=None)
    client_name: UInt32 | None = protobug.field(16, default=None)
    client_version: String | None = protobug.field(17, default=None)
    os_name: String | None = protobug.field(18, default=None)
    os_version: String | None = protobug.field(19, default=None)
    language: String | None = protobug.field(21, default=None)
    region: String | None = protobug.field(22, default=None)
    android_sdk: UInt32 | None = protobug.field(64, default=None)


@protobug.message
class SentContext:
    type: UInt32 | None = protobug.field(1, default=None)
    value: Bytes | None = protobug.field(2, default=None)


@protobug.message
class StreamerContext:
    client_info: ClientInfo | None = protobug.field(1, default=None)
    po_token: Bytes | None = protobug.field(2, default=None)
    playback_cookie: Bytes | None = protobug.field(3, default=None)
    contexts: list[SentContext] = protobug.field(5, default_factory=list)
    missing_contexts: list[UInt32] = protobug.field(6, default_factory=list)


@protobug.message
class VideoPlaybackAbrRequest:
    abr_state: ClientAbrState | None = protobug.field(1, default=None)
    initialised_formats: list[FormatId] = protobug.field(2, default_factory=list)
    buffered_ranges: list[BufferedRange] = protobug.field(3, default_factory=list)
    player_time_ms: UInt64 | None = protobug.field(4, default=None)
    ustreamer_config: Bytes | None = protobug.field(5, default=None)
    audio_formats: list[FormatId] = protobug.field(16, default_factory=list)
    video_formats: list[FormatId] = protobug.field(17, default_factory=list)
    streamer_context: StreamerContext | None = protobug.field(19, default=None)


class _Field(NamedTuple):
    """How one field is written: its wire type, what its value is made by, or the message that it holds."""

    name: str
    wire: int
    convert: Callable[[Any], Any] | None
    message: type | None
    is_repeated: bool


# The wire type of each kind of value, and what makes it of what is on the wire.
_KINDS: dict[Any, tuple[int, Any]] = {
    UInt32: (_VARINT, None),
    UInt64: (_VARINT, None),
    Bool: (_VARINT, bool),
    Float: (_FOUR_BYTES, lambda body: struct.unpack("<f", body)[0]),
    Bytes: (_LENGTH, None),
    String: (_LENGTH, bytes.decode),
}


def read_message(kind: type[Message], body: bytes) -> Message:
    """Return the message in `body`. Raises BrokenBody where it is none."""
    try:
        return cast(Message, _read(kind, body, 0, len(body)))
    except ValueError as error:
        raise BrokenBody(f"{kind.__name__}: {error}"[:200]) from None


def _read(kind: type, body: bytes, at: int, end: int) -> object:
    """Return the message between `at` and `end`. Messages hold others as far as they are declared, no deeper.

    The library's own reader takes a millisecond for the header of a segment: it looks everything up for each value, and
    reads byte by byte from a file.
    """
    declared, plain = _fields(kind)
    values: dict[str, Any] = {}
    while at < end:
        tag, at = body[at], at + 1
        if tag >= 0x80:
            tag, at = _number(body, at - 1, end)
        if (known := plain.get(tag)) is None:
            at = _read_other(declared, tag, body, at, end, values)
            continue
        # Most numbers have up to four bytes, and a call for each would be half of the time that a message takes.
        if at + 4 > end:
            value, at = _number(body, at, end)
        elif (value := body[at]) < 0x80:
            at += 1
        elif (second := body[at + 1]) < 0x80:
            value, at = value & 0x7F | second << 7, at + 2
        elif (third := body[at + 2]) < 0x80:
            value, at = value & 0x7F | (second & 0x7F) << 7 | third << 14, at + 3
        else:
            value, at = _number(body, at, end)
        name, convert = known
        if convert is None:
            values[name] = value
        elif at + value > end:
            raise ValueError("a field is cut")
        else:
            values[name] = convert(body[at : at + value])
            at += value
    return kind(**values)


def _read_other(
    declared: Mapping[int, _Field], tag: int, body: bytes, at: int, end: int, values: dict[str, Any]
) -> int:
    """Read the value at `at` of a field that is not among the plain ones, and return where it ends."""
    field, wire = declared.get(tag >> 3), tag & 0b111
    value: Any
    if wire == _VARINT:
        value, at = _number(body, at, end)
    else:
        size, at = _number(body, at, end) if wire == _LENGTH else (_fixed_bytes(wire), at)
        start, at = at, at + size
        if at > end:
            raise ValueError("a field is cut")
        value = body[start:at]
        if field is not None and field.message is not None and wire == _LENGTH:
            value = _reader(field.message)(value)
    if field is None:
        return at
    if field.is_repeated and field.wire == _VARINT and wire == _LENGTH:
        values.setdefault(field.name, []).extend(_numbers(value))
        return at
    if wire != field.wire:
        raise ValueError(f"{field.name} is of wire type {wire}")
    value = value if field.convert is None else field.convert(value)
    if field.is_repeated:
        values.setdefault(field.name, []).append(value)
    else:
        values[field.name] = value
    return at


@lru_cache(maxsize=64)
def _format_id(body: bytes) -> object:
    """Return the format in `body`: a session has few, and each header of a segment names one. Nobody changes it."""
    return _read(FormatId, body, 0, len(body))


def _fixed_bytes(wire: int) -> int:
    if wire not in _FIXED_BYTES:
        raise ValueError(f"wire type {wire} is none of today's")
    return _FIXED_BYTES[wire]


def _numbers(body: bytes) -> Iterator[int]:
    """Yield numbers that stand back to back, as lists of them may be written."""
    at = 0
    while at < len(body):
        value, at = _number(body, at, len(body))
        yield value


def _number(body: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the number at `at` and where it ends."""
    value = shift = 0
    last = min(end, at + _MAX_VARINT_BYTES)
    while at < last:
        byte = body[at]
        at += 1
        if byte < 0x80:
            return (value | byte << shift) & 0xFFFF_FFFF_FFFF_FFFF, at
        value |= (byte & 0x7F) << shift
        shift += 7
    raise ValueError("a number is cut, or has no end")


@cache
def _fields(kind: type) -> tuple[dict[int, _Field], dict[int, tuple[str, Callable[[bytes], Any] | None]]]:
    """Return a message's fields by number, and by tag those read at once: plain numbers, and what makes all others."""
    hints, found = get_type_hints(kind, include_extras=True), dict[int, _Field]()
    for field in fields(kind):
        (number,) = field.metadata.values()
        hint, is_repeated = hints[field.name], get_origin(hints[field.name]) is list
        if is_repeated or get_origin(hint) is not Annotated:
            hint = get_args(hint)[0]
        wire, convert = _KINDS.get(hint, (_LENGTH, None))
        found[number] = _Field(field.name, wire, convert, None if hint in _KINDS else hint, is_repeated)
    plain: dict[int, tuple[str, Callable[[bytes], Any] | None]] = {}
    for number, one in found.items():
        if not one.is_repeated and (one.wire == _LENGTH or (one.wire == _VARINT and one.convert is None)):
            convert = (one.convert or _reader(one.message)) if one.wire == _LENGTH else None
            plain[number << 3 | one.wire] = one.name, convert
    return found, plain


def _reader(message: type | None) -> Callable[[bytes], Any]:
    """Return what makes a value of the bytes of a field: a message, or the bytes themselves."""
    if message is None:
        return bytes
    return _format_id if message is FormatId else lambda body: _read(message, body, 0, len(body))


def write_message(message: object) -> bytes:
    """Return the bytes of a message."""
    return protobug.dumps(message)
