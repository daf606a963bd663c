"""For monitoring: Prometheus' text format.

Implementation note: prometheus_client could write it with a custom collector. We decided against it: it is a further
dependency and its import at every start, instead of the escaping in `_escaped` and three lines a metric.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from pytomo_scrapy import __version__
from pytomo_scrapy.analysis.figures import GAUGES, PARAMETERS
from pytomo_scrapy.analysis.newest import SHARE_ROWS, Newest, Totals, newest_figures
from pytomo_scrapy.dashboard.cache import Recent
from pytomo_scrapy.dashboard.query import read_query
from pytomo_scrapy.failures import attribution_of
from pytomo_scrapy.storage.read_only import version_of


def metrics(request: Request) -> Response:
    """Give the newest figures of each vantage point with the time they were measured at, and counters."""
    query = read_query(request, request.app.state.catalogue)
    recent: Recent = request.app.state.recent
    totals: dict[str, Totals] = request.app.state.totals
    with query.database.read() as connection:
        counted = totals.setdefault(query.database_id, Totals())
        key = f"metrics {query.database_id} {version_of(connection)}"
        body = recent.answer(key, lambda: _exposition(newest_figures(connection), counted.read(connection)).encode())
    return PlainTextResponse(body, media_type="text/plain; version=0.0.4; charset=utf-8")


def _exposition(newest: Sequence[Newest], totals: Sequence[tuple[str, str, int]]) -> str:
    return "\n".join([*_gauges(newest), *_counters(totals), ""])


def _gauges(newest: Sequence[Newest]) -> Iterator[str]:
    for name in GAUGES:
        rows = [(row, value) for row in newest if (value := row.values[name]) is not None]
        if not rows:
            continue
        yield f"# HELP pytomo_{name} {PARAMETERS[name].help}"
        yield f"# TYPE pytomo_{name} gauge"
        for row, value in rows:
            # With the time of the measurement: if measuring stops, the value goes stale instead of staying flat.
            yield f"pytomo_{name}{{{_labels(row)}}} {value:.9g} {row.started_s * 1000}"
    yield f"# HELP pytomo_refusal_share Share refused by the service, of the vantage point's last {SHARE_ROWS} videos."
    yield "# TYPE pytomo_refusal_share gauge"
    for row in newest:
        if row.refusal_share is not None:
            labels = _joined({"vantage": row.vantage, "provider": row.provider})
            yield f"pytomo_refusal_share{{{labels}}} {row.refusal_share:.9g} {row.started_s * 1000}"
    yield "# HELP pytomo_last_measurement_timestamp_seconds When this vantage point last measured."
    yield "# TYPE pytomo_last_measurement_timestamp_seconds gauge"
    for row in newest:
        yield f"pytomo_last_measurement_timestamp_seconds{{{_labels(row)}}} {row.started_s}"
    yield "# HELP pytomo_info The version that reads the database."
    yield "# TYPE pytomo_info gauge"
    yield f'pytomo_info{{version="{_escaped(__version__)}"}} 1'


def _counters(totals: Sequence[tuple[str, str, int]]) -> Iterator[str]:
    yield "# HELP pytomo_measurements_total Measurements stored, by class of failure; empty: none."
    yield "# TYPE pytomo_measurements_total counter"
    for vantage, failure, count in totals:
        attribution = attribution_of(failure or None) or ""
        labels = {"vantage": vantage, "failure": failure, "attribution": str(attribution)}
        yield f"pytomo_measurements_total{{{_joined(labels)}}} {count}"


def _labels(row: Newest) -> str:
    return _joined({"vantage": row.vantage, "provider": row.provider, "service": row.service})


def _joined(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
