"""The JSON answers. The pages draw from the same ones; every parameter is documented at /api."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pytomo_scrapy.analysis import distribution as distributions
from pytomo_scrapy.analysis import lists, session_timeline
from pytomo_scrapy.analysis.cause_counts import causes_over_time
from pytomo_scrapy.analysis.figures import PARAMETERS, described
from pytomo_scrapy.analysis.good_or_not import by_fault
from pytomo_scrapy.analysis.line_health import lines_of
from pytomo_scrapy.analysis.series import FEW_ROWS, MAX_BUCKETS, Series
from pytomo_scrapy.analysis.statement import DEFINITIONS, stated
from pytomo_scrapy.dashboard.api_index import describe
from pytomo_scrapy.dashboard.bad_request import BadRequestError
from pytomo_scrapy.dashboard.cache import Recent
from pytomo_scrapy.dashboard.query import compare_of, parameter_of, read_query, whole
from pytomo_scrapy.dashboard.views import View, open_view
from pytomo_scrapy.exchange.writers import quoted_formula
from pytomo_scrapy.reporting.comparison_text import comparison_values, described_figures, estimate_values
from pytomo_scrapy.reporting.format import instant_of
from pytomo_scrapy.reporting.grade_text import utc_note

Answer = dict[str, Any]


def index(_: Request) -> Response:
    """List the answers of /api, with their parameters."""
    return JSONResponse(describe())


def parameters(request: Request) -> Response:
    """List every figure with its title, unit and sentence."""
    read_query(request, request.app.state.catalogue)
    return JSONResponse({name: described(figure) for name, figure in PARAMETERS.items()})


def databases(request: Request) -> Response:
    """List the databases, newest first."""
    read_query(request, request.app.state.catalogue)
    rows = [
        {
            "id": entry.id,
            "name": entry.name,
            "size_bytes": entry.size_bytes,
            "changed_at": entry.changed_at.isoformat() if entry.changed_at else None,
        }
        for entry in request.app.state.catalogue.entries()
    ]
    return JSONResponse({"databases": rows})


def _answer(request: Request, view: View, make: Callable[[], Answer]) -> Response:
    """Answer with what `make` gives; the answer for an unchanged database is not computed again."""
    key = f"{view.query.database_id} {view.version} {request.url.path}?{request.url.query}"
    tag = f'"{hashlib.sha256(key.encode()).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    recent: Recent = request.app.state.recent
    # NaN is no JSON: a figure that became one is a bug, and better an error than a page that cannot be read.
    body = recent.answer(key, lambda: json.dumps(make(), allow_nan=False, separators=(",", ":")).encode())
    return Response(body, headers=headers, media_type="application/json")


def overview(request: Request) -> Response:
    """Sum up a period."""
    with open_view(request) as view:
        return _answer(request, view, lambda: _overview(view))


def _overview(view: View) -> Answer:
    found, bad = view.overview()
    estimates = [estimate_values(estimate) for estimate in found.estimates]
    return {
        "selection": stated(view.connection, view.selection),
        # Every answer says what it is of and how many rows that are: a number that is copied out of here keeps both.
        "n": found.valid_count if view.selection.is_valid_only else found.row_count,
        **{name: value for name, value in asdict(found).items() if name not in {"estimates", "failures"}},
        "figures": described_figures([estimate.kind for estimate in found.estimates]),
        "estimates": estimates,
        "grade": view.grade(found).to_dict(),
        "bad": bad.to_dict(),
        "failures": [{"failure": f, "attribution": a, "count": n} for f, a, n in found.failures],
    }


def _series(view: View) -> Series:
    values = view.request.query_params
    parameter = parameter_of(values.get("parameter"))
    buckets = whole(values, "buckets", MAX_BUCKETS, 2, MAX_BUCKETS)
    return view.series(parameter, compare_of(values, parameter), buckets)


_SERIES = ("parameter", "compare", "buckets", "width")


def series(request: Request) -> Response:
    """Give one figure over time."""
    with open_view(request, more=_SERIES) as view:
        return _answer(request, view, lambda: _series_answer(view, _series(view)))


def _series_answer(view: View, found: Series) -> Answer:
    factor = found.parameter.factor
    return {
        "selection": stated(view.connection, view.selection),
        "n": sum(sum(line.count) for line in found.lines),
        "parameter": described(found.parameter),
        "decimals": found.parameter.decimals,
        # The page draws points of fewer rows faint; the bound goes along, so that it is written once.
        "few_rows": FEW_ROWS,
        "start_s": view.selection.start_s,
        "end_s": view.selection.end_s,
        "width_s": found.width_s,
        "times_s": found.start_s,
        "left_out_count": found.left_out_count,
        "lines": [
            {
                "label": line.label,
                "group": line.group,
                "value": _scaled(line.value, factor),
                "low": _scaled(line.low, factor),
                "high": _scaled(line.high, factor),
                "count": line.count,
                "known_count": line.known_count,
                "unknown_count": line.unknown_count,
                "mean": None if line.mean is None else line.mean * factor,
                "median": None if line.median is None else line.median * factor,
            }
            for line in found.lines
        ],
        "breaks": [asdict(change) for change in found.breaks],
    }


def _scaled(values: Iterable[float | None], factor: float) -> list[float | None]:
    # Six digits are more than was measured, and half of the bytes.
    return [None if value is None else float(f"{value * factor:.6g}") for value in values]


def series_csv(request: Request) -> Response:
    """Give one figure over time as CSV, what the chart shows."""
    with open_view(request, more=_SERIES) as view:
        found = _series(view)
    parameter = found.parameter
    unit = f" [{parameter.unit}]" if parameter.unit else ""
    middle = "median" if parameter.is_censored else "mean"
    head = ["start_utc", "group", f"{parameter.name} {middle}{unit}", f"low{unit}", f"high{unit}", "count"]
    rows = [
        [
            instant_of(start_s),
            line.label,
            *_scaled((line.value[bucket], line.low[bucket], line.high[bucket]), parameter.factor),
            line.count[bucket],
        ]
        for line in found.lines
        for bucket, start_s in enumerate(found.start_s)
        # An hour without a measurement is no row: an empty cell would be read as 0 by spreadsheets.
        if line.count[bucket]
    ]
    return csv_answer(f"{parameter.name}.csv", head, rows)


def csv_answer(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """Answer with a CSV file. A text that a spreadsheet would run as a formula is quoted."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([[_harmless(value) for value in row] for row in rows])
    disposition = f'attachment; filename="{name}"'
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition})


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return quoted_formula(value)
    return "" if value is None else value


