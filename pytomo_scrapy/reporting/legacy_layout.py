"""The table of what was imported from Pytomo 3, for terminal and page."""

from __future__ import annotations

from collections.abc import Sequence

from pytomo_scrapy.analysis.legacy_rows import LegacyTable
from pytomo_scrapy.reporting.format import megabits, milliseconds, number, percent
from pytomo_scrapy.reporting.tables import TableLayout

_COLUMNS = (
    *("file", "table", "rows", "videos", "from", "to", "with interruptions"),
    *("mean rate", "mean ping", "imported (UTC)"),
)
_NOTE = (
    "In the definitions of Pytomo 3 and on the clock of its machine; counted in no other figure. "
    "`pytomo export --legacy` writes the rows."
)


def legacy_layout(tables: Sequence[LegacyTable]) -> TableLayout:
    """Lay out imported tables, one a row."""
    return TableLayout("Imported from Pytomo 3", _COLUMNS, tuple(_row(table) for table in tables), _NOTE)


def _row(table: LegacyTable) -> tuple[str, ...]:
    return (
        table.file_name,
        table.table_name,
        number(table.row_count, 0),
        number(table.video_count, 0),
        table.first[:16],
        table.last[:16],
        percent(table.stall_share),
        megabits(table.rate_mean_bps),
        milliseconds(table.ping_mean_s),
        table.imported_at[:16].replace("T", " "),
    )
