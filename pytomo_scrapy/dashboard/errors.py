"""How an error is answered: a sentence and its status, as JSON to programs and as a page to people."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pytomo_scrapy.dashboard.bad_request import BadRequestError
from pytomo_scrapy.failures import NotReadyError, OtherSchemaError, StorageError, TooSlowError

logger = logging.getLogger(__name__)


def _answer(request: Request, sentence: str, status: int) -> Response:
    # Programs ask these: an error as a page would be one more thing that they cannot read.
    if request.scope["path"].startswith("/api") or request.scope["path"] in {"/metrics", "/healthz"}:
        return JSONResponse({"error": sentence}, status)
    return _page(request, "error.html", {"title": "Not shown", "sentence": sentence}, status=status)


def _page(request: Request, template: str, values: dict[str, str], status: int = 200) -> Response:
    # Imported late: the page answers before the templates are loaded.
    from pytomo_scrapy.dashboard.render import render

    return render(request, template, values, status=status)


Handler = Callable[[Request, Exception], Awaitable[Response]]


async def _bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, BadRequestError)
    return _answer(request, error.sentence, error.status)


async def _not_ready(request: Request, error: Exception) -> Response:
    if request.scope["path"].startswith("/api") or request.scope["path"] == "/metrics":
        return JSONResponse({"error": str(error)}, 409)
    from pytomo_scrapy.storage.shown_url import database_option

    if isinstance(error, OtherSchemaError):
        values = {"title": "Written by another version", "sentence": str(error)}
        return _page(request, "error.html", values)
    values = {"title": "Nothing measured yet", "sentence": str(error)}
    return _page(request, "empty.html", values | {"of": database_option(request.app.state.config.database_url)})


async def _too_slow(request: Request, error: Exception) -> Response:
    return _answer(request, str(error), 422)


async def _unreadable(request: Request, error: Exception) -> Response:
    # The only one that is not the visitor's: whoever runs the page has to hear of it.
    logger.error("%s", error)
    return _answer(request, str(error), 503)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentences = {404: "There is no such page.", 405: "This page can only be read."}
    return _answer(request, sentences.get(error.status_code, error.detail), error.status_code)


HANDLERS: dict[type[Exception], Handler] = {
    BadRequestError: _bad_request,
    NotReadyError: _not_ready,
    TooSlowError: _too_slow,
    StorageError: _unreadable,
    HTTPException: _http_error,
}