def _curves(view: View) -> tuple[list[distributions.Curve], int, Any]:
    values = view.request.query_params
    parameter = parameter_of(values.get("parameter"))
    # A share is 0 or 1 in each row: the curve would be one step.
    if parameter.is_flag:
        raise BadRequestError(f"{parameter.title} is a share of sessions: it has no distribution.")
    compare = compare_of(values, parameter)
    found, left_out = distributions.curves(view.connection, view.selection, parameter, compare=compare)
    return found, left_out, parameter


def distribution(request: Request) -> Response:
    """Give the cumulative distribution of a figure."""
    with open_view(request, more=("parameter", "compare")) as view:
        return _answer(request, view, lambda: _distribution_answer(view, *_curves(view)))


def _distribution_answer(view: View, curves: list[distributions.Curve], left_out: int, parameter: Any) -> Answer:
    lines = [
        {**asdict(curve), "value": _scaled(curve.value, parameter.factor), "share": _scaled(curve.share, 1)}
        | {"median": None if curve.median is None else curve.median * parameter.factor}
        for curve in curves
    ]
    return {
        "selection": stated(view.connection, view.selection),
        "n": sum(curve.row_count for curve in curves),
        "parameter": described(parameter),
        "decimals": parameter.decimals,
        "lines": lines,
        "left_out_count": left_out,
    }


def distribution_csv(request: Request) -> Response:
    """Give the cumulative distribution of a figure as CSV."""
    with open_view(request, more=("parameter", "compare")) as view:
        found, _, parameter = _curves(view)
    rows = [
        [curve.label, value * parameter.factor, share, 1 - share]
        for curve in found
        for value, share in zip(curve.value, curve.share, strict=True)
    ]
    head = ["group", f"{parameter.name} [{parameter.unit}]", "cdf", "ccdf"]
    return csv_answer(f"{parameter.name}-distribution.csv", head, rows)


def scatter(request: Request) -> Response:
    """Give one figure against another."""
    with open_view(request, more=("x", "y")) as view:
        return _answer(request, view, lambda: _scatter(view))


def _scatter(view: View) -> Answer:
    values = view.request.query_params
    x, y = parameter_of(values.get("x")), parameter_of(values.get("y"))
    found = distributions.scatter(view.connection, view.selection, x, y)
    return {
        "selection": stated(view.connection, view.selection),
        "n": found.known_count,
        "x": described(x),
        "y": described(y),
        "known_count": found.known_count,
        "x_values": _scaled(found.x, x.factor),
        "y_values": _scaled(found.y, y.factor),
        "measurement_ids": found.measurement_id,
    }


