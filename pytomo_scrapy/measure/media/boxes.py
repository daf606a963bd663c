"""Reads just enough structure of a media file to know its kind, where its index lies, and which segments it has.

Every walk is bounded: files come from the network and may be cut, damaged or hostile.

Source: ISO/IEC 14496-12 (boxes; `mvhd` in 8.2.2, `sidx` in 8.16.3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from pytomo_scrapy.measure.media.ebml import read_webm
from pytomo_scrapy.measure.media.layout import MAX_INDEX_BYTES, Layout, read_at
from pytomo_scrapy.measure.media.segment_index import Sidx, parse_sidx, segments_of_indexes
from pytomo_scrapy.measure.media.sniffing import SNIFF_BYTES, sniff, tag_bytes

MAX_BOXES = 100_000  # of one level: 27 h of one-second fragments
_LARGEST_HEADER_BYTES = 16
_EMPTY_TAG = b"ID3\4\0\0\0\0\0\0"
_LEAST_TIMESCALE = 10  # a coarser clock says too little of where a movie ends
_UNKNOWN_MOVIE = (0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)


def read_layout(file: BinaryIO, received_bytes: int, size_bytes: int | None) -> Layout:
    """Walk the top level of a file of which the first `received_bytes` are there."""
    layout = Layout(container=_container(file, received_bytes))
    if layout.container == "mp4":
        _read_mp4(file, received_bytes, size_bytes, layout)
    elif layout.container == "webm":
        read_webm(file, received_bytes, size_bytes, layout)
    return layout


def _container(file: BinaryIO, received_bytes: int) -> str | None:
    head = read_at(file, 0, min(SNIFF_BYTES, received_bytes))
    tags = tag_bytes(head)
    # A tag with a picture is long: what stands behind it is looked at alone, with the tag's first bytes before it.
    if len(head) < tags < received_bytes:
        head = _EMPTY_TAG + read_at(file, tags, min(SNIFF_BYTES, received_bytes - tags))
    return sniff(head)


def _walk_boxes(file: BinaryIO, received_bytes: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start, end) of the top-level boxes whose header has arrived."""
    position = 0
    for _ in range(MAX_BOXES):
        # Asked first: a hostile length leads beyond what a file can seek to.
        if position + 8 > received_bytes:
            return
        header = read_at(file, position, _LARGEST_HEADER_BYTES)
        if len(header) < 8:
            return
        size, kind = struct.unpack(">I4s", header[:8])
        if size == 1 and len(header) == _LARGEST_HEADER_BYTES:
            size = struct.unpack(">Q", header[8:])[0]
        elif size == 0:  # to the end of the file
            size = 1 << 62
        if size < 8:
            return
        yield kind, position, position + size
        position += size


def _read_mp4(file: BinaryIO, received_bytes: int, size_bytes: int | None, layout: Layout) -> None:
    layout.boxes = list(_walk_boxes(file, received_bytes))
    index = next(((start, end) for kind, start, end in layout.boxes if kind == b"moov" and end <= received_bytes), None)
    media_start = next(
        (start for kind, start, end in layout.boxes if kind == b"mdat" and not is_empty(start, end)), None
    )
    has_cut_index = any(kind == b"moov" for kind, _, _ in layout.boxes)
    layout.is_index_missing = index is None and (media_start is not None or has_cut_index)
    media_tracks: set[int] = set()
    if index is not None:
        moov = read_at(file, index[0], min(index[1] - index[0], MAX_INDEX_BYTES))
        layout.movie_s, media_tracks = _movie_s(moov), _media_tracks(moov)
        if media_start is not None and media_start < index[1]:
            layout.index_end_bytes = index[1]
    layout.fragments = tuple(_fragments(layout.boxes))
    indexes = [
        Sidx(start, found)
        for kind, start, end in layout.boxes
        if kind == b"sidx"
        and end <= received_bytes
        and end - start <= MAX_INDEX_BYTES
        and (found := parse_sidx(read_at(file, start, end - start), end))
    ]
    # Those of subtitles and the like say nothing of what is played.
    of_media = [index for index in indexes if index.references.track_id in media_tracks]
    layout.segments = segments_of_indexes(of_media or indexes)
    if any(entry.is_index for index in indexes for entry in index.references.entries):
        layout.hidden_boxes = tuple(index.start_byte for index in indexes)
    if layout.boxes and layout.boxes[-1][0] != b"mdat" and layout.boxes[-1][2] > received_bytes:
        layout.whole_bytes = layout.boxes[-1][1]
    if layout.segments:
        last = layout.segments[-1]
        layout.init_bytes = layout.segments[0].start_byte
        layout.is_index_partial = _has_media_behind(layout, size_bytes)
        layout.duration_s = None if layout.is_index_partial else last.start_s + last.duration_s
    elif layout.fragments:
        layout.init_bytes = layout.fragments[0][0]


