"""What was imported from Pytomo 3: its rows by table, with its own figures, which are not ours (docs/metrics.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, func, select

from pytomo_scrapy.storage.schema.legacy_table import legacy_row, legacy_source

PAGE_ROWS = 50
MAX_OFFSET = 100_000


@dataclass(frozen=True, slots=True)
class LegacyTable:
    """The rows that one import of a table brought. First and last are as they stood there, on that machine's clock."""

    source_id: int
    file_name: str
    table_name: str
    imported_at: str  # ISO 8601, UTC
    row_count: int
    video_count: int
    first: str
    last: str
    stall_share: float | None  # of the rows with a count of interruptions
    rate_mean_bps: float | None
    ping_mean_s: float | None


def legacy_tables(connection: Connection) -> list[LegacyTable]:
    """Return every imported table that brought rows, oldest import first."""
    row, source = legacy_row.c, legacy_source.c
    has_stall = case((row.downloadinterruptions > 0, 1.0), (row.downloadinterruptions == 0, 0.0))
    rate = case((row.downloadtime > 0, row.downloadbytes * 8.0 / row.downloadtime))
    query = (
        select(
            source.id,
            source.file_name,
            source.table_name,
            source.imported_at,
            func.count(),
            func.count(row.url.distinct()),
            func.min(row.old_id),
            func.max(row.old_id),
            func.avg(has_stall),
            func.avg(rate),
            func.avg(row.pingavg) / 1000,
        )
        .join(legacy_row, row.source_id == source.id)
        .group_by(source.id, source.file_name, source.table_name, source.imported_at)
        .order_by(source.id)
    )
    found = []
    for source_id, file_name, table_name, imported_at, *figures in connection.execute(query):
        found.append(LegacyTable(source_id, file_name, table_name, imported_at.isoformat(), *figures))
    return found


def legacy_page(connection: Connection, source_id: int, page: int) -> Sequence[dict[str, Any]]:
    """Return a page of a table's rows in the units of Pytomo 3, newest first, and one row more where there is one."""
    offset = min((page - 1) * PAGE_ROWS, MAX_OFFSET)
    query = (
        select(legacy_row)
        .where(legacy_row.c.source_id == source_id)
        .order_by(legacy_row.c.old_id.desc(), legacy_row.c.id.desc())
        # No row more on the deepest page: the page after it would be the same one again.
        .limit(PAGE_ROWS + (offset < MAX_OFFSET))
        .offset(offset)
    )
    return [dict(row._mapping) for row in connection.execute(query)]
