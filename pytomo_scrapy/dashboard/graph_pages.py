"""Pages of graphs: the overview, the groups and parameters over time, and the distributions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pytomo_scrapy.analysis import lists
from pytomo_scrapy.analysis.daily.daily_read import aggregated_count
from pytomo_scrapy.analysis.figures import DIMENSIONS, GROUPS, PARAMETERS, Figure
from pytomo_scrapy.analysis.overview import change_since
from pytomo_scrapy.analysis.selection import choices, is_large, labels_of
from pytomo_scrapy.analysis.statement import sentence_of
from pytomo_scrapy.dashboard.bad_request import BadRequestError
from pytomo_scrapy.dashboard.query import compare_of, parameter_of
from pytomo_scrapy.dashboard.render import render
from pytomo_scrapy.dashboard.views import View, cached_page, open_view
from pytomo_scrapy.reporting.cause_tables import cause_table
from pytomo_scrapy.reporting.differential_text import name_test_table
from pytomo_scrapy.reporting.grade_text import bad_sentences, exposure_table, grade_words
from pytomo_scrapy.reporting.quality_text import course_tables
from pytomo_scrapy.reporting.tables import outage_table, refusal_table
from pytomo_scrapy.reporting.verdict import verdict

# Fewer make a mean look like more than it is.
MIN_ROWS = 3
SHELL_ROWS = 10_000


def period_values(view: View, title: str) -> dict[str, Any]:
    """Return what every page of a period shows: its title, its period and the choices of its filters."""
    selection = view.chosen
    return {
        "title": title,
        "selection": selection,
        # The open page asks what the newest version is, and fetches its figures anew where that is another.
        "version_key": view.version,
        "choices": choices(view.connection, selection.start_s, selection.end_s),
        "dimensions": DIMENSIONS,
        "is_empty": view.is_empty,
        "aggregated_count": aggregated_count(view.connection, selection.start_s, selection.end_s),
    }


def overview(request: Request) -> Response:
    """Show the state of the line."""
    with open_view(request) as view:

        def make() -> Response:
            values = period_values(view, "Overview")
            # The figures of very many rows follow the page, so that nobody waits for them before the first chart.
            is_shell = is_large(view.connection, view.chosen, SHELL_ROWS)
            if not is_shell:
                values |= _overview_values(view, values["choices"])
            shown = {**values, "charts": GROUPS["main"].parameters, "parameters": PARAMETERS, "is_large": is_shell}
            return render(request, "overview.html", shown, query=view.query)

        return cached_page(view, make)


def overview_fragment(request: Request) -> Response:
    """Show the verdict and the figures alone: a page of very many rows loads them after itself."""
    with open_view(request) as view:

        def make() -> Response:
            known = choices(view.connection, view.chosen.start_s, view.chosen.end_s)
            return render(request, "figures.html", _overview_values(view, known), query=view.query)

        return cached_page(view, make)


def _overview_values(view: View, known: Mapping[str, list[tuple[str, str]]]) -> dict[str, Any]:
    """`known` are the values of each dimension in the period."""
    found, bad = view.overview()
    grade = view.grade(found)
    # Half a second for a million rows: those are in the report alone.
    subject, course = _subject(view, known["provider"]), None if view.is_large else view.quality_course()
    sentences = verdict(
        found, subject, lambda one: change_since(view.connection, view.selection, one, found.ping_method)
    )
    return {
        "found": found,
        "verdict": sentences,
        "grade": grade,
        "grade_said": grade_words(grade),
        "bad_said": bad_sentences(bad),
        "exposures": exposure_table(bad),
        "contract": _contract(known),
        "courses": [] if course is None else course_tables(course),
        "is_course_left_out": view.is_large,
        "refused": refusal_table(found.refusals),
        "outages": outage_table(found.outages),
        "causes": cause_table(found.causes),
        "name_tests": name_test_table(found.name_tests),
        "statement": sentence_of(view.connection, view.selection),
    }


def _contract(known: Mapping[str, list[tuple[str, str]]]) -> list[tuple[str, list[str]]]:
    """Return what is said of the lines' contracts."""
    dimensions = [DIMENSIONS[name] for name in ("contract", "access")]
    return [(one.title, [label for _, label in known[one.name]]) for one in dimensions if known[one.name]]


