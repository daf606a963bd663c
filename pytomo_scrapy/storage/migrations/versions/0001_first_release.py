"""The schema of the first release: every table, the triggers that keep packed columns true, and the view over all."""

import re
from typing import Any

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId, Json, UtcDateTime

revision = "0001"
down_revision = None

_KINDS: dict[str, Any] = {
    "id": BigId,
    "int": sa.Integer,
    "small": sa.SmallInteger,
    "big": sa.BigInteger,
    "real": sa.Double,
    "flag": sa.Boolean,
    "text": sa.Text,
    "text32": sa.String(32),
    "text36": sa.String(36),
    "at": UtcDateTime,
    "json": Json,
    "blob": sa.LargeBinary,
}
# A table, its own number `id` unless a primary key stands behind its name, and its columns by kind, in their order:
# `!` never NULL, `>` points to the `id` of that table. Then what is unique.
_TABLES = """
crawl:
    text! name vantage_name spider; json! arguments; at! created_at; at finished_at; int! pass_number;
    big! max_crawled_url admitted_count done_count listed_position; flag! is_listed_end
figure_block (block):
    id! block; small! is_sealed; int row_count; big first_s last_s
figure_column (name, block):
    text! name; id! block; text! kind; blob! content
frontier:
    id! crawl_id; int! pass_number; text! service video_id; int! depth; id! parent_id; big! place; small! state;
    flag! is_expanded; int! attempt_count; id seed_id owner_id; real lease_until_s;
    text payload failure failure_detail
legacy_source:
    text! file_name table_name; at! imported_at; big! row_count known_count unreadable_count; json! unreadable;
    text software_version
owner:
    text36! token; text! host machine; int! pid; text! process_started; at! created_at
    unique token
vantage:
    text! name provider; text public_address
    unique name provider
video:
    text! service video_id url; text title; real duration_s; at uploaded_at; at! first_seen_at
    unique service video_id
daily:
    big! day_s; id! vantage_id>vantage; text! service; big! measurement_count resolved_count valid_count
legacy_row:
    id! source_id>legacy_source; text32! digest; int! occurrence; text old_id service url cacheurl;
    real cacheserverdelay; text ip resolver; real resolvetime; big asnumber;
    real pingmin pingavg pingmax downloadtime; text videotype; real videoduration videolength encodingrate;
    big downloadbytes downloadinterruptions;
    real initialdata initialrate initialplaybackbuffer bufferingduration playbackduration bufferdurationatend
      timetogetfirstbyte maxinstantthp; text redirecturl; big statuscode
run:
    text36! uuid; id! vantage_id>vantage; id crawl_id>crawl; text! spider; json! arguments settings;
    text software_version schema_version scrapy_version yt_dlp_version python_version platform; at! started_at;
    at ended_at; text end_reason
    unique uuid
daily_failure (daily_id, failure, attribution, stage):
    id! daily_id>daily; text! failure attribution stage; big! measurement_count
daily_figure (daily_id, name, part):
    id! daily_id>daily; text! name part; big! row_count known_count; real total low high; blob! histogram
measurement:
    text36! uuid; id! run_id>run vantage_id>vantage; id crawl_id>crawl; int! pass_number; id! video_row_id>video;
    flag! is_superseded; text software_version schema_version; at started_at; at! stored_at; int depth;
    text source seed_source parent_id; big claim_id frontier_order; int related_count;
    text page_failure page_failure_detail; big view_count;
    real video_age_s since_last_measured_s resolve_elapsed_s; int resolve_attempt_count; real available_wait_s;
    int address_family; text client_address extractor client resolve_software_version; json player_config;
    text resolve_failure resolve_failure_detail dns_resolver; real dns_elapsed_s;
    text dns_failure dns_failure_detail; real ping_elapsed_s; text ping_failure ping_failure_detail;
    real join_time_s; text failure_stage attribution store_failure_detail failure failure_detail
    unique uuid
open_window (run_id):
    id! run_id>run; at! updated_at; text! service video_id; text title; text! stage; real elapsed_s window_s;
    big received_bytes
dns_lookup:
    id! measurement_id>measurement; text! host resolver; text resolver_address transport record_type;
    real t_s elapsed_s; text rcode; big ttl_s; json cnames; text chosen_address failure failure_detail
download:
    id! measurement_id>measurement; int! place; text mode ended_by; big address_family; text host address;
    flag via_proxy is_cross_traffic;
    real window_s elapsed_s connect_s first_byte_s active_s no_demand_s delivery_bps delivery_after_2s_bps
      bin_min_bps bin_median_bps bin_p95_bps bin_max_bps cpu_ratio; at started_at;
    real tcp_rtt_min_s tcp_receiver_rtt_median_s;
    big tcp_received_segment_count tcp_out_of_order_count tcp_receive_window_max_bytes loaded_sent_count
      loaded_received_count; real loaded_rtt_min_s loaded_rtt_median_s loaded_rtt_max_s; blob loaded_samples;
    big received_bytes foreign_received_bytes foreign_sent_bytes;
    text pair_id interface_kind kernel congestion_control; big link_rate_bps wifi_signal_dbm mtu_bytes;
    flag is_vpn is_probe_limited; text cache_site cache_airport;
    big loaded_gateway_sent_count loaded_gateway_received_count;
    real loaded_gateway_rtt_min_s loaded_gateway_rtt_median_s loaded_gateway_rtt_max_s;
    blob loaded_gateway_samples; real clock_offset_s clock_offset_error_s cpu_throttled_s cpu_steal_ratio;
    flag is_clock_synchronised is_cpu_throttled; text access_technology; big contract_bps;
    text failure failure_detail
    unique measurement_id place
figure (measurement_id):
    id! measurement_id>measurement; big! started_s; id! vantage_id run_id video_row_id; int! place;
    small! is_valid is_session; text service host cache_site resolver http_version format mode client player;
    small address_family;
    text failure attribution failure_stage ping_method yt_dlp_version cache_airport as_holder; big as_number;
    small is_started has_stall; real startup_delay_s waited_s stalled_s played_s stall_ratio join_time_s;
    int stall_count stall_1s_count; real buffer_end_s initial_buffer_s initial_rate_bps mos_stalling_hossfeld2011;
    big initial_buffer_bytes;
    real delivery_bps delivery_after_2s_bps throughput_bps reception_ratio bitrate_bps bin_min_bps bin_median_bps
      bin_max_bps download_s connect_s first_byte_s; big received_bytes size_bytes service_estimate_bps;
    int status height_px; real video_duration_s cpu_ratio; small is_cross_traffic;
    real rtt_min_s rtt_avg_s rtt_max_s loss_ratio dns_elapsed_s resolve_elapsed_s
network (measurement_id, address):
    id! measurement_id>measurement; text! address; big as_number; json other_as_numbers;
    text as_prefix as_holder source
ping:
    id! measurement_id>measurement; text! address; text method; big port sent_count received_count;
    real loss_ratio rtt_min_s rtt_avg_s rtt_median_s rtt_max_s rtt_stddev_s; flag via_proxy;
    text failure failure_detail role
playback:
    id! measurement_id>measurement; int! place; text! player; json! parameters;
    flag is_started is_ended is_validated is_identifiable;
    real horizon_s startup_delay_s stalled_s stall_ratio played_s initial_buffer_s initial_rate_bps buffer_end_s
      media_received_s mos_stalling_hossfeld2011;
    big stall_count stall_1s_count freeze_count initial_buffer_bytes; text timeline_method failure failure_detail
    unique measurement_id place player
dns_address (lookup_id, place):
    id! lookup_id>dns_lookup; int! place; text! address
http_request:
    id! download_id>download; int! stream hop; text host; big port; text address; big address_family; real t_s;
    big range_start_bytes range_end_bytes status; text http_version tls_version;
    real dns_s connect_s tls_s first_byte_s total_s; big received_bytes content_length_bytes; text content_type;
    real retry_after_s; text failure failure_detail
playback_event:
    id! playback_id>playback; text! kind; real start_s duration_s; flag is_open
stream:
    id! measurement_id>measurement; id download_id>download; int! place stream; text kind format_id host;
    big port; text extension container video_codec audio_codec; big width_px height_px;
    real frame_rate_fps declared_bitrate_bps; big declared_size_bytes chunk_bytes; at available_at;
    text primary_cache fallback_cache cache_kind cache_status; big prefix_length service_estimate_bps;
    text client experiments cache_site cache_airport; big received_bytes size_bytes spooled_bytes;
    flag is_complete; json no_demand; text failure failure_detail timeline_method; big init_bytes;
    flag is_index_last; text fallback_reason file_container file_video_codec file_audio_codec;
    big file_width_px file_height_px; real file_frame_rate_fps file_bitrate_bps file_duration_s;
    text timeline_failure timeline_failure_detail
    unique measurement_id place stream
tcp_connection:
    id! download_id>download; int! stream; text address; big port local_port;
    real rtt_min_s receiver_rtt_median_s receiver_rtt_max_s;
    big received_bytes received_segment_count out_of_order_count receive_window_max_bytes maximum_segment_bytes
      all_received_segment_count all_sent_segment_count sent_retransmission_count sent_congestion_window_segments
      sent_delivery_rate_bps sample_count; blob samples
arrival_trace (stream_id):
    id! stream_id>stream; big! point_count; blob! points
media_timeline (stream_id):
    id! stream_id>stream; big! point_count segment_count; blob! points
"""
_INDEXES = (
    "UNIQUE INDEX uq_crawl_unfinished ON crawl (name, vantage_name) WHERE finished_at IS NULL",
    "INDEX ix_frontier_in_flight ON frontier (state, crawl_id, pass_number, owner_id) WHERE state = 1",
    "INDEX ix_frontier_queued ON frontier (crawl_id, pass_number, depth, parent_id, place) WHERE state = 0",
    "UNIQUE INDEX uq_frontier_video ON frontier (crawl_id, pass_number, service, video_id)",
    "UNIQUE INDEX uq_daily_key ON daily (day_s, vantage_id, service)",
    "INDEX ix_legacy_row_source_id ON legacy_row (source_id)",
    "UNIQUE INDEX uq_legacy_row_digest ON legacy_row (digest, occurrence)",
    "INDEX ix_run_crawl_id ON run (crawl_id)",
    "INDEX ix_measurement_run_id ON measurement (run_id)",
    "INDEX ix_measurement_started_at ON measurement (started_at)",
    "INDEX ix_measurement_video_row_id ON measurement (video_row_id)",
    "UNIQUE INDEX uq_measurement_current ON measurement (crawl_id, pass_number, video_row_id, vantage_id)"
    " WHERE NOT is_superseded",
    "INDEX ix_dns_lookup_measurement_id ON dns_lookup (measurement_id)",
    "INDEX ix_figure_changes ON figure (started_s, run_id, client, failure, attribution)",
    "INDEX ix_figure_run ON figure (run_id, failure)",
    "INDEX ix_figure_started_s ON figure (started_s)",
    "INDEX ix_figure_vantage ON figure (vantage_id, measurement_id, failure)",
    "INDEX ix_ping_measurement_id ON ping (measurement_id)",
    "INDEX ix_http_request_download_id ON http_request (download_id)",
    "INDEX ix_playback_event_playback_id ON playback_event (playback_id)",
    "INDEX ix_stream_download_id ON stream (download_id)",
    "INDEX ix_tcp_connection_download_id ON tcp_connection (download_id)",
)
_BLOCK_ROWS = 1024
_EVENTS = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}
# What the packed columns are copied from.
_PACKED = ("figure", "playback", "dns_lookup")
_UNSEAL = (
    "INSERT INTO figure_block (block, is_sealed) VALUES ({row}.measurement_id / {size}, 0)"
    " ON CONFLICT (block) DO UPDATE SET is_sealed = 0 WHERE figure_block.is_sealed = 1;"
)
_VIEW_COLUMNS = re.findall(
    r"\w+",
    "ID Service Url CacheUrl CacheServerDelay IP Resolver ResolveTime ASNumber PingMin PingAvg PingMax DownloadTime "
    "VideoType VideoDuration VideoLength EncodingRate DownloadBytes DownloadInterruptions InitialData InitialRate "
    "InitialPlaybackBuffer BufferingDuration PlaybackDuration BufferDurationAtEnd TimeTogetFirstByte MaxInstantThp "
    "RedirectUrl StatusCode",
)

