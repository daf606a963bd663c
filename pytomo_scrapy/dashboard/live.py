"""What is going on right now; the pages ask every few seconds."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pytomo_scrapy.dashboard.query import read_query
from pytomo_scrapy.storage.measurements.open_windows import live_state
from pytomo_scrapy.storage.read_only import version_of


def state(request: Request) -> Response:
    """Give the open windows, the crawls under way and the newest measurements; `version` changes with every row."""
    query = read_query(request, request.app.state.catalogue)
    with query.database.read() as connection:
        found = live_state(connection) | {"version": version_of(connection)}
    return JSONResponse(found, headers={"Cache-Control": "no-store"})