def heatmap(request: Request) -> Response:
    """Give a figure by hour of the day and day of the week."""
    with open_view(request, more=("parameter", "utc_offset_min")) as view:
        return _answer(request, view, lambda: _heatmap(view))


def _heatmap(view: View) -> Answer:
    values = view.request.query_params
    parameter = parameter_of(values.get("parameter"))
    # No sign in the address, where a plus means a space. From UTC-12 to UTC+14.
    offset_min = whole(values, "utc_offset_min", 720, 0, 1560) - 720
    found = distributions.heat_map(view.connection, view.selection, parameter, offset_min * 60)
    return {
        "selection": stated(view.connection, view.selection),
        "n": sum(found.count),
        "parameter": described(parameter),
        "decimals": parameter.decimals,
        "value": _scaled(found.value, parameter.factor),
        "count": found.count,
    }


def failures(request: Request) -> Response:
    """Give the failures by class over time."""
    with open_view(request, more=("buckets",)) as view:
        buckets = whole(request.query_params, "buckets", 120, 2, MAX_BUCKETS)
        return _answer(request, view, lambda: _failures(view, buckets))


def _failures(view: View, buckets: int) -> Answer:
    found = lists.failures(view.connection, view.selection, buckets)
    # Most failures are not valid rows: the filter would hide what is asked for.
    selection = stated(view.connection, replace(view.selection, is_valid_only=False))
    faults = by_fault(found).counts
    return {"selection": selection, "n": sum(found.row_counts), **asdict(found), "faults": faults}


def day(request: Request) -> Response:
    """Give the sessions of a period by local hour of the day."""
    with open_view(request) as view:
        return _answer(request, view, lambda: _day(view))


def _day(view: View) -> Answer:
    found = view.bad_sessions()
    values = found.to_dict()
    return {
        "selection": stated(view.connection, view.selection),
        "n": found.session_count,
        **{name: values[name] for name in ("bad_count", "utc_count", "hours")},
        "note": utc_note(found),
    }


def causes(request: Request) -> Response:
    """Give the bad sessions by cause over time."""
    with open_view(request, more=("buckets",)) as view:
        buckets = whole(request.query_params, "buckets", 168, 2, MAX_BUCKETS)
        return _answer(request, view, lambda: _causes(view, buckets))


def _causes(view: View, buckets: int) -> Answer:
    found = causes_over_time(view.connection, view.selection, buckets)
    selection = stated(view.connection, replace(view.selection, is_valid_only=False))
    return {"selection": selection, "n": sum(found.row_counts), **asdict(found)}


COMPARE = ("by", "first")


def compare(request: Request) -> Response:
    """Compare groups with the first of them."""
    with open_view(request, more=COMPARE) as view:
        return _answer(request, view, lambda: _compared(view))


def _compared(view: View) -> Answer:
    return {"selection": stated(view.connection, view.selection)} | comparison_values(view.compared())


LIST = ("q", "sort", "order", "page", "failure")


def videos(request: Request) -> Response:
    """List measurements."""
    with open_view(request, more=LIST) as view:
        return _answer(request, view, lambda: asdict(view.videos()))


def videos_csv(request: Request) -> Response:
    """List measurements as CSV, a page of them."""
    with open_view(request, more=LIST) as view:
        found = view.videos()
    # A file without a head line is refused by some readers.
    head = list(found.rows[0]) if found.rows else ["id"]
    return csv_answer("videos.csv", head, [list(row.values()) for row in found.rows])


def measurement(request: Request) -> Response:
    """Give everything that is stored about one measurement."""
    query = read_query(request, request.app.state.catalogue)
    with query.database.read() as connection:
        found = lists.record_of(connection, request.path_params["id"])
    if found is None:
        raise BadRequestError("There is no measurement with this number.", 404)
    return JSONResponse(found)


def timeline(request: Request) -> Response:
    """Give what happened second by second in one window."""
    query = read_query(request, request.app.state.catalogue, more=("place",))
    window_index = whole(request.query_params, "place", 0, 0, 1000)
    with query.database.read() as connection:
        found = session_timeline.timeline_of(connection, request.path_params["id"], window_index)
    if found is None:
        raise BadRequestError("There is no such window of a measurement.", 404)
    return JSONResponse(asdict(found))


def lines(request: Request) -> Response:
    """Give every measured line as it is now."""
    query = read_query(request, request.app.state.catalogue)
    with query.database.read() as connection:
        found = lines_of(connection, datetime.now(UTC))
    # Not kept: a line falls silent without the database changing.
    told = {"definitions": DEFINITIONS, "lines": [line.to_dict() for line in found]}
    return JSONResponse(told, headers={"Cache-Control": "private, no-cache"})
