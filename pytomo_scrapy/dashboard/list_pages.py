"""Pages that are lists: videos, one measurement, failures, lines, runs and databases."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pytomo_scrapy.analysis import lists
from pytomo_scrapy.analysis.figures import LIST_COLUMNS, ListColumn
from pytomo_scrapy.analysis.legacy_rows import PAGE_ROWS as LEGACY_ROWS
from pytomo_scrapy.analysis.legacy_rows import legacy_page, legacy_tables
from pytomo_scrapy.analysis.line_health import lines_of
from pytomo_scrapy.dashboard.api import LIST
from pytomo_scrapy.dashboard.bad_request import BadRequestError
from pytomo_scrapy.dashboard.course import course, first_failure, shown_windows
from pytomo_scrapy.dashboard.graph_pages import period_values
from pytomo_scrapy.dashboard.query import read_query, whole
from pytomo_scrapy.dashboard.render import render
from pytomo_scrapy.dashboard.views import cached_page, open_view
from pytomo_scrapy.dashboard.waterfall import phases
from pytomo_scrapy.failures import FAILURES, advice_on
from pytomo_scrapy.reporting.cause_tables import verdict_bars
from pytomo_scrapy.reporting.legacy_layout import legacy_layout
from pytomo_scrapy.reporting.lines_table import lines_table
from pytomo_scrapy.reporting.measurement_layout import further_tables

# A row alone shares every word with itself: all of them would go into the line above.
LEAST_SHARING_ROWS = 2
# The columns with a heading of their own, behind the start and the video. What failed is seen first.
_COLUMNS = sorted(
    (column for column in LIST_COLUMNS.values() if column.heading and column.name != "started_s"),
    key=lambda column: column.name != "failure",
)


def videos(request: Request) -> Response:
    """List measurements, searchable and sortable."""
    with open_view(request, more=LIST) as view:
        listing = view.videos()
        shared = _shared(listing.rows)
        said = {column: next((row for row in listing.rows if row[column.name] is not None), None) for column in shared}
        values = {
            **period_values(view, "Videos"),
            "listing": listing,
            "columns": [column for column in _COLUMNS if column not in shared],
            "shared": {column: row for column, row in said.items() if row is not None},
            "when": LIST_COLUMNS["started_s"],
        }
    parameters = request.query_params
    values |= {name: parameters.get(name, "") for name in ("q", "failure")}
    values |= {"sort": parameters.get("sort") or "started_s", "order": parameters.get("order") or "down"}
    values |= {"failures": sorted(FAILURES)}
    # Without `page`: another order or word begins at the first one.
    list_state = {name: values[name] for name in ("q", "sort", "order", "failure") if values[name]}
    return render(request, "videos.html", {**values, "list_state": list_state}, query=view.query)


def _shared(rows: Sequence[Mapping[str, Any]]) -> list[ListColumn]:
    """Return the columns of words that say one thing in all rows: a line above says it, and the table fits a desk."""
    if len(rows) < LEAST_SHARING_ROWS:
        return []
    words = [column for column in _COLUMNS if not column.is_sortable and column.name != "failure"]
    return [column for column in words if len({row[column.name] for row in rows} - {None}) <= 1]


def measurement(request: Request) -> Response:
    """Show one measurement of one video."""
    query = read_query(request, request.app.state.catalogue)
    with query.database.read() as connection:
        record = lists.record_of(connection, request.path_params["id"])
    if record is None:
        raise BadRequestError("There is no measurement with this number.", 404)
    values: dict[str, Any] = {
        "title": "Measurement",
        "record": record,
        "phases": phases(record),
        "bars": [verdict_bars(record["autopsies"], window) for window in record["downloads"]],
        "further": further_tables(record),
        # Everything, for a report of a wrong figure: the tables above show what people ask for.
        "raw": json.dumps(record, indent=1, ensure_ascii=False),
        "advice": advice_on(record["failure"]),
        "course": course(record),
        "first_failure": first_failure(record),
        "windows": shown_windows(record),
    }
    return render(request, "measurement.html", values, query=query)


def failures(request: Request) -> Response:
    """Show failures by class over time, with what to do about each."""
    with open_view(request) as view:

        def make() -> Response:
            found = lists.failures(view.connection, view.selection, 120)
            rows = [
                {
                    "name": name,
                    "attribution": found.attributions[name],
                    "count": sum(counts),
                    "advice": advice_on(name),
                }
                for name, counts in found.counts.items()
            ]
            values = {**period_values(view, "Failures"), "rows": rows, "row_count": sum(found.row_counts)}
            return render(request, "failures.html", values, query=view.query)

        return cached_page(view, make)


def runs(request: Request) -> Response:
    """List the newest runs with their versions and settings."""
    query = read_query(request, request.app.state.catalogue)
    with query.database.read() as connection:
        rows = lists.runs(connection)
        imported = legacy_tables(connection)
    values = {"title": "Runs", "runs": rows, "imported": imported, "legacy": legacy_layout(imported)}
    return render(request, "runs.html", values, query=query)


def legacy(request: Request) -> Response:
    """List the rows of one table that was imported from Pytomo 3."""
    query = read_query(request, request.app.state.catalogue, more=("page",))
    number = whole(request.query_params, "page", 1, 1, 1_000_000)
    with query.database.read() as connection:
        tables = {table.source_id: table for table in legacy_tables(connection)}
        table = tables.get(request.path_params["id"])
        if table is None:
            raise BadRequestError("There is no imported table with this number.", 404)
        rows = legacy_page(connection, table.source_id, number)
    values: dict[str, Any] = {"title": "Pytomo 3", "table": table, "rows": rows[:LEGACY_ROWS], "number": number}
    values |= {"has_next": len(rows) > LEGACY_ROWS, "page_rows": LEGACY_ROWS}
    return render(request, "legacy.html", values, query=query)


def lines(request: Request) -> Response:
    """Show every measured line as it is now."""
    query = read_query(request, request.app.state.catalogue)
    with query.database.read() as connection:
        found = lines_of(connection, datetime.now(UTC))
    values = {"title": "Lines", "table": lines_table(found), "lines": found}
    return render(request, "lines.html", values, query=query)


def databases(request: Request) -> Response:
    """List the databases of the archive, newest first."""
    query = read_query(request, request.app.state.catalogue)
    entries = request.app.state.catalogue.entries()
    return render(request, "databases.html", {"title": "Databases", "entries": entries}, query=query)
