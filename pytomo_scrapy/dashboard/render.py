"""The templates of the package, and how a page is made from a template."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pytomo_scrapy import __version__
from pytomo_scrapy.dashboard.assets import static_version
from pytomo_scrapy.dashboard.page_words import conditions, marked_instant, marked_seconds, stamp
from pytomo_scrapy.dashboard.query import PERIODS, PageQuery
from pytomo_scrapy.failures import meaning_of
from pytomo_scrapy.items.in_words import duration, moved, short_host
from pytomo_scrapy.reporting.format import number, readable, size

NAVIGATION = (
    ("/", "Overview"),
    ("/series", "Time series"),
    ("/distributions", "Distributions"),
    ("/compare", "Compare"),
    ("/videos", "Videos"),
    ("/failures", "Failures"),
    ("/lines", "Lines"),
    ("/studies", "Studies"),
    ("/runs", "Runs"),
    ("/databases", "Databases"),
    ("/docs", "Documentation"),
)


@cache
def environment() -> Environment:
    """Return the templates: everything is escaped, and an unknown name is an error."""
    made = Environment(
        loader=PackageLoader("pytomo_scrapy.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(number=number, instant=marked_instant, seconds=marked_seconds, size=size, readable=readable)
    made.filters.update(combine_sort=combine_sort, conditions=conditions, stamp=stamp, short_host=short_host)
    made.filters.update(moved=moved, duration=duration, heading=heading)
    made.globals.update(navigation=NAVIGATION, periods=PERIODS, version=__version__, static=static_version())
    made.globals.update(failure_meaning=meaning_of)
    return made


def render(
    request: Request, template: str, values: Mapping[str, Any], *, query: PageQuery | None = None, status: int = 200
) -> Response:
    """Answer with a page. Without `query` it has no period and no conditions."""
    note = request.app.state.config.note
    shared = {"note": note, "path": request.url.path, "query": query, "link": query.link if query else _plain_link}
    body = environment().get_template(template).render({**shared, **values})
    # Pages are of what is measured on a private line: no copy on a shared machine.
    return HTMLResponse(body, status, headers={"Cache-Control": "no-store"})


def _plain_link(path: str, **_: object) -> str:
    return path


def heading(column: str) -> str:
    """Return what a column is called at the top of a table: names of programs, and n, stay as they are."""
    return column if column == "n" or "-" in column else column[:1].upper() + column[1:]


def combine_sort(list_state: Mapping[str, str], name: str, sort: str, order: str) -> dict[str, str]:
    """Return the list's parameters for a column's heading: a second click turns the order round."""
    return {**list_state, "sort": name, "order": "up" if sort == name and order == "down" else "down"}
