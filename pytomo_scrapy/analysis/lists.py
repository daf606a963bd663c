"""Lists for the web page: measurements, failures over time, runs, and one measurement's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Column, ColumnElement, Connection, func, literal, or_, select

from pytomo_scrapy.analysis.columnar.counts import Counts, split_key
from pytomo_scrapy.analysis.columnar.scan import ColumnScan
from pytomo_scrapy.analysis.figures import LIST_COLUMNS
from pytomo_scrapy.analysis.selection import Selection, conditions
from pytomo_scrapy.analysis.series import width_for
from pytomo_scrapy.storage.measurements import read
from pytomo_scrapy.storage.schema.crawl_tables import crawl, measurement, run, vantage, video
from pytomo_scrapy.storage.schema.figure_tables import figure

PAGE_ROWS = 50
# The database reads all rows before a page to skip them.
MAX_OFFSET = 50_000
MAX_COUNT = 10_000
MAX_RUNS = 200
MANY_VIDEOS = 500

# The start, the video, and the columns that the catalogue lists.
_COLUMNS: Mapping[str, Column[Any]] = {
    "started_s": figure.c.started_s,
    "title": video.c.title,
    "service": figure.c.service,
    "video_id": video.c.video_id,
    **{name: figure.c[name] for name in LIST_COLUMNS if name != "started_s"},
}
SORTS: Mapping[str, Column[Any]] = {name: _COLUMNS[name] for name, column in LIST_COLUMNS.items() if column.is_sortable}


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of measurements. `count` stops at MAX_COUNT: more are not counted."""

    rows: list[dict[str, Any]]
    count: int
    page: int
    has_next: bool


@dataclass(frozen=True, slots=True)
class FailureSeries:
    """Rows by class in each bucket. `counts[class][i]` belongs to `times_s[i]`; `row_counts` are all rows."""

    width_s: int
    times_s: list[int]
    row_counts: list[int]
    counts: dict[str, list[int]]
    attributions: dict[str, str]


def videos(
    connection: Connection,
    selection: Selection,
    *,
    search: str = "",
    sort: str = "started_s",
    is_ascending: bool = False,
    page: int = 1,
    failure: str | None = None,
) -> Listing:
    """Return a page of the selection's measurements. `search` is looked for in titles and video ids."""
    tables = figure.join(video, video.c.id == figure.c.video_row_id)
    criteria = [*conditions(selection), *_sought(connection, search), *_of_failure(failure)]
    order = SORTS[sort].asc() if is_ascending else SORTS[sort].desc()
    if SORTS[sort].nullable:
        order = order.nulls_last()  # said of what is always known, it would keep PostgreSQL from its index
    offset = min((page - 1) * PAGE_ROWS, MAX_OFFSET)
    columns = [column.label(name) for name, column in _COLUMNS.items()]
    query = (
        select(figure.c.measurement_id.label("id"), *columns)
        .select_from(tables)
        .where(*criteria)
        .order_by(order, figure.c.measurement_id.desc())
        .limit(PAGE_ROWS + 1)
        .offset(offset)
    )
    rows = [dict(row._mapping) for row in connection.execute(query)]
    counted = select(literal(1)).select_from(tables).where(*criteria).limit(MAX_COUNT).subquery()
    count = int(connection.execute(select(func.count()).select_from(counted)).scalar_one())
    return Listing(rows[:PAGE_ROWS], count, page, len(rows) > PAGE_ROWS and offset < MAX_OFFSET)


def _sought(connection: Connection, search: str) -> list[ColumnElement[bool]]:
    """Return the condition for rows of videos whose title or id contains the text, with any case."""
    if not search:
        return []
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    contains = or_(*(column.ilike(f"%{escaped}%", escape="\\") for column in (video.c.title, video.c.video_id)))
    ids = list(connection.execute(select(video.c.id).where(contains).limit(MANY_VIDEOS + 1)).scalars())
    if len(ids) > MANY_VIDEOS:
        return [contains]
    # Few videos: their rows are found through the index of measurements by video.
    rows = select(measurement.c.id).where(measurement.c.video_row_id.in_(ids))
    return [figure.c.measurement_id.in_(rows)]


