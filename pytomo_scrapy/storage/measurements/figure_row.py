"""Write the flat row of a measurement, from what is stored of it and in the same transaction."""

from __future__ import annotations

from sqlalchemy import Connection, TextClause, text

from pytomo_scrapy.config import BY_NAME
from pytomo_scrapy.items.playback_result import HEADLINE_ORDER
from pytomo_scrapy.storage.schema.figure_tables import figure

# `headline_player` in SQL.
_PLAYER_RANK = (
    "CASE p.player "
    + " ".join(f"WHEN '{name}' THEN {rank}" for rank, name in enumerate(HEADLINE_ORDER))
    + f" ELSE {len(HEADLINE_ORDER)} END"
)

_DIALECTS = {
    "sqlite": {
        "started_s": "CAST(strftime('%s', COALESCE(m.started_at, m.stored_at)) AS INTEGER)",
        "window_setting": "json_extract(r.settings, '$.PYTOMO_DOWNLOAD_WINDOW_S')",
    },
    "postgresql": {
        "started_s": "CAST(FLOOR(EXTRACT(EPOCH FROM COALESCE(m.started_at, m.stored_at))) AS BIGINT)",
        "window_setting": "r.settings->>'PYTOMO_DOWNLOAD_WINDOW_S'",
    },
}

# Each expression has the name of its column. {x} is the dialect's own way to say it.
_EXPRESSIONS = {
    "measurement_id": "m.id",
    "started_s": "{started_s}",
    "vantage_id": "m.vantage_id",
    "run_id": "m.run_id",
    "video_row_id": "m.video_row_id",
    "place": "COALESCE(d.place, 0)",
    "is_valid": "CASE WHEN m.failure IS NULL OR m.attribution = 'network' THEN 1 ELSE 0 END",
    "is_session": "CASE WHEN (m.failure IS NULL AND b.id IS NOT NULL) OR m.attribution = 'network' THEN 1 ELSE 0 END",
    "service": "v.service",
    "host": "d.host",
    "cache_site": "d.cache_site",
    "cache_airport": "d.cache_airport",
    "as_number": "n.as_number",
    "as_holder": "n.as_holder",
    "resolver": "m.dns_resolver",
    "http_version": "(SELECT q.http_version FROM http_request q WHERE q.download_id = d.id"
    " AND q.http_version IS NOT NULL ORDER BY q.id LIMIT 1)",
    "format": "(SELECT s.format_id FROM stream s WHERE s.download_id = d.id ORDER BY s.stream LIMIT 1)"
    " || COALESCE((SELECT '+' || s.format_id FROM stream s WHERE s.download_id = d.id"
    " ORDER BY s.stream LIMIT 1 OFFSET 1), '')",
    "mode": "d.mode",
    "client": "m.client",
    "player": "b.player",
    "address_family": "COALESCE(d.address_family, m.address_family)",
    "failure": "m.failure",
    "attribution": "m.attribution",
    "failure_stage": "m.failure_stage",
    "ping_method": "g.method",
    "yt_dlp_version": "m.resolve_software_version",
    "is_started": "CASE WHEN b.is_started THEN 1 WHEN b.id IS NOT NULL OR m.attribution = 'network' THEN 0 END",
    "has_stall": "CASE WHEN b.stall_count > 0 THEN 1 WHEN b.stall_count = 0 THEN 0 END",
    "startup_delay_s": "b.startup_delay_s",
    "waited_s": "COALESCE(b.startup_delay_s, b.horizon_s, d.window_s,"
    " CAST({window_setting} AS DOUBLE PRECISION), :window_s)",
    "stalled_s": "b.stalled_s",
    "played_s": "b.played_s",
    "stall_ratio": "b.stall_ratio",
    "join_time_s": "m.join_time_s",
    "stall_count": "b.stall_count",
    "stall_1s_count": "b.stall_1s_count",
    "buffer_end_s": "b.buffer_end_s",
    "initial_buffer_s": "b.initial_buffer_s",
    "initial_rate_bps": "b.initial_rate_bps",
    "mos_stalling_hossfeld2011": "b.mos_stalling_hossfeld2011",
    "initial_buffer_bytes": "b.initial_buffer_bytes",
    "delivery_bps": "d.delivery_bps",
    "delivery_after_2s_bps": "d.delivery_after_2s_bps",
    "throughput_bps": "CASE WHEN d.elapsed_s > 0 THEN d.received_bytes * 8.0 / d.elapsed_s END",
    "reception_ratio": "CASE WHEN d.elapsed_s > 0 AND {bitrate} > 0"
    " THEN d.received_bytes * 8.0 / d.elapsed_s / {bitrate} END",
    "bitrate_bps": "{bitrate}",
    "bin_min_bps": "d.bin_min_bps",
    "bin_median_bps": "d.bin_median_bps",
    "bin_max_bps": "d.bin_max_bps",
    "download_s": "d.elapsed_s",
    "connect_s": "d.connect_s",
    "first_byte_s": "d.first_byte_s",
    "received_bytes": "d.received_bytes",
    "size_bytes": "(SELECT CASE WHEN COUNT(*) = COUNT(COALESCE(s.size_bytes, s.declared_size_bytes))"
    " THEN SUM(COALESCE(s.size_bytes, s.declared_size_bytes)) END FROM stream s WHERE s.download_id = d.id)",
    "service_estimate_bps": "(SELECT MAX(s.service_estimate_bps) FROM stream s WHERE s.measurement_id = m.id)",
    "status": "(SELECT q.status FROM http_request q WHERE q.download_id = d.id AND q.stream = 0"
    " AND q.status IS NOT NULL ORDER BY q.id DESC LIMIT 1)",
    "height_px": "(SELECT MAX(COALESCE(s.file_height_px, s.height_px)) FROM stream s WHERE s.download_id = d.id)",
    "video_duration_s": "COALESCE(v.duration_s,"
    " (SELECT MAX(s.file_duration_s) FROM stream s WHERE s.download_id = d.id))",
    "cpu_ratio": "d.cpu_ratio",
    "is_cross_traffic": "CASE WHEN d.is_cross_traffic THEN 1 WHEN NOT d.is_cross_traffic THEN 0 END",
    "rtt_min_s": "g.rtt_min_s",
    "rtt_avg_s": "g.rtt_avg_s",
    "rtt_max_s": "g.rtt_max_s",
    "loss_ratio": "g.loss_ratio",
    "dns_elapsed_s": "m.dns_elapsed_s",
    "resolve_elapsed_s": "m.resolve_elapsed_s",
}
_BITRATE = (
    "(SELECT CASE WHEN COUNT(*) = COUNT(COALESCE(s.file_bitrate_bps, s.declared_bitrate_bps))"
    " THEN SUM(COALESCE(s.file_bitrate_bps, s.declared_bitrate_bps)) END FROM stream s WHERE s.download_id = d.id)"
)
_SOURCE = f"""
FROM measurement m
JOIN video v ON v.id = m.video_row_id
JOIN run r ON r.id = m.run_id
LEFT JOIN download d ON d.measurement_id = m.id AND d.place = (
    SELECT MIN(x.place) FROM download x WHERE x.measurement_id = m.id)
LEFT JOIN ping g ON g.id = (SELECT MIN(x.id) FROM ping x WHERE x.measurement_id = m.id AND x.address = d.address)
LEFT JOIN network n ON n.measurement_id = m.id AND n.address = d.address
LEFT JOIN playback b ON b.id = (
    SELECT p.id FROM playback p WHERE p.measurement_id = m.id AND p.place = COALESCE(d.place, 0)
    ORDER BY {_PLAYER_RANK}, p.player LIMIT 1)
WHERE NOT m.is_superseded
"""
_OF_ONE = " AND m.id = :measurement_id"
_MISSING = " AND NOT EXISTS (SELECT 1 FROM figure f WHERE f.measurement_id = m.id)"


