"""Reads just enough structure of a media file to know its kind, where its index lies, and which segments it has.

Every walk is bounded: files come from the network and may be cut, damaged or hostile.

Source: ISO/IEC 14496-12 (boxes, `sidx` in 8.16.3), RFC 8794 and RFC 9559 (EBML, Matroska), FLV 10.1, ISO/IEC 13818-1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import BinaryIO

from pytomo_scrapy.items import MediaSegment

MAX_BOXES = 100_000  # of one level: 27 h of one-second fragments
MAX_INDEX_BYTES = 4 * 1024 * 1024  # an index element longer than this is not read

_MP4_FIRST_BOXES = {b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"sidx", b"moof", b"pnot", b"uuid"}
_TS_PACKET_BYTES = 188

_EBML_HEADER, _SEGMENT, _CLUSTER, _CUES, _INFO = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0x1C53BB6B, 0x1549A966
_TIMECODE_SCALE, _DURATION, _CLUSTER_TIMECODE = 0x2AD7B1, 0x4489, 0xE7
_CUE_POINT, _CUE_TIME, _CUE_TRACK_POSITIONS, _CUE_CLUSTER_POSITION = 0xBB, 0xB3, 0xB7, 0xF1


@dataclass(slots=True)
class Layout:
    """What the walk over a file's top level found; positions are bytes from the file's start."""

    container: str | None = None  # "mp4", "webm", "flv", "mpegts"; None: not a media file that we know
    segments: tuple[MediaSegment, ...] = ()  # of the index
    fragments: tuple[tuple[int, int], ...] = ()  # (start, end) of each fragment or cluster seen, end as it declares
    fragment_s: tuple[float, ...] = ()  # start of each of `fragments`, where the file says it (WebM)
    init_bytes: int = 0
    duration_s: float | None = None  # as the index declares
    index_end_bytes: int | None = None  # end of a `moov` that lies behind the media
    is_index_missing: bool = False  # media, or part of an index, but no whole index within the received bytes
    boxes: list[tuple[bytes, int, int]] = field(default_factory=list)


def sniff(head: bytes) -> str | None:
    """Return the container that the first bytes of a file announce. None when they are no media that we read."""
    if head[4:8] in _MP4_FIRST_BOXES:
        return "mp4"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "webm"
    if head[:3] == b"FLV":
        return "flv"
    packet_starts = range(0, min(len(head), 3 * _TS_PACKET_BYTES), _TS_PACKET_BYTES)
    if head and all(head[start] == 0x47 for start in packet_starts):
        return "mpegts"
    return None


def read_layout(file: BinaryIO, received_bytes: int, size_bytes: int | None) -> Layout:
    """Walk the top level of a file of which the first `received_bytes` are there."""
    head = file.read(3 * _TS_PACKET_BYTES)
    layout = Layout(container=sniff(head))
    if layout.container == "mp4":
        _read_mp4(file, received_bytes, layout)
    elif layout.container == "webm":
        _read_webm(file, received_bytes, size_bytes, layout)
    return layout


def _read_at(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)


def _walk_boxes(file: BinaryIO, received_bytes: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start, end) of the top-level boxes whose header has arrived."""
    position = 0
    for _ in range(MAX_BOXES):
        # Asked first: a hostile length leads beyond what a file can seek to.
        if position + 8 > received_bytes:
            return
        header = _read_at(file, position, 16)
        if len(header) < 8:
            return
        size, kind = struct.unpack(">I4s", header[:8])
        if size == 1 and len(header) == 16:
            size = struct.unpack(">Q", header[8:])[0]
        elif size == 0:  # to the end of the file
            size = 1 << 62
        if size < 8:
            return
        yield kind, position, position + size
        position += size


def _read_mp4(file: BinaryIO, received_bytes: int, layout: Layout) -> None:
    layout.boxes = list(_walk_boxes(file, received_bytes))
    index_end = next((end for kind, _, end in layout.boxes if kind == b"moov" and end <= received_bytes), None)
    media_start = next((start for kind, start, _ in layout.boxes if kind == b"mdat"), None)
    has_cut_index = any(kind == b"moov" for kind, _, _ in layout.boxes)
    layout.is_index_missing = index_end is None and (media_start is not None or has_cut_index)
    if index_end is not None and media_start is not None and media_start < index_end:
        layout.index_end_bytes = index_end
    layout.fragments = tuple(
        (before[1], after[2])
        for before, after in pairwise(layout.boxes)
        if before[0] == b"moof" and after[0] == b"mdat"
    )
    for kind, start, end in layout.boxes:
        if kind == b"sidx" and end <= received_bytes and end - start <= MAX_INDEX_BYTES and not layout.segments:
            layout.segments = parse_sidx(_read_at(file, start, end - start), end)
    if layout.segments:
        layout.init_bytes = layout.segments[0].start_byte
        layout.duration_s = layout.segments[-1].start_s + layout.segments[-1].duration_s
    elif layout.fragments:
        layout.init_bytes = layout.fragments[0][0]


def parse_sidx(box: bytes, anchor_byte: int) -> tuple[MediaSegment, ...]:
    """Read the segments that a whole `sidx` box lists; times count from its first segment.

    Empty where the box is damaged or refers to further indexes: the fragments themselves are used then.
    """
    try:
        version = box[8]
        timescale = struct.unpack_from(">I", box, 16)[0]
        first_offset = struct.unpack_from(">Q", box, 28)[0] if version else struct.unpack_from(">I", box, 24)[0]
        counts_at = 36 if version else 28
        count = struct.unpack_from(">H", box, counts_at + 2)[0]
        references = [struct.unpack_from(">III", box, counts_at + 4 + 12 * index) for index in range(count)]
    except (struct.error, IndexError):
        return ()
    if not timescale or any(size >> 31 for size, _, _ in references):
        return ()
    segments = []
    position, ticks = anchor_byte + first_offset, 0
    for size, duration, _ in references:
        if not size or not duration:
            return ()
        segments.append(MediaSegment(position, position + size, ticks / timescale, duration / timescale))
        position += size
        ticks += duration
    return tuple(segments)