def _subject(view: View, providers: list[tuple[str, str]]) -> str:
    # In the order in which people name a line: the provider first, a machine of the service last.
    for name in ("provider", "vantage", "service", "host", "cache_site"):
        if name in view.chosen.equals:
            return labels_of(view.connection, name, [view.chosen.equals[name]])[0]
    return providers[0][1] if len(providers) == 1 else "all lines together" if len(providers) > 1 else "this line"


def _averages_values(view: View) -> dict[str, Any]:
    averages = lists.averages(view.connection, view.selection)
    statement = sentence_of(view.connection, view.selection)
    return {"averages": averages, "has_few": averages["video_count"] < MIN_ROWS, "statement": statement}


def averages_fragment(request: Request) -> Response:
    """Show the averages alone."""
    with open_view(request) as view:
        return cached_page(view, lambda: render(request, "averages_box.html", _averages_values(view), query=view.query))


def group(request: Request) -> Response:
    """Show a group of parameters over time, with the averages next to it."""
    with open_view(request, more=("group", "compare")) as view:
        name = request.query_params.get("group") or "main"
        if name not in GROUPS:
            raise BadRequestError(f"`group` must be one of {', '.join(GROUPS)}.")
        compare = _group_compare(request)

        def make() -> Response:
            values = {
                **period_values(view, GROUPS[name].title),
                "group": GROUPS[name],
                "groups": GROUPS,
                "charts": GROUPS[name].parameters,
                "parameters": PARAMETERS,
                "compare": compare,
                "comparable": {n: dimension for n, dimension in DIMENSIONS.items() if n not in {"resolver", "player"}},
                **({"averages": None, "has_few": False} if view.is_large else _averages_values(view)),
            }
            return render(request, "group.html", values, query=view.query)

        return cached_page(view, make)


def _group_compare(request: Request) -> str | None:
    """A group has figures of every kind: only what all of them can be compared by may be chosen."""
    name = request.query_params.get("compare") or None
    if name in {None, "none"}:
        return None
    if name not in DIMENSIONS or name in {"resolver", "player"}:
        raise BadRequestError("`compare` of a group must be a dimension other than resolver and player.")
    return name


def parameter(request: Request) -> Response:
    """Show one parameter over time, with its table."""
    shown = parameter_of(request.path_params["parameter"])
    # Names of Pytomo 3 still lead here: its users have bookmarks.
    if shown.name != request.path_params["parameter"]:
        return RedirectResponse(str(request.url.replace(path=f"/series/{shown.name}")), 301)
    with open_view(request, more=("compare",)) as view:
        compare = compare_of(request.query_params, shown)

        def make() -> Response:
            values = {
                **period_values(view, shown.title),
                "parameter": shown,
                # A page of very many rows comes first and its tables after it, as a fragment.
                "series": None if view.is_large else view.series(shown, compare),
                "compare": compare,
                "groups": [
                    group for group in GROUPS.values() if shown.name in group.parameters and group.name != "all"
                ],
                "comparable": _comparable(shown),
                **({"averages": None, "has_few": False} if view.is_large else _averages_values(view)),
            }
            return render(request, "parameter.html", values, query=view.query)

        return cached_page(view, make)


def series_fragment(request: Request) -> Response:
    """Show the tables of one parameter alone."""
    shown = parameter_of(request.path_params["parameter"])
    with open_view(request, more=("compare",)) as view:
        compare = compare_of(request.query_params, shown)

        def make() -> Response:
            values = {"parameter": shown, "series": view.series(shown, compare)}
            return render(request, "series_tables.html", values, query=view.query)

        return cached_page(view, make)


def _comparable(shown: Figure) -> dict[str, Any]:
    return {
        name: dimension
        for name, dimension in DIMENSIONS.items()
        if (name != "resolver" or shown.name == "dns_elapsed_s") and (name != "player" or shown.is_playback)
    }


def distributions(request: Request) -> Response:
    """Show how a figure is distributed, against another and over the week."""
    with open_view(request, more=("parameter", "compare", "y")) as view:
        shown = parameter_of(request.query_params.get("parameter") or "startup_delay_s")
        against = parameter_of(request.query_params.get("y") or "delivery_bps")
        if shown.is_flag or against.is_flag:
            raise BadRequestError("A share of sessions has no distribution: choose another parameter.")
        compare = compare_of(request.query_params, shown)
        values = {
            **period_values(view, "Distributions"),
            "parameter": shown,
            "against": against,
            "compare": compare,
            "parameters": {name: figure for name, figure in PARAMETERS.items() if not figure.is_flag},
            "comparable": _comparable(shown),
        }
    return render(request, "distributions.html", values, query=view.query)
