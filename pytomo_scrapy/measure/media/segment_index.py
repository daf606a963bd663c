"""Turns the indexes of an MP4 file, in all forms that the standard allows, into the segments that a player asks for.

One index for all, one before every fragment, one for each track, chains in which the last reference leads to the next
index, and indexes of indexes. Source: ISO/IEC 14496-12, 8.16.3 and annex K.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from pytomo_scrapy.items import MediaSegment

MAX_STAND_INS = 20_000  # for what an index lists that has not arrived
LEAST_STAND_IN_RATIO = 0.1  # of the usual segment's bytes


@dataclass(frozen=True, slots=True)
class Reference:
    """An entry of an index: media, or a further index with all that it lists."""

    start_byte: int
    end_byte: int
    duration_s: Fraction  # exact: players compare sums of them
    is_index: bool = False


@dataclass(frozen=True, slots=True)
class References:
    """The entries of one index, of the track with the number `track_id`."""

    track_id: int
    entries: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Sidx:
    """An index at its place in the file."""

    start_byte: int
    references: References


def parse_sidx(box: bytes, anchor_byte: int) -> References | None:
    """Read what a whole `sidx` box lists. None where it is damaged or empty."""
    try:
        version = box[8]
        track_id, timescale = struct.unpack_from(">II", box, 12)
        first_offset = struct.unpack_from(">Q", box, 28)[0] if version else struct.unpack_from(">I", box, 24)[0]
        counts_at = 36 if version else 28
        count = struct.unpack_from(">H", box, counts_at + 2)[0]
        rows = [struct.unpack_from(">III", box, counts_at + 4 + 12 * index) for index in range(count)]
    except (struct.error, IndexError):
        return None
    entries = []
    position = anchor_byte + first_offset
    for size_and_type, ticks, _ in rows:
        size = size_and_type & 0x7FFFFFFF
        # Some writers put the step back of a reordered picture there: a negative number.
        if not size or not 0 < ticks < 1 << 31 or not timescale:
            return None
        entries.append(Reference(position, position + size, Fraction(ticks, timescale), bool(size_and_type >> 31)))
        position += size
    return References(track_id, tuple(entries)) if entries else None


def segments_of_indexes(indexes: Sequence[Sidx]) -> tuple[MediaSegment, ...]:
    """Return the segments that the indexes of one file list together; times count from the first one's start.

    Of indexes for several tracks those count that reach furthest. Empty where every fragment has an index of its own:
    such indexes list no segments of a player, and the fragments themselves say more.
    """
    longest: tuple[MediaSegment, ...] = ()
    for track_id in dict.fromkeys(index.references.track_id for index in indexes):
        own = [index for index in indexes if index.references.track_id == track_id]
        found = _segments_of_track(own)
        if not longest or _end_s(found) > _end_s(longest):
            longest = found
    return longest


def _end_s(segments: Sequence[MediaSegment]) -> float:
    return segments[-1].start_s + segments[-1].duration_s if segments else 0.0


def _segments_of_track(indexes: Sequence[Sidx]) -> tuple[MediaSegment, ...]:
    by_place = {index.start_byte: index.references for index in indexes}
    referred = {entry.start_byte for index in indexes for entry in index.references.entries if entry.is_index}
    roots = _roots([index for index in indexes if index.start_byte not in referred])
    entries = [entry for root in roots for entry in _resolved(root.references, by_place)]
    usual = next((entry for entry in entries if not entry.is_index), None)
    if usual is None or len(roots) > 1:
        return ()
    segments: list[MediaSegment] = []
    start_s, end_byte = Fraction(0), 0
    for entry in entries:
        if entry.start_byte >= end_byte:  # else it is damaged
            segments += _stand_ins(entry, start_s, usual)
            start_s, end_byte = start_s + entry.duration_s, entry.end_byte
    return tuple(segments)


def _roots(indexes: Sequence[Sidx]) -> list[Sidx]:
    """Leave out what lies within the media of another index: it was damaged, or is none."""
    kept: list[Sidx] = []
    for index in indexes:
        if not kept or index.start_byte >= kept[-1].references.entries[-1].end_byte:
            kept.append(index)
    return kept


def _resolved(references: References, by_place: dict[int, References]) -> Iterator[Reference]:
    """Yield the entries with those of the further indexes in their place, as far as these have arrived."""
    seen: set[int] = set()
    # A stack instead of recursion: a chain may have any number of links.
    waiting = list(reversed(references.entries))
    while waiting:
        entry = waiting.pop()
        further = by_place.get(entry.start_byte) if entry.is_index else None
        if further is None:
            yield entry
        elif entry.start_byte not in seen:
            seen.add(entry.start_byte)
            waiting += reversed(further.entries)


def _stand_ins(entry: Reference, start_s: Fraction, usual: Reference) -> Iterator[MediaSegment]:
    """Yield the segment of an entry; for an index that has not arrived, equal ones of the usual length."""
    size, count = entry.end_byte - entry.start_byte, 1
    if entry.is_index:
        count = max(1, min(round(entry.duration_s / usual.duration_s), MAX_STAND_INS))
        # Some writers count an index's own bytes alone: nothing can be said of its media then.
        if size / count < (usual.end_byte - usual.start_byte) * LEAST_STAND_IN_RATIO:
            return
    for number in range(count):
        yield MediaSegment(
            entry.start_byte + size * number // count,
            entry.start_byte + size * (number + 1) // count,
            float(start_s + entry.duration_s * number / count),
            float(entry.duration_s / count),
        )
