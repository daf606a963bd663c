"""Which qualities the line plays, in tables: all together, by hour of the day and by day of the week."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.reporting.format import NOTHING, number
from pytomo_scrapy.reporting.tables import TableLayout

if TYPE_CHECKING:
    from pytomo_scrapy.analysis.quality_course import QualityCourse, QualityPart
    from pytomo_scrapy.analysis.quality_shares import HeightShare

_NOTE = (
    "Share of the sessions that can tell whose line plays that quality or more, and its 95 % interval, which takes "
    "sessions for independent."
)


def course_tables(course: QualityCourse) -> list[TableLayout]:
    """Lay out the shares by hour and by day; what no session knows is left out."""
    parts = (*course.hours, *course.weekdays)
    heights = [at for at in range(len(parts[0].shares)) if any(part.shares[at].known_count for part in parts)]
    note = _NOTE
    if course.utc_count:
        note += f" The time zone of {counted(course.utc_count, 'session')} is not known: these count by UTC."
    return [
        _table("Quality that plays by hour of the day, local time", "hour", course.hours, heights, note),
        _table("Quality that plays by day of the week, local time", "day", course.weekdays, heights, ""),
    ]


def _table(title: str, by: str, parts: Sequence[QualityPart], heights: list[int], note: str) -> TableLayout:
    shown = [part for part in parts if part.known_count]
    columns = (by, "sessions", *(f"{shown[0].shares[at].height_px}p" for at in heights))
    rows = tuple(
        (part.name, number(part.known_count, 0), *(_cell(part.shares[at]) for at in heights)) for part in shown
    )
    return TableLayout(title, columns, rows, note)


def _cell(one: HeightShare) -> str:
    if one.share is None or one.low is None or one.high is None:
        return NOTHING
    return f"{100 * one.share:.0f} % ({100 * one.low:.0f} to {100 * one.high:.0f})"
