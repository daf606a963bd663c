"""The application: its routes, what guards them, and how errors are answered."""

from __future__ import annotations

import hmac
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pytomo_scrapy.dashboard.assets import static_file
from pytomo_scrapy.dashboard.cache import Recent
from pytomo_scrapy.dashboard.catalogue import Catalogue
from pytomo_scrapy.dashboard.errors import HANDLERS
from pytomo_scrapy.dashboard.health import healthz

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
IMPORT_AFTER_S = 0.2
TOKEN_COOKIE = "pytomo_token"
_OPEN_PATHS = ("/healthz", "/static/", "/token")


@dataclass(frozen=True, slots=True)
class DashboardConfig:
    """What is shown and to whom. `token` None: to everybody who can reach the port."""

    database_url: str
    directory: Path | None = None
    token: str | None = None
    allowed_hosts: tuple[str, ...] = ()  # host names that requests may use; empty: any


def create_app(config: DashboardConfig) -> Starlette:
    """Build the application. It opens no database before the first request."""
    catalogue = Catalogue(config.database_url, config.directory)

    rest = _Rest()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # Not at once: the first request may be for /healthz only, and the import would slow it down.
        timer = threading.Timer(IMPORT_AFTER_S, rest.load)
        timer.daemon = True
        timer.start()
        yield
        timer.cancel()
        catalogue.close()

    app = Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/static/{name}", static_file),
            Route("/token", give_token, methods=["GET", "POST"]),
            Mount("/", rest),
        ],
        lifespan=lifespan,
        exception_handlers=HANDLERS,
    )
    app.state.catalogue = catalogue
    app.state.config = config
    app.state.recent = Recent()
    app.state.totals = {}
    app.add_middleware(_Guard, config=config)
    return app


class _Rest:
    """Every other address. Its modules are imported while the first visitor is still on the way."""

    def __init__(self) -> None:
        self._router: Router | None = None

    def load(self) -> Router:
        """Import what answers. Thread-safe."""
        from pytomo_scrapy.dashboard.routes import ROUTES

        if self._router is None:
            self._router = Router(ROUTES)
        return self._router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        router = self._router
        if router is None:
            router = await run_in_threadpool(self.load)
        await router(scope, receive, send)


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
        if self._config.token is None or any(path == prefix or path.startswith(prefix) for prefix in _OPEN_PATHS):
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
    """Compare in a time that does not depend on how much of the token is right."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


async def give_token(request: Request) -> Response:
    """Ask for the token, and keep it in a cookie that is sent to this page only."""
    from pytomo_scrapy.dashboard.render import render

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
