"""Measurements: videos, measurements and what lies below them."""

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId, Json, UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    _create_video()
    _create_measurement()
    _create_dns_lookup()
    _create_download()
    _create_ping()
    _create_playback()
    _create_dns_address()
    _create_http_request()
    _create_playback_event()
    _create_stream()
    _create_tcp_connection()
    _create_arrival_trace()
    _create_media_timeline()


def _create_video() -> None:
    op.create_table(
        "video",
        sa.Column("id", BigId, nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("video_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.Column("uploaded_at", UtcDateTime(), nullable=True),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_video")),
        sa.UniqueConstraint("service", "video_id", name=op.f("uq_video_service_video_id")),
    )


def _create_measurement() -> None:
    op.create_table(
        "measurement",
        sa.Column("id", BigId, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("vantage_id", BigId, nullable=False),
        sa.Column("crawl_id", BigId, nullable=True),
        sa.Column("pass_number", sa.Integer(), nullable=False),
        sa.Column("video_row_id", BigId, nullable=False),
        sa.Column("is_superseded", sa.Boolean(), nullable=False),
        sa.Column("software_version", sa.Text(), nullable=True),
        sa.Column("schema_version", sa.Text(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("stored_at", UtcDateTime(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("seed_source", sa.Text(), nullable=True),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("claim_id", sa.BigInteger(), nullable=True),
        sa.Column("frontier_order", sa.BigInteger(), nullable=True),
        sa.Column("related_count", sa.Integer(), nullable=True),
        sa.Column("page_failure", sa.Text(), nullable=True),
        sa.Column("page_failure_detail", sa.Text(), nullable=True),
        sa.Column("view_count", sa.BigInteger(), nullable=True),
        sa.Column("resolve_elapsed_s", sa.Double(), nullable=True),
        sa.Column("resolve_attempt_count", sa.Integer(), nullable=True),
        sa.Column("available_wait_s", sa.Double(), nullable=True),
        sa.Column("address_family", sa.Integer(), nullable=True),
        sa.Column("client_address", sa.Text(), nullable=True),
        sa.Column("extractor", sa.Text(), nullable=True),
        sa.Column("client", sa.Text(), nullable=True),
        sa.Column("resolve_software_version", sa.Text(), nullable=True),
        sa.Column("player_config", Json, nullable=True),
        sa.Column("resolve_failure", sa.Text(), nullable=True),
        sa.Column("resolve_failure_detail", sa.Text(), nullable=True),
        sa.Column("dns_resolver", sa.Text(), nullable=True),
        sa.Column("dns_elapsed_s", sa.Double(), nullable=True),
        sa.Column("dns_failure", sa.Text(), nullable=True),
        sa.Column("dns_failure_detail", sa.Text(), nullable=True),
        sa.Column("ping_elapsed_s", sa.Double(), nullable=True),
        sa.Column("ping_failure", sa.Text(), nullable=True),
        sa.Column("ping_failure_detail", sa.Text(), nullable=True),
        sa.Column("join_time_s", sa.Double(), nullable=True),
        sa.Column("failure_stage", sa.Text(), nullable=True),
        sa.Column("attribution", sa.Text(), nullable=True),
        sa.Column("store_failure_detail", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["crawl_id"], ["crawl.id"], name=op.f("fk_measurement_crawl_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_measurement_run_id")),
        sa.ForeignKeyConstraint(["vantage_id"], ["vantage.id"], name=op.f("fk_measurement_vantage_id")),
        sa.ForeignKeyConstraint(["video_row_id"], ["video.id"], name=op.f("fk_measurement_video_row_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measurement")),
        sa.UniqueConstraint("uuid", name=op.f("uq_measurement_uuid")),
    )
    op.create_index(op.f("ix_measurement_run_id"), "measurement", ["run_id"], unique=False)
    op.create_index(op.f("ix_measurement_started_at"), "measurement", ["started_at"], unique=False)
    op.create_index(op.f("ix_measurement_video_row_id"), "measurement", ["video_row_id"], unique=False)
    op.create_index(
        "uq_measurement_current",
        "measurement",
        ["crawl_id", "pass_number", "video_row_id", "vantage_id"],
        unique=True,
        sqlite_where=sa.text("NOT is_superseded"),
        postgresql_where=sa.text("NOT is_superseded"),
    )


def _create_dns_lookup() -> None:
    op.create_table(
        "dns_lookup",
        sa.Column("id", BigId, nullable=False),
        sa.Column("measurement_id", BigId, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("resolver", sa.Text(), nullable=False),
        sa.Column("resolver_address", sa.Text(), nullable=True),
        sa.Column("transport", sa.Text(), nullable=True),
        sa.Column("record_type", sa.Text(), nullable=True),
        sa.Column("t_s", sa.Double(), nullable=True),
        sa.Column("elapsed_s", sa.Double(), nullable=True),
        sa.Column("rcode", sa.Text(), nullable=True),
        sa.Column("ttl_s", sa.BigInteger(), nullable=True),
        sa.Column("cnames", Json, nullable=True),
        sa.Column("chosen_address", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["measurement_id"], ["measurement.id"], name=op.f("fk_dns_lookup_measurement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_lookup")),
    )
    op.create_index(op.f("ix_dns_lookup_measurement_id"), "dns_lookup", ["measurement_id"], unique=False)


def _create_download() -> None:
    op.create_table(
        "download",
        sa.Column("id", BigId, nullable=False),
        sa.Column("measurement_id", BigId, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("address_family", sa.BigInteger(), nullable=True),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("via_proxy", sa.Boolean(), nullable=True),
        sa.Column("is_cross_traffic", sa.Boolean(), nullable=True),
        sa.Column("window_s", sa.Double(), nullable=True),
        sa.Column("elapsed_s", sa.Double(), nullable=True),
        sa.Column("connect_s", sa.Double(), nullable=True),
        sa.Column("first_byte_s", sa.Double(), nullable=True),
        sa.Column("active_s", sa.Double(), nullable=True),
        sa.Column("no_demand_s", sa.Double(), nullable=True),
        sa.Column("delivery_bps", sa.Double(), nullable=True),
        sa.Column("delivery_after_2s_bps", sa.Double(), nullable=True),
        sa.Column("bin_min_bps", sa.Double(), nullable=True),
        sa.Column("bin_median_bps", sa.Double(), nullable=True),
        sa.Column("bin_p95_bps", sa.Double(), nullable=True),
        sa.Column("bin_max_bps", sa.Double(), nullable=True),
        sa.Column("cpu_ratio", sa.Double(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("tcp_rtt_min_s", sa.Double(), nullable=True),
        sa.Column("tcp_receiver_rtt_median_s", sa.Double(), nullable=True),
        sa.Column("tcp_received_segment_count", sa.BigInteger(), nullable=True),
        sa.Column("tcp_out_of_order_count", sa.BigInteger(), nullable=True),
        sa.Column("tcp_receive_window_max_bytes", sa.BigInteger(), nullable=True),
        sa.Column("loaded_sent_count", sa.BigInteger(), nullable=True),
        sa.Column("loaded_received_count", sa.BigInteger(), nullable=True),
        sa.Column("loaded_rtt_min_s", sa.Double(), nullable=True),
        sa.Column("loaded_rtt_median_s", sa.Double(), nullable=True),
        sa.Column("loaded_rtt_max_s", sa.Double(), nullable=True),
        sa.Column("loaded_samples", sa.LargeBinary(), nullable=True),
        sa.Column("received_bytes", sa.BigInteger(), nullable=True),
        sa.Column("foreign_received_bytes", sa.BigInteger(), nullable=True),
        sa.Column("foreign_sent_bytes", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["measurement_id"], ["measurement.id"], name=op.f("fk_download_measurement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_download")),
        sa.UniqueConstraint("measurement_id", "place", name=op.f("uq_download_measurement_id_place")),
    )


def _create_ping() -> None:
    op.create_table(
        "ping",
        sa.Column("id", BigId, nullable=False),
        sa.Column("measurement_id", BigId, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("port", sa.BigInteger(), nullable=True),
        sa.Column("sent_count", sa.BigInteger(), nullable=True),
        sa.Column("received_count", sa.BigInteger(), nullable=True),
        sa.Column("loss_ratio", sa.Double(), nullable=True),
        sa.Column("rtt_min_s", sa.Double(), nullable=True),
        sa.Column("rtt_avg_s", sa.Double(), nullable=True),
        sa.Column("rtt_median_s", sa.Double(), nullable=True),
        sa.Column("rtt_max_s", sa.Double(), nullable=True),
        sa.Column("rtt_stddev_s", sa.Double(), nullable=True),
        sa.Column("via_proxy", sa.Boolean(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["measurement_id"], ["measurement.id"], name=op.f("fk_ping_measurement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ping")),
    )
    op.create_index(op.f("ix_ping_measurement_id"), "ping", ["measurement_id"], unique=False)


def _create_playback() -> None:
    op.create_table(
        "playback",
        sa.Column("id", BigId, nullable=False),
        sa.Column("measurement_id", BigId, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("player", sa.Text(), nullable=False),
        sa.Column("parameters", Json, nullable=False),
        sa.Column("is_started", sa.Boolean(), nullable=True),
        sa.Column("is_ended", sa.Boolean(), nullable=True),
        sa.Column("is_validated", sa.Boolean(), nullable=True),
        sa.Column("is_identifiable", sa.Boolean(), nullable=True),
        sa.Column("horizon_s", sa.Double(), nullable=True),
        sa.Column("startup_delay_s", sa.Double(), nullable=True),
        sa.Column("stalled_s", sa.Double(), nullable=True),
        sa.Column("stall_ratio", sa.Double(), nullable=True),
        sa.Column("played_s", sa.Double(), nullable=True),
        sa.Column("initial_buffer_s", sa.Double(), nullable=True),
        sa.Column("initial_rate_bps", sa.Double(), nullable=True),
        sa.Column("buffer_end_s", sa.Double(), nullable=True),
        sa.Column("media_received_s", sa.Double(), nullable=True),
        sa.Column("mos_stalling_hossfeld2011", sa.Double(), nullable=True),
        sa.Column("stall_count", sa.BigInteger(), nullable=True),
        sa.Column("stall_1s_count", sa.BigInteger(), nullable=True),
        sa.Column("freeze_count", sa.BigInteger(), nullable=True),
        sa.Column("initial_buffer_bytes", sa.BigInteger(), nullable=True),
        sa.Column("timeline_method", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["measurement_id"], ["measurement.id"], name=op.f("fk_playback_measurement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playback")),
        sa.UniqueConstraint("measurement_id", "place", "player", name=op.f("uq_playback_measurement_id_place_player")),
    )


def _create_dns_address() -> None:
    op.create_table(
        "dns_address",
        sa.Column("lookup_id", BigId, autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["lookup_id"], ["dns_lookup.id"], name=op.f("fk_dns_address_lookup_id")),
        sa.PrimaryKeyConstraint("lookup_id", "place", name=op.f("pk_dns_address")),
    )


def _create_http_request() -> None:
    op.create_table(
        "http_request",
        sa.Column("id", BigId, nullable=False),
        sa.Column("download_id", BigId, nullable=False),
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("hop", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("port", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("address_family", sa.BigInteger(), nullable=True),
        sa.Column("t_s", sa.Double(), nullable=True),
        sa.Column("range_start_bytes", sa.BigInteger(), nullable=True),
        sa.Column("range_end_bytes", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("http_version", sa.Text(), nullable=True),
        sa.Column("tls_version", sa.Text(), nullable=True),
        sa.Column("dns_s", sa.Double(), nullable=True),
        sa.Column("connect_s", sa.Double(), nullable=True),
        sa.Column("tls_s", sa.Double(), nullable=True),
        sa.Column("first_byte_s", sa.Double(), nullable=True),
        sa.Column("total_s", sa.Double(), nullable=True),
        sa.Column("received_bytes", sa.BigInteger(), nullable=True),
        sa.Column("content_length_bytes", sa.BigInteger(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("retry_after_s", sa.Double(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["download_id"], ["download.id"], name=op.f("fk_http_request_download_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_http_request")),
    )
    op.create_index(op.f("ix_http_request_download_id"), "http_request", ["download_id"], unique=False)


def _create_playback_event() -> None:
    op.create_table(
        "playback_event",
        sa.Column("id", BigId, nullable=False),
        sa.Column("playback_id", BigId, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["playback_id"], ["playback.id"], name=op.f("fk_playback_event_playback_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playback_event")),
    )
    op.create_index(op.f("ix_playback_event_playback_id"), "playback_event", ["playback_id"], unique=False)


def _create_stream() -> None:
    op.create_table(
        "stream",
        sa.Column("id", BigId, nullable=False),
        sa.Column("measurement_id", BigId, nullable=False),
        sa.Column("download_id", BigId, nullable=True),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("format_id", sa.Text(), nullable=True),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("port", sa.BigInteger(), nullable=True),
        sa.Column("extension", sa.Text(), nullable=True),
        sa.Column("container", sa.Text(), nullable=True),
        sa.Column("video_codec", sa.Text(), nullable=True),
        sa.Column("audio_codec", sa.Text(), nullable=True),
        sa.Column("width_px", sa.BigInteger(), nullable=True),
        sa.Column("height_px", sa.BigInteger(), nullable=True),
        sa.Column("frame_rate_fps", sa.Double(), nullable=True),
        sa.Column("declared_bitrate_bps", sa.Double(), nullable=True),
        sa.Column("declared_size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("chunk_bytes", sa.BigInteger(), nullable=True),
        sa.Column("available_at", UtcDateTime(), nullable=True),
        sa.Column("primary_cache", sa.Text(), nullable=True),
        sa.Column("fallback_cache", sa.Text(), nullable=True),
        sa.Column("cache_kind", sa.Text(), nullable=True),
        sa.Column("cache_status", sa.Text(), nullable=True),
        sa.Column("prefix_length", sa.BigInteger(), nullable=True),
        sa.Column("service_estimate_bps", sa.BigInteger(), nullable=True),
        sa.Column("client", sa.Text(), nullable=True),
        sa.Column("experiments", sa.Text(), nullable=True),
        sa.Column("received_bytes", sa.BigInteger(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("spooled_bytes", sa.BigInteger(), nullable=True),
        sa.Column("is_complete", sa.Boolean(), nullable=True),
        sa.Column("no_demand", Json, nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.Column("timeline_method", sa.Text(), nullable=True),
        sa.Column("init_bytes", sa.BigInteger(), nullable=True),
        sa.Column("is_index_last", sa.Boolean(), nullable=True),
        sa.Column("fallback_reason", sa.Text(), nullable=True),
        sa.Column("file_container", sa.Text(), nullable=True),
        sa.Column("file_video_codec", sa.Text(), nullable=True),
        sa.Column("file_audio_codec", sa.Text(), nullable=True),
        sa.Column("file_width_px", sa.BigInteger(), nullable=True),
        sa.Column("file_height_px", sa.BigInteger(), nullable=True),
        sa.Column("file_frame_rate_fps", sa.Double(), nullable=True),
        sa.Column("file_bitrate_bps", sa.Double(), nullable=True),
        sa.Column("file_duration_s", sa.Double(), nullable=True),
        sa.Column("timeline_failure", sa.Text(), nullable=True),
        sa.Column("timeline_failure_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["download_id"], ["download.id"], name=op.f("fk_stream_download_id")),
        sa.ForeignKeyConstraint(["measurement_id"], ["measurement.id"], name=op.f("fk_stream_measurement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stream")),
        sa.UniqueConstraint("measurement_id", "place", "stream", name=op.f("uq_stream_measurement_id_place_stream")),
    )
    op.create_index(op.f("ix_stream_download_id"), "stream", ["download_id"], unique=False)


def _create_tcp_connection() -> None:
    op.create_table(
        "tcp_connection",
        sa.Column("id", BigId, nullable=False),
        sa.Column("download_id", BigId, nullable=False),
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("port", sa.BigInteger(), nullable=True),
        sa.Column("local_port", sa.BigInteger(), nullable=True),
        sa.Column("rtt_min_s", sa.Double(), nullable=True),
        sa.Column("receiver_rtt_median_s", sa.Double(), nullable=True),
        sa.Column("receiver_rtt_max_s", sa.Double(), nullable=True),
        sa.Column("received_bytes", sa.BigInteger(), nullable=True),
        sa.Column("received_segment_count", sa.BigInteger(), nullable=True),
        sa.Column("out_of_order_count", sa.BigInteger(), nullable=True),
        sa.Column("receive_window_max_bytes", sa.BigInteger(), nullable=True),
        sa.Column("maximum_segment_bytes", sa.BigInteger(), nullable=True),
        sa.Column("all_received_segment_count", sa.BigInteger(), nullable=True),
        sa.Column("all_sent_segment_count", sa.BigInteger(), nullable=True),
        sa.Column("sent_retransmission_count", sa.BigInteger(), nullable=True),
        sa.Column("sent_congestion_window_segments", sa.BigInteger(), nullable=True),
        sa.Column("sent_delivery_rate_bps", sa.BigInteger(), nullable=True),
        sa.Column("sample_count", sa.BigInteger(), nullable=True),
        sa.Column("samples", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["download_id"], ["download.id"], name=op.f("fk_tcp_connection_download_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tcp_connection")),
    )
    op.create_index(op.f("ix_tcp_connection_download_id"), "tcp_connection", ["download_id"], unique=False)


def _create_arrival_trace() -> None:
    op.create_table(
        "arrival_trace",
        sa.Column("stream_id", BigId, autoincrement=False, nullable=False),
        sa.Column("point_count", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["stream_id"], ["stream.id"], name=op.f("fk_arrival_trace_stream_id")),
        sa.PrimaryKeyConstraint("stream_id", name=op.f("pk_arrival_trace")),
    )


def _create_media_timeline() -> None:
    op.create_table(
        "media_timeline",
        sa.Column("stream_id", BigId, autoincrement=False, nullable=False),
        sa.Column("point_count", sa.BigInteger(), nullable=False),
        sa.Column("segment_count", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["stream_id"], ["stream.id"], name=op.f("fk_media_timeline_stream_id")),
        sa.PrimaryKeyConstraint("stream_id", name=op.f("pk_media_timeline")),
    )
