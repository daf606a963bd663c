"""The figures of a window that is over, from its trace, its requests and the host's counters."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address

from pytomo_scrapy.items import DownloadResult, HostState, HttpRequest, LoadedRtt, StreamDownload, Surroundings
from pytomo_scrapy.measure.host.interface import (
    FRAME_BYTES,
    REQUEST_SENT_BYTES,
    Counters,
    cpu_ratio,
    interface_of,
    is_cross_traffic,
    local_address_towards,
    read_counters,
    wire_received_bytes,
    wire_sent_bytes,
)
from pytomo_scrapy.measure.host.surroundings import disk_free_bytes, is_probe_limited, read_surroundings
from pytomo_scrapy.measure.host.throttling import compare_throttling
from pytomo_scrapy.measure.host.wall_clock import is_clock_synchronised
from pytomo_scrapy.measure.net.cache_site import read_cache_site
from pytomo_scrapy.measure.net.path import family_of
from pytomo_scrapy.measure.window.beside import SideMeasurements
from pytomo_scrapy.measure.window.pacing import common_spans
from pytomo_scrapy.measure.window.probes import LoadedRoundTrips
from pytomo_scrapy.measure.window.tcp_info import summarise_tcp
from pytomo_scrapy.measure.window.throughput import join_arrivals, measure_throughput


def in_order(requests: Iterable[HttpRequest]) -> tuple[HttpRequest, ...]:
    """Return requests by when they were begun; of those begun at once the first stream's first, which is the host's."""
    # Both streams of a window begin at 0: by which ended first, the handshake of the window could be the other host's.
    return tuple(sorted(requests, key=lambda row: (row.t_s or 0.0, row.stream)))


def summarise(
    result: DownloadResult,
    chosen: Mapping[str, str],
    local_address: str | None,
    before: Counters,
    foreign_ratio: float,
    side: SideMeasurements,
) -> DownloadResult:
    """Return `result` with everything that follows from its streams and requests, and from the counters since."""
    after = read_counters()
    address = next((row.address for row in result.requests if row.stream == 0 and row.address), None)
    address = address or chosen.get(result.host or "")
    failed = next((stream for stream in result.streams if stream.failure is not None), None)
    arrivals = join_arrivals((stream.arrival_s, stream.arrival_bytes) for stream in result.streams)
    site = read_cache_site(result.host)
    own_address = local_address or local_address_towards(address)
    interface = interface_of(own_address)
    cpu_load = cpu_ratio(before, after)
    result = replace(
        result,
        address=address,
        address_family=family_of(address),
        cache_site=site.name if site else None,
        cache_airport=site.airport if site else None,
        received_bytes=sum(stream.received_bytes for stream in result.streams),
        connect_s=next((row.connect_s for row in result.requests if row.connect_s is not None), None),
        first_byte_s=arrivals[0][0] if arrivals else None,
        throughput=measure_throughput(arrivals, _no_demand(result)),
        tcp_summary=summarise_tcp(result.tcp),
        loaded=_loaded_rtt(side.loaded),
        loaded_gateway=_loaded_rtt(side.gateway),
        loaded_access=_loaded_rtt(side.access),
        host_samples=side.host,
        surroundings=_surroundings(interface, own_address, result),
        host_state=_host_state(side, before, after, result.elapsed_s or 0.0),
        cpu_ratio=cpu_load,
        is_probe_limited=is_probe_limited(cpu_load, after.own_cpu_s - before.own_cpu_s, result.elapsed_s),
        failure=failed.failure if failed else None,
        failure_detail=f"{failed.kind}: {failed.failure_detail}" if failed else None,
    )
    return _with_foreign_traffic(result, interface, before, after, foreign_ratio)


def _surroundings(interface: str | None, local_address: str | None, result: DownloadResult) -> Surroundings:
    spool = next((stream.spool_path for stream in result.streams if stream.spool_path), None)
    found = replace(read_surroundings(interface), disk_free_bytes=disk_free_bytes(spool))
    # Loopback has no interface with counters of use, but it is a kind.
    is_loopback = interface is None and local_address is not None and ip_address(local_address).is_loopback
    return replace(found, interface_kind="loopback") if is_loopback else found


def _loaded_rtt(probes: LoadedRoundTrips | None) -> LoadedRtt:
    if probes is None:
        return LoadedRtt()
    return LoadedRtt(
        sent_count=probes.sent_count,
        received_count=len(probes.rtt_s),
        rtt_min_s=min(probes.rtt_s, default=None),
        rtt_median_s=statistics.median(probes.rtt_s) if probes.rtt_s else None,
        rtt_max_s=max(probes.rtt_s, default=None),
        sample_s=probes.sample_s,
        sample_rtt_s=probes.rtt_s,
    )


def _host_state(side: SideMeasurements, before: Counters, after: Counters, elapsed_s: float) -> HostState:
    clock = side.clock
    cpu_total_s = after.cpu_total_s - before.cpu_total_s
    slowed = compare_throttling(before.throttling, after.throttling, elapsed_s, cpu_total_s)
    return HostState(
        clock_offset_s=clock.offset_s if clock else None,
        clock_offset_error_s=clock.error_s if clock else None,
        cpu_throttled_s=slowed.quota_s,
        cpu_steal_ratio=slowed.steal_ratio,
        is_clock_synchronised=is_clock_synchronised(),
        is_cpu_throttled=slowed.is_throttled,
        cpu_waited_s=None
        if before.waited_s is None or after.waited_s is None
        else max(0.0, after.waited_s - before.waited_s),
        probe_paused_s=side.paused_s,
    )


def _no_demand(result: DownloadResult) -> list[tuple[float, float]]:
    """Return the times in which no stream asked for anything; one that is complete, or has failed, asks no more."""
    end_s = result.elapsed_s or 0.0
    idle = []
    for stream_index, stream in enumerate(result.streams):
        last_s = _last_asked_s(result, stream_index, stream)
        tail = [(last_s, end_s)] if last_s is not None and last_s < end_s else []
        idle.append([*stream.no_demand, *tail])
    return common_spans(idle) if result.mode in {"paced", "adaptive"} else []


def _last_asked_s(result: DownloadResult, stream_index: int, stream: StreamDownload) -> float | None:
    """Return until when a stream asked that asks no more. None of one that would have gone on."""
    if stream.is_complete:
        return stream.arrival_s[-1] if stream.arrival_s else None
    if stream.failure is None:
        return None
    rows = [row for row in result.requests if row.stream == stream_index and row.t_s is not None]
    if not rows:
        return None
    ended_s = max((row.t_s or 0.0) + (row.total_s or row.dns_s or 0.0) for row in rows)
    # One of a wrong length may have gone on, and may be at rest.
    return max([ended_s, *stream.arrival_s[-1:], *(span_end_s for _, span_end_s in stream.no_demand)])


def _with_foreign_traffic(
    result: DownloadResult, interface: str | None, before: Counters, after: Counters, ratio: float
) -> DownloadResult:
    """Subtract our own bytes, estimated with their headers, from the interface's counts."""
    if interface is None or interface not in before.received_bytes or interface not in after.received_bytes:
        return result
    own_received_bytes, own_sent_bytes = _own_bytes(result)
    received_bytes = after.received_bytes[interface] - before.received_bytes[interface] - own_received_bytes
    sent_bytes = after.sent_bytes[interface] - before.sent_bytes[interface] - own_sent_bytes
    return replace(
        result,
        foreign_received_bytes=max(0, received_bytes),
        foreign_sent_bytes=max(0, sent_bytes),
        is_cross_traffic=bool(
            is_cross_traffic(max(0, received_bytes), own_received_bytes, ratio)
            or is_cross_traffic(max(0, sent_bytes), own_received_bytes, ratio)
        ),
    )


def _own_bytes(result: DownloadResult) -> tuple[int, int]:
    """Return our share of the interface's counts, received and sent: from the kernel's counts, else an estimate."""
    family = result.address_family or 4
    frame = FRAME_BYTES[family]
    counted = [
        (connection.received_bytes, connection.all_received_segment_count, connection.all_sent_segment_count)
        for connection in result.tcp
    ]
    if counted and all(None not in counts for counts in counted):
        received_bytes = sum((body or 0) + (segments or 0) * frame for body, segments, _ in counted)
        return received_bytes, sum((segments or 0) * frame for _, _, segments in counted) + REQUEST_SENT_BYTES
    connections = sum(row.connect_s is not None for row in result.requests)
    is_tls = any(row.tls_s is not None for row in result.requests)
    return (
        wire_received_bytes(result.received_bytes or 0, family, connections, is_tls),
        wire_sent_bytes(result.received_bytes or 0, family, connections),
    )