def _ebml_number(data: bytes, position: int, *, keep_marker: bool) -> tuple[int, int] | None:
    """Read a variable-length number at `position`: (value, position behind it). An unknown size (all bits 1) is -1."""
    if position >= len(data) or not data[position]:
        return None
    length = 9 - data[position].bit_length()
    if position + length > len(data):
        return None
    value = int.from_bytes(data[position : position + length], "big")
    if not keep_marker:
        value &= (1 << 7 * length) - 1
        if value == (1 << 7 * length) - 1:
            value = -1
    return value, position + length


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (id, body) of the EBML elements in `data`; a cut last one is left out."""
    position = 0
    for _ in range(MAX_BOXES):
        element = _ebml_number(data, position, keep_marker=True)
        size = _ebml_number(data, element[1], keep_marker=False) if element else None
        if element is None or size is None or size[0] < 0 or size[1] + size[0] > len(data):
            return
        yield element[0], data[size[1] : size[1] + size[0]]
        position = size[1] + size[0]


def _element_at(file: BinaryIO, position: int) -> tuple[int, int, int] | None:
    """Return (id, first body byte, size or -1) of the element whose header starts at `position`."""
    header = _read_at(file, position, 16)
    element = _ebml_number(header, 0, keep_marker=True)
    size = _ebml_number(header, element[1], keep_marker=False) if element else None
    if element is None or size is None:
        return None
    return element[0], position + size[1], size[0]


def _read_webm(file: BinaryIO, received_bytes: int, size_bytes: int | None, layout: Layout) -> None:
    header = _element_at(file, 0)
    segment = _element_at(file, header[1] + header[2]) if header and header[2] >= 0 else None
    if segment is None or segment[0] != _SEGMENT:
        return
    base = segment[1]
    end = base + segment[2] if segment[2] >= 0 else size_bytes or received_bytes
    scale_s = 1e-3
    cues: list[tuple[float, int]] = []
    clusters: list[tuple[float, int, int]] = []
    position = base
    for _ in range(MAX_BOXES):
        element = _element_at(file, position) if position < received_bytes else None
        if element is None or element[2] < 0:
            break
        kind, body, size = element
        if kind == _INFO and size <= MAX_INDEX_BYTES:
            scale_s, layout.duration_s = _webm_info(_read_at(file, body, size))
        elif kind == _CUES and size <= MAX_INDEX_BYTES and body + size <= received_bytes:
            cues = list(_webm_cues(_read_at(file, body, size), base, scale_s))
            end = min(end, position) if clusters else end
        elif kind == _CLUSTER:
            start_s = next(
                (
                    _unsigned(value) * scale_s
                    for key, value in _elements(_read_at(file, body, 32))
                    if key == _CLUSTER_TIMECODE
                ),
                None,
            )
            if start_s is None:
                break
            clusters.append((start_s, position, body + size))
        position = body + size
    layout.fragments = tuple((start, stop) for _, start, stop in clusters)
    layout.fragment_s = tuple(start_s for start_s, _, _ in clusters)
    layout.segments = _segments_of_cues(cues, end, layout.duration_s)
    if layout.segments or clusters:
        layout.init_bytes = layout.segments[0].start_byte if layout.segments else clusters[0][1]


def _unsigned(body: bytes) -> int:
    return int.from_bytes(body[:8], "big")


def _webm_info(body: bytes) -> tuple[float, float | None]:
    found = dict(_elements(body))
    scale_s = _unsigned(found.get(_TIMECODE_SCALE, b"")) / 1e9 or 1e-3
    raw = found.get(_DURATION, b"")
    duration = struct.unpack(">d" if len(raw) == 8 else ">f", raw)[0] * scale_s if len(raw) in (4, 8) else None
    return scale_s, duration if duration is not None and 0 < duration < 1e7 else None


def _webm_cues(body: bytes, base: int, scale_s: float) -> Iterator[tuple[float, int]]:
    """Yield (start, cluster position) of each cue point."""
    for kind, point in _elements(body):
        if kind != _CUE_POINT:
            continue
        found = dict(_elements(point))
        where = dict(_elements(found.get(_CUE_TRACK_POSITIONS, b"")))
        if _CUE_TIME in found and _CUE_CLUSTER_POSITION in where:
            yield _unsigned(found[_CUE_TIME]) * scale_s, base + _unsigned(where[_CUE_CLUSTER_POSITION])


def _segments_of_cues(
    cues: Sequence[tuple[float, int]], end_byte: int, duration_s: float | None
) -> tuple[MediaSegment, ...]:
    """Turn cue points into segments, one a cluster. Empty where they do not rise: a damaged index is no index."""
    points = [point for index, point in enumerate(cues) if not index or point[1] != cues[index - 1][1]]
    if not points or duration_s is None:
        return ()
    points.append((duration_s, end_byte))
    if any(after[0] <= before[0] or after[1] <= before[1] for before, after in pairwise(points)):
        return ()
    first_s = points[0][0]
    return tuple(
        MediaSegment(before[1], after[1], before[0] - first_s, after[0] - before[0])
        for before, after in pairwise(points)
    )
