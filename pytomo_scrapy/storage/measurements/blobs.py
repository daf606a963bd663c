"""Arrival traces and media timelines as compact, versioned bytes (docs/data-format.md describes every byte).

They take what is rounded already (items/precision.py), and lose nothing of it.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate
from operator import sub
from typing import Any

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.items import HostSamples, MediaSegment, MediaTimeline, TcpConnection
from pytomo_scrapy.items.precision import MEDIA_TICKS_PER_S, TRACE_TICKS_PER_S, ticks_of

_TRACE_MAGIC = b"PT\x01"  # the last byte is the version
_TIMELINE_MAGIC = b"PM\x01"
_TCP_MAGIC = b"PS\x01"
_LOADED_MAGIC = b"PL\x01"
_HOST_MAGIC = b"PH\x01"


def encode_trace(arrival_s: Sequence[float], arrival_bytes: Sequence[int]) -> bytes:
    """Pack an arrival trace; times to 0.1 ms."""
    return _pack(_TRACE_MAGIC, [ticks_of(arrival_s, TRACE_TICKS_PER_S), arrival_bytes])


def decode_trace(blob: bytes) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Unpack an arrival trace: seconds from t0, and bytes in all by then. Raises StorageError for anything else."""
    ticks, total = _unpack(_TRACE_MAGIC, blob, 2)
    return tuple(tick / TRACE_TICKS_PER_S for tick in ticks), tuple(total)


def encode_timeline(timeline: MediaTimeline) -> bytes:
    """Pack the points and segments of a timeline; media times to 1 us. Its scalar fields are columns of their own."""
    segments = timeline.segments
    return _pack(
        _TIMELINE_MAGIC,
        [
            timeline.offset_bytes,
            ticks_of(timeline.complete_s, MEDIA_TICKS_PER_S),
            [segment.start_byte for segment in segments],
            [segment.end_byte for segment in segments],
            ticks_of([segment.start_s for segment in segments], MEDIA_TICKS_PER_S),
            ticks_of([segment.duration_s for segment in segments], MEDIA_TICKS_PER_S),
        ],
    )


def decode_timeline(blob: bytes) -> tuple[tuple[int, ...], tuple[float, ...], tuple[MediaSegment, ...]]:
    """Unpack `offset_bytes`, `complete_s` and `segments` of a timeline. Raises StorageError for anything else."""
    offsets, complete, starts, ends, start_ticks, durations = _unpack(_TIMELINE_MAGIC, blob, 6)
    segments = tuple(
        MediaSegment(start, end, start_tick / MEDIA_TICKS_PER_S, duration / MEDIA_TICKS_PER_S)
        for start, end, start_tick, duration in zip(starts, ends, start_ticks, durations, strict=True)
    )
    return tuple(offsets), tuple(tick / MEDIA_TICKS_PER_S for tick in complete), segments


def encode_tcp_samples(connection: TcpConnection) -> bytes:
    """Pack the samples of a media connection; times to 0.1 ms, round trips to 1 us."""
    columns = [
        ticks_of(connection.sample_s, TRACE_TICKS_PER_S),
        connection.sample_received_bytes,
        ticks_of(connection.sample_receiver_rtt_s, MEDIA_TICKS_PER_S),
        connection.sample_out_of_order_count,
        connection.sample_receive_window_bytes,
    ]
    return _pack(_TCP_MAGIC, columns)


def decode_tcp_samples(blob: bytes) -> dict[str, tuple[float, ...] | tuple[int, ...]]:
    """Unpack the `sample_*` fields of a media connection. Raises StorageError for anything else."""
    ticks, received, rtt_ticks, out_of_order, window = _unpack(_TCP_MAGIC, blob, 5)
    return {
        "sample_s": tuple(tick / TRACE_TICKS_PER_S for tick in ticks),
        "sample_received_bytes": tuple(received),
        "sample_receiver_rtt_s": tuple(tick / MEDIA_TICKS_PER_S for tick in rtt_ticks),
        "sample_out_of_order_count": tuple(out_of_order),
        "sample_receive_window_bytes": tuple(window),
    }


def encode_loaded_samples(sent_s: Sequence[float], rtt_s: Sequence[float]) -> bytes | None:
    """Pack the answered probes of a window; times to 0.1 ms, round trips to 1 us. None where there are none."""
    if not sent_s:
        return None
    return _pack(_LOADED_MAGIC, [ticks_of(sent_s, TRACE_TICKS_PER_S), ticks_of(rtt_s, MEDIA_TICKS_PER_S)])