def write_figures(connection: Connection, measurement_id: int) -> None:
    """Write the flat row of a measurement whose details are all stored, and take out what it supersedes.

    To be called as the last statement of the transaction that stores it.
    """
    connection.execute(_TAKE_OUT, {"measurement_id": measurement_id})
    values = {"measurement_id": measurement_id, "window_s": _planned_window_s()}
    connection.execute(_insertion(connection, _OF_ONE), values)


def write_missing_figures(connection: Connection) -> int:
    """Write the flat rows of every measurement that has none, such as imported ones. Returns how many."""
    return connection.execute(_insertion(connection, _MISSING), {"window_s": _planned_window_s()}).rowcount


_TAKE_OUT = text(
    "DELETE FROM figure WHERE measurement_id = :measurement_id OR measurement_id IN ("
    "SELECT o.id FROM measurement o JOIN measurement n ON n.video_row_id = o.video_row_id"
    " WHERE n.id = :measurement_id AND o.is_superseded)"
)


def _planned_window_s() -> float:
    return float(BY_NAME["PYTOMO_DOWNLOAD_WINDOW_S"].default)


def _insertion(connection: Connection, condition: str) -> TextClause:
    words = {**_DIALECTS[connection.dialect.name], "bitrate": _BITRATE}
    names = [column.name for column in figure.columns]
    values = ",\n    ".join(_EXPRESSIONS[name].format_map(words) for name in names)
    return text(f"INSERT INTO figure ({', '.join(names)})\nSELECT {values}{_SOURCE}{condition}")
