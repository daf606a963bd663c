"""The application: its routes, what guards them, and how trouble is told."""

from __future__ import annotations

import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pytomo_scrapy.dashboard import api, assets, documents, lists, live, metrics, pages, pdf_page
from pytomo_scrapy.dashboard.ask import BadRequestError
from pytomo_scrapy.dashboard.catalogue import Catalogue
from pytomo_scrapy.dashboard.recent import Recent
from pytomo_scrapy.dashboard.render import render
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.dashboard_read import NotReadyError, TooSlowError

logger = logging.getLogger(__name__)

# No inline script or style, nothing from elsewhere: a hostile title that got through would still be inert.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
TOKEN_COOKIE = "pytomo_token"
_OPEN_PATHS = ("/healthz", "/static/", "/token")


@dataclass(frozen=True, slots=True)
class DashboardConfig:
    """What is shown and to whom. `token` None: to everybody who can reach the port."""

    database_url: str
    directory: Path | None = None
    token: str | None = None
    allowed_hosts: tuple[str, ...] = ()  # names that the page may be asked by; empty: any


def create_app(config: DashboardConfig) -> Starlette:
    """Build the application. It opens nothing until it is asked."""
    catalogue = Catalogue(config.database_url, config.directory)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        catalogue.close()

    app = Starlette(
        routes=_routes(),
        lifespan=lifespan,
        exception_handlers={
            BadRequestError: _bad_request,
            NotReadyError: _not_ready,
            TooSlowError: _too_slow,
            StorageError: _unreadable,
            HTTPException: _http_error,
        },
    )
    app.state.catalogue = catalogue
    app.state.config = config
    app.state.recent = Recent()
    app.state.totals = {}
    app.add_middleware(_Guard, config=config)
    return app


def _routes() -> list[Route]:
    return [
        Route("/", pages.overview),
        Route("/fragment/overview", pages.overview_fragment),
        Route("/fragment/averages", pages.averages_fragment),
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
        Route("/report.pdf", pdf_page.report),
        Route("/token", give_token, methods=["GET", "POST"]),
        Route("/healthz", metrics.healthz),
        Route("/metrics", metrics.metrics),
        Route("/static/{name}", assets.static_file),
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


class _Guard:
    """Demands the token where one is set, refuses writes and foreign host names, and adds the security headers."""

    def __init__(self, app: ASGIApp, config: DashboardConfig) -> None:
        self._app = app
        self._config = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_encoded_headers()]
            await send(message)

        refusal = self._refusal(Request(scope))
        await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "").rsplit(":", 1)[0].strip("[]").lower()
        if self._config.allowed_hosts and host not in self._config.allowed_hosts:
            # A page elsewhere that points its own name at 127.0.0.1 must not read what is measured here.
            return PlainTextResponse("This page does not answer under this host name.\n", 421)
        path = request.url.path
        if self._config.token is None or any(path == one or path.startswith(one) for one in _OPEN_PATHS):
            return None
        given = request.cookies.get(TOKEN_COOKIE) or request.headers.get("authorization", "").removeprefix("Bearer ")
        if same_token(given, self._config.token):
            return None
        if path.startswith(("/api", "/metrics")):
            return JSONResponse({"error": "A token is needed: Authorization: Bearer TOKEN."}, 401)
        return RedirectResponse("/token", 303)


def _encoded_headers() -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in _HEADERS]


def same_token(given: str, right: str) -> bool:
    """Compare in a time that tells nothing of how much of it is right."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


async def give_token(request: Request) -> Response:
    """Ask for the token, and keep it in a cookie that only this page is sent."""
    token = request.app.state.config.token
    if token is None:
        return RedirectResponse("/", 303)
    if request.method == "POST":
        body = (await request.body())[:1000].decode("utf-8", "replace")
        given = body.removeprefix("token=").strip()
        if same_token(given, token):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(TOKEN_COOKIE, token, httponly=True, samesite="strict", max_age=30 * 86400)
            return answer
        return render(request, "token.html", {"title": "Token", "is_wrong": True}, status=401)
    return render(request, "token.html", {"title": "Token", "is_wrong": False}, status=401)


def _told(request: Request, sentence: str, status: int) -> Response:
    if request.url.path.startswith("/api") or request.url.path in {"/metrics", "/healthz"}:
        return JSONResponse({"error": sentence}, status)
    return render(request, "trouble.html", {"title": "Not shown", "sentence": sentence}, status=status)


Handler = Callable[[Request, Exception], Awaitable[Response]]


async def _bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, BadRequestError)
    return _told(request, error.sentence, error.status)


async def _not_ready(request: Request, error: Exception) -> Response:
    if request.url.path.startswith("/api") or request.url.path == "/metrics":
        return JSONResponse({"error": str(error)}, 409)
    return render(request, "empty.html", {"title": "Nothing measured yet", "sentence": str(error)})


async def _too_slow(request: Request, error: Exception) -> Response:
    return _told(request, str(error), 422)


async def _unreadable(request: Request, error: Exception) -> Response:
    logger.error("%s", error)
    return _told(request, str(error), 503)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentences = {404: "There is no such page.", 405: "This page can only be read."}
    return _told(request, sentences.get(error.status_code, error.detail), error.status_code)