def decode_loaded_samples(blob: bytes, prefix: str = "loaded") -> dict[str, tuple[float, ...]]:
    """Unpack the fields `<prefix>_sample_*` of a window. Raises StorageError for anything else."""
    ticks, rtt_ticks = _unpack(_LOADED_MAGIC, blob, 2)
    return {
        f"{prefix}_sample_s": tuple(tick / TRACE_TICKS_PER_S for tick in ticks),
        f"{prefix}_sample_rtt_s": tuple(tick / MEDIA_TICKS_PER_S for tick in rtt_ticks),
    }


def encode_host_samples(samples: HostSamples) -> bytes | None:
    """Pack what the machine did during a window; times to 0.1 ms, lengths to 1 us. None where there is nothing."""
    if not samples.sample_s:
        return None
    columns = [
        ticks_of(samples.sample_s, TRACE_TICKS_PER_S),
        samples.received_bytes,
        samples.sent_bytes,
        ticks_of(samples.waited_s, MEDIA_TICKS_PER_S),
        ticks_of(samples.paused_s, MEDIA_TICKS_PER_S),
    ]
    return _pack(_HOST_MAGIC, columns)


def decode_host_samples(blob: bytes) -> dict[str, tuple[float, ...] | tuple[int, ...]]:
    """Unpack the fields `host_*` of a window. Raises StorageError for anything else."""
    ticks, received, sent, waited, paused = _unpack(_HOST_MAGIC, blob, 5)
    return {
        "host_sample_s": tuple(tick / TRACE_TICKS_PER_S for tick in ticks),
        "host_received_bytes": tuple(received),
        "host_sent_bytes": tuple(sent),
        "host_waited_s": tuple(tick / MEDIA_TICKS_PER_S for tick in waited),
        "host_paused_s": tuple(tick / MEDIA_TICKS_PER_S for tick in paused),
    }


def decode_blob(blob: bytes) -> dict[str, tuple[Any, ...]]:
    """Unpack any of these, by its first bytes, under the names of the fields. Raises StorageError for anything else.

    What is packed alike (the round trips to the media host, the gateway and the hop behind it) is named alike.
    """
    if blob[:3] == _TRACE_MAGIC:
        return dict(zip(("arrival_s", "arrival_bytes"), decode_trace(blob), strict=True))
    if blob[:3] == _TIMELINE_MAGIC:
        return dict(zip(("offset_bytes", "complete_s", "segments"), decode_timeline(blob), strict=True))
    if blob[:3] == _TCP_MAGIC:
        return dict(decode_tcp_samples(blob))
    if blob[:3] == _HOST_MAGIC:
        return dict(decode_host_samples(blob))
    return dict(decode_loaded_samples(blob))


def _pack(magic: bytes, columns: Sequence[Sequence[int]]) -> bytes:
    """Each column: its length, then 64-bit differences, byte plane by byte plane, because zlib likes runs."""
    body = b"".join(pack_column(column) for column in columns)
    return magic + zlib.compress(body, 6)


def pack_column(values: Sequence[int]) -> bytes:
    """Pack a column of whole numbers: their count, then the differences."""
    # Of times and sums, which only grow, differences are small: most of their eight planes are zeros.
    differences = array("q", map(sub, values, [0, *values[:-1]]))
    if sys.byteorder == "big":
        differences.byteswap()
    raw = differences.tobytes()
    return len(values).to_bytes(4, "little") + b"".join(raw[plane::8] for plane in range(8))


def _unpack(magic: bytes, blob: bytes, count: int) -> list[list[int]]:
    if blob[:3] != magic:
        raise StorageError(f"A stored trace starts with {blob[:3]!r}, and this version of pytomo reads only {magic!r}.")
    body = inflated(blob[3:])
    columns: list[list[int]] = []
    offset = 0
    for _ in range(count):
        column, offset = unpack_column(body, offset)
        columns.append(column)
    return columns


def inflated(packed: bytes) -> bytes:
    """Return what zlib has packed. Raises StorageError for bytes that are damaged."""
    try:
        return zlib.decompress(packed)
    except zlib.error as error:
        raise StorageError(f"The blob is damaged: {error}.") from error


def unpack_column(body: bytes, offset: int) -> tuple[list[int], int]:
    """Return the column that begins at `offset`, and where the next one does."""
    count = int.from_bytes(body[offset : offset + 4], "little")
    offset += 4
    planes = bytearray(8 * count)
    for plane in range(8):
        planes[plane::8] = body[offset : offset + count]
        offset += count
    differences = array("q", bytes(planes))
    if sys.byteorder == "big":
        differences.byteswap()
    return list(accumulate(differences)), offset
