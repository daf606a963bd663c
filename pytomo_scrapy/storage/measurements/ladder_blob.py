"""A ladder as compact, versioned bytes (docs/data-format.md): the facts of each track, then its segments."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import fields
from itertools import accumulate
from typing import Any

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.items import Ladder, MediaTrack, TrackSegment
from pytomo_scrapy.items.precision import MEDIA_TICKS_PER_S, ticks_of
from pytomo_scrapy.storage.measurements.blobs import inflated, pack_column, unpack_column

_MAGIC = b"PG\x01"  # the last byte is the version
_UNKNOWN = -1  # a size or a place that is not known
_NOT_FACTS = {"segments", "url", "init_url"}
_FACTS = tuple(field.name for field in fields(MediaTrack) if field.name not in _NOT_FACTS)


def encode_ladder(ladder: Ladder) -> bytes:
    """Pack a ladder; media times to 1 us. Addresses are left out: they are signed."""
    tracks = (*ladder.video, *ladder.audio)
    facts = [{name: getattr(track, name) for name in _FACTS if getattr(track, name) is not None} for track in tracks]
    head = json.dumps({"video": len(ladder.video), "tracks": facts}, separators=(",", ":")).encode()
    columns = [column for track in tracks for column in _columns(track)]
    body = len(head).to_bytes(4, "little") + head + b"".join(pack_column(column) for column in columns)
    return _MAGIC + zlib.compress(body, 9)


def is_ladder(blob: bytes) -> bool:
    """Tell whether these bytes are a stored ladder, of whichever version."""
    return blob[:2] == _MAGIC[:2]


def decode_ladder(blob: bytes) -> Ladder:
    """Unpack a ladder. Raises StorageError for anything else."""
    if blob[:3] != _MAGIC:
        raise StorageError(
            f"A stored ladder starts with {blob[:3]!r}, and this version of pytomo reads only {_MAGIC!r}."
        )
    body = inflated(blob[3:])
    length = int.from_bytes(body[:4], "little")
    head, offset = json.loads(body[4 : 4 + length]), 4 + length
    tracks: list[MediaTrack] = []
    for facts in head["tracks"]:
        columns = []
        for _ in range(5):
            column, offset = unpack_column(body, offset)
            columns.append(column)
        tracks.append(_track(facts, columns))
    return Ladder(tuple(tracks[: head["video"]]), tuple(tracks[head["video"] :]))


def _columns(track: MediaTrack) -> list[list[int]]:
    """Return sizes, lengths, the gaps between segments in time and in bytes, and which kind of places these are."""
    segments = track.segments
    sizes = [_UNKNOWN if segment.size_bytes is None else segment.size_bytes for segment in segments]
    lengths = ticks_of([segment.duration_s for segment in segments], MEDIA_TICKS_PER_S)
    starts = ticks_of([segment.start_s for segment in segments], MEDIA_TICKS_PER_S)
    places = [_UNKNOWN if segment.start_byte is None else segment.start_byte for segment in segments]
    time_gaps = _gaps(starts, lengths)
    # Of places that follow one another only the first says anything.
    is_chain = all(place != _UNKNOWN for place in places) and all(size != _UNKNOWN for size in sizes)
    byte_gaps = _gaps(places, sizes) if is_chain else places
    is_by_url = [int(any(segment.url is not None for segment in segments)), int(is_chain)]
    # Columns are packed as differences: sums of these values keep small numbers small.
    return [list(accumulate(values)) for values in (sizes, lengths, time_gaps, byte_gaps)] + [is_by_url]


def _gaps(starts: Sequence[int], lengths: Sequence[int]) -> list[int]:
    ends = [0, *(start + length for start, length in zip(starts, lengths, strict=True))]
    return [start - end for start, end in zip(starts, ends[:-1], strict=True)]


def _from_gaps(gaps: Sequence[int], lengths: Sequence[int]) -> list[int]:
    starts, end = [], 0
    for gap, length in zip(gaps, lengths, strict=True):
        starts.append(end + gap)
        end = starts[-1] + length
    return starts


def _track(facts: dict[str, Any], columns: Sequence[Sequence[int]]) -> MediaTrack:
    sizes, lengths, time_gaps, byte_gaps = ([b - a for a, b in zip([0, *c[:-1]], c, strict=True)] for c in columns[:4])
    is_by_url, is_chain = (bool(value) for value in columns[4])
    starts = _from_gaps(time_gaps, lengths)
    places = _from_gaps(byte_gaps, sizes) if is_chain else byte_gaps
    segments = tuple(
        TrackSegment(
            start / MEDIA_TICKS_PER_S,
            length / MEDIA_TICKS_PER_S,
            None if size == _UNKNOWN else size,
            None if place == _UNKNOWN else place,
            "" if is_by_url else None,
        )
        for start, length, size, place in zip(starts, lengths, sizes, places, strict=True)
    )
    known = {name: value for name, value in facts.items() if name in _FACTS}
    return MediaTrack(**known, segments=segments)
