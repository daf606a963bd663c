"""Write the flat row of a measurement from its stored details, in the same transaction.

Which columns it has and what each is, the catalogue says: `schema/figure_catalogue`.
"""

from __future__ import annotations

from sqlalchemy import Connection, TextClause, text

from pytomo_scrapy.config import BY_NAME
from pytomo_scrapy.items.playback_result import HEADLINE_ORDER
from pytomo_scrapy.storage.schema.figure_catalogue import FIGURES

# `headline_player` in SQL.
_PLAYER_RANK = (
    "CASE p.player "
    + " ".join(f"WHEN '{name}' THEN {rank}" for rank, name in enumerate(HEADLINE_ORDER))
    + f" ELSE {len(HEADLINE_ORDER)} END"
)

# The parts of the catalogue's expressions that differ between SQLite and PostgreSQL.
_DIALECTS = {
    "sqlite": {
        "started_s": "CAST(strftime('%s', COALESCE(m.started_at, m.stored_at)) AS INTEGER)",
        "source_kind": "CASE WHEN INSTR(m.source, ':') > 0 THEN SUBSTR(m.source, 1, INSTR(m.source, ':') - 1)"
        " ELSE NULLIF(m.source, '') END",
        "window_setting": "json_extract(r.settings, '$.PYTOMO_DOWNLOAD_WINDOW_S')",
    },
    "postgresql": {
        "started_s": "CAST(FLOOR(EXTRACT(EPOCH FROM COALESCE(m.started_at, m.stored_at))) AS BIGINT)",
        "source_kind": "NULLIF(SPLIT_PART(m.source, ':', 1), '')",
        "window_setting": "r.settings->>'PYTOMO_DOWNLOAD_WINDOW_S'",
    },
}

# LEFT throughout, as a session that failed early counts too; and one row of each table at most, as a second ping to the
# address, or a second player, would count the measurement twice.
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
    """Write the flat rows of every measurement that has none: a database made without crawls. Returns how many."""
    return connection.execute(_insertion(connection, _MISSING), {"window_s": _planned_window_s()}).rowcount


_TAKE_OUT = text(
    "DELETE FROM figure WHERE measurement_id = :measurement_id OR measurement_id IN ("
    "SELECT o.id FROM measurement o JOIN measurement n ON n.video_row_id = o.video_row_id"
    " WHERE n.id = :measurement_id AND o.is_superseded)"
)


def _planned_window_s() -> float:
    return float(BY_NAME["PYTOMO_DOWNLOAD_WINDOW_S"].default)


def _insertion(connection: Connection, condition: str) -> TextClause:
    words = _DIALECTS[connection.dialect.name]
    names = ", ".join(["measurement_id", *(entry.name for entry in FIGURES)])
    values = ",\n    ".join(["m.id", *(entry.sql.format_map(words) for entry in FIGURES)])
    return text(f"INSERT INTO figure ({names})\nSELECT {values}{_SOURCE}{condition}")
