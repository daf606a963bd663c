"""What else the host did during a window: foreign bytes on the route's interface, and CPU load."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field

import psutil

from pytomo_scrapy.measure.host.host_sampler import waited_s
from pytomo_scrapy.measure.host.throttling import ThrottleCounters, read_throttling

# Headers that the interface counts and a body does not: Ethernet 14, IP 20 or 40, TCP with timestamps 32.
FRAME_BYTES = {4: 66, 6: 86}
SEGMENT_BYTES = {4: 1448, 6: 1428}
TLS_RECORD_BYTES = 16384
TLS_RECORD_OVERHEAD_BYTES = 22  # Source: RFC 8446, 5.2: header 5, content type 1, tag 16
HANDSHAKE_RECEIVED_BYTES = 6000  # certificates of one TLS handshake, roughly
REQUEST_SENT_BYTES = 2500  # handshake and request of one connection, roughly
# ARP, neighbours and a chat client are not cross traffic, whatever share of a tiny transfer they are.
MIN_FOREIGN_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Counters:
    """One reading of the host: bytes by interface, and CPU seconds of all cores."""

    received_bytes: dict[str, int]
    sent_bytes: dict[str, int]
    cpu_busy_s: float
    cpu_total_s: float
    own_cpu_s: float = 0.0  # of this process
    throttling: ThrottleCounters = field(default_factory=ThrottleCounters)
    waited_s: float | None = None  # this process, for a processor


def read_counters() -> Counters:
    """Read the interface and CPU counters of this host."""
    interfaces = psutil.net_io_counters(pernic=True)
    times = psutil.cpu_times()
    total_s = float(sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0))
    idle_s = float(times.idle + getattr(times, "iowait", 0.0))
    return Counters(
        {name: counters.bytes_recv for name, counters in interfaces.items()},
        {name: counters.bytes_sent for name, counters in interfaces.items()},
        total_s - idle_s,
        total_s,
        time.process_time(),
        read_throttling(),
        waited_s(),
    )


def cpu_ratio(before: Counters, after: Counters) -> float | None:
    """Return the busy share of all cores between two readings. None where no time passed."""
    total_s = after.cpu_total_s - before.cpu_total_s
    if total_s <= 0:
        return None
    return min(1.0, max(0.0, (after.cpu_busy_s - before.cpu_busy_s) / total_s))


def interface_of(local_address: str | None) -> str | None:
    """Return the name of the interface that has `local_address`. None for loopback, where all is sent and received."""
    if not local_address or local_address.startswith("127.") or local_address == "::1":
        return None
    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address.split("%")[0] == local_address for address in addresses):
            return str(name)
    return None


def local_address_towards(address: str | None) -> str | None:
    """Return the local address that the route to `address` starts from. Sends nothing. None where there is no route."""
    if not address:
        return None
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 443))
            return str(probe.getsockname()[0])
    except OSError:
        return None


def wire_received_bytes(body_bytes: int, family: int, connections: int, is_tls: bool) -> int:
    """Estimate what an interface counts for `body_bytes` of media that arrive: headers, records, handshakes."""
    records = body_bytes // TLS_RECORD_BYTES + 1 if is_tls else 0
    stream_bytes = body_bytes + records * TLS_RECORD_OVERHEAD_BYTES
    if is_tls:
        stream_bytes += connections * HANDSHAKE_RECEIVED_BYTES
    segments = stream_bytes // SEGMENT_BYTES[family] + 1
    return stream_bytes + segments * FRAME_BYTES[family]


def wire_sent_bytes(body_bytes: int, family: int, connections: int) -> int:
    """Estimate what we send for `body_bytes` that arrive: an acknowledgement for every second segment, requests."""
    acknowledgements = body_bytes // SEGMENT_BYTES[family] // 2 + 1
    return acknowledgements * FRAME_BYTES[family] + connections * REQUEST_SENT_BYTES


def is_cross_traffic(foreign_bytes: int | None, own_bytes: int, ratio: float) -> bool | None:
    """Tell whether foreign bytes are more than `ratio` of all bytes. None when they were not measured."""
    if foreign_bytes is None:
        return None
    return foreign_bytes >= MIN_FOREIGN_BYTES and foreign_bytes > ratio * (foreign_bytes + own_bytes)
