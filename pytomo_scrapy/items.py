"""The video item, and one frozen result for each stage of its measurement (the window's: items_window.py).

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
from pytomo_scrapy.items_window import DownloadResult as DownloadResult
from pytomo_scrapy.items_window import HttpRequest as HttpRequest
from pytomo_scrapy.items_window import StreamDownload as StreamDownload
from pytomo_scrapy.items_window import TcpConnection as TcpConnection


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
    cache_site: str | None = None  # decoded from the host's name, such as "fra24s14"
    cache_airport: str | None = None  # the airport in it, such as "fra"


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
class Network:
    """The autonomous system that one address of a measurement belongs to."""

    address: str
    as_number: int | None = None  # the first, where the prefix has several origins
    other_as_numbers: tuple[int, ...] = ()
    as_prefix: str | None = None
    as_holder: str | None = None
    source: str | None = None  # "mmdb" or "cymru"


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
    role: str = "media"  # what the address is: "media", "redirect" (found in the window), "proxy", "gateway"


@dataclass(frozen=True, slots=True)
class PingResult:
    """The pings of all distinct addresses of a video's hosts."""

    pings: tuple[Ping, ...] = ()
    elapsed_s: float | None = None
    failure: str | None = None
    failure_detail: str | None = None


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
    view_count: int | None = None  # as its watch page says
    uploaded_at: datetime | None = None  # as its watch page says: the start of that day
    resolve: ResolveResult | None = None
    dns: DnsResult | None = None
    ping: PingResult | None = None
    downloads: tuple[DownloadResult, ...] = ()
    timelines: tuple[tuple[MediaTimeline, ...], ...] = ()  # for each download, one a stream
    playbacks: tuple[PlaybackResult, ...] = ()
    join_time_s: float | None = None
    legs: tuple[Leg, ...] = ()
    networks: tuple[Network, ...] = ()
    failure: str | None = None  # the first that is not a skip, of the stages that end a session
    failure_stage: Stage | None = None
    failure_detail: str | None = None

    def fail(self, stage: Stage, failure: str, detail: str | None = None) -> None:
        """Keep the first failure that ended the session; later ones and skips stay with their own stage."""
        if self.failure is None and not is_skip(failure):
            self.failure, self.failure_stage, self.failure_detail = failure, stage, detail
