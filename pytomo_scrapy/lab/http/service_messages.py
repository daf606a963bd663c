"""Requests to the service and its answers, with the forms of answer that several of its parts give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request that reached the proxy. Header names are lower case."""

    method: str
    scheme: str
    host: str
    target: str  # path and query
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    client_address: str = "127.0.0.1"
    keeps_alive: bool = True

    @property
    def path(self) -> str:
        """The path without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of a repeated one, the last."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def json(self) -> Json:
        """Return the body's object. An unreadable body counts as empty."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


def json_response(value: Json, status: int = 200) -> Response:
    """Return `value` as the service's APIs send it."""
    return Response(
        status,
        json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        "application/json; charset=UTF-8",
    )


def page(text: str, status: int = 200, *headers: tuple[str, str]) -> Response:
    """Return an HTML page."""
    return Response(status, text.encode("utf-8", "surrogatepass"), headers=headers)


def redirect(target: str, *headers: tuple[str, str]) -> Response:
    """Return a redirect to `target`."""
    return page("", 302, ("Location", target), *headers)


def to_consent(request: Request) -> Response:
    """Return the redirect to the consent page, from which the client comes back."""
    there = quote(f"https://{request.host}{request.target}", safe="")
    return redirect(f"https://consent.youtube.com/m?continue={there}&gl=GB&m=0&pc=yt&cm=2&hl=en&src=1")
