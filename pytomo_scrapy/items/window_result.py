"""What one window on the wire gives: its requests, streams, TCP connections and figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request of a window: a range, a whole file, or a hop of a redirect."""

    stream: int  # index into DownloadResult.streams
    hop: int  # 0, and one more for every redirect followed
    host: str
    port: int
    address: str | None = None
    address_family: int | None = None
    t_s: float | None = None  # start, from the window's t0
    range_start_bytes: int | None = None
    range_end_bytes: int | None = None  # inclusive, as in the Range header; None: open end
    status: int | None = None
    http_version: str | None = None  # "1.1", "2", "3"
    tls_version: str | None = None
    dns_s: float | None = None  # look-up of a redirect's host inside the window
    connect_s: float | None = None  # TCP handshake alone; None where a connection was reused
    tls_s: float | None = None  # TLS handshake alone
    first_byte_s: float | None = None  # request sent to first byte of the answer
    total_s: float | None = None
    received_bytes: int = 0
    content_length_bytes: int | None = None
    content_type: str | None = None
    retry_after_s: float | None = None
    failure: str | None = None
    failure_detail: str | None = None


@dataclass(frozen=True, slots=True)
class StreamDownload:
    """What arrived of one media stream: the trace, and where the bytes lie until they are analysed.

    `arrival_s[i]` is when `arrival_bytes[i]` bytes in all, counted from the file's start, had arrived.
    """

    kind: str
    format_id: str
    received_bytes: int = 0
    size_bytes: int | None = None  # of the whole file, as the server says
    declared_size_bytes: int | None = None
    is_complete: bool = False
    arrival_s: tuple[float, ...] = field(default=(), repr=False)
    arrival_bytes: tuple[int, ...] = field(default=(), repr=False)
    spool_path: str | None = field(default=None, repr=False)  # transient: never stored
    spooled_bytes: int = 0
    failure: str | None = None
    failure_detail: str | None = None
    no_demand: tuple[tuple[float, float], ...] = field(default=(), repr=False)  # (start, end) from t0, paced windows


@dataclass(frozen=True, slots=True)
class TcpConnection:
    """What the kernel said of one media connection (Linux). Last sample, unless the field says otherwise.

    `sent_*` describes our own requests and acknowledgements, never the download. Series: one value a sample.
    """

    stream: int  # index into DownloadResult.streams
    address: str
    port: int
    local_port: int
    rtt_min_s: float | None = None  # smallest round trip of anything that we sent, handshake included
    receiver_rtt_median_s: float | None = None  # over the samples: the receiver's own estimate, queues included
    receiver_rtt_max_s: float | None = None
    received_bytes: int | None = None  # TLS and headers included
    received_segment_count: int | None = None  # with data
    out_of_order_count: int | None = None  # segments that overtook another: reordering, or loss before us
    receive_window_max_bytes: int | None = None  # over the samples
    maximum_segment_bytes: int | None = None  # that the peer sends
    all_received_segment_count: int | None = None  # pure acknowledgements included
    all_sent_segment_count: int | None = None
    sent_retransmission_count: int | None = None
    sent_congestion_window_segments: int | None = None
    sent_delivery_rate_bps: int | None = None
    sample_s: tuple[float, ...] = field(default=(), repr=False)  # from t0
    sample_received_bytes: tuple[int, ...] = field(default=(), repr=False)
    sample_receiver_rtt_s: tuple[float, ...] = field(default=(), repr=False)  # 0: no estimate yet
    sample_out_of_order_count: tuple[int, ...] = field(default=(), repr=False)
    sample_receive_window_bytes: tuple[int, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class DownloadResult:
    """One window on the wire. Throughput is in bits per second of body bytes over active time (docs/metrics.md)."""

    place: int = 0  # order among the item's windows
    mode: str | None = "bulk"  # None, as every figure, where no window was opened
    address_family: int | None = None
    host: str | None = None  # of the first stream
    address: str | None = None
    via_proxy: bool | None = False
    window_s: float | None = None  # allowed length
    elapsed_s: float | None = None  # t0 to the last transfer's end or the deadline
    ended_by: str | None = None  # "complete", "deadline", "failure", "byte_cap"
    started_at: datetime | None = None
    streams: tuple[StreamDownload, ...] = ()
    requests: tuple[HttpRequest, ...] = ()
    received_bytes: int | None = 0
    connect_s: float | None = None  # first media connection
    first_byte_s: float | None = None  # t0 to the first body byte of any stream
    active_s: float | None = None  # first byte to last, no-demand time left out
    no_demand_s: float | None = None
    delivery_bps: float | None = None
    delivery_after_2s_bps: float | None = None
    bin_min_bps: float | None = None
    bin_median_bps: float | None = None
    bin_p95_bps: float | None = None
    bin_max_bps: float | None = None
    foreign_received_bytes: int | None = None  # of this host's interface, not ours
    foreign_sent_bytes: int | None = None
    cpu_ratio: float | None = None  # of all cores, during the window
    is_cross_traffic: bool | None = None
    failure: str | None = None
    failure_detail: str | None = None
    tcp: tuple[TcpConnection, ...] = ()  # empty where the kernel does not tell
    tcp_rtt_min_s: float | None = None  # over all connections, as the next four
    tcp_receiver_rtt_median_s: float | None = None
    tcp_received_segment_count: int | None = None
    tcp_out_of_order_count: int | None = None
    tcp_receive_window_max_bytes: int | None = None
    loaded_sent_count: int | None = None  # small probes to the media host during the window; None: none were sent
    loaded_received_count: int | None = None
    loaded_rtt_min_s: float | None = None  # TCP handshakes, timed by the kernel
    loaded_rtt_median_s: float | None = None
    loaded_rtt_max_s: float | None = None
    loaded_sample_s: tuple[float, ...] = field(default=(), repr=False)  # when each answered probe was sent, from t0
    loaded_sample_rtt_s: tuple[float, ...] = field(default=(), repr=False)
    pair_id: str | None = None  # the same for the windows of both families of a video
    interface_kind: str | None = None  # "ethernet", "wifi", "cellular", "tunnel", "loopback", "other"
    link_rate_bps: int | None = None  # as the interface says
    wifi_signal_dbm: int | None = None
    is_vpn: bool | None = None  # a guess, by the interface's kind and name
    mtu_bytes: int | None = None
    kernel: str | None = None
    congestion_control: str | None = None  # of our own sending
    is_probe_limited: bool | None = None  # this machine, not the path, may have set the rate
    cache_site: str | None = None  # of `host`, decoded from its name
    cache_airport: str | None = None
    loaded_gateway_sent_count: int | None = None  # echoes to the first gateway during the window; None: none were sent
    loaded_gateway_received_count: int | None = None
    loaded_gateway_rtt_min_s: float | None = None
    loaded_gateway_rtt_median_s: float | None = None
    loaded_gateway_rtt_max_s: float | None = None
    loaded_gateway_sample_s: tuple[float, ...] = field(default=(), repr=False)  # as the loaded samples
    loaded_gateway_sample_rtt_s: tuple[float, ...] = field(default=(), repr=False)
    clock_offset_s: float | None = None  # our wall clock minus the media servers'
    clock_offset_error_s: float | None = None  # the offset is within this of the truth
    is_clock_synchronised: bool | None = None  # as the kernel says
    is_cpu_throttled: bool | None = None  # heat, a quota or the hypervisor took processor time
    cpu_throttled_s: float | None = None  # in which a quota held this process back
    cpu_steal_ratio: float | None = None  # of all cores: taken by the hypervisor
    access_technology: str | None = None  # as the user says
    contract_bps: int | None = None  # downstream, as the user says
