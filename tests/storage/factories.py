"""Items as a crawl would store them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import (
    DnsLookup,
    DnsResult,
    DownloadResult,
    HttpRequest,
    Interval,
    MediaFormat,
    MediaSegment,
    MediaTimeline,
    Network,
    Ping,
    PingResult,
    PlaybackResult,
    ResolveResult,
    ServiceHints,
    StreamDownload,
    TcpConnection,
    VideoItem,
)
from pytomo_scrapy.items.precision import round_timeline, round_trace
from pytomo_scrapy.items.stored import from_flat
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.measurements.repository import Repository, Run, VantageFacts

VIDEO_HOST, AUDIO_HOST = "rr1---sn-a.googlevideo.com", "rr2---sn-a.googlevideo.com"
FIRST, SECOND, CLIENT = "192.0.2.1", "192.0.2.2", "203.0.113.7"
STARTED = datetime(2026, 5, 4, 10, 20, 30, 123456, tzinfo=UTC)


def make_format(**overrides: Any) -> MediaFormat:
    values: dict[str, Any] = {
        "kind": "video",
        "format_id": "136",
        "url": f"https://{VIDEO_HOST}/videoplayback?ip={CLIENT}&sig=SECRET",
        "host": VIDEO_HOST,
        "port": 443,
        "http_headers": {"Cookie": "SECRET"},
        "extension": "mp4",
        "container": "mp4_dash",
        "video_codec": "avc1.4d401f",
        "declared_bitrate_bps": 1_000_000.0,
        "declared_size_bytes": 7_500_000,
        "hints": ServiceHints(primary_cache="sn-a", service_estimate_bps=10_000_000),
    }
    return MediaFormat(**values | overrides)


def make_resolve(**overrides: Any) -> ResolveResult:
    audio = make_format(
        kind="audio", format_id="140", host=AUDIO_HOST, video_codec=None, audio_codec="mp4a.40.2", extension="m4a",
        declared_bitrate_bps=128_000.0, declared_size_bytes=960_000,
    )  # fmt: skip
    values: dict[str, Any] = {
        "formats": (make_format(), audio),
        "title": "A clip",
        "duration_s": 60.0,
        "view_count": 12,
        "extractor": "youtube",
        "client": "VISIONOS",
        "client_address": CLIENT,
        "address_family": 4,
        "player_config": {"start_s": 1.6, "url": f"https://x.test/a?ip={CLIENT}", "note": f"seen {CLIENT}"},
        "attempt_count": 1,
        "elapsed_s": 0.4,
        "software_version": "2026.8.19",
    }
    return ResolveResult(**values | overrides)


def make_lookup(resolver: str, *addresses: str, host: str = VIDEO_HOST, **overrides: Any) -> DnsLookup:
    values: dict[str, Any] = {
        "host": host,
        "resolver": resolver,
        "resolver_address": "127.0.0.1",
        "transport": "udp",
        "record_type": "A",
        "elapsed_s": 0.02,
        "rcode": "NOERROR",
        "ttl_s": 300,
        "cnames": ("alias.example",),
        "addresses": addresses,
    }
    return DnsLookup(**values | overrides)


def make_dns() -> DnsResult:
    return DnsResult(
        lookups=(
            make_lookup("system", FIRST),
            make_lookup("google", FIRST, SECOND, elapsed_s=0.03),
            make_lookup("opendns", failure="dns_timeout", elapsed_s=None, rcode=None, ttl_s=None, cnames=()),
            make_lookup("system", FIRST, host=AUDIO_HOST),
        ),
        chosen={VIDEO_HOST: FIRST, AUDIO_HOST: FIRST},
        resolver="system",
        elapsed_s=0.02,
    )


def make_ping(address: str, rtt_s: float | None = 0.010, **overrides: Any) -> Ping:
    values: dict[str, Any] = {
        "address": address,
        "method": "icmp_raw",
        "sent_count": 10,
        "received_count": 9,
        "loss_ratio": 0.1,
        "rtt_min_s": rtt_s,
        "rtt_avg_s": rtt_s and rtt_s + 0.001,
        "rtt_max_s": rtt_s and rtt_s + 0.002,
    }
    return Ping(**values | overrides)


WINDOW_STREAMS = (
    StreamDownload(
        "video",
        "136",
        received_bytes=3_000_000,
        size_bytes=7_500_000,
        declared_size_bytes=7_500_000,
        arrival_s=(0.1, 15.0, 29.9),
        arrival_bytes=(1, 2_000_000, 3_000_000),
    ),
    StreamDownload(
        "audio",
        "140",
        received_bytes=500_000,
        size_bytes=960_000,
        declared_size_bytes=960_000,
        arrival_s=(0.12, 29.0),
        arrival_bytes=(1, 500_000),
        spool_path="/spool/x",
        spooled_bytes=500_000,
        no_demand=((4.0, 9.5), (20.1, 29.0)),
    ),
)
WINDOW_REQUESTS = (
    HttpRequest(0, 0, VIDEO_HOST, 443, FIRST, 4, 0.0, 0, 999, status=302, http_version="1.1"),
    HttpRequest(0, 1, "rr9---sn-b.googlevideo.com", 443, SECOND, 4, 0.05, 0, 999, status=206, received_bytes=1000),
    HttpRequest(1, 0, AUDIO_HOST, 443, FIRST, 4, 0.0, status=200),
)


def make_download(**overrides: Any) -> DownloadResult:
    values: dict[str, Any] = {
        "host": VIDEO_HOST,
        "address": FIRST,
        "address_family": 4,
        "window_s": 30.0,
        "elapsed_s": 30.0,
        "ended_by": "deadline",
        "started_at": STARTED,
        "streams": WINDOW_STREAMS,
        "requests": WINDOW_REQUESTS,
        "received_bytes": 3_500_000,
        "tcp": (
            TcpConnection(
                0,
                FIRST,
                443,
                50_000,
                0.011,
                sample_s=(0.1, 0.2),
                sample_received_bytes=(5, 9),
                sample_receiver_rtt_s=(0.0, 0.012),
                sample_out_of_order_count=(0, 1),
                sample_receive_window_bytes=(65536, 131072),
            ),
        ),
        "tcp_rtt_min_s": 0.011,
        "loaded_sent_count": 3,
        "loaded_sample_s": (0.5, 1.0),
        "loaded_sample_rtt_s": (0.012, 0.25),
        "loaded_gateway_sent_count": 2,
        "loaded_gateway_sample_s": (0.6,),
        "loaded_gateway_sample_rtt_s": (0.2,),
        "cache_site": "fra24s14",
        "cache_airport": "fra",
        "first_byte_s": 0.1,
        "delivery_bps": 939_597.3,
        "bin_max_bps": 2_000_000.0,
    }
    return round_trace(from_flat(DownloadResult, values | overrides))


def make_timelines() -> tuple[MediaTimeline, ...]:
    video = MediaTimeline(
        "video", "segments", (100, 700_000, 3_000_000), (0.0, 5.0, 1 / 3 + 20),
        (MediaSegment(100, 700_000, 0.0, 5.0),), 100,
        container="mp4", video_codec="h264", width_px=1280, height_px=720, frame_rate_fps=25.0,
        bitrate_bps=1_000_000.0, duration_s=60.0,
    )  # fmt: skip
    audio = MediaTimeline(
        "audio", "packets", (10, 20), (0.02, 0.04), container="mp4", bitrate_bps=128_000.0, duration_s=60.0
    )
    return tuple(round_timeline(timeline) for timeline in (video, audio))


def make_playback(**overrides: Any) -> PlaybackResult:
    values: dict[str, Any] = {
        "player": "classic",
        "parameters": {"initial_buffer_s": 2.0},
        "is_started": True,
        "horizon_s": 30.0,
        "startup_delay_s": 3.0,
        "stalls": (Interval(10.0, 2.0), Interval(28.0, 2.0, True)),
        "stall_count": 2,
        "stall_1s_count": 2,
        "stalled_s": 4.0,
        "stall_ratio": 4 / 27,
        "played_s": 23.0,
        "initial_buffer_s": 2.1,
        "initial_buffer_bytes": 250_000,
        "initial_rate_bps": 666_666.0,
        "buffer_end_s": 0.5,
    }
    return PlaybackResult(**values | overrides)


def make_item(**overrides: Any) -> VideoItem:
    """A measurement that went well, at a line that is too slow for it."""
    video_id = overrides.get("video_id", "abcdefghijk")
    values: dict[str, Any] = {
        "service": "youtube",
        "video_id": video_id,
        "url": f"https://www.youtube.com/watch?v={video_id}",
        "uuid": str(uuid4()),
        "source": "charts",
        "started_at": STARTED,
        "resolve": make_resolve(),
        "dns": make_dns(),
        "ping": PingResult((make_ping(FIRST), make_ping(SECOND, 0.020)), 1.0),
        "downloads": (make_download(),),
        "timelines": (make_timelines(),),
        "playbacks": (make_playback(),),
        "join_time_s": 3.42,
        "networks": (Network(FIRST, 64500, (64501,), "192.0.2.0/24", "EXAMPLE", "mmdb"),),
    }
    return VideoItem(**values | overrides)


def make_failed(stage: Stage, failure: str, detail: str | None = None, **overrides: Any) -> VideoItem:
    """A measurement that ended at a stage; what comes after it is missing."""
    empty: dict[str, Any] = {"downloads": (), "timelines": (), "playbacks": (), "join_time_s": None}
    if stage is Stage.RESOLVE:
        empty |= {
            "resolve": ResolveResult(attempt_count=1, failure=failure, failure_detail=detail),
            "dns": None,
            "ping": None,
        }
    if stage is Stage.DNS:
        empty |= {"dns": DnsResult((make_lookup("system", failure=failure),), failure=failure), "ping": None}
    item = make_item(**empty | overrides)
    item.fail(stage, failure, detail)
    return item


def begin(database: Database, **overrides: Any) -> tuple[Repository, Run]:
    """Start a run at a vantage point."""
    repository = Repository(database)
    values: dict[str, Any] = {
        "spider": "youtube",
        "arguments": {},
        "settings": {},
        "vantage": VantageFacts("here", "isp"),
    }
    return repository, repository.begin_run(**values | overrides)