def _of_failure(failure: str | None) -> list[ColumnElement[bool]]:
    if failure is None:
        return []
    if failure in {"any", "none"}:
        return [figure.c.failure.is_not(None) if failure == "any" else figure.c.failure.is_(None)]
    return [figure.c.failure == failure]


def failures(connection: Connection, selection: Selection, buckets: int) -> FailureSeries:
    """Count the period's rows by class of failure over time."""
    whole = replace(selection, is_valid_only=False)
    width_s = width_for(selection.length_s, buckets)
    first_s = selection.start_s - selection.start_s % width_s
    scan = ColumnScan(connection, whole)
    counted = Counts()
    for found in scan:
        buckets_of = (found.whole("started_s") - first_s) // width_s
        counted.add(buckets_of, found.words("failure"), found.words("attribution"))
    rows = [(*split_key(key, 2), count) for key, count in counted.as_dict().items()]
    index_of = {bucket: index for index, bucket in enumerate(sorted({row[0] for row in rows}))}
    row_counts = [0] * len(index_of)
    counts: dict[str, list[int]] = {}
    attributions: dict[str, str] = {}
    for bucket, failure, attribution, count in rows:
        row_counts[index_of[bucket]] += count
        name = scan.texts.text(failure)
        if name is not None:
            counts.setdefault(name, [0] * len(index_of))[index_of[bucket]] += count
            attributions[name] = scan.texts.text(attribution) or "unknown"
    ordered = dict(sorted(counts.items(), key=lambda item: (-sum(item[1]), item[0])))
    times_s = [first_s + bucket * width_s for bucket in index_of]
    return FailureSeries(width_s, times_s, row_counts, ordered, attributions)


def averages(connection: Connection, selection: Selection) -> dict[str, Any]:
    """Return the eight averages of Pytomo 3: services, total time, start, end, videos, and three means."""
    scan = ColumnScan(connection, selection)
    services: set[str] = set()
    count, first, last = 0, 0, 0
    sums = {name: [0.0, 0] for name in ("download_s", "stall_count", "rtt_avg_s")}
    for rows in scan:
        started = rows.whole("started_s")
        first, last = min(first, int(started.min())) if count else int(started.min()), max(last, int(started.max()))
        count += len(rows)
        services |= {scan.texts.texts[number] for number in np.unique(rows.words("service")) if number >= 0}
        for name, total in sums.items():
            values = rows.value(name)
            total[0] += float(np.nansum(values))
            total[1] += int((~np.isnan(values)).sum())
    download, stalls, ping = (total / known if known else None for total, known in sums.values())
    return {
        "service": ", ".join(sorted(services)) or None,
        "total_s": last - first if count else None,
        "start_s": first if count else None,
        "end_s": last if count else None,
        "video_count": count,
        "mean_download_s": download,
        "mean_stall_count": stalls,
        "mean_ping_s": ping,
    }


def runs(connection: Connection, limit: int = MAX_RUNS) -> list[dict[str, Any]]:
    """Return the newest runs with their vantage point, their crawl and their number of measurements."""
    newest = select(run).order_by(run.c.started_at.desc(), run.c.id.desc()).limit(limit).subquery()
    query = (
        select(newest, vantage.c.name.label("vantage"), vantage.c.provider, crawl.c.name.label("crawl"))
        .join(vantage, vantage.c.id == newest.c.vantage_id)
        .outerjoin(crawl, crawl.c.id == newest.c.crawl_id)
        .order_by(newest.c.started_at.desc(), newest.c.id.desc())
    )
    rows = [dict(row._mapping) for row in connection.execute(query)]
    ids = [row["id"] for row in rows]
    counts = select(figure.c.run_id, func.count(), func.count(figure.c.failure))
    counted = {row[0]: row[1:] for row in connection.execute(counts.where(figure.c.run_id.in_(ids)).group_by("run_id"))}
    for row in rows:
        row["row_count"], row["failure_count"] = counted.get(row["id"], (0, 0))
    return rows


def record_of(connection: Connection, measurement_id: int) -> dict[str, Any] | None:
    """Return everything that is stored about a measurement. None if no measurement has that number."""
    if measurement_id >= 2**63:
        return None
    return read.full_record(connection, measurement_id, has_points=False)