def is_empty(start: int, end: int) -> bool:
    """Tell whether a box holds nothing: such an `mdat`, as editors leave it, says nothing of the index's place."""
    return end - start <= _LARGEST_HEADER_BYTES


def _movie_s(moov: bytes) -> float | None:
    """Return the duration that the movie's header declares, or that of its fragments (`mehd`): the longer one.

    The first box of the index is its header as a rule; that of its fragments counts by the same clock.
    """
    if moov[12:16] != b"mvhd":
        return None
    try:
        timescale, duration = struct.unpack_from(">IQ" if moov[16] == 1 else ">II", moov, 36 if moov[16] == 1 else 28)
        fragments = _fragments_duration(moov)
    except (struct.error, IndexError):
        return None
    known = [value for value in (duration, fragments) if value not in _UNKNOWN_MOVIE]
    return max(known) / timescale if known and timescale >= _LEAST_TIMESCALE else None


def _fragments_duration(moov: bytes) -> int:
    """Return what `mehd` declares for all fragments together, in the movie's clock. 0 where there is none."""
    inner = _inner(moov, (b"mvex", b"mehd"))
    if not inner:
        return 0
    duration: int = struct.unpack_from(">Q" if inner[8] == 1 else ">I", inner, 12)[0]
    return duration


def _media_tracks(moov: bytes) -> set[int]:
    """Return the numbers of the tracks that hold pictures or sound."""
    found = set()
    for kind, track in _children(moov):
        header, handler = _inner(track, (b"tkhd",)), _inner(track, (b"mdia", b"hdlr"))
        if kind == b"trak" and len(header) >= 32 and handler[16:20] in {b"vide", b"soun"}:
            found.add(struct.unpack_from(">I", header, 28 if header[8] == 1 else 20)[0])
    return found


def _inner(box: bytes, path: tuple[bytes, ...]) -> bytes:
    """Return the first box that lies within a box under these names. Empty where there is none."""
    for name in path:
        box = next((inner for kind, inner in _children(box) if kind == name), b"")
    return box


def _children(box: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (type, whole box) of what lies within a box."""
    position = 8
    for _ in range(MAX_BOXES):
        if position + 8 > len(box):
            return
        size, kind = struct.unpack_from(">I4s", box, position)
        if size < 8:
            return
        yield kind, box[position : position + size]
        position += size


def _fragments(boxes: list[tuple[bytes, int, int]]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each fragment: from its header to its last media box."""
    start, end = None, None
    for kind, box_start, box_end in boxes:
        if kind == b"moof":
            if start is not None and end is not None:
                yield start, end
            start, end = box_start, None
        elif kind == b"mdat" and start is not None:
            end = box_end
    if start is not None and end is not None:
        yield start, end


def _has_media_behind(layout: Layout, size_bytes: int | None) -> bool:
    """Tell whether the file goes on behind the last segment that its indexes list."""
    first, last = layout.segments[0], layout.segments[-1]
    if any(kind in {b"moof", b"sidx"} and start >= last.end_byte for kind, start, _ in layout.boxes):
        return True
    # Less than half a segment is an index for seeking (mfra) or the like.
    mean_bytes = (last.end_byte - first.start_byte) / len(layout.segments)
    return size_bytes is not None and size_bytes - last.end_byte > mean_bytes / 2
