"""Builds segments from the fragments or clusters of a file without an index of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pytomo_scrapy.items import MediaSegment
from pytomo_scrapy.measure.media.packet_times import TAIL_PACKETS, StreamPackets

# A player's segments begin with a picture that needs no other, and packagers make them no shorter than this: the
# shortest in the recorded sessions, and the least that guides for packagers advise. What is shorter is a part of one.
LEAST_SEGMENT_S = 2.0
# A stream whose pictures never say that they need no other is cut all the same.
MAX_SEGMENT_S = 10.0
_ROUNDING_RATIO = 0.95  # 1.96 s of a segment of 2 s are one
EXACT = 1e-12


@dataclass(slots=True)
class _Piece:
    start_byte: int
    end_byte: int
    start_s: float


def segments_of_fragments(fragments: Sequence[tuple[int, int]], stream: StreamPackets) -> tuple[MediaSegment, ...]:
    """Return the segments that a player would ask for: the fragments, those that are shorter joined.

    A fragment that does not begin with a key picture is a part of the segment before (ISO/IEC 23000-19, 7.3.2: chunks);
    packagers end a segment at the first key picture after its length (`seg_duration` of FFmpeg's dash muxer, Shaka
    Packager alike). The last segment of a cut file is no shorter than the one before it, of which it is a part as a
    rule.
    """
    pieces = _joined(fragments, stream)
    lengths = [after.start_s - before.start_s for before, after in pairwise(pieces)]
    if pieces:
        last = max(map(sum, zip(stream.pts[-TAIL_PACKETS:], stream.duration[-TAIL_PACKETS:], strict=True)))
        last_s = _since_origin_s(last, stream) - pieces[-1].start_s
        lengths.append(last_s if stream.is_whole or not lengths else max(last_s, lengths[-1]))
    if any(length <= 0 for length in lengths):
        return ()
    return tuple(
        MediaSegment(piece.start_byte, piece.end_byte, piece.start_s, length)
        for piece, length in zip(pieces, lengths, strict=True)
    )


def _since_origin_s(tick: int, stream: StreamPackets) -> float:
    """Return the time from the stream's start, as exact as a segment index has it: players compare sums of them."""
    origin = max(0, min(stream.pts[:TAIL_PACKETS]))
    ticks_per_s = round(1 / stream.tick_s)
    is_exact = abs(ticks_per_s * stream.tick_s - 1) < EXACT
    return (tick - origin) / ticks_per_s if is_exact else (tick - origin) * stream.tick_s


def _joined(fragments: Sequence[tuple[int, int]], stream: StreamPackets) -> list[_Piece]:
    pieces: list[_Piece] = []
    index = 0
    for start, end in fragments:
        while index < len(stream.end_bytes) and stream.end_bytes[index] <= start:
            index += 1
        if index == len(stream.end_bytes):
            break
        inside = stream.pts[index : index + TAIL_PACKETS]
        ends = stream.end_bytes[index : index + len(inside)]
        times = [pts for pts, stop in zip(inside, ends, strict=True) if stop <= end]
        # The start of a fragment is the first presentation time within it. One without a packet is another track's.
        start_s = _since_origin_s(min(times), stream) if times else 0.0
        length_s = start_s - pieces[-1].start_s if pieces else 0.0
        is_long = length_s >= LEAST_SEGMENT_S * _ROUNDING_RATIO and (stream.is_key[index] or length_s >= MAX_SEGMENT_S)
        if times and (not pieces or is_long):
            pieces.append(_Piece(start, end, start_s))
        elif pieces:
            pieces[-1].end_byte = end
    return pieces