# One row for each address that a resolver gave for the first stream's host; an address that no resolver gave but was
# downloaded from (behind a proxy: NULL) has a row, and so has a measurement without any address.
_VIEW = """
CREATE VIEW pytomo_crawl_measured AS
WITH headline AS (
    SELECT s.measurement_id, s.host FROM stream s
    WHERE s.id = (
        SELECT x.id FROM stream x WHERE x.measurement_id = s.measurement_id ORDER BY x.place, x.stream LIMIT 1)
), answer AS (
    SELECT l.measurement_id, l.resolver, a.address, MIN(l.elapsed_s) AS elapsed_s
    FROM dns_lookup l
    JOIN headline h ON h.measurement_id = l.measurement_id AND h.host = l.host
    JOIN dns_address a ON a.lookup_id = l.id
    GROUP BY l.measurement_id, l.resolver, a.address
), path AS (
    SELECT measurement_id, resolver, address, elapsed_s FROM answer
    UNION ALL
    SELECT DISTINCT d.measurement_id, CAST(NULL AS TEXT), d.address, CAST(NULL AS DOUBLE PRECISION) FROM download d
    WHERE NOT EXISTS (SELECT 1 FROM answer a WHERE a.measurement_id = d.measurement_id AND a.address = d.address)
      AND (d.address IS NOT NULL OR d.via_proxy
           OR NOT EXISTS (SELECT 1 FROM answer a WHERE a.measurement_id = d.measurement_id))
    UNION ALL
    SELECT m.id, CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS DOUBLE PRECISION) FROM measurement m
    WHERE NOT EXISTS (SELECT 1 FROM answer a WHERE a.measurement_id = m.id)
      AND NOT EXISTS (SELECT 1 FROM download d WHERE d.measurement_id = m.id)
)
SELECT
    {timestamp} AS ID,
    v.service AS Service,
    v.url AS Url,
    'https://' || h.host || '/' AS CacheUrl,
    m.resolve_elapsed_s AS CacheServerDelay,
    p.address AS IP,
    p.resolver AS Resolver,
    p.elapsed_s AS ResolveTime,
    n.as_number AS ASNumber,
    g.rtt_min_s * 1000 AS PingMin,
    g.rtt_avg_s * 1000 AS PingAvg,
    g.rtt_max_s * 1000 AS PingMax,
    d.elapsed_s AS DownloadTime,
    (SELECT COALESCE(s.extension, s.container, s.file_container) FROM stream s
     WHERE s.download_id = d.id ORDER BY s.stream LIMIT 1) AS VideoType,
    (SELECT COALESCE(v.duration_s, MAX(s.file_duration_s)) FROM stream s WHERE s.download_id = d.id) AS VideoDuration,
    (SELECT CASE WHEN COUNT(*) = COUNT(COALESCE(s.size_bytes, s.declared_size_bytes))
                 THEN SUM(COALESCE(s.size_bytes, s.declared_size_bytes)) END
     FROM stream s WHERE s.download_id = d.id) AS VideoLength,
    (SELECT CASE WHEN COUNT(*) = COUNT(COALESCE(s.file_bitrate_bps, s.declared_bitrate_bps))
                 THEN SUM(COALESCE(s.file_bitrate_bps, s.declared_bitrate_bps)) / 1000 END
     FROM stream s WHERE s.download_id = d.id) AS EncodingRate,
    d.received_bytes AS DownloadBytes,
    b.stall_count AS DownloadInterruptions,
    b.initial_buffer_bytes AS InitialData,
    b.initial_rate_bps / 1000 AS InitialRate,
    b.initial_buffer_s AS InitialPlaybackBuffer,
    b.stalled_s AS BufferingDuration,
    b.played_s AS PlaybackDuration,
    b.buffer_end_s AS BufferDurationAtEnd,
    d.first_byte_s AS TimeTogetFirstByte,
    d.bin_max_bps / 1000 AS MaxInstantThp,
    (SELECT 'https://' || r.host || '/' FROM http_request r
     WHERE r.download_id = d.id AND r.stream = 0 AND r.hop > 0 ORDER BY r.id DESC LIMIT 1) AS RedirectUrl,
    (SELECT r.status FROM http_request r
     WHERE r.download_id = d.id AND r.stream = 0 AND r.status IS NOT NULL ORDER BY r.id DESC LIMIT 1) AS StatusCode
FROM measurement m
JOIN video v ON v.id = m.video_row_id
JOIN path p ON p.measurement_id = m.id
LEFT JOIN headline h ON h.measurement_id = m.id
LEFT JOIN network n ON n.measurement_id = m.id AND n.address = p.address
LEFT JOIN ping g ON g.id = (
    SELECT MIN(x.id) FROM ping x WHERE x.measurement_id = m.id AND x.address = p.address)
LEFT JOIN download d ON d.measurement_id = m.id AND d.place = (
    SELECT MIN(x.place) FROM download x
    WHERE x.measurement_id = m.id AND (x.address = p.address OR (x.address IS NULL AND p.address IS NULL)))
LEFT JOIN playback b ON b.measurement_id = m.id AND b.place = d.place AND b.player = 'classic'
WHERE NOT m.is_superseded
"""

