"""The page that compares: providers, lines, families, hosts, or what else rows can be told apart by."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pytomo_scrapy.analysis.figures import DIMENSIONS
from pytomo_scrapy.analysis.selection import is_large
from pytomo_scrapy.analysis.statement import sentence_of
from pytomo_scrapy.dashboard.api import COMPARE
from pytomo_scrapy.dashboard.graph_pages import SHELL_ROWS, period_values
from pytomo_scrapy.dashboard.query import choice
from pytomo_scrapy.dashboard.render import render
from pytomo_scrapy.dashboard.views import View, cached_page, open_view
from pytomo_scrapy.reporting.comparison_text import comparison_sentences, comparison_tables


def compare(request: Request) -> Response:
    """Show the groups of a dimension with their figures and differences."""
    with open_view(request, more=COMPARE) as view:
        by = choice(dict(request.query_params), "by", ("provider", *(n for n in DIMENSIONS if n != "provider")))
        first = request.query_params.get("first") or None

        def make() -> Response:
            values = period_values(view, "Compare") | {"by": by, "first": first}
            # The figures of very many rows follow the page, as those of the overview.
            is_shell = is_large(view.connection, view.chosen, SHELL_ROWS)
            shown = {} if is_shell else _compared_values(view)
            return render(request, "compare.html", {**values, **shown, "is_large": is_shell}, query=view.query)

        return cached_page(view, make)


def compare_fragment(request: Request) -> Response:
    """Show the comparison alone."""
    with open_view(request, more=COMPARE) as view:
        return cached_page(view, lambda: render(request, "compared.html", _compared_values(view), query=view.query))


def _compared_values(view: View) -> dict[str, Any]:
    found = view.compared()
    return {
        "compared": found,
        "sentences": comparison_sentences(found),
        "tables": comparison_tables(found),
        "has_shown": any(one.is_shown for group in found.groups for one in group.differences),
        "statement": sentence_of(view.connection, view.selection),
    }
