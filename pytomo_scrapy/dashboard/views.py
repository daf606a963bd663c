"""What every page of a period works with: the checked request, a connection and the selected rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pytomo_scrapy.analysis import compared, lists, overview, quality_course, series
from pytomo_scrapy.analysis.bad_sessions import BadSessions, BadSums, bad_sessions
from pytomo_scrapy.analysis.breaks import settled
from pytomo_scrapy.analysis.era import Era
from pytomo_scrapy.analysis.figures import DIMENSIONS, Figure
from pytomo_scrapy.analysis.grade import Grade, grade_of
from pytomo_scrapy.analysis.selection import Selection, is_large, period_of
from pytomo_scrapy.dashboard.bad_request import BadRequestError
from pytomo_scrapy.dashboard.cache import Kept, Recent
from pytomo_scrapy.dashboard.query import PageQuery, choice, read_query, whole
from pytomo_scrapy.failures import FAILURES, NotReadyError, SettingError
from pytomo_scrapy.storage.read_only import version_of


@dataclass(frozen=True, slots=True)
class View:
    """One request's state of the database."""

    request: Request
    query: PageQuery
    connection: Connection
    chosen: Selection  # as it was asked for
    version: str
    is_empty: bool
    is_large: bool  # too many rows to sum up before the page is sent

    @property
    def selection(self) -> Selection:
        """Return the selection with its era: every figure of the request is of this one."""
        chosen = self.chosen
        # Only these of the filters say which runs are looked at.
        filters = {name: chosen.equals.get(name) for name in ("vantage", "provider", "run")}
        key = f"{self.query.database_id} {self.version} {chosen.start_s} {chosen.end_s} {filters}"
        key += f" {chosen.is_across_breaks} {chosen.has_ad_hoc}"
        eras: Kept[Era] = self.request.app.state.eras
        return replace(chosen, era=eras.found(key, lambda: settled(self.connection, chosen).era))

    def bad_sessions(self) -> BadSessions:
        """Sum up the bad sessions of the period: the figures and the chart of a typical day ask for the same."""
        selection = self.selection
        return self._kept_bad(selection, lambda: bad_sessions(self.connection, selection))

    def _kept_bad(self, selection: Selection, look: Callable[[], BadSessions]) -> BadSessions:
        kept: Kept[BadSessions] = self.request.app.state.bad
        return kept.found(f"{self.query.database_id} {self.version} {selection}", look)

    def grade(self, found: overview.Overview) -> Grade:
        """Grade the figures of an overview."""
        return grade_of(found.estimates, self.request.app.state.config.grade)

    def overview(self) -> tuple[overview.Overview, BadSessions]:
        """Sum up the period and its bad sessions, in one pass over its rows."""
        selection = self.selection
        sums = BadSums(self.connection, selection)
        found = overview.overview(self.connection, selection, sums)
        return found, self._kept_bad(selection, sums.result)

    def quality_course(self) -> quality_course.QualityCourse | None:
        """Sum up which qualities play by hour and by day. None where no session can tell."""
        return quality_course.quality_course(self.connection, self.selection)

    def series(
        self, parameter: Figure, compare: str | None = None, most_buckets: int = series.MAX_BUCKETS
    ) -> series.Series:
        """Return a figure over time."""
        word = choice(dict(self.request.query_params), "width", ("auto", *series.CHOSEN_WIDTHS))
        buckets = series.Buckets(most_buckets, series.CHOSEN_WIDTHS.get(word))
        return series.series(self.connection, self.selection, parameter, compare=compare, buckets=buckets)

    def compared(self) -> compared.Comparison:
        """Compare the groups of a dimension with the first of them, or the most frequent one."""
        values = self.request.query_params
        by = choice(dict(values), "by", ("provider", *(name for name in DIMENSIONS if name != "provider")))
        try:
            return compared.compare(self.connection, self.selection, by, values.get("first") or None)
        except SettingError as error:
            raise BadRequestError(str(error)) from None

    def videos(self) -> lists.Listing:
        """Return a page of measurements; the list shows failed ones too unless `rows` says otherwise."""
        values = self.request.query_params
        # The list is no figure: it shows every measurement of the period, those that no figure counts too.
        selection = replace(self.chosen, is_valid_only=values.get("rows") == "valid")
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
        # A program that waits for the first row must not take its absence for an error.
        if measured is None and not request.url.path.startswith("/api"):
            raise NotReadyError("The database is there, but it holds no measurement yet.")
        chosen = query.selection(measured)
        large = is_large(connection, chosen)
        yield View(request, query, connection, chosen, version_of(connection), measured is None, large)


def cached_page(view: View, make: Callable[[], Response]) -> Response:
    """Answer with a page of a period; the page for an unchanged database is not made again."""
    request = view.request
    recent: Recent = request.app.state.recent
    key = f"page {view.query.database_id} {view.version} {request.url.path}?{request.url.query}"
    body = recent.answer(key, lambda: bytes(make().body))
    return HTMLResponse(body, headers={"Cache-Control": "no-store"})
