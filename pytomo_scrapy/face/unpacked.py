"""What is stored packed or in a table of its own, as columns of a frame: traces, timelines, samples, stalls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from pytomo_scrapy.face.frames import FrameColumn
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.items.codec import to_plain
from pytomo_scrapy.storage.measurements.blobs import (
    decode_blob,
    decode_host_samples,
    decode_loaded_samples,
    decode_timeline,
    decode_trace,
)
from pytomo_scrapy.storage.measurements.ladder_blob import decode_ladder, is_ladder
from pytomo_scrapy.storage.schema.measurement_tables import arrival_trace, media_timeline, playback_event

# Ids in one question, each a parameter: SQLite before 3.32 takes 999.
_AT_A_TIME = 500
_SAMPLES = {f"{prefix}_samples": prefix for prefix in ("loaded", "loaded_gateway", "loaded_access")}
_HOST_COLUMNS = {
    "host_sample_s": ("s", "when the machine was looked at, from t0"),
    "host_received_bytes": ("bytes", "of the media route's interface, all programs, since the first sample"),
    "host_sent_bytes": ("bytes", "the same, sent"),
    "host_waited_s": ("s", "in which the measuring process had been ready without a processor by then"),
    "host_paused_s": ("s", "in which the measuring process had not run by then"),
}
_POINTS = {
    "arrival_s": "from t0: when so many bytes of the stream had arrived",
    "arrival_bytes": "bytes that had arrived in all by then",
    "offset_bytes": "once so many bytes of the file are there",
    "complete_s": "seconds can be played, counted from the stream's start",
}


def read_blob(packed: bytes | str) -> dict[str, tuple[Any, ...]]:
    """Unpack a blob of an export or of the database: an arrival trace, a media timeline, samples, a ladder.

    Takes bytes, or the base64 text of CSV and JSON lines. Raises StorageError for what is none of them.
    """
    import base64

    try:
        raw = base64.b64decode(packed) if isinstance(packed, str) else bytes(packed)
        if is_ladder(raw):
            ladder = to_plain(decode_ladder(raw))
            return {kind: tuple(ladder[kind]) for kind in ("video", "audio")}
        return decode_blob(raw)
    except ValueError as error:
        raise StorageError(f"The blob is damaged, or none of these: {error}.") from None


def unpacked(columns: Sequence[FrameColumn]) -> list[FrameColumn]:
    """Return the columns with every packed one in the place of its blob."""
    found: list[FrameColumn] = []
    for column in columns:
        prefix = _SAMPLES.get(column.name)
        if column.kind == "blob" and column.name == "host_samples":
            found += _host_columns(column)
            continue
        if column.kind != "blob" or prefix is None:
            found.append(column)
            continue
        decoded = [None if blob is None else decode_loaded_samples(blob, prefix) for blob in column.values]
        for name, meaning in (("sample_s", "when an answered probe was sent, from t0"), ("sample_rtt_s", "round trip")):
            full = f"{prefix}_{name}"
            values = [None if row is None else row[full] for row in decoded]
            found.append(FrameColumn(full, "numbers", {"unit": "s", "meaning": meaning}, values))
    return found


def _host_columns(column: FrameColumn) -> list[FrameColumn]:
    decoded = [None if blob is None else decode_host_samples(blob) for blob in column.values]
    return [
        FrameColumn(
            name, "numbers", {"unit": unit, "meaning": meaning}, [None if row is None else row[name] for row in decoded]
        )
        for name, (unit, meaning) in _HOST_COLUMNS.items()
    ]


def add_trace_points(connection: Connection, columns: list[FrameColumn]) -> None:
    """Add the points of every stream's trace and timeline to the columns of the table `stream`."""
    ids = next(column.values for column in columns if column.name == "id")
    traces = {key: decode_trace(blob) for key, blob in _points(connection, arrival_trace, ids)}
    timelines = {key: decode_timeline(blob) for key, blob in _points(connection, media_timeline, ids)}
    # NULL and not empty where none is stored: retention removes traces and keeps the rows.
    for name, part in (("arrival_s", 0), ("arrival_bytes", 1)):
        columns.append(_numbers(name, [traces[key][part] if key in traces else None for key in ids]))
    for name, part in (("offset_bytes", 0), ("complete_s", 1)):
        columns.append(_numbers(name, [timelines[key][part] if key in timelines else None for key in ids]))


def _numbers(name: str, values: list[Any]) -> FrameColumn:
    unit = "bytes" if name.endswith("_bytes") else "s"
    return FrameColumn(name, "numbers", {"unit": unit, "meaning": _POINTS[name]}, values)


def _points(connection: Connection, table: Table, ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    for first in range(0, len(ids), _AT_A_TIME):
        chosen = table.c.stream_id.in_(ids[first : first + _AT_A_TIME])
        yield from (
            (row[0], row[1]) for row in connection.execute(select(table.c.stream_id, table.c.points).where(chosen))
        )


def add_spans(connection: Connection, columns: list[FrameColumn]) -> None:
    """Add stalls and freezes to the columns of the table `playback`, in their order."""
    ids = next(column.values for column in columns if column.name == "id")
    by_kind: dict[str, dict[int, list[Mapping[str, Any]]]] = {"stall": defaultdict(list), "freeze": defaultdict(list)}
    event = playback_event.c
    for first in range(0, len(ids), _AT_A_TIME):
        query = select(event.playback_id, event.kind, event.start_s, event.duration_s, event.is_open)
        chosen = query.where(event.playback_id.in_(ids[first : first + _AT_A_TIME])).order_by(event.id)
        for key, kind, start_s, duration_s, is_open in connection.execute(chosen):
            span = {"start_s": start_s, "duration_s": duration_s, "is_open": bool(is_open)}
            by_kind[kind][key].append(span)
    for kind, name in (("stall", "stalls"), ("freeze", "freezes")):
        counts = next(column.values for column in columns if column.name == f"{kind}_count")
        facts = {
            "unit": "s",
            "meaning": f"start, duration and is_open of every {kind}, on the window's clock",
            "null": f"{kind}_count is NULL, or they were thinned out",
        }
        # Without a row an empty list only where none was counted: it would say that playback never stood.
        spans = [by_kind[kind].get(key) or (None if count != 0 else []) for key, count in zip(ids, counts, strict=True)]
        columns.append(FrameColumn(name, "spans", facts, spans))


def describe(frame: Any) -> Any:
    """Return a frame of the same sort with a row for each column of `frame`: its unit, its meaning, when it is NULL."""
    from pytomo_scrapy.face.frames import facts_of, make_frame

    known = facts_of(frame)
    rows = [FrameColumn(name, "text", {}) for name in ("column", "unit", "meaning", "null")]
    for name, facts in known.items():
        for column, value in zip(rows, (name, *(facts.get(key) for key in ("unit", "meaning", "null"))), strict=True):
            column.values.append(value)
    return make_frame(rows, "pandas" if hasattr(frame, "attrs") else "arrow")
