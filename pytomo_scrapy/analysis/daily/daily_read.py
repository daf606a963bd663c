"""Read the aggregates of days whose measurements were deleted: for the graphs over time, and for the report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, or_, select

from pytomo_scrapy.analysis.daily.daily_tally import Tally, stored_tally
from pytomo_scrapy.analysis.daily.daily_write import DAY_S, LOST, PARTS, WHOLE
from pytomo_scrapy.analysis.figures import Figure
from pytomo_scrapy.analysis.selection import MAX_GROUPS, Selection
from pytomo_scrapy.storage.schema.crawl_tables import vantage
from pytomo_scrapy.storage.schema.daily_tables import daily, daily_figure

LABEL = "daily aggregates"
_KEYS = {"vantage": daily.c.vantage_id, "service": daily.c.service, "provider": vantage.c.provider}

Group = str | int | None


@dataclass(frozen=True, slots=True)
class DayTally:
    """A figure over one day and one group."""

    day_s: int
    group: Group
    tally: Tally


def is_whole_day(start_s: int | None, end_s: int | None) -> list[ColumnElement[bool]]:
    """Return the condition for the days that lie wholly in a period: an aggregate cannot be split."""
    found: list[ColumnElement[bool]] = []
    if start_s is not None:
        found.append(daily.c.day_s >= start_s)
    if end_s is not None:
        found.append(daily.c.day_s + DAY_S <= end_s)
    return found


def aggregated_count(connection: Connection, start_s: int, end_s: int) -> int:
    """Return how many measurements of a period's whole days exist as aggregates only."""
    total = select(func.coalesce(func.sum(daily.c.measurement_count), 0))
    return int(connection.execute(total.where(*is_whole_day(start_s, end_s))).scalar_one())


def days_of_figure(
    connection: Connection, selection: Selection, parameter: Figure, compare: str | None = None
) -> list[DayTally]:
    """Return a figure of the valid measurements of each whole day, by group.

    The list is empty if the aggregates are not kept by that dimension, such as the host.
    """
    part = _part(selection, parameter, compare)
    if part is None:
        return []
    query = (
        select(daily.c.day_s, daily.c.service, daily.c.vantage_id, vantage.c.provider, daily_figure)
        .join(daily, daily.c.id == daily_figure.c.daily_id)
        .join(vantage, vantage.c.id == daily.c.vantage_id)
        .where(daily_figure.c.name == parameter.name, part, *is_whole_day(selection.start_s, selection.end_s))
        .where(*(_KEYS[name] == value for name, value in selection.equals.items() if name in _KEYS))
        .order_by(daily.c.day_s)
    )
    found: defaultdict[tuple[int, Group], Tally] = defaultdict(Tally)
    for row in connection.execute(query):
        groups: Mapping[str | None, Group] = {
            None: None,
            "vantage": row.vantage_id,
            "service": row.service,
            "provider": row.provider,
        }
        group = groups[compare] if compare in groups else row.part.partition("=")[2]
        found[(row.day_s, group)] += stored_tally(row)
    return [DayTally(day_s, group, tally) for (day_s, group), tally in found.items()]


def _part(selection: Selection, parameter: Figure, compare: str | None) -> ColumnElement[bool] | None:
    # A condition is of single rows, and a day's sums no longer tell them apart.
    if selection.condition is not None:
        return None
    filters = {name: value for name, value in selection.equals.items() if name not in _KEYS}
    if not parameter.is_playback:
        # This figure is the same for every player.
        filters.pop("player", None)
    names = {*filters, *({compare} if compare is not None and compare not in _KEYS else ())}
    if not names:
        return daily_figure.c.part == WHOLE
    # Sums are kept by one dimension at a time: of two at once, none are there.
    name = names.pop()
    if names or name not in PARTS or parameter.name not in PARTS[name]:
        return None
    if name not in filters:
        return daily_figure.c.part.startswith(f"{name}=", autoescape=True) & (daily_figure.c.part != LOST)
    own = daily_figure.c.part == f"{name}={filters[name]}"
    # No player's line has the sessions that the network ended before any player; each player's own figures do.
    return or_(own, daily_figure.c.part == LOST) if name == "player" and compare != "player" else own


def largest_groups(days: list[DayTally]) -> list[Group]:
    """Return the groups with most rows, at most as many as a chart draws."""
    counts: defaultdict[Group, int] = defaultdict(int)
    for day in days:
        if day.group not in {"", None}:
            counts[day.group] += day.tally.row_count
    return sorted(counts, key=lambda group: (-counts[group], str(group)))[:MAX_GROUPS]
