"""The messages of SABR that a measuring client reads and writes, declared field by field.

Fields that are neither read nor written here are left out: a reader passes over them. Every number comes from the
service and may be absent, so that nothing has a default but None.

Source: the .proto files of LuanRT/googlevideo (MIT); where they were seen on the wire, docs/sabr.md.
"""

from __future__ import annotations

import io
from typing import TypeVar

import protobug
from protobug import Bool, Bytes, Float, String, UInt32, UInt64

from pytomo_scrapy.measure.sabr.sabr_errors import BrokenBody

Message = TypeVar("Message")

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


class _BoundedReader(protobug.Reader):
    """Refuses numbers without an end, on which the library's own reader spends time by their square, and cut ones."""

    def read_tag(self, /) -> tuple[int, protobug.WireType]:
        first = self._reader.read(1)
        if not first:
            raise EOFError  # where a message may end
        self._position += 1
        value = self._number(first[0])
        return value >> 3, protobug.WireType(value & 0b111)

    def read_varint(self, /) -> int:
        return self._number(self._next_byte())

    def _number(self, first: int) -> int:
        value, byte = first & 0x7F, first
        for place in range(1, _MAX_VARINT_BYTES):
            if byte < 0x80:
                break
            byte = self._next_byte()
            value |= (byte & 0x7F) << 7 * place
        if byte >= 0x80:
            raise ValueError("a number has no end")
        return value & 0xFFFF_FFFF_FFFF_FFFF

    def _next_byte(self) -> int:
        found = self._reader.read(1)
        if not found:
            raise ValueError("a number is cut")
        self._position += 1
        return found[0]


def read_message(kind: type[Message], body: bytes) -> Message:
    """Return the message in `body`. Raises BrokenBody where it is none."""
    try:
        return _BoundedReader(io.BytesIO(body)).read(kind)
    except (ValueError, TypeError, NotImplementedError, EOFError, OverflowError, RecursionError) as error:
        raise BrokenBody(f"{kind.__name__}: {error}"[:200]) from None


def write_message(message: object) -> bytes:
    """Return the bytes of a message."""
    return protobug.dumps(message)
