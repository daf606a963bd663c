"""What every page of a period works with: the checked request, a connection and the selected rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pytomo_scrapy.analysis import lists, overview, series
from pytomo_scrapy.analysis.breaks import breaks_of
from pytomo_scrapy.analysis.figures import Figure
from pytomo_scrapy.analysis.selection import Selection, is_large, period_of
from pytomo_scrapy.dashboard.bad_request import BadRequestError
from pytomo_scrapy.dashboard.cache import Recent
from pytomo_scrapy.dashboard.query import PageQuery, choice, read_query, whole
from pytomo_scrapy.failures import FAILURES, NotReadyError
from pytomo_scrapy.storage.read_only import version_of


@dataclass(frozen=True, slots=True)
class View:
    """One request's state of the database."""

    request: Request
    query: PageQuery
    connection: Connection
    selection: Selection
    version: str
    is_empty: bool
    is_large: bool  # too many rows to sum up before the page is sent

    def overview(self) -> overview.Overview:
        """Sum up the period."""
        return overview.overview(self.connection, self.selection, is_across_breaks=self.query.is_across_breaks)

    def series(self, parameter: Figure, compare: str | None = None, buckets: int = series.MAX_BUCKETS) -> series.Series:
        """Return a figure over time, cut at every change of method."""
        breaks = [] if self.query.is_across_breaks else breaks_of(self.connection, self.selection)
        return series.series(
            self.connection, self.selection, parameter, compare=compare, buckets=buckets, breaks=breaks
        )

    def videos(self) -> lists.Listing:
        """Return a page of measurements; the list shows failed ones too unless `rows` says otherwise."""
        values = self.request.query_params
        selection = replace(self.selection, is_valid_only=values.get("rows") == "valid")
        failure = values.get("failure") or None
        if failure not in {None, "any", "none"} and failure not in FAILURES:
            raise BadRequestError("`failure` must be any, none or a class of the failure vocabulary.")
        return lists.videos(
            self.connection,
            selection,
            search=(values.get("q") or "").strip(),
            sort=choice(dict(values), "sort", tuple(lists.SORTS)),
            is_ascending=choice(dict(values), "order", ("down", "up")) == "up",
            page=whole(values, "page", 1, 1, 1_000_000),
            failure=failure,
        )


@contextmanager
def open_view(request: Request, *, more: Iterable[str] = ()) -> Iterator[View]:
    """Check a request and open its database for it. Raises BadRequestError, NotReadyError or TooSlowError.

    A page of a database without measurements is NotReadyError, which says what to do; a program gets its empty answer.
    """
    query = read_query(request, request.app.state.catalogue, more=more)
    with query.database.read() as connection:
        measured = period_of(connection)
        if measured is None and not request.url.path.startswith("/api"):
            raise NotReadyError("The database is there, but it holds no measurement yet.")
        selection = query.selection(measured)
        large = is_large(connection, selection)
        yield View(request, query, connection, selection, version_of(connection), measured is None, large)


def cached_page(view: View, make: Callable[[], Response]) -> Response:
    """Answer with a page of a period; the page for an unchanged database is not made again."""
    request = view.request
    recent: Recent = request.app.state.recent
    key = f"page {view.query.database_id} {view.version} {request.url.path}?{request.url.query}"
    body = recent.answer(key, lambda: bytes(make().body))
    return HTMLResponse(body, headers={"Cache-Control": "no-store"})
