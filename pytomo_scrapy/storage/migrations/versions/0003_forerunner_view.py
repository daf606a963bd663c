"""The view pytomo_crawl: the forerunner's 29 columns under their old names and units."""

from alembic import op

revision = "0003"
down_revision = "0002"

# One row for each address that a resolver gave for the first stream's host; an address that no resolver gave but was
# downloaded from (behind a proxy: NULL) has a row, and so has a measurement without any address.
_VIEW = """
CREATE VIEW pytomo_crawl AS
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
    CAST(NULL AS INTEGER) AS ASNumber,
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
    """Create the view."""
    op.execute(_VIEW.replace("{timestamp}", _TIMESTAMPS[op.get_bind().dialect.name]))
