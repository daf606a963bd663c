"""Read measurements back: as nested records for JSON, as lists, and as the results that a replay simulates from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, select, true

from pytomo_scrapy.items import DownloadResult, HttpRequest, Ladder, MediaTimeline, StreamDownload, TcpConnection
from pytomo_scrapy.items.codec import to_plain
from pytomo_scrapy.items.stored import from_flat
from pytomo_scrapy.storage.measurements.blobs import (
    decode_host_samples,
    decode_loaded_samples,
    decode_tcp_samples,
    decode_timeline,
    decode_trace,
)
from pytomo_scrapy.storage.measurements.ladder_blob import decode_ladder
from pytomo_scrapy.storage.row_keys import is_named
from pytomo_scrapy.storage.schema.child_tables import CHILD_TABLES, below
from pytomo_scrapy.storage.schema.crawl_tables import crawl, measurement, run, vantage, video
from pytomo_scrapy.storage.schema.measurement_tables import (
    arrival_trace,
    dns_address,
    dns_lookup,
    download,
    http_request,
    ladder,
    media_timeline,
    playback,
    playback_event,
    stream,
    tcp_connection,
)

_T = TypeVar("_T")
# A window and its timelines, one a stream.
Recalled = tuple[DownloadResult, tuple[MediaTimeline, ...]]
# The targets of the round trips that were sampled while a window was open.
_LOADED = ("loaded", "loaded_gateway", "loaded_access")
# Row numbers mean nothing outside of this database, where exports of several are laid together.
_LINKS = {"id", "measurement_id", "download_id", "playback_id", "lookup_id", "video_row_id", "vantage_id", "run_id"}


# Of those without a start SQLite thinks that they are the oldest, and PostgreSQL the newest.
NEWEST_FIRST = (measurement.c.started_at.desc().nulls_last(), measurement.c.id.desc())


def matching(
    *,
    crawl_name: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    service: str | None = None,
    provider: str | None = None,
    video_id: str | None = None,
    run_id: int | None = None,
    has_superseded: bool = False,
) -> ColumnElement[bool]:
    """Return the condition for the measurements asked for; superseded ones are left out. `until` is exclusive."""
    conditions: list[ColumnElement[bool]] = [true() if has_superseded else measurement.c.is_superseded.is_(False)]
    if crawl_name is not None:
        # A name that was used again after its crawl had finished stands for several crawls.
        conditions.append(measurement.c.crawl_id.in_(select(crawl.c.id).where(crawl.c.name == crawl_name)))
    if since is not None:
        conditions.append(measurement.c.started_at >= since.astimezone(UTC))
    if until is not None:
        conditions.append(measurement.c.started_at < until.astimezone(UTC))
    for column, value in ((video.c.service, service), (video.c.video_id, video_id)):
        if value is not None:
            conditions.append(measurement.c.video_row_id.in_(select(video.c.id).where(column == value)))
    if provider is not None:
        conditions.append(measurement.c.vantage_id.in_(select(vantage.c.id).where(vantage.c.provider == provider)))
    if run_id is not None:
        conditions.append(measurement.c.run_id == run_id)
    return and_(*conditions)


def latest(connection: Connection, limit: int, offset: int, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the newest measurements with their video."""
    query = (
        select(measurement, video.c.service, video.c.video_id, video.c.url, video.c.title)
        .join(video, video.c.id == measurement.c.video_row_id)
        .where(matching(**filters))
        .order_by(*NEWEST_FIRST)
        .limit(limit)
        .offset(offset)
    )
    return [_plain(row) | {"id": row.id} for row in connection.execute(query)]


def full_record(connection: Connection, key: int | str, *, has_points: bool) -> dict[str, Any] | None:
    """Return everything that is stored of one measurement. None where there is none of that id or uuid."""
    row = connection.execute(select(measurement).where(is_named(measurement, key))).one_or_none()
    if row is None:
        return None
    return _plain(row) | {
        "id": row.id,
        "video": _one(connection, video, row.video_row_id),
        "vantage": _one(connection, vantage, row.vantage_id),
        "run": _one(connection, run, row.run_id),
        "downloads": _downloads(connection, row.id, has_points),
        "announced_streams": _many(
            connection,
            select(stream)
            .where(stream.c.measurement_id == row.id, stream.c.download_id.is_(None))
            .order_by(stream.c.place, stream.c.stream),
        ),
        "dns_lookups": _lookups(connection, row.id),
        **{child.record: _rows(connection, child.table, row.id) for child in CHILD_TABLES if child.results},
        "playbacks": _playbacks(connection, row.id),
        "ladders": [_ladder(ladder_row, has_points) for ladder_row in _ladder_rows(connection, row.id)],
    }


