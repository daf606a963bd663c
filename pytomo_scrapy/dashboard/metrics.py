"""For monitoring: the format of Prometheus, or OpenMetrics where it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from pytomo_scrapy import __version__
from pytomo_scrapy.analysis.figures import GAUGES, PARAMETERS
from pytomo_scrapy.analysis.newest import SHARE_ROWS, STARTUP_BOUNDS_S, Newest, Total, Totals, newest_figures
from pytomo_scrapy.dashboard.cache import Recent
from pytomo_scrapy.dashboard.query import read_query
from pytomo_scrapy.failures import attribution_of
from pytomo_scrapy.storage.read_only import version_of

_OF_A_SERVICE = ("vantage", "provider", "service")
# Counters of a vantage point: name, words, and what is counted.
_COUNTED: Mapping[str, tuple[str, str]] = {
    "pytomo_sessions": ("Valid sessions: a player ran, or the network ended them before.", "session_count"),
    "pytomo_stalled_sessions": ("Valid sessions with a stall of 0.1 s or more.", "stalled_session_count"),
    "pytomo_stalls": ("Stalls of 0.1 s and more in valid sessions.", "stall_count"),
    "pytomo_stalled_seconds": ("Time that playback of valid sessions stood still after its start.", "stalled_s"),
    "pytomo_played_seconds": ("Media that valid sessions played inside their windows.", "played_s"),
    "pytomo_refusals": ("Videos that the service refused.", "refusal_count"),
}


def metrics(request: Request) -> Response:
    """Give the newest figures of each vantage point with the time they were measured at, counters and a histogram.

    None of them counts single measurements, unless the address says `ad_hoc=with`.
    """
    query = read_query(request, request.app.state.catalogue)
    recent: Recent = request.app.state.recent
    totals: dict[tuple[object, bool], Totals] = request.app.state.totals
    has_ad_hoc = query.has_ad_hoc
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    with query.database.read() as connection:
        # Of a file that took the place of another, all is counted anew.
        counted_of = (query.database_id, query.database.file)
        counted = totals.setdefault((counted_of, has_ad_hoc), Totals(has_ad_hoc=has_ad_hoc))
        key = f"metrics {media_type} {has_ad_hoc} {query.database_id} {version_of(connection)}"

        def make() -> bytes:
            newest = newest_figures(connection, has_ad_hoc=has_ad_hoc)
            return encode(_registry(newest, counted.read(connection)))

        body = recent.answer(key, make)
    return Response(body, media_type=media_type)


class _Stored(Collector):
    """What is known of a database, as Prometheus' library takes it."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _registry(newest: Sequence[Newest], totals: Sequence[Total]) -> CollectorRegistry:
    # A registry of each answer: the library's own is of this process, and the figures are a database's.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Stored([*_gauges(newest), *_counters(totals), _startup(totals)]))
    return registry


def _gauges(newest: Sequence[Newest]) -> Iterator[Metric]:
    # None is no sample: Prometheus would draw a 0 that nobody has measured.
    for name in GAUGES:
        rows = [(row, value) for row in newest if (value := row.values[name]) is not None]
        family = GaugeMetricFamily(f"pytomo_{name}", PARAMETERS[name].help, labels=_OF_A_SERVICE)
        for row, value in rows:
            # With the time of the measurement: if measuring stops, the value goes stale instead of staying flat.
            family.add_metric(_labels(row), value, timestamp=row.started_s)
        if rows:
            yield family
    words = (
        f"Share refused by the service of those that it answered, among the vantage point's last {SHARE_ROWS} "
        "measurements (docs/metrics.md)."
    )
    refused = GaugeMetricFamily("pytomo_refusal_share", words, labels=("vantage", "provider"))
    for row in newest:
        if row.refusal_share is not None:
            refused.add_metric((row.vantage, row.provider), row.refusal_share, timestamp=row.started_s)
    yield refused
    words = f"Share of the vantage point's last {SHARE_ROWS} sessions that were bad, by cause (docs/autopsy.md)."
    bad = GaugeMetricFamily("pytomo_bad_session_share", words, labels=("vantage", "provider", "cause"))
    for row in newest:
        for cause, share in row.cause_shares.items():
            bad.add_metric((row.vantage, row.provider, cause), share, timestamp=row.started_s)
    yield bad
    words = "When this vantage point last measured."
    last = GaugeMetricFamily("pytomo_last_measurement_timestamp_seconds", words, labels=_OF_A_SERVICE)
    for row in newest:
        last.add_metric(_labels(row), row.started_s)
    yield last
    info = InfoMetricFamily("pytomo", "The version that reads the database.")
    info.add_metric((), {"version": __version__})
    yield info


def _counters(totals: Sequence[Total]) -> Iterator[Metric]:
    words = "Measurements stored, by class of failure; empty: none."
    stored = CounterMetricFamily("pytomo_measurements", words, labels=("vantage", "failure", "attribution"))
    for total in totals:
        for failure, count in sorted(total.by_failure.items()):
            stored.add_metric((total.vantage, failure, str(attribution_of(failure or None) or "")), count)
    yield stored
    for name, (words, attribute) in _COUNTED.items():
        family = CounterMetricFamily(name, words, labels=("vantage",))
        for total in totals:
            family.add_metric((total.vantage,), getattr(total, attribute))
        yield family


def _startup(totals: Sequence[Total]) -> Metric:
    # A session that never started is above every bound: quantiles are of all sessions, as everywhere.
    words = "Startup delay of the valid sessions; those that never started are in the last bucket alone."
    family = HistogramMetricFamily("pytomo_startup_seconds", words, labels=("vantage",))
    for total in totals:
        bounds = [
            (f"{bound_s:g}", float(count))
            for bound_s, count in zip(STARTUP_BOUNDS_S, total.startup_counts, strict=True)
        ]
        family.add_metric((total.vantage,), [*bounds, ("+Inf", float(total.session_count))], total.startup_s)
    return family


def _labels(row: Newest) -> tuple[str, str, str]:
    return row.vantage, row.provider, row.service
