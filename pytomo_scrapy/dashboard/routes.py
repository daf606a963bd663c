"""Which address is answered by which function.

Imported when the door is open already: with it come NumPy, the templates and every table.
"""

from __future__ import annotations

from starlette.routing import Route

from pytomo_scrapy.dashboard import api, documents, lists, live, metrics, pages, pdf_page

ROUTES = [
    Route("/", pages.overview),
    Route("/fragment/overview", pages.overview_fragment),
    Route("/fragment/averages", pages.averages_fragment),
    Route("/fragment/series/{parameter}", pages.series_fragment),
    Route("/series", pages.group),
    Route("/series/{parameter}", pages.parameter),
    Route("/distributions", pages.distributions),
    Route("/videos", lists.videos),
    Route("/measurement/{id:int}", lists.measurement),
    Route("/failures", lists.failures),
    Route("/runs", lists.runs),
    Route("/databases", lists.databases),
    Route("/docs", documents.index),
    Route("/docs/{name}", documents.page),
    Route("/docs/images/{name}", documents.image),
    Route("/report.pdf", pdf_page.report),
    Route("/metrics", metrics.metrics),
    Route("/api", api.index),
    Route("/api/parameters", api.parameters),
    Route("/api/databases", api.databases),
    Route("/api/overview", api.overview),
    Route("/api/series", api.series),
    Route("/api/series.csv", api.series_csv),
    Route("/api/distribution", api.distribution),
    Route("/api/distribution.csv", api.distribution_csv),
    Route("/api/scatter", api.scatter),
    Route("/api/heatmap", api.heatmap),
    Route("/api/failures", api.failures),
    Route("/api/videos", api.videos),
    Route("/api/videos.csv", api.videos_csv),
    Route("/api/measurement/{id:int}", api.measurement),
    Route("/api/measurement/{id:int}/timeline", api.timeline),
    Route("/api/live", live.state),
]
