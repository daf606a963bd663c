"""The table of lines, for terminal and page."""

from __future__ import annotations

from collections.abc import Sequence

from pytomo_scrapy.analysis.line_health import Line
from pytomo_scrapy.analysis.newest import SHARE_ROWS
from pytomo_scrapy.items.in_words import duration
from pytomo_scrapy.reporting.format import NOTHING, number, percent, seconds, size
from pytomo_scrapy.reporting.tables import TableLayout

_COLUMNS = (
    *("line", "provider", "last seen (UTC)", "ago", "measured today", "data today", "of cap"),
    *("bad", "stalled", "startup", "refused", "disk free", "pytomo-scrapy", "yt-dlp"),
)
_NOTE = (
    "A bad session did not start, or stalled. Bad, stalled, startup (median) and refused are of the line's newest "
    f"{SHARE_ROWS} measurements; refused: of those that the service answered (docs/metrics.md, Refusals). Today began "
    "at midnight UTC; data: media bytes that it fetched, controls and tests of names too."
)


def lines_table(lines: Sequence[Line]) -> TableLayout:
    """Lay out lines, one a row."""
    return TableLayout("Lines", _COLUMNS, tuple(_row(line) for line in lines), _NOTE)


def _row(line: Line) -> tuple[str, ...]:
    # A probe that was set up and has never measured is the one to look at; an empty cell would hide it.
    never = "never"
    return (
        line.vantage,
        line.provider,
        f"{line.last_seen_at:%Y-%m-%d %H:%M}" if line.last_seen_at else never,
        duration(line.silent_s) if line.silent_s is not None else "",
        number(line.today_count, 0),
        size(line.today_bytes) if line.today_bytes is not None else NOTHING,
        percent(line.cap_share) if line.cap_share is not None else "no cap",
        percent(line.bad_share),
        percent(line.stall_share),
        seconds(line.startup_median_s),
        percent(line.refusal_share),
        size(line.disk_free_bytes) if line.disk_free_bytes is not None else NOTHING,
        line.software_version or "",
        line.yt_dlp_version or "",
    )
