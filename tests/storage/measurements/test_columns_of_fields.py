"""Every field of a result has its column."""

from __future__ import annotations

import pytest
from sqlalchemy import Table

from pytomo_scrapy import items
from pytomo_scrapy.items.stored import leaves_of
from pytomo_scrapy.storage.schema import crawl_tables, differential_tables, measurement_tables

# Fields of results that are kept elsewhere (tables of their own, the video's row) or must not be kept at all.
ELSEWHERE = {
    "VideoItem": {
        "service", "video_id", "url", "title", "crawl",
        "page", "resolve", "dns", "ping", "downloads", "timelines", "playbacks", "ladders", "quality_spells",
        "networks", "autopsies", "controls", "study",
    },
    "PageResult": {"uploaded_at"},
    "ResolveResult": {"formats", "rungs", "title", "duration_s", "uploaded_at"},
    "DnsResult": {"lookups", "chosen"},
    "DnsLookup": {"addresses"},
    "PingResult": {"pings"},
    "DownloadResult": {
        "streams", "requests", "tcp", "spells", "live_playback", "live_ladder",
        "loaded.sample_s", "loaded.sample_rtt_s",
        "loaded_gateway.sample_s", "loaded_gateway.sample_rtt_s",
        "loaded_access.sample_s", "loaded_access.sample_rtt_s",
        "host_samples.sample_s", "host_samples.received_bytes", "host_samples.sent_bytes",
        "host_samples.waited_s", "host_samples.paused_s",
    },
    "TcpConnection": {
        "sample_s", "sample_received_bytes", "sample_receiver_rtt_s", "sample_out_of_order_count",
        "sample_receive_window_bytes",
    },
    "StreamDownload": {"arrival_s", "arrival_bytes"},
    "MediaTimeline": {"offset_bytes", "complete_s", "segments"},
    "PlaybackResult": {"stalls", "freezes"},
}  # fmt: skip


NEVER = {
    "MediaFormat": {"url", "http_headers", "parts"},
    "ResolveResult": {"identity_began_s", "sabr", "sabr_formats", "clock_leads_s"},
    "StreamDownload": {"spool_path", "parts", "announced_segments", "is_one_file"},
    "VideoItem": {"started_s", "arms_left"},
}


@pytest.mark.parametrize(
    ("kind", "table", "prefix"),
    [
        (items.VideoItem, crawl_tables.measurement, ""),
        (items.StudyMark, crawl_tables.measurement, ""),
        (items.PageResult, crawl_tables.measurement, ""),
        (items.ResolveResult, crawl_tables.measurement, ""),
        (items.DnsResult, crawl_tables.measurement, "dns_"),
        (items.PingResult, crawl_tables.measurement, "ping_"),
        (items.DnsLookup, measurement_tables.dns_lookup, ""),
        (items.Ping, measurement_tables.ping, ""),
        (items.Network, measurement_tables.network, ""),
        (items.DownloadResult, measurement_tables.download, ""),
        (items.HttpRequest, measurement_tables.http_request, ""),
        (items.TcpConnection, measurement_tables.tcp_connection, ""),
        (items.StreamDownload, measurement_tables.stream, ""),
        (items.MediaFormat, measurement_tables.stream, ""),
        (items.ServiceHints, measurement_tables.stream, ""),
        (items.MediaTimeline, measurement_tables.stream, "file_"),
        (items.PlaybackResult, measurement_tables.playback, ""),
        (items.ControlWindow, measurement_tables.control_window, ""),
        (items.NamedWindow, differential_tables.differential_window, ""),
        (items.DifferentialTest, differential_tables.differential_test, ""),
        (items.Interval, measurement_tables.playback_event, ""),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_every_field_has_a_column(kind: type, table: Table, prefix: str) -> None:
    left_out = ELSEWHERE.get(kind.__name__, set()) | NEVER.get(kind.__name__, set())
    leaves = [leaf for leaf in leaves_of(kind, prefix) if leaf.path not in left_out]
    assert [leaf.path for leaf in leaves if leaf.name not in table.c] == []
