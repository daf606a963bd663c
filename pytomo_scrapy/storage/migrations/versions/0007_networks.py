"""Autonomous systems and cache sites, round trips to the gateway, clock and processor during a window."""

import re

import sqlalchemy as sa
from alembic import op

from pytomo_scrapy.storage.schema.columns import BigId, Json

revision = "0007"
down_revision = "0006"

_COLUMNS = (
    ("stream", sa.Text, "cache_site cache_airport"),
    ("ping", sa.Text, "role"),
    ("figure", sa.Text, "cache_airport as_holder"),
    ("figure", sa.BigInteger, "as_number"),
    ("download", sa.Text, "cache_site cache_airport access_technology"),
    ("download", sa.BigInteger, "loaded_gateway_sent_count loaded_gateway_received_count contract_bps"),
    ("download", sa.Double, "loaded_gateway_rtt_min_s loaded_gateway_rtt_median_s loaded_gateway_rtt_max_s"),
    ("download", sa.LargeBinary, "loaded_gateway_samples"),
    ("download", sa.Double, "clock_offset_s clock_offset_error_s cpu_throttled_s cpu_steal_ratio"),
    ("download", sa.Boolean, "is_clock_synchronised is_cpu_throttled"),
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

# The forerunner's text form, UTC.
_TIMESTAMPS = {
    "sqlite": "REPLACE(SUBSTR(COALESCE(m.started_at, m.stored_at), 1, 26), 'T', ' ')",
    "postgresql": "TO_CHAR(COALESCE(m.started_at, m.stored_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
}


def upgrade() -> None:
    """Add the table and the columns; rows that are there already have NULL."""
    op.create_table(
        "network",
        sa.Column("measurement_id", BigId, nullable=False, autoincrement=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("as_number", sa.BigInteger(), nullable=True),
        sa.Column("other_as_numbers", Json, nullable=True),
        sa.Column("as_prefix", sa.Text(), nullable=True),
        sa.Column("as_holder", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["measurement_id"], ["measurement.id"], name=op.f("fk_network_measurement_id")),
        sa.PrimaryKeyConstraint("measurement_id", "address", name=op.f("pk_network")),
    )
    for table, kind, names in _COLUMNS:
        for name in names.split():
            op.add_column(table, sa.Column(name, kind(), nullable=True))
    # Until now this was a part of the host's name, not its site.
    op.execute("UPDATE figure SET cache_site = NULL WHERE cache_site IS NOT NULL")
    _fill_as_number()


def _fill_as_number() -> None:
    """Make the view of our own rows again, and the one over it."""
    op.execute("DROP VIEW pytomo_crawl")
    op.execute("DROP VIEW pytomo_crawl_measured")
    op.execute(_VIEW.replace("{timestamp}", _TIMESTAMPS[op.get_bind().dialect.name]))
    ours = ", ".join(_VIEW_COLUMNS)
    theirs = ", ".join(f"{'old_id' if name == 'ID' else name.lower()} AS {name}" for name in _VIEW_COLUMNS)
    both = f"SELECT {ours} FROM pytomo_crawl_measured UNION ALL SELECT {theirs} FROM legacy_row"
    op.execute(f"CREATE VIEW pytomo_crawl AS {both}")
