"""The selection that a report is of: what was measured, cut to what was asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from pytomo_scrapy.analysis.breaks import settled
from pytomo_scrapy.analysis.selection import Selection, conditions, period_of
from pytomo_scrapy.analysis.statement import stated
from pytomo_scrapy.storage.schema.crawl_tables import crawl, run
from pytomo_scrapy.storage.schema.figure_tables import figure

LAST_S = 4_102_444_800  # the year 2100: of a report without an end


def report_selection(connection: Connection, selection: Selection) -> Selection:
    """Return the selection with its era; where it has no end of its own, it ends with what was measured."""
    measured = period_of(connection)
    if measured is None:
        return selection
    start_s = max(selection.start_s, measured[0])
    return settled(
        connection, replace(selection, start_s=start_s, end_s=max(min(selection.end_s, measured[1] + 1), start_s + 1))
    )


def of_crawl(connection: Connection, selection: Selection, name: str | None) -> Selection:
    """Return the selection without the runs of other crawls than the one named; None: of all."""
    if name is None:
        return selection
    named = select(crawl.c.id).where(crawl.c.name == name)
    others = select(run.c.id).where(or_(run.c.crawl_id.is_(None), run.c.crawl_id.not_in(named)))
    left_out = selection.era.left_out_runs | set(connection.execute(others).scalars())
    return replace(selection, era=replace(selection.era, left_out_runs=left_out))


def asked_for(since: datetime | None, until: datetime | None) -> Selection:
    """Return the selection of a report; without an end it is of all that was measured."""
    return Selection(
        0 if since is None else int(since.timestamp()), LAST_S if until is None else int(until.timestamp())
    )


def counted_rows(connection: Connection, chosen: Selection) -> dict[str, Any]:
    """Return what figures count of a selection, as JSON values: the selection, its rows, and the runs left out."""
    count = connection.execute(select(func.count()).select_from(figure).where(*conditions(chosen))).scalar_one()
    out = sorted(chosen.era.left_out_runs)
    uuids = connection.execute(select(run.c.uuid).where(run.c.id.in_(out)).order_by(run.c.id)).scalars()
    return {**stated(connection, chosen), "n": int(count), "left_out_runs": list(uuids)}
