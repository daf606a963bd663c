"""SABR's messages as the server sees them, declared apart from those of the measuring client.

Source: the .proto files of LuanRT/googlevideo.
"""

from __future__ import annotations

import protobug
from protobug import Bool, Bytes, String, UInt32, UInt64


@protobug.message
class FormatName:
    itag: UInt32 = protobug.field(1, default=0)
    lmt: UInt64 = protobug.field(2, default=0)
    xtags: String | None = protobug.field(3, default=None)


@protobug.message
class AskedState:
    viewport_height: UInt32 = protobug.field(19, default=0)
    bandwidth: UInt64 = protobug.field(23, default=0)
    player_time_ms: UInt64 = protobug.field(28, default=0)
    tracks: UInt32 = protobug.field(40, default=0)


@protobug.message
class AskedRange:
    format_id: FormatName | None = protobug.field(1, default=None)
    start_ms: UInt64 = protobug.field(2, default=0)
    duration_ms: UInt64 = protobug.field(3, default=0)


@protobug.message
class EchoedContext:
    type: UInt32 = protobug.field(1, default=0)
    value: Bytes = protobug.field(2, default=b"")


@protobug.message
class AskedBy:
    name: UInt32 = protobug.field(16, default=0)


@protobug.message
class AskedContext:
    client: AskedBy | None = protobug.field(1, default=None)
    cookie: Bytes = protobug.field(3, default=b"")
    contexts: list[EchoedContext] = protobug.field(5, default_factory=list)


@protobug.message
class SabrAsked:
    state: AskedState | None = protobug.field(1, default=None)
    selected: list[FormatName] = protobug.field(2, default_factory=list)
    ranges: list[AskedRange] = protobug.field(3, default_factory=list)
    config: Bytes = protobug.field(5, default=b"")
    audio: list[FormatName] = protobug.field(16, default_factory=list)
    video: list[FormatName] = protobug.field(17, default_factory=list)
    context: AskedContext | None = protobug.field(19, default=None)


@protobug.message
class Ticks:
    start: UInt64 = protobug.field(1)
    duration: UInt64 = protobug.field(2)
    scale: UInt32 = protobug.field(3)


@protobug.message
class SentHeader:
    header_id: UInt32 = protobug.field(1)
    video_id: String = protobug.field(2)
    itag: UInt32 = protobug.field(3)
    lmt: UInt64 = protobug.field(4)
    start_range: UInt64 | None = protobug.field(6, default=None)
    is_init: Bool = protobug.field(8, default=False)
    sequence: UInt32 | None = protobug.field(9, default=None)
    bitrate: UInt64 | None = protobug.field(10, default=None)
    start_ms: UInt64 | None = protobug.field(11, default=None)
    duration_ms: UInt64 | None = protobug.field(12, default=None)
    format_id: FormatName | None = protobug.field(13, default=None)
    content_length: UInt64 | None = protobug.field(14, default=None)
    ticks: Ticks | None = protobug.field(15, default=None)


@protobug.message
class Span:
    start: UInt64 = protobug.field(3)
    end: UInt64 = protobug.field(4)


@protobug.message
class SentInitialization:
    video_id: String = protobug.field(1)
    format_id: FormatName = protobug.field(2)
    end_ms: UInt64 = protobug.field(3)
    last_segment: UInt64 = protobug.field(4)
    mime: String = protobug.field(5)
    init: Span = protobug.field(6)
    index: Span = protobug.field(7)
    duration: UInt64 = protobug.field(9)
    scale: UInt32 = protobug.field(10)


@protobug.message
class SentCookie:
    resolution: UInt32 = protobug.field(1)
    field2: UInt32 = protobug.field(2)
    video: FormatName | None = protobug.field(7, default=None)
    audio: FormatName | None = protobug.field(8, default=None)


@protobug.message
class SentPolicy:
    audio_ms: UInt32 = protobug.field(1)
    video_ms: UInt32 = protobug.field(2)
    longest_ms: UInt32 = protobug.field(3)
    backoff_ms: UInt32 | None = protobug.field(4, default=None)
    cookie: SentCookie | None = protobug.field(7, default=None)


@protobug.message
class SentStep:
    bytes_per_s: UInt64 | None = protobug.field(1, default=None)
    readahead_ms: UInt64 = protobug.field(2, default=0)


@protobug.message
class SentStartPolicy:
    start: SentStep = protobug.field(1)
    resume: SentStep = protobug.field(2)


@protobug.message
class SentProtection:
    status: UInt32 = protobug.field(1)
    retries: UInt32 | None = protobug.field(2, default=None)


@protobug.message
class SentContext:
    type: UInt32 = protobug.field(1)
    scope: UInt32 = protobug.field(2)
    value: Bytes = protobug.field(3)
    by_default: Bool = protobug.field(4)
    policy: UInt32 = protobug.field(5)


@protobug.message
class SentText:
    text: String = protobug.field(1)
    code: UInt32 | None = protobug.field(2, default=None)


@protobug.message
class SentReload:
    parameters: SentText = protobug.field(1)
