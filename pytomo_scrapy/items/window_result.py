"""What one window on the wire gives: its requests, streams, TCP connections and figures."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime

from pytomo_scrapy.items.ladder import Ladder
from pytomo_scrapy.items.playback_result import MediaSegment, PlaybackResult
from pytomo_scrapy.items.quality_spell import QualitySpell
from pytomo_scrapy.items.stored import about, failure_detail, failure_of, part, stored
from pytomo_scrapy.items.window_parts import (
    HostSamples,
    HostState,
    LoadedRtt,
    SabrFigures,
    Surroundings,
    TcpSummary,
    Throughput,
)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request of a window: a range, a whole file, or a hop of a redirect."""

    stream: int = field(metadata=about("index of the stream in its window"))
    hop: int = field(metadata=about("0, and one more for every redirect followed"))
    host: str = field(metadata=about("host that was asked"))
    port: int = field(metadata=about("TCP or UDP port that was asked"))
    address: str | None = stored(None, "address of the server that answered", null="never connected")
    address_family: int | None = stored(None, "address family of the connection: 4 or 6", null="never connected")
    t_s: float | None = stored(None, "when the request was begun", null="not started", unit="s from t0")
    range_start_bytes: int | None = stored(None, "first byte asked for", null="no Range")
    range_end_bytes: int | None = stored(None, "last byte asked for, inclusive", null="open end")
    status: int | None = stored(None, "status code of the answer", null="no answer", unit="code")
    http_version: str | None = stored(None, "HTTP version of the answer: 1.1, 2 or 3", null="no answer")
    tls_version: str | None = stored(None, "version of TLS that was negotiated", null="no TLS")
    dns_s: float | None = stored(None, "look-up of a redirect's host inside the window", null="not looked up here")
    connect_s: float | None = stored(None, "TCP handshake alone", null="connection reused")
    tls_s: float | None = stored(None, "TLS handshake alone", null="connection reused or no TLS")
    first_byte_s: float | None = stored(None, "request sent to first byte of the answer", null="no byte")
    total_s: float | None = stored(None, "length of the whole request, to its last byte", null="not ended")
    received_bytes: int = stored(0, "body bytes of the answer that arrived")
    content_length_bytes: int | None = stored(
        None, "length of the body that the answer declared (Content-Length)", null="not declared"
    )
    content_type: str | None = stored(
        None, "type of the body that the answer declared (Content-Type)", null="not declared"
    )
    retry_after_s: float | None = stored(None, "wait that the answer asked for (Retry-After)", null="not declared")
    failure: str | None = failure_of("the request")
    failure_detail: str | None = failure_detail("the request")
    segment: int | None = stored(
        None, "which part of a stream that is delivered in segments, from 0, headers counted", null="a file"
    )
    rung: int | None = stored(
        None, "the quality that the player of an adaptive window asked for; 1 is the lowest", null="no adaptive window"
    )


@dataclass(frozen=True, slots=True)
class StreamPart:
    """Where a part of a stream that came in segments lies among its received bytes; `end_byte` is exclusive.

    Of a part that did not come, both are the number of received bytes.
    """

    start_byte: int
    end_byte: int
    start_s: float  # media time, from the video's start
    duration_s: float | None  # None: a header, which is no media
    run: int = 0  # one more behind every discontinuity
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class StreamDownload:
    """What arrived of one media stream: the trace, and where the bytes lie until they are analysed.

    `arrival_s[i]` is when `arrival_bytes[i]` bytes in all, counted from the file's start, had arrived.
    """

    kind: str
    format_id: str
    _: KW_ONLY
    declared_size_bytes: int | None = None
    received_bytes: int = stored(0, "body bytes of the stream that arrived", null="only announced")
    size_bytes: int | None = stored(None, "size of the whole file, as the server says", null="the server did not say")
    spooled_bytes: int = stored(0, "bytes kept on disk for the analysis", null="only announced")
    spool_lost_bytes: int = stored(
        0,
        "bytes that were to be kept for the analysis and the disk did not take, as far as known",
        null="only announced",
    )
    is_complete: bool = stored(False, "whether the whole file arrived", null="only announced")
    no_demand: tuple[tuple[float, float], ...] = stored(
        (),
        "[start, end] in s from t0 while a paced or adaptive window asked for nothing of this stream; empty: none",
        null="only announced",
        unit="JSON list",
        repr=False,
    )
    arrival_s: tuple[float, ...] = field(default=(), repr=False)
    arrival_bytes: tuple[int, ...] = field(default=(), repr=False)
    spool_path: str | None = field(default=None, repr=False)  # transient: never stored
    parts: tuple[StreamPart, ...] = field(default=(), repr=False)  # transient; empty: it came as a file
    failure: str | None = failure_of("this stream")
    failure_detail: str | None = failure_detail("this stream")
    # Over SABR, what the headers of segments say of their place and time. Transient: the timeline keeps it.
    announced_segments: tuple[MediaSegment, ...] = field(default=(), repr=False)
    is_one_file: bool = True  # False: segments of several qualities follow each other