def _plain(row: Row[Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row._mapping.items()
        if name not in _LINKS
    }


def _one(connection: Connection, table: Table, key: int) -> dict[str, Any]:
    return _plain(connection.execute(select(table).where(table.c.id == key)).one())


def _many(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    return [_plain(row) for row in connection.execute(query)]


def _rows(connection: Connection, table: Table, measurement_id: int) -> list[dict[str, Any]]:
    return _many(connection, select(table).where(below(table, [measurement_id])).order_by(*table.primary_key))


def _downloads(connection: Connection, measurement_id: int, has_points: bool) -> list[dict[str, Any]]:
    windows = select(download).where(download.c.measurement_id == measurement_id).order_by(download.c.place)
    return [
        _window(window, has_points)
        | {
            "streams": [_stream(connection, row, has_points) for row in _stream_rows(connection, window.id)],
            "requests": _many(connection, _requests(window.id)),
            "tcp": [_tcp(row, has_points) for row in connection.execute(_connections(window.id))],
        }
        for window in connection.execute(windows).all()
    ]


def _window(row: Row[Any], has_points: bool) -> dict[str, Any]:
    plain = _plain(row)
    samples = {prefix: plain.pop(f"{prefix}_samples") for prefix in _LOADED}
    host = plain.pop("host_samples")
    if not has_points:
        return plain
    return plain | _loaded(samples) | (decode_host_samples(host) if host else {})


def _loaded(samples: Mapping[str, bytes | None]) -> dict[str, tuple[float, ...]]:
    unpacked: dict[str, tuple[float, ...]] = {}
    for prefix, blob in samples.items():
        if blob:
            unpacked |= decode_loaded_samples(blob, prefix)
    return unpacked


def _stream_rows(connection: Connection, download_id: int) -> list[Row[Any]]:
    rows = select(stream).where(stream.c.download_id == download_id).order_by(stream.c.stream)
    return list(connection.execute(rows).all())


def _connections(download_id: int) -> Select[Any]:
    return select(tcp_connection).where(tcp_connection.c.download_id == download_id).order_by(tcp_connection.c.id)


def _tcp(row: Row[Any], has_points: bool) -> dict[str, Any]:
    plain = _plain(row)
    samples = plain.pop("samples")
    return plain | (decode_tcp_samples(samples) if has_points and samples else {})


def _requests(download_id: int) -> Select[Any]:
    return select(http_request).where(http_request.c.download_id == download_id).order_by(http_request.c.id)


def _stream(connection: Connection, row: Row[Any], has_points: bool) -> dict[str, Any]:
    plain = _plain(row)
    if has_points:
        trace, timeline = _points(connection, arrival_trace, row.id), _points(connection, media_timeline, row.id)
        if trace is not None:
            plain["arrival_s"], plain["arrival_bytes"] = decode_trace(trace)
        if timeline is not None:
            offset_bytes, complete_s, segments = decode_timeline(timeline)
            plain |= {"offset_bytes": offset_bytes, "complete_s": complete_s}
            plain["segments"] = [{f.name: getattr(segment, f.name) for f in fields(segment)} for segment in segments]
    return plain


def _points(connection: Connection, table: Table, stream_id: int) -> bytes | None:
    points: bytes | None = connection.execute(select(table.c.points).where(table.c.stream_id == stream_id)).scalar()
    return points


def _lookups(connection: Connection, measurement_id: int) -> list[dict[str, Any]]:
    lookups = select(dns_lookup).where(dns_lookup.c.measurement_id == measurement_id).order_by(dns_lookup.c.id)
    rows = connection.execute(lookups).all()
    given: dict[int, list[str]] = {row.id: [] for row in rows}
    addresses = select(dns_address).where(dns_address.c.lookup_id.in_(list(given)))
    for address in connection.execute(addresses.order_by(dns_address.c.lookup_id, dns_address.c.place)):
        given[address.lookup_id].append(address.address)
    return [_plain(row) | {"addresses": given[row.id]} for row in rows]


def _playbacks(connection: Connection, measurement_id: int) -> list[dict[str, Any]]:
    playbacks = select(playback).where(playback.c.measurement_id == measurement_id).order_by(playback.c.id)
    records = []
    for row in connection.execute(playbacks).all():
        events = select(playback_event).where(playback_event.c.playback_id == row.id).order_by(playback_event.c.id)
        by_kind: dict[str, list[dict[str, Any]]] = {"stall": [], "freeze": []}
        for event in connection.execute(events):
            plain = _plain(event)
            by_kind[plain.pop("kind")].append(plain)
        # None, where this player does not know when it shows a picture: no freeze would be a claim.
        freezes = by_kind["freeze"] if row.freeze_count is not None else None
        records.append(_plain(row) | {"stalls": by_kind["stall"], "freezes": freezes})
    return records


def _ladder_rows(connection: Connection, measurement_id: int) -> list[Row[Any]]:
    rows = select(ladder).where(ladder.c.measurement_id == measurement_id).order_by(ladder.c.place)
    return list(connection.execute(rows).all())


def _ladder(row: Row[Any], has_points: bool) -> dict[str, Any]:
    plain = _plain(row)
    rungs = plain.pop("rungs")
    return plain | ({"ladder": to_plain(decode_ladder(rungs))} if has_points and rungs else {})


def recall_ladders(connection: Connection, measurement_id: int) -> dict[int, Ladder]:
    """Return the stored ladders of a measurement's windows, by the window's place."""
    return {row.place: decode_ladder(row.rungs) for row in _ladder_rows(connection, measurement_id) if row.rungs}


def recall_windows(
    connection: Connection, measurement_id: int
) -> list[tuple[DownloadResult, tuple[MediaTimeline, ...]]]:
    """Return the stored windows with their timelines, as the players were given them: a replay starts from these."""
    return recall_windows_of(connection, [measurement_id]).get(measurement_id, [])


def recall_windows_of(connection: Connection, measurement_ids: Sequence[int]) -> dict[int, list[Recalled]]:
    """Return the stored windows of several measurements, each as `recall_windows` does: a question a table."""
    windows = select(download).where(download.c.measurement_id.in_(measurement_ids))
    rows = connection.execute(windows.order_by(download.c.measurement_id, download.c.place)).all()
    ids = [row.id for row in rows]
    parts = _WindowParts(
        streams=_by_owner(connection, select(stream), stream.c.download_id, ids, stream.c.stream),
        requests=_by_owner(connection, select(http_request), http_request.c.download_id, ids, http_request.c.id),
        tcp=_by_owner(connection, select(tcp_connection), tcp_connection.c.download_id, ids, tcp_connection.c.id),
        traces=_points_of(connection, arrival_trace, measurement_ids),
        timelines=_points_of(connection, media_timeline, measurement_ids),
    )
    found: dict[int, list[Recalled]] = defaultdict(list)
    for row in rows:
        found[row.measurement_id].append(_recall(row, parts))
    return found


class _WindowParts(NamedTuple):
    """The rows below several windows, by the window's id, and the packed points, by the stream's."""

    streams: Mapping[int, list[Row[Any]]]
    requests: Mapping[int, list[Row[Any]]]
    tcp: Mapping[int, list[Row[Any]]]
    traces: Mapping[int, bytes]
    timelines: Mapping[int, bytes]


def _by_owner(
    connection: Connection, query: Select[Any], owner: ColumnElement[Any], ids: Sequence[int], order: ColumnElement[Any]
) -> Mapping[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(query.where(owner.in_(ids)).order_by(owner, order)):
        found[row.download_id].append(row)
    return found


def _points_of(connection: Connection, table: Table, measurement_ids: Sequence[int]) -> Mapping[int, bytes]:
    query = (
        select(table.c.stream_id, table.c.points)
        .join(stream, stream.c.id == table.c.stream_id)
        .where(stream.c.measurement_id.in_(measurement_ids))
    )
    return {row.stream_id: row.points for row in connection.execute(query)}


def _recall(row: Row[Any], parts: _WindowParts) -> Recalled:
    streams, timelines = [], []
    for stored in parts.streams.get(row.id, ()):
        if stored.received_bytes is None:
            continue  # announced, but never asked for in this window
        trace = parts.traces.get(stored.id)
        arrival_s, arrival_bytes = decode_trace(trace) if trace else ((), ())
        points = {"arrival_s": arrival_s, "arrival_bytes": arrival_bytes}
        no_demand = tuple((start_s, end_s) for start_s, end_s in stored.no_demand or ())
        streams.append(_result(StreamDownload, stored, **points, no_demand=no_demand))
        if stored.timeline_method is not None:
            timelines.append(_recall_timeline(stored, parts.timelines.get(stored.id)))
    requests = tuple(_result(HttpRequest, request) for request in parts.requests.get(row.id, ()))
    tcp = tuple(
        _result(
            TcpConnection,
            stored_connection,
            **(decode_tcp_samples(stored_connection.samples) if stored_connection.samples else {}),
        )
        for stored_connection in parts.tcp.get(row.id, ())
    )
    loaded = _loaded({prefix: row._mapping[f"{prefix}_samples"] for prefix in _LOADED})
    host = decode_host_samples(row.host_samples) if row.host_samples else {}
    ad_waits = tuple((start_s, end_s) for start_s, end_s in row.ad_waits or ())
    below_it = {"streams": tuple(streams), "requests": requests, "tcp": tcp, "ad_waits": ad_waits}
    return _result(DownloadResult, row, **below_it, **loaded, **host), tuple(timelines)


def _recall_timeline(stored: Row[Any], points: bytes | None) -> MediaTimeline:
    offset_bytes, complete_s, segments = decode_timeline(points) if points else ((), (), ())
    known = {name: value for name, value in stored._mapping.items() if value is not None}
    packed = {"file_offset_bytes": offset_bytes, "file_complete_s": complete_s, "file_segments": segments}
    return from_flat(MediaTimeline, known | packed, "file_")


def _result(kind: type[_T], row: Row[Any], **more: Any) -> _T:
    """Build a result from the columns that follow from its fields."""
    return from_flat(kind, {**row._mapping, **more})
