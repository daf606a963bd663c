"""The figures of a window that is over, from its trace, its requests and the host's counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pytomo_scrapy.items import DownloadResult
from pytomo_scrapy.measure.interface import (
    Counters,
    cpu_ratio,
    interface_of,
    is_cross_traffic,
    local_address_towards,
    read_counters,
    wire_received_bytes,
    wire_sent_bytes,
)
from pytomo_scrapy.measure.path import family_of
from pytomo_scrapy.measure.throughput import join_arrivals, measure_throughput


def summarise(
    result: DownloadResult,
    chosen: Mapping[str, str],
    local_address: str | None,
    before: Counters,
    foreign_ratio: float,
) -> DownloadResult:
    """Return `result` with everything that follows from its streams and requests, and from the counters since."""
    after = read_counters()
    address = next((row.address for row in result.requests if row.stream == 0 and row.address), None)
    address = address or chosen.get(result.host or "")
    failed = next((stream for stream in result.streams if stream.failure is not None), None)
    arrivals = join_arrivals((stream.arrival_s, stream.arrival_bytes) for stream in result.streams)
    figures = measure_throughput(arrivals)
    connected = [row.connect_s for row in result.requests if row.connect_s is not None]
    result = replace(
        result,
        address=address,
        address_family=family_of(address),
        received_bytes=sum(stream.received_bytes for stream in result.streams),
        connect_s=connected[0] if connected else None,
        first_byte_s=arrivals[0][0] if arrivals else None,
        active_s=figures.active_s,
        no_demand_s=figures.no_demand_s,
        delivery_bps=figures.delivery_bps,
        delivery_after_2s_bps=figures.delivery_after_2s_bps,
        bin_min_bps=figures.bin_min_bps,
        bin_median_bps=figures.bin_median_bps,
        bin_p95_bps=figures.bin_p95_bps,
        bin_max_bps=figures.bin_max_bps,
        cpu_ratio=cpu_ratio(before, after),
        failure=failed.failure if failed else None,
        failure_detail=f"{failed.kind}: {failed.failure_detail}" if failed else None,
    )
    name = interface_of(local_address or local_address_towards(address))
    return _with_foreign_traffic(result, name, before, after, foreign_ratio)


def _with_foreign_traffic(
    result: DownloadResult, interface: str | None, before: Counters, after: Counters, ratio: float
) -> DownloadResult:
    """Take our own bytes, estimated with their headers, from what the interface counted."""
    if interface is None or interface not in before.received_bytes or interface not in after.received_bytes:
        return result
    family = result.address_family or 4
    connections = sum(row.connect_s is not None for row in result.requests)
    is_tls = any(row.tls_s is not None for row in result.requests)
    own_received_bytes = wire_received_bytes(result.received_bytes, family, connections, is_tls)
    own_sent_bytes = wire_sent_bytes(result.received_bytes, family, connections)
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
