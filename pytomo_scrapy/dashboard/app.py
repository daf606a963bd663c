"""The application: its routes, what guards them, and how errors are answered."""

from __future__ import annotations

import asyncio
import hmac
import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pytomo_scrapy.config import GradeConfig
from pytomo_scrapy.dashboard.assets import static_file
from pytomo_scrapy.dashboard.bounds import GUESS_PERIOD_S, Guesses, Turns
from pytomo_scrapy.dashboard.cache import Kept, Recent
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
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
IMPORT_AFTER_S = 0.2
TOKEN_COOKIE = "pytomo_token"
_OPEN_PATHS = frozenset({"/healthz", "/token"})
_OPEN_FOLDER = "/static/"
_MAX_TOKEN_BODY_BYTES = 1000
_TOKEN_BODY_S = 5.0
# **Source**: RFC 9110, 7.2, and RFC 3986, 3.2.2 and 3.2.3: IPv6 stands in brackets, and the port may be left out.
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::[0-9]*)?")


@dataclass(frozen=True, slots=True)
class DashboardConfig:
    """What is shown and to whom. `token` None: to everybody who can reach the port."""

    database_url: str
    directory: Path | None = None
    token: str | None = None
    allowed_hosts: tuple[str, ...] = ()  # host names that requests may use; empty: any
    note: str | None = None  # why another database than the default one is shown
    grade: GradeConfig = field(default_factory=GradeConfig)  # from where on a line is good or poor


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
    app.state.eras = Kept()
    app.state.bad = Kept()
    app.state.totals = {}
    app.state.guesses = guesses = Guesses()
    # The last one added is the outermost: a stranger without the token does not take a turn.
    app.add_middleware(Turns)
    app.add_middleware(_Guard, config=config, guesses=guesses)
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

    def __init__(self, app: ASGIApp, config: DashboardConfig, guesses: Guesses) -> None:
        self._app = app
        self._config = config
        self._guesses = guesses

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
        host = host_of(request.headers.get("host", ""))
        if self._config.allowed_hosts and host not in self._config.allowed_hosts:
            # A page elsewhere that points its own name at 127.0.0.1 must not read what is measured here.
            return PlainTextResponse("This page does not answer under this host name.\n", 421)
        # Of the request line. The path of `request.url` is read from a text that begins with the client's Host header.
        path: str = request.scope["path"]
        if self._config.token is None or path in _OPEN_PATHS or path.startswith(_OPEN_FOLDER):
            return None
        given = request.cookies.get(TOKEN_COOKIE) or request.headers.get("authorization", "").removeprefix("Bearer ")
        if given and self._guesses.is_over(address_of(request)):
            return too_many_guesses()
        if same_token(given, self._config.token):
            return None
        if given:
            self._guesses.wrong(address_of(request))
        # A program would follow the redirection, and take the form for its answer.
        if path.startswith(("/api", "/metrics")):
            return JSONResponse({"error": "A token is needed: Authorization: Bearer TOKEN."}, 401)
        return RedirectResponse("/token", 303)


def _encoded_headers() -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in _HEADERS]


def host_of(header: str) -> str:
    """Return the host of a Host header: without a port, without the brackets of IPv6, in lower case. Else empty."""
    found = _HOST.fullmatch(header)
    return (found[1] or found[2]).lower() if found is not None else ""


def same_token(given: str, right: str) -> bool:
    """Compare in a time that does not depend on how much of the token is right."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


def address_of(request: Request) -> str:
    """Return the address that the request comes from."""
    return request.client.host if request.client else ""


def too_many_guesses() -> Response:
    """Refuse to look at a further token."""
    sentence = "Too many wrong tokens came from this address: wait a minute.\n"
    return PlainTextResponse(sentence, 429, {"Retry-After": f"{GUESS_PERIOD_S:.0f}"})


async def _short_body(request: Request) -> bytes | None:
    """Return the request's body. None where it is longer than a token, or does not come."""
    body = b""
    try:
        async with asyncio.timeout(_TOKEN_BODY_S):
            # By hand and bounded: it is read before anybody is known, and a library of forms would read all of it.
            async for part in request.stream():
                body += part
                if len(body) > _MAX_TOKEN_BODY_BYTES:
                    return None
    except TimeoutError:
        return None
    return body


async def give_token(request: Request) -> Response:
    """Ask for the token, and keep it in a cookie that is sent to this page only."""
    from pytomo_scrapy.dashboard.render import render

    token = request.app.state.config.token
    if token is None:
        return RedirectResponse("/", 303)
    if request.method == "POST":
        guesses: Guesses = request.app.state.guesses
        if guesses.is_over(address_of(request)):
            return too_many_guesses()
        body = await _short_body(request)
        if body is None:
            return PlainTextResponse("No token is as long as that.\n", 413, {"Connection": "close"})
        given = body.decode("utf-8", "replace").removeprefix("token=").strip()
        if same_token(given, token):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(TOKEN_COOKIE, token, httponly=True, samesite="strict", max_age=30 * 86400)
            return answer
        guesses.wrong(address_of(request))
        return render(request, "token.html", {"title": "Token", "is_wrong": True}, status=401)
    return render(request, "token.html", {"title": "Token", "is_wrong": False}, status=401)