@dataclass(frozen=True, slots=True)
class TcpConnection:
    """What the kernel said of one media connection (Linux). Last sample, unless the field says otherwise.

    `sent_*` describes our own requests and acknowledgements, never the download. Series: one value a sample.
    """

    stream: int = field(metadata=about("index of the stream in its window"))
    address: str = field(metadata=about("address of the peer"))
    port: int = field(metadata=about("TCP port of the peer"))
    local_port: int = field(metadata=about("our own TCP port"))
    rtt_min_s: float | None = stored(
        None, "smallest round trip of anything that we sent, handshake included", null="not reported"
    )
    receiver_rtt_median_s: float | None = stored(
        None,
        "median over the samples of the kernel's own estimate of the round trip as the receiver, queues included",
        null="not reported",
    )
    receiver_rtt_max_s: float | None = stored(None, "largest of the samples of that estimate", null="not reported")
    received_bytes: int | None = stored(None, "bytes received, TLS and headers included", null="not reported")
    received_segment_count: int | None = stored(
        None, "segments with data that arrived", null="not reported", unit="segments"
    )
    out_of_order_count: int | None = stored(
        None, "segments that came out of order: reordering, or loss before us", null="not reported", unit="segments"
    )
    receive_window_max_bytes: int | None = stored(None, "largest receive window over the samples", null="not reported")
    maximum_segment_bytes: int | None = stored(None, "largest segment that the peer sends", null="not reported")
    all_received_segment_count: int | None = stored(
        None, "segments that arrived, acknowledgements included", null="not reported", unit="segments"
    )
    all_sent_segment_count: int | None = stored(
        None, "segments that we sent, acknowledgements included", null="not reported", unit="segments"
    )
    sent_retransmission_count: int | None = stored(
        None, "segments of our requests that were sent again", null="not reported", unit="segments"
    )
    sent_congestion_window_segments: int | None = stored(
        None, "congestion window for our requests", null="not reported", unit="segments"
    )
    sent_delivery_rate_bps: int | None = stored(None, "rate at which our requests were delivered", null="not reported")
    sample_s: tuple[float, ...] = field(default=(), repr=False)  # from t0
    sample_received_bytes: tuple[int, ...] = field(default=(), repr=False)
    sample_receiver_rtt_s: tuple[float, ...] = field(default=(), repr=False)  # 0: no estimate yet
    sample_out_of_order_count: tuple[int, ...] = field(default=(), repr=False)
    sample_receive_window_bytes: tuple[int, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class DownloadResult:
    """One window on the wire. Throughput is in bits per second of body bytes over active time (docs/metrics.md)."""

    place: int = stored(0, "order among the measurement's windows, from 0")
    mode: str | None = stored(
        "bulk",
        "how the window fetched: bulk, paced, adaptive (a player chose the qualities), or full (downloaded to its end)",
        null="no window was opened",
    )
    ended_by: str | None = stored(None, "what ended the window: complete, deadline, failure, byte_cap", null="unknown")
    address_family: int | None = stored(None, "address family of the window: 4 or 6", null="unknown")
    host: str | None = stored(None, "media host of the first stream", null="unknown")
    address: str | None = stored(
        None, "address of that host that the window was pinned to", null="behind a proxy, or never connected"
    )
    via_proxy: bool | None = stored(
        False, "went through a proxy: address and ping are the proxy's path", null="no window was opened"
    )
    is_cross_traffic: bool | None = stored(
        None, "whether foreign bytes were above `PYTOMO_FOREIGN_TRAFFIC_RATIO`", null="not known"
    )
    window_s: float | None = stored(None, "length that the window was allowed", null="unknown")
    elapsed_s: float | None = stored(
        None, "length of the window: t0 to the last transfer's end or the deadline", null="not opened"
    )
    connect_s: float | None = stored(None, "TCP handshake of the first media connection", null="no connection")
    first_byte_s: float | None = stored(None, "t0 to the first body byte of any stream", null="no byte came")
    throughput: Throughput = part(Throughput())
    cpu_ratio: float | None = stored(None, "CPU load of all cores during the window", null="not known")
    started_at: datetime | None = stored(None, "when the window began, by the wall clock", null="not opened")
    streams: tuple[StreamDownload, ...] = ()
    requests: tuple[HttpRequest, ...] = ()
    live_playback: PlaybackResult | None = None  # of the player of an adaptive window: a row of its own
    live_ladder: Ladder | None = field(default=None, repr=False)  # that it chose among: a row of its own too
    tcp: tuple[TcpConnection, ...] = ()  # empty where the kernel does not report them
    tcp_summary: TcpSummary = part(TcpSummary(), "tcp_")
    loaded: LoadedRtt = part(LoadedRtt(), "loaded_")
    received_bytes: int | None = stored(0, "body bytes of all streams", null="no window was opened")
    foreign_received_bytes: int | None = stored(
        None, "bytes that this host's interface received and that were not ours", null="not known"
    )
    foreign_sent_bytes: int | None = stored(
        None, "bytes that this host's interface sent and that were not ours", null="not known"
    )
    pair_id: str | None = stored(
        None,
        "name that the windows of a video share that are to be compared: of both families "
        "(`PYTOMO_IP_FAMILY=both`), of "
        "both transports (`PYTOMO_TRANSPORT=both`)",
        null="no pair",
    )
    surroundings: Surroundings = part(Surroundings())
    is_probe_limited: bool | None = stored(
        None,
        "all cores, or the measuring process, were busy for 90 % of the window: this machine may have set the rate",
        null="not known",
    )
    cache_site: str | None = stored(
        None,
        "site in the name of `host`, deciphered (docs/probes.md), such as `fra24s14` or `orange-mrs2`",
        null="the name is none of a known cipher",
    )
    cache_airport: str | None = stored(None, "airport code in `cache_site`, such as `fra`", null="as `cache_site`")
    loaded_gateway: LoadedRtt = part(
        LoadedRtt(),
        "loaded_gateway_",
        sent_count="ICMP echoes to the first gateway of the media route during the window",
        received_count="ICMP echoes to that gateway that were answered",
        rtt_min_s="smallest loaded round trip to the gateway",
        rtt_median_s="median loaded round trip to the gateway",
        rtt_max_s="largest loaded round trip to the gateway",
    )
    host_state: HostState = part(HostState())
    access_technology: str | None = stored(
        None, "technology of the access line, as the user says (`PYTOMO_ACCESS_TECHNOLOGY`)", null="not said"
    )
    contract_bps: int | None = stored(
        None, "downstream rate of the contract, as the user says (`PYTOMO_CONTRACT_BPS`)", null="not said"
    )
    gated_at_s: float | None = stored(
        None,
        "t0 to the answer with which the media host refused the next range of a stream that it had begun to serve; the "
        "window, and every playback of it, ends there",
        null="never refused so",
    )
    gated_at_bytes: int | None = stored(None, "body bytes of that stream by then", null="as `gated_at_s`")
    gated_at_media_s: float | None = stored(
        None, "seconds of media of that stream that were complete by then", null="as `gated_at_s`, or not analysed"
    )
    is_identity_clean: bool | None = stored(
        None,
        "whether the service served a small range far into the file, asked for before the window "
        "(`PYTOMO_GATE_CANARY`): 0 means that it cuts this guest off",
        null="not asked, or the answer said nothing",
    )
    probe_gap_s: float | None = stored(
        None,
        "longest time in which the measuring process did not run; above 0.25 s the window counts as `probe_paused`",
        null="not opened",
    )
    transport: str | None = stored(
        "plain",
        "how media are fetched: plain (a URL for each stream) or sabr (docs/sabr.md)",
        null="measured before this was known",
    )
    sabr: SabrFigures = part(SabrFigures(), "sabr_")
    ad_waits: tuple[tuple[float, float], ...] = stored(
        (),
        "[start, end] in s from t0 of the waits for advertisements over SABR; empty: none",
        null="measured before this was known",
        unit="JSON list",
        repr=False,
    )
    spells: tuple[QualitySpell, ...] = ()  # rows of the measurement
    loaded_access: LoadedRtt = part(
        LoadedRtt(),
        "loaded_access_",
        sent_count="small packets to the first hop behind the gateway during the window (docs/download.md)",
        received_count="small packets to that hop that were answered",
        rtt_min_s="smallest loaded round trip to the first hop behind the gateway",
        rtt_median_s="median loaded round trip to the first hop behind the gateway",
        rtt_max_s="largest loaded round trip to the first hop behind the gateway",
    )
    host_samples: HostSamples = part(HostSamples(), "host_")
    failure: str | None = failure_of("the window; what was received before is stored")
    failure_detail: str | None = failure_detail("the window")
