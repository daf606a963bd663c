"""Writes UMP: the parts of an answer. Source: davidzeng0/innertube (`ump.md`), LuanRT/googlevideo (`UmpWriter`)."""

from __future__ import annotations

from collections.abc import Iterator

import protobug

PART_BYTES = 262_144  # the longest part of media in the logs, its header id left out


def ump_number(value: int, length: int | None = None) -> bytes:
    """Return a number of UMP: in its shortest form, or in `length` bytes, which is as legal."""
    if length is None:
        length = next(size for size in range(1, 6) if size == 5 or value < 1 << 7 * size)
    if length == 1:
        return bytes([value])
    if length == 5:
        return b"\xf0" + value.to_bytes(4, "little")
    kept_bits = 8 - length
    ones = (0xFF << (kept_bits + 1)) & 0xFF
    return bytes([ones | (value & ((1 << kept_bits) - 1))]) + (value >> kept_bits).to_bytes(length - 1, "little")


def ump_part(kind: int, body: object, *, is_long: bool = False) -> bytes:
    """Return a part. `is_long`: its numbers take more bytes than they need."""
    written = body if isinstance(body, bytes) else protobug.dumps(body)
    length = 5 if is_long else None
    return ump_number(kind, 2 if is_long else None) + ump_number(len(written), length) + written


def media_parts(header_id: int, content: memoryview, part_bytes: int = PART_BYTES) -> Iterator[bytes]:
    """Yield the parts of media that a segment's bytes make."""
    number = ump_number(header_id)
    for start in range(0, len(content), part_bytes):
        yield ump_part(21, number + bytes(content[start : start + part_bytes]))
