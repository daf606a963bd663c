"""Writes UMP answers for the tests, apart from the code that reads them."""

from __future__ import annotations

from pytomo_scrapy.measure.sabr.messages import (
    FormatId,
    FormatInitialization,
    MediaHeader,
    NextRequestPolicy,
    PlaybackStartPolicy,
    ProtectionStatus,
    ReadaheadPolicy,
    write_message,
)

VIDEO, AUDIO = FormatId(134, 7), FormatId(140, 7)
INIT_BYTES, SEGMENT_BYTES, SEGMENT_MS = 100, 1000, 5000


def number(value: int, length: int | None = None) -> bytes:
    """Return a number of UMP in its shortest form, or in `length` bytes."""
    if length is None:
        length = next(n for n, bits in ((1, 7), (2, 14), (3, 21), (4, 28), (5, 32)) if value < 1 << bits)
    if length == 1:
        return bytes([value])
    if length == 5:
        return b"\xf0" + value.to_bytes(4, "little")
    kept_bits = 8 - length
    ones = 0xFF << (kept_bits + 1) & 0xFF
    return bytes([ones | value & (1 << kept_bits) - 1]) + (value >> kept_bits).to_bytes(length - 1, "little")


def part(kind: int, body: object = b"") -> bytes:
    data = body if isinstance(body, bytes) else write_message(body)
    return number(kind) + number(len(data)) + data


def media(header_id: int, body: bytes) -> bytes:
    return part(21, number(header_id) + body)


def initialised(format_id: FormatId, last: int = 8, mime: str | None = None) -> bytes:
    """Return a format's initialisation and its whole init segment."""
    mime = mime or ("video/mp4" if format_id.itag != 140 else "audio/mp4")
    told = FormatInitialization(format_id=format_id, end_ms=last * SEGMENT_MS, last_segment=last, mime_type=mime)
    header = MediaHeader(
        header_id=90, is_init_segment=True, format_id=format_id, content_length=INIT_BYTES, start_range=None
    )
    return part(42, told) + part(20, header) + media(90, b"i" * INIT_BYTES) + part(22, number(90))


def header(format_id: FormatId, sequence: int, header_id: int = 1, start_byte: int | None = None) -> bytes:
    return part(
        20,
        MediaHeader(
            header_id=header_id,
            format_id=format_id,
            sequence_number=sequence,
            start_range=INIT_BYTES + (sequence - 1) * SEGMENT_BYTES if start_byte is None else start_byte,
            start_ms=(sequence - 1) * SEGMENT_MS,
            duration_ms=SEGMENT_MS,
            content_length=SEGMENT_BYTES,
        ),
    )


def segment(format_id: FormatId, sequence: int, header_id: int = 1) -> bytes:
    """Return a whole segment of five seconds, whose bytes say which it is."""
    body = bytes([sequence]) * SEGMENT_BYTES
    return header(format_id, sequence, header_id) + media(header_id, body) + part(22, number(header_id))


def policy(target_ms: int = 15_000, backoff_ms: int | None = None, cookie: bytes | None = None) -> bytes:
    return part(
        35,
        NextRequestPolicy(
            target_audio_readahead_ms=target_ms,
            target_video_readahead_ms=target_ms,
            max_time_since_last_request_ms=60_000,
            backoff_time_ms=backoff_ms,
            playback_cookie=cookie,
        ),
    )


def start_policy(start_ms: int = 1200, resume_ms: int = 6000) -> bytes:
    steps = [ReadaheadPolicy(0, start_ms)], [ReadaheadPolicy(None, resume_ms)]
    return part(47, PlaybackStartPolicy(*steps))


def protection(status: int) -> bytes:
    return part(58, ProtectionStatus(status))
