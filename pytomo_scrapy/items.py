"""The video item, and one frozen result for each stage of its measurement.

Field names carry their unit: `_s` seconds, `_bytes`, `_bps` bits per second, `_at` aware UTC, `_ratio` 0 to 1.
None means not measured, 0 means measured zero. `t_s` counts from the item's own start on a monotonic clock, except
in an arrival trace, where it counts from `t0`, just before the first media connection starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pytomo_scrapy.failures import Stage, is_skip


@dataclass(frozen=True, slots=True)
class ServiceHints:
    """What a media URL says about its own delivery, kept before its signed parts are stripped."""

    primary_cache: str | None = None  # first name of `mn`
    fallback_cache: str | None = None  # second name of `mn`
    cache_kind: str | None = None  # `mm`
    cache_status: str | None = None  # `ms`
    prefix_length: int | None = None  # `pl`
    service_estimate_bps: int | None = None  # `initcwndbps`, which the service counts in bytes per second
    client: str | None = None  # `c`
    experiments: str | None = None  # `fexp`


@dataclass(frozen=True, slots=True)
class MediaFormat:
    """One media stream as the resolution announced it. `url` and `http_headers` are signed: never stored or logged."""

    kind: str  # "video", "audio" or "muxed"
    format_id: str
    url: str = field(repr=False)
    host: str
    port: int
    http_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    extension: str | None = None
    container: str | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    frame_rate_fps: float | None = None
    declared_bitrate_bps: float | None = None
    declared_size_bytes: int | None = None
    chunk_bytes: int | None = None  # longest range that one request should ask for
    available_at: datetime | None = None
    hints: ServiceHints = field(default_factory=ServiceHints)


@dataclass(frozen=True, slots=True)
class ResolveResult:
    """The media URLs of a video and how they were found."""

    formats: tuple[MediaFormat, ...] = ()
    title: str | None = None
    duration_s: float | None = None
    view_count: int | None = None
    uploaded_at: datetime | None = None
    extractor: str | None = None
    client: str | None = None  # player client that answered
    client_address: str | None = field(default=None, repr=False)  # `ip` of the media URL
    address_family: int | None = None  # 4 or 6: the family the URLs are bound to
    player_config: Mapping[str, Any] | None = None  # what the service declares of its player
    attempt_count: int = 0
    elapsed_s: float | None = None  # of the attempts, service-ordered waits left out
    available_wait_s: float | None = None  # wait ordered by the service (`available_at`)
    software_version: str | None = None  # yt-dlp's
    failure: str | None = None
    failure_detail: str | None = None


@dataclass(frozen=True, slots=True)
class DnsLookup:
    """One query to one resolver."""

    host: str
    resolver: str
    resolver_address: str
    transport: str  # "udp", "tcp", "dot", "doh"
    record_type: str  # "A" or "AAAA"
    t_s: float | None = None
    elapsed_s: float | None = None  # None where no answer came
    rcode: str | None = None
    ttl_s: int | None = None  # smallest of the address records
    cnames: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    failure: str | None = None
    failure_detail: str | None = None


@dataclass(frozen=True, slots=True)
class DnsResult:
    """Every look-up of a video's media hosts, and the address chosen for each host."""

    lookups: tuple[DnsLookup, ...] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)  # host -> address pinned for the window
    resolver: str | None = None  # the resolver whose answers were chosen
    elapsed_s: float | None = None  # the slowest chosen look-up: the part of join time
    failure: str | None = None
    failure_detail: str | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """One family's way to the video (PYTOMO_IP_FAMILY=both). Transient: never stored."""

    family: int
    resolve: ResolveResult
    dns: DnsResult | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """Round trips to one address, idle line. Statistics are over real replies only; late replies are losses."""

    address: str
    method: str | None = None  # "icmp_raw", "icmp_datagram", "tcp_connect", ...
    port: int | None = None  # of the TCP method
    sent_count: int = 0
    received_count: int = 0
    loss_ratio: float | None = None
    rtt_min_s: float | None = None
    rtt_avg_s: float | None = None
    rtt_median_s: float | None = None
    rtt_max_s: float | None = None
    rtt_stddev_s: float | None = None
    via_proxy: bool = False
    failure: str | None = None
    failure_detail: str | None = None


@dataclass(frozen=True, slots=True)
class PingResult:
    """The pings of all distinct addresses of a video's hosts."""

    pings: tuple[Ping, ...] = ()
    elapsed_s: float | None = None
    failure: str | None = None
    failure_detail: str | None = None


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