# The text form of Pytomo 3, UTC.
_TIMESTAMPS = {
    "sqlite": "REPLACE(SUBSTR(COALESCE(m.started_at, m.stored_at), 1, 26), 'T', ' ')",
    "postgresql": "TO_CHAR(COALESCE(m.started_at, m.stored_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
}


def upgrade() -> None:
    """Create everything in an empty database."""
    for name, lines in re.findall(r"^(\w.*):\n((?: .*\n)+)", _TABLES, re.MULTILINE):
        _create_table(name, lines)
    for index in _INDEXES:
        op.execute(f"CREATE {index}")
    if op.get_bind().dialect.name == "sqlite":
        _create_sqlite_triggers()
    else:
        # Packed already: trying to compress it again costs time and gains nothing.
        op.execute("ALTER TABLE figure_column ALTER COLUMN content SET STORAGE EXTERNAL")
        _create_postgresql_triggers()
    _create_views()


def _create_table(head: str, lines: str) -> None:
    name, *key = re.findall(r"\w+", head)
    columns, *unique = re.split(r"\bunique\b", lines)
    parts: list[Any] = [] if key else [sa.Column("id", BigId, nullable=False)]
    for group in columns.split(";"):
        kind, *names = group.split()
        for column, _, target in (name_and_target.partition(">") for name_and_target in names):
            is_needed = kind.endswith("!")
            parts.append(sa.Column(column, _KINDS[kind.rstrip("!")], nullable=not is_needed, autoincrement=False))
            if target:
                parts.append(sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{name}_{column}"))
    parts.append(sa.PrimaryKeyConstraint(*(key or ["id"]), name=f"pk_{name}"))
    for together in unique:
        parts.append(sa.UniqueConstraint(*together.split(), name=f"uq_{name}_{'_'.join(together.split())}"))
    op.create_table(name, *parts)


def _create_sqlite_triggers() -> None:
    for table in _PACKED:
        for event, row in _EVENTS.items():
            unseal = _UNSEAL.format(row=row, size=_BLOCK_ROWS)
            op.execute(f"CREATE TRIGGER unseal_{table}_{event.lower()} AFTER {event} ON {table} BEGIN {unseal} END")


def _create_postgresql_triggers() -> None:
    for event, row in _EVENTS.items():
        unseal = _UNSEAL.format(row=row, size=_BLOCK_ROWS)
        name = f"unseal_after_{event.lower()}"
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {unseal} RETURN NULL; END $$"
        )
        for table in _PACKED:
            op.execute(
                f"CREATE TRIGGER unseal_{table}_{event.lower()} AFTER {event} ON {table}"
                f" FOR EACH ROW EXECUTE FUNCTION {name}()"
            )


def _create_views() -> None:
    op.execute(_VIEW.replace("{timestamp}", _TIMESTAMPS[op.get_bind().dialect.name]))
    ours = ", ".join(_VIEW_COLUMNS)
    theirs = ", ".join(f"{'old_id' if name == 'ID' else name.lower()} AS {name}" for name in _VIEW_COLUMNS)
    both = f"SELECT {ours} FROM pytomo_crawl_measured UNION ALL SELECT {theirs} FROM legacy_row"
    op.execute(f"CREATE VIEW pytomo_crawl AS {both}")
