"""Factories of items and results with sensible values, for tests of what uses them."""

from __future__ import annotations

from typing import Any

from pytomo_scrapy.items import (
    DnsLookup,
    DnsResult,
    DownloadResult,
    MediaFormat,
    MediaTimeline,
    PlaybackResult,
    ResolveResult,
    StreamDownload,
    VideoItem,
)

HOST = "rr1---sn-test.googlevideo.com"


def make_item(**overrides: Any) -> VideoItem:
    values = {"service": "youtube", "video_id": "abcdefghijk", "url": "https://www.youtube.com/watch?v=abcdefghijk"}
    return VideoItem(**{**values, "uuid": "11111111-2222-3333-4444-555555555555", **overrides})


def make_format(**overrides: Any) -> MediaFormat:
    return MediaFormat(
        **{"kind": "muxed", "format_id": "18", "url": f"https://{HOST}/v", "host": HOST, "port": 443, **overrides}
    )


def make_resolve(**overrides: Any) -> ResolveResult:
    return ResolveResult(**{"formats": (make_format(),), "elapsed_s": 0.5, "address_family": 4, **overrides})


def make_dns(**overrides: Any) -> DnsResult:
    lookup = DnsLookup(HOST, "system", "192.0.2.53", "udp", "A", elapsed_s=0.02, addresses=("192.0.2.1", "192.0.2.2"))
    return DnsResult(**{"lookups": (lookup,), "chosen": {HOST: "192.0.2.1"}, "elapsed_s": 0.02, **overrides})


def make_download(**overrides: Any) -> DownloadResult:
    stream = StreamDownload("muxed", "18", received_bytes=100, arrival_s=(0.1,), arrival_bytes=(100,))
    return DownloadResult(
        **{"window_s": 30.0, "elapsed_s": 30.0, "ended_by": "deadline", "streams": (stream,), **overrides}
    )


def make_timeline(**overrides: Any) -> MediaTimeline:
    return MediaTimeline(**{"kind": "muxed", "method": "packets", **overrides})


def make_playback(**overrides: Any) -> PlaybackResult:
    values = {"player": "classic", "is_started": True, "horizon_s": 30.0, "startup_delay_s": 1.5, "stall_count": 2}
    return PlaybackResult(**{**values, "stalled_s": 3.0, **overrides})
