"""Reads the structure of a WebM or Matroska file: its clusters, and the cues that index them.

Source: RFC 8794 (EBML) and RFC 9559 (Matroska).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import BinaryIO

from pytomo_scrapy.items import MediaSegment
from pytomo_scrapy.measure.media.layout import MAX_INDEX_BYTES, Layout, read_at

MAX_ELEMENTS = 100_000  # of one level, as the boxes of an MP4 file

_SEGMENT, _CLUSTER, _CUES, _INFO = 0x18538067, 0x1F43B675, 0x1C53BB6B, 0x1549A966
_TIMECODE_SCALE, _DURATION, _CLUSTER_TIMECODE = 0x2AD7B1, 0x4489, 0xE7
_CUE_POINT, _CUE_TIME, _CUE_TRACK_POSITIONS, _CUE_CLUSTER_POSITION = 0xBB, 0xB3, 0xB7, 0xF1


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
    for _ in range(MAX_ELEMENTS):
        element = _ebml_number(data, position, keep_marker=True)
        size = _ebml_number(data, element[1], keep_marker=False) if element else None
        if element is None or size is None or size[0] < 0 or size[1] + size[0] > len(data):
            return
        yield element[0], data[size[1] : size[1] + size[0]]
        position = size[1] + size[0]


def _element_at(file: BinaryIO, position: int) -> tuple[int, int, int] | None:
    """Return (id, first body byte, size or -1) of the element whose header starts at `position`."""
    header = read_at(file, position, 16)
    element = _ebml_number(header, 0, keep_marker=True)
    size = _ebml_number(header, element[1], keep_marker=False) if element else None
    if element is None or size is None:
        return None
    return element[0], position + size[1], size[0]


def read_webm(file: BinaryIO, received_bytes: int, size_bytes: int | None, layout: Layout) -> None:
    """Walk the segment of a file of which the first `received_bytes` are there, and add what is found to `layout`."""
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
    for _ in range(MAX_ELEMENTS):
        element = _element_at(file, position) if position < received_bytes else None
        if element is None or element[2] < 0:
            break
        kind, body, size = element
        if kind == _INFO and size <= MAX_INDEX_BYTES:
            scale_s, layout.duration_s = _webm_info(read_at(file, body, size))
        elif kind == _CUES and size <= MAX_INDEX_BYTES and body + size <= received_bytes:
            cues = list(_webm_cues(read_at(file, body, size), base, scale_s))
            end = min(end, position) if clusters else end
        elif kind == _CLUSTER:
            start_s = next(
                (
                    _unsigned(value) * scale_s
                    for key, value in _elements(read_at(file, body, 32))
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