@dataclass(frozen=True, slots=True)
class Interval:
    """A stall or a freeze, on the window's clock (from t0)."""

    start_s: float
    duration_s: float
    is_open: bool = False  # still going on when the window ended


@dataclass(frozen=True, slots=True)
class MediaSegment:
    """A piece that a segment player fetches whole: its bytes and its media time."""

    start_byte: int
    end_byte: int  # exclusive
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class MediaTimeline:
    """How many media seconds of one stream are complete after its first n bytes, and what the file says of itself.

    `complete_s[i]` seconds, counted from the stream's start, can be played once `offset_bytes[i]` bytes are there.
    """

    kind: str
    method: str  # "packets", "segments" or "linear" (the marked fallback)
    offset_bytes: tuple[int, ...] = field(default=(), repr=False)
    complete_s: tuple[float, ...] = field(default=(), repr=False)
    segments: tuple[MediaSegment, ...] = field(default=(), repr=False)
    init_bytes: int = 0  # bytes before the first segment: header and index
    container: str | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    frame_rate_fps: float | None = None
    bitrate_bps: float | None = None  # file size over duration where both are known
    duration_s: float | None = None
    failure: str | None = None
    failure_detail: str | None = None
    is_index_last: bool = False  # progressive file whose index follows the media: a plain download plays nothing before
    fallback_reason: str | None = None  # why the linear model stands in


@dataclass(frozen=True, slots=True)
class PlaybackResult:
    """What one simulated player would have shown, from one window's arrivals and the media timelines."""

    player: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    place: int = 0  # which of the item's windows
    is_started: bool = False
    is_ended: bool = False  # the video's end was reached inside the window
    horizon_s: float | None = None  # t0 to where the simulation ends
    startup_delay_s: float | None = None  # None: not started, right-censored at horizon_s
    stalls: tuple[Interval, ...] = ()
    freezes: tuple[Interval, ...] | None = None  # None: this player tells no picture
    stall_count: int | None = None  # of 0.1 s and more
    stall_1s_count: int | None = None  # of 1 s and more
    stalled_s: float | None = None
    stall_ratio: float | None = None
    played_s: float | None = None
    initial_buffer_s: float | None = None  # media seconds buffered when playback started
    initial_buffer_bytes: int | None = None
    initial_rate_bps: float | None = None  # initial_buffer_bytes over the time to get them
    buffer_end_s: float | None = None
    media_received_s: float | None = None
    mos_stalling_hossfeld2011: float | None = None
    timeline_method: str | None = None
    is_validated: bool = False  # inside the conditions in which the player model was validated
    is_identifiable: bool = True  # False: the replay would need bytes while the window made no demand
    failure: str | None = None
    failure_detail: str | None = None


@dataclass(slots=True)
class VideoItem:
    """A video on its way through the pipeline; every stage sets its own field and none drops the item."""

    service: str
    video_id: str
    url: str  # canonical page address
    uuid: str  # of the measurement: storing twice stores once
    crawl: str = ""
    pass_number: int = 1
    depth: int = 1
    source: str = ""  # what brought it: "charts:...", "search:...", "urls", "related"
    parent_id: str | None = None
    claim_id: int | None = None  # the frontier row that stands for it
    frontier_order: int | None = None
    title: str | None = None
    started_at: datetime | None = None
    started_s: float | None = None  # monotonic reading that t_s fields count from
    page_failure: str | None = None  # of its watch page: the video is measured all the same
    page_failure_detail: str | None = None
    related_count: int | None = None
    resolve: ResolveResult | None = None
    dns: DnsResult | None = None
    ping: PingResult | None = None
    downloads: tuple[DownloadResult, ...] = ()
    timelines: tuple[tuple[MediaTimeline, ...], ...] = ()  # for each download, one a stream
    playbacks: tuple[PlaybackResult, ...] = ()
    join_time_s: float | None = None
    legs: tuple[Leg, ...] = ()
    failure: str | None = None  # the first that is not a skip, of the stages that end a session
    failure_stage: Stage | None = None
    failure_detail: str | None = None

    def fail(self, stage: Stage, failure: str, detail: str | None = None) -> None:
        """Keep the first failure that ended the session; later ones and skips stay with their own stage."""
        if self.failure is None and not is_skip(failure):
            self.failure, self.failure_stage, self.failure_detail = failure, stage, detail
