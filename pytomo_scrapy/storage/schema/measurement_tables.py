"""The tables below a measurement: windows, streams, look-ups, pings, playbacks."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from pytomo_scrapy.storage.schema.columns import (
    BigId,
    Json,
    UtcDateTime,
    columns,
    failure_columns,
    id_column,
    metadata,
    reference,
    required,
)
from pytomo_scrapy.storage.schema.crawl_tables import measurement as measurement
from pytomo_scrapy.storage.schema.daily_tables import daily as daily
from pytomo_scrapy.storage.schema.figure_tables import figure as figure
from pytomo_scrapy.storage.schema.legacy_table import legacy_row as legacy_row

download = Table(
    "download",
    metadata,
    id_column(),
    reference("measurement_id", "measurement"),
    required("place", Integer),
    *columns(Text, "mode", "ended_by"),
    Column("address_family", BigInteger),
    Column("host", Text),
    Column("address", Text),
    *columns(Boolean, "via_proxy", "is_cross_traffic"),
    *columns(Double, "window_s", "elapsed_s", "connect_s", "first_byte_s", "active_s", "no_demand_s"),
    *columns(Double, "delivery_bps", "delivery_after_2s_bps", "bin_min_bps", "bin_median_bps", "bin_p95_bps"),
    *columns(Double, "bin_max_bps", "cpu_ratio"),
    Column("started_at", UtcDateTime),
    *columns(Double, "tcp_rtt_min_s", "tcp_receiver_rtt_median_s"),
    *columns(BigInteger, "tcp_received_segment_count", "tcp_out_of_order_count", "tcp_receive_window_max_bytes"),
    *columns(BigInteger, "loaded_sent_count", "loaded_received_count"),
    *columns(Double, "loaded_rtt_min_s", "loaded_rtt_median_s", "loaded_rtt_max_s"),
    Column("loaded_samples", LargeBinary),
    *columns(BigInteger, "received_bytes", "foreign_received_bytes", "foreign_sent_bytes"),
    *columns(Text, "pair_id", "interface_kind", "kernel", "congestion_control"),
    *columns(BigInteger, "link_rate_bps", "wifi_signal_dbm", "mtu_bytes"),
    *columns(Boolean, "is_vpn", "is_probe_limited"),
    *columns(Text, "cache_site", "cache_airport"),
    *columns(BigInteger, "loaded_gateway_sent_count", "loaded_gateway_received_count"),
    *columns(Double, "loaded_gateway_rtt_min_s", "loaded_gateway_rtt_median_s", "loaded_gateway_rtt_max_s"),
    Column("loaded_gateway_samples", LargeBinary),
    *columns(Double, "clock_offset_s", "clock_offset_error_s", "cpu_throttled_s", "cpu_steal_ratio"),
    *columns(Boolean, "is_clock_synchronised", "is_cpu_throttled"),
    Column("access_technology", Text),
    Column("contract_bps", BigInteger),
    *failure_columns(),
    UniqueConstraint("measurement_id", "place"),
)

stream = Table(
    "stream",
    metadata,
    id_column(),
    reference("measurement_id", "measurement"),
    reference("download_id", "download", is_required=False, is_index=True),
    required("place", Integer),
    required("stream", Integer),
    Column("kind", Text),
    Column("format_id", Text),
    Column("host", Text),
    Column("port", BigInteger),
    *columns(Text, "extension", "container", "video_codec", "audio_codec"),
    *columns(BigInteger, "width_px", "height_px"),
    *columns(Double, "frame_rate_fps", "declared_bitrate_bps"),
    *columns(BigInteger, "declared_size_bytes", "chunk_bytes"),
    Column("available_at", UtcDateTime),
    *columns(Text, "primary_cache", "fallback_cache", "cache_kind", "cache_status"),
    Column("prefix_length", BigInteger),
    Column("service_estimate_bps", BigInteger),
    *columns(Text, "client", "experiments"),
    *columns(Text, "cache_site", "cache_airport"),
    *columns(BigInteger, "received_bytes", "size_bytes", "spooled_bytes"),
    Column("is_complete", Boolean),
    Column("no_demand", Json),
    *failure_columns(),
    Column("timeline_method", Text),
    Column("init_bytes", BigInteger),
    Column("is_index_last", Boolean),
    Column("fallback_reason", Text),
    *columns(Text, "file_container", "file_video_codec", "file_audio_codec"),
    *columns(BigInteger, "file_width_px", "file_height_px"),
    *columns(Double, "file_frame_rate_fps", "file_bitrate_bps", "file_duration_s"),
    *failure_columns("timeline_"),
    UniqueConstraint("measurement_id", "place", "stream"),
)

# What the file says of itself stands beside what the resolution announced: `file_` and the name, but for these.
TIMELINE_COLUMNS = {
    "kind": "kind",
    "method": "timeline_method",
    "init_bytes": "init_bytes",
    "is_index_last": "is_index_last",
    "fallback_reason": "fallback_reason",
    "failure": "timeline_failure",
    "failure_detail": "timeline_failure_detail",
}

arrival_trace = Table(
    "arrival_trace",
    metadata,
    Column("stream_id", BigId, ForeignKey("stream.id"), primary_key=True, autoincrement=False),
    required("point_count", BigInteger),
    required("points", LargeBinary),
)

media_timeline = Table(
    "media_timeline",
    metadata,
    Column("stream_id", BigId, ForeignKey("stream.id"), primary_key=True, autoincrement=False),
    required("point_count", BigInteger),
    required("segment_count", BigInteger),
    required("points", LargeBinary),
)

http_request = Table(
    "http_request",
    metadata,
    id_column(),
    reference("download_id", "download", is_index=True),
    required("stream", Integer),
    required("hop", Integer),
    Column("host", Text),
    Column("port", BigInteger),
    Column("address", Text),
    Column("address_family", BigInteger),
    Column("t_s", Double),
    *columns(BigInteger, "range_start_bytes", "range_end_bytes"),
    Column("status", BigInteger),
    *columns(Text, "http_version", "tls_version"),
    *columns(Double, "dns_s", "connect_s", "tls_s", "first_byte_s", "total_s"),
    *columns(BigInteger, "received_bytes", "content_length_bytes"),
    Column("content_type", Text),
    Column("retry_after_s", Double),
    *failure_columns(),
)

tcp_connection = Table(
    "tcp_connection",
    metadata,
    id_column(),
    reference("download_id", "download", is_index=True),
    required("stream", Integer),
    Column("address", Text),
    *columns(BigInteger, "port", "local_port"),
    *columns(Double, "rtt_min_s", "receiver_rtt_median_s", "receiver_rtt_max_s"),
    *columns(BigInteger, "received_bytes", "received_segment_count", "out_of_order_count"),
    *columns(BigInteger, "receive_window_max_bytes", "maximum_segment_bytes"),
    *columns(BigInteger, "all_received_segment_count", "all_sent_segment_count"),
    *columns(BigInteger, "sent_retransmission_count", "sent_congestion_window_segments", "sent_delivery_rate_bps"),
    Column("sample_count", BigInteger),
    Column("samples", LargeBinary),
)

dns_lookup = Table(
    "dns_lookup",
    metadata,
    id_column(),
    reference("measurement_id", "measurement", is_index=True),
    required("host", Text),
    required("resolver", Text),
    Column("resolver_address", Text),
    *columns(Text, "transport", "record_type"),
    *columns(Double, "t_s", "elapsed_s"),
    Column("rcode", Text),
    Column("ttl_s", BigInteger),
    Column("cnames", Json),
    Column("chosen_address", Text),
    *failure_columns(),
)

dns_address = Table(
    "dns_address",
    metadata,
    Column("lookup_id", BigId, ForeignKey("dns_lookup.id"), primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    required("address", Text),
)

ping = Table(
    "ping",
    metadata,
    id_column(),
    reference("measurement_id", "measurement", is_index=True),
    required("address", Text),
    Column("method", Text),
    Column("port", BigInteger),
    *columns(BigInteger, "sent_count", "received_count"),
    *columns(Double, "loss_ratio", "rtt_min_s", "rtt_avg_s", "rtt_median_s", "rtt_max_s", "rtt_stddev_s"),
    Column("via_proxy", Boolean),
    *failure_columns(),
    Column("role", Text),
)

# The autonomous system of each address of a measurement, as it was known at that time.
network = Table(
    "network",
    metadata,
    Column("measurement_id", BigId, ForeignKey("measurement.id"), primary_key=True, autoincrement=False),
    Column("address", Text, primary_key=True),
    Column("as_number", BigInteger),
    Column("other_as_numbers", Json),
    *columns(Text, "as_prefix", "as_holder", "source"),
)

playback = Table(
    "playback",
    metadata,
    id_column(),
    reference("measurement_id", "measurement"),
    required("place", Integer),
    required("player", Text),
    required("parameters", Json),
    *columns(Boolean, "is_started", "is_ended", "is_validated", "is_identifiable"),
    *columns(Double, "horizon_s", "startup_delay_s", "stalled_s", "stall_ratio", "played_s", "initial_buffer_s"),
    *columns(Double, "initial_rate_bps", "buffer_end_s", "media_received_s", "mos_stalling_hossfeld2011"),
    *columns(BigInteger, "stall_count", "stall_1s_count", "freeze_count"),
    Column("initial_buffer_bytes", BigInteger),
    Column("timeline_method", Text),
    *failure_columns(),
    UniqueConstraint("measurement_id", "place", "player"),
)

playback_event = Table(
    "playback_event",
    metadata,
    id_column(),
    reference("playback_id", "playback", is_index=True),
    required("kind", Text),
    *columns(Double, "start_s", "duration_s"),
    Column("is_open", Boolean),
)
