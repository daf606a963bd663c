"""Write what lies below a measurement: windows, streams with their traces, look-ups, pings, playbacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, insert

from pytomo_scrapy.items import (
    DownloadResult,
    Interval,
    MediaFormat,
    MediaTimeline,
    PlaybackResult,
    TcpConnection,
    VideoItem,
)
from pytomo_scrapy.storage.measurements.blobs import (
    encode_host_samples,
    encode_loaded_samples,
    encode_tcp_samples,
    encode_timeline,
    encode_trace,
)
from pytomo_scrapy.storage.measurements.ladder_blob import encode_ladder
from pytomo_scrapy.storage.measurements.rows import insert_all, insert_one, values_of
from pytomo_scrapy.storage.schema.child_tables import ChildTable
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

_NO_STREAM: dict[str, Any] = {
    column.name: None for column in stream.columns if column.name not in {"id", "measurement_id", "place", "stream"}
}


def private_addresses(item: VideoItem) -> tuple[str | None, ...]:
    """Return the addresses of the client that no text may keep."""
    return (item.resolve.client_address,) if item.resolve else ()


def save_windows(connection: Connection, measurement_id: int, item: VideoItem) -> None:
    """Store every window with its requests, and every stream, downloaded or only announced."""
    formats = item.resolve.formats if item.resolve else ()
    if not item.downloads:
        for stream_index, media_format in enumerate(formats):
            insert_one(connection, stream, _stream_row(measurement_id, 0, stream_index, media_format))
    for window_index, window in enumerate(item.downloads):
        own = values_of(window, download, private_addresses=private_addresses(item))
        samples = {
            "loaded_samples": encode_loaded_samples(window.loaded.sample_s, window.loaded.sample_rtt_s),
            "loaded_gateway_samples": encode_loaded_samples(
                window.loaded_gateway.sample_s, window.loaded_gateway.sample_rtt_s
            ),
            "loaded_access_samples": encode_loaded_samples(
                window.loaded_access.sample_s, window.loaded_access.sample_rtt_s
            ),
            "host_samples": encode_host_samples(window.host_samples),
        }
        row = {"measurement_id": measurement_id, **own, **samples}
        download_id = insert_one(connection, download, row)
        requests = [
            {"download_id": download_id, **values_of(request, http_request, private_addresses=private_addresses(item))}
            for request in window.requests
        ]
        insert_all(connection, http_request, requests)
        insert_all(connection, tcp_connection, [_tcp_row(download_id, tcp) for tcp in window.tcp])
        timelines = item.timelines[window_index] if window_index < len(item.timelines) else ()
        _save_streams(connection, measurement_id, download_id, window, formats, timelines, item)


def _tcp_row(download_id: int, connection: TcpConnection) -> dict[str, Any]:
    samples = encode_tcp_samples(connection) if connection.sample_s else None
    sampled = {"sample_count": len(connection.sample_s), "samples": samples}
    return {"download_id": download_id, **values_of(connection, tcp_connection), **sampled}


def _save_streams(
    connection: Connection,
    measurement_id: int,
    download_id: int,
    window: DownloadResult,
    formats: Sequence[MediaFormat],
    timelines: Sequence[MediaTimeline],
    item: VideoItem,
) -> None:
    left = list(formats)
    for stream_index, received in enumerate(window.streams):
        announced = next((f for f in left if (f.kind, f.format_id) == (received.kind, received.format_id)), None)
        if announced is not None:
            left.remove(announced)
        timeline = timelines[stream_index] if stream_index < len(timelines) else None
        row = _stream_row(measurement_id, window.place, stream_index, announced) | {"download_id": download_id}
        for part, prefix in ((timeline, "file_"), (received, "")):
            if part is not None:
                values = values_of(part, stream, prefix=prefix, private_addresses=private_addresses(item))
                # What neither the transfer nor the file says, the announcement may have said.
                row |= {name: value for name, value in values.items() if value is not None}
        stream_id = insert_one(connection, stream, row)
        _save_points(connection, stream_id, received.arrival_s, received.arrival_bytes, timeline)
    # What was offered and not fetched, numbered behind what was.
    for stream_index, announced in enumerate(left, len(window.streams)):
        row = _stream_row(measurement_id, window.place, stream_index, announced) | {"download_id": download_id}
        insert_one(connection, stream, row)


def _stream_row(
    measurement_id: int, window_index: int, stream_index: int, announced: MediaFormat | None
) -> dict[str, Any]:
    row = _NO_STREAM | {"measurement_id": measurement_id, "place": window_index, "stream": stream_index}
    if announced is not None:
        row |= values_of(announced, stream) | values_of(announced.hints, stream)
    return row


def _save_points(
    connection: Connection,
    stream_id: int,
    arrival_s: Sequence[float],
    arrival_bytes: Sequence[int],
    timeline: MediaTimeline | None,
) -> None:
    if arrival_s:
        points = encode_trace(arrival_s, arrival_bytes)
        connection.execute(
            insert(arrival_trace), {"stream_id": stream_id, "point_count": len(arrival_s), "points": points}
        )
    if timeline is not None and (timeline.offset_bytes or timeline.segments):
        row = {
            "stream_id": stream_id,
            "point_count": len(timeline.offset_bytes),
            "segment_count": len(timeline.segments),
            "points": encode_timeline(timeline),
        }
        connection.execute(insert(media_timeline), row)


def save_lookups(connection: Connection, measurement_id: int, item: VideoItem) -> None:
    """Store every DNS query with its addresses, and mark the one whose answer was measured."""
    if item.dns is None:
        return
    rows = []
    for lookup in item.dns.lookups:
        measured_address = item.dns.chosen.get(lookup.host) if lookup.resolver == item.dns.resolver else None
        own = values_of(lookup, dns_lookup, private_addresses=private_addresses(item))
        # A host has an answer for each family: the one that holds the address is meant.
        is_chosen = measured_address is not None and measured_address in lookup.addresses
        rows.append(
            {"measurement_id": measurement_id, "chosen_address": measured_address if is_chosen else None, **own}
        )
    ids = insert_all(connection, dns_lookup, rows)
    addresses = [
        {"lookup_id": lookup_id, "place": position, "address": address}
        for lookup_id, lookup in zip(ids, item.dns.lookups, strict=True)
        for position, address in enumerate(lookup.addresses)
    ]
    if addresses:
        connection.execute(insert(dns_address), addresses)


def save_rows(connection: Connection, measurement_id: int, item: VideoItem, child: ChildTable) -> None:
    """Store the results of a probe that are rows and nothing else."""
    private = private_addresses(item)
    found = child.results(item) if child.results else ()
    rows = [
        {"measurement_id": measurement_id, **values_of(result, child.table, private_addresses=private)}
        for result in found
    ]
    if rows:
        connection.execute(insert(child.table), rows)


def save_playbacks(connection: Connection, measurement_id: int, item: VideoItem) -> None:
    """Store what every player showed."""
    for result in item.playbacks:
        save_playback(connection, measurement_id, result, private_addresses(item))


def save_playback(
    connection: Connection, measurement_id: int, result: PlaybackResult, private: Sequence[str | None] = ()
) -> int:
    """Store one player's result with its stalls and freezes. Returns its id."""
    row = {
        "measurement_id": measurement_id,
        "freeze_count": None if result.freezes is None else len(result.freezes),
        **values_of(result, playback, private_addresses=private),
    }
    playback_id = insert_one(connection, playback, row)
    events = [
        {"playback_id": playback_id, "kind": kind, **{f.name: getattr(interval, f.name) for f in fields(Interval)}}
        for kind, interval in _events(result)
    ]
    if events:
        connection.execute(insert(playback_event), events)
    return playback_id


def save_ladders(connection: Connection, measurement_id: int, item: VideoItem) -> None:
    """Store the ladder of each window, and the best quality that plays."""
    for result in item.ladders:
        row = {
            "measurement_id": measurement_id,
            "rungs": None if result.ladder is None else encode_ladder(result.ladder),
            **values_of(result, ladder, private_addresses=private_addresses(item)),
        }
        insert_one(connection, ladder, row)


def _events(result: PlaybackResult) -> Iterator[tuple[str, Interval]]:
    yield from (("stall", interval) for interval in result.stalls)
    yield from (("freeze", interval) for interval in result.freezes or ())
