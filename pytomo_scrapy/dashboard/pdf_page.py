"""The report of a page or a period as a PDF file."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from pytomo_scrapy.analysis.figures import DIMENSIONS, GROUPS
from pytomo_scrapy.dashboard.bad_request import BadRequestError
from pytomo_scrapy.dashboard.query import compare_of, parameter_of
from pytomo_scrapy.dashboard.views import open_view


def report(request: Request) -> Response:
    """Answer with the report: of a group of graphs, of one parameter, or of the period."""
    # Imported late: a server without requests for PDFs is smaller and starts sooner.
    from pytomo_scrapy.reporting.pdf import Contents, contents_of, make_report

    with open_view(request, more=("group", "parameter", "compare")) as view:
        parameters = request.query_params
        group = parameters.get("group") or "main"
        if group not in GROUPS:
            raise BadRequestError(f"`group` must be one of {', '.join(GROUPS)}.")
        contents = contents_of(group)
        compare = parameters.get("compare") or None
        if parameters.get("parameter"):
            parameter = parameter_of(parameters["parameter"])
            compare = compare_of(parameters, parameter)
            contents = Contents((parameter.name,), () if parameter.is_flag else (parameter.name,))
        elif compare is not None and compare not in DIMENSIONS:
            raise BadRequestError(f"`compare` must be one of {', '.join(DIMENSIONS)}.")
        grade = request.app.state.config.grade
        contents = Contents(contents.parameters, contents.distributions, compare, grade)
        source = view.query.database.path.name if view.query.database.path else view.query.database.shown_url
        body = make_report(view.connection, view.selection, contents, source)
    headers = {"Content-Disposition": 'attachment; filename="pytomo-report.pdf"', "Cache-Control": "no-store"}
    return Response(body, media_type="application/pdf", headers=headers)
