"""Which address is answered by which function.

Imported after the port is open: it imports NumPy, the templates and every table.
"""

from __future__ import annotations

from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.routing import Route

from pytomo_scrapy.dashboard import (
    api,
    compare_page,
    documents,
    graph_pages,
    list_pages,
    live,
    metrics,
    pdf_page,
    study_pages,
)


class _RowNumber(IntegerConvertor):
    """A number of a row; thousands of digits, which Python does not read, are an address that there is not."""

    regex = "[0-9]{1,40}"


register_url_convertor("row", _RowNumber())

ROUTES = [
    Route("/", graph_pages.overview),
    Route("/fragment/overview", graph_pages.overview_fragment),
    Route("/fragment/averages", graph_pages.averages_fragment),
    Route("/fragment/series/{parameter}", graph_pages.series_fragment),
    Route("/series", graph_pages.group),
    Route("/series/{parameter}", graph_pages.parameter),
    Route("/compare", compare_page.compare),
    Route("/fragment/compare", compare_page.compare_fragment),
    Route("/distributions", graph_pages.distributions),
    Route("/videos", list_pages.videos),
    Route("/measurement/{id:row}", list_pages.measurement),
    Route("/failures", list_pages.failures),
    Route("/lines", list_pages.lines),
    Route("/studies", study_pages.studies),
    Route("/studies/{id:row}", study_pages.study),
    Route("/runs", list_pages.runs),
    Route("/legacy/{id:row}", list_pages.legacy),
    Route("/databases", list_pages.databases),
    Route("/docs", documents.index),
    Route("/docs/{name}", documents.page),
    Route("/docs/images/{name}", documents.image),
    Route("/report.pdf", pdf_page.report),
    Route("/metrics", metrics.metrics),
    Route("/api", api.index),
    Route("/api/parameters", api.parameters),
    Route("/api/databases", api.databases),
    Route("/api/overview", api.overview),
    Route("/api/compare", api.compare),
    Route("/api/series", api.series),
    Route("/api/series.csv", api.series_csv),
    Route("/api/distribution", api.distribution),
    Route("/api/distribution.csv", api.distribution_csv),
    Route("/api/scatter", api.scatter),
    Route("/api/heatmap", api.heatmap),
    Route("/api/failures", api.failures),
    Route("/api/causes", api.causes),
    Route("/api/day", api.day),
    Route("/api/videos", api.videos),
    Route("/api/videos.csv", api.videos_csv),
    Route("/api/measurement/{id:row}", api.measurement),
    Route("/api/measurement/{id:row}/timeline", api.timeline),
    Route("/api/lines", api.lines),
    Route("/api/studies", study_pages.studies_api),
    Route("/api/studies/{id:row}", study_pages.study_api),
    Route("/api/live", live.state),
]
