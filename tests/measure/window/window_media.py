"""An MP4 for the paced windows of tests, with an index and segments of one length."""

from __future__ import annotations

import struct

SEGMENT_BYTES, SEGMENT_S, SEGMENT_COUNT = 50_000, 2.0, 20


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def make_file() -> bytes:
    """An MP4 of 20 segments of 2 s and 50 000 bytes: `ftyp`, `moov`, `sidx`, then the segments."""
    references = b"".join(
        struct.pack(">III", SEGMENT_BYTES, int(SEGMENT_S * 1000), 0x90000000) for _ in range(SEGMENT_COUNT)
    )
    sidx = box(b"sidx", struct.pack(">IIIIIHH", 0, 1, 1000, 0, 0, 0, SEGMENT_COUNT) + references)
    segment = box(b"moof", bytes(92)) + box(b"mdat", bytes(SEGMENT_BYTES - 108))
    return box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", bytes(100)) + sidx + segment * SEGMENT_COUNT


FILE = make_file()
INIT_BYTES = len(FILE) - SEGMENT_BYTES * SEGMENT_COUNT


def end_of(segment: int) -> int:
    """Last byte of the n-th segment, from 1, as a Range header has it."""
    return INIT_BYTES + segment * SEGMENT_BYTES - 1
