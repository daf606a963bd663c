"""The text of a playlist fetched over hostile ways."""

from __future__ import annotations

import socket

import pytest

from pytomo_scrapy.config import PathConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.measure.resolve.playlist_fetch import fetch_text
from tests.measure.window.window_servers import Handler, Request, Server

pytestmark = pytest.mark.process

ANY = PathConfig(is_private_allowed=True)


@pytest.fixture(autouse=True)
def no_proxy_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def answering(*answers: str) -> Handler:
    """Answer by the path's number; a body that is not declared ends with the connection."""

    def handle(connection: socket.socket, request: Request) -> None:
        connection.sendall(answers[int(request.target.strip("/"))].encode())

    return handle


def fetched(server: Server, path: PathConfig = ANY, max_bytes: int = 1000) -> tuple[str, str]:
    return fetch_text(f"http://127.0.0.1:{server.port}/0", {"X-Asked": "yes", "Range": "no"}, path, 2.0, max_bytes)


def run(handler: Handler, path: PathConfig = ANY, max_bytes: int = 1000) -> tuple[Server, tuple[str, str]]:
    server = Server(handler)
    try:
        return server, fetched(server, path, max_bytes)
    finally:
        server.close()


def ok(body: str) -> str:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"


def to(location: str) -> str:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def test_fetch_follows_redirects_and_sends_the_formats_fields() -> None:
    server, (text, url) = run(answering(to("/1"), ok("#EXTM3U")))
    assert (text, url) == ("#EXTM3U", f"http://127.0.0.1:{server.port}/1")
    assert [(request.field("X-Asked"), request.field("Range")) for request in server.requests] == [("yes", None)] * 2


@pytest.mark.parametrize(
    ("answers", "failure"),
    [
        (["HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"], "http_403"),
        (["HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"], "http_404"),
        (["HTTP/1.1 410 No\r\nContent-Length: 0\r\n\r\n"], "http_410"),
        (["HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n"], "http_429"),
        (["HTTP/1.1 451 No\r\nContent-Length: 0\r\n\r\n"], "http_4xx"),
        (["HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"], "http_5xx"),
        ([to("/0")], "redirect_loop"),
        ([to("/1"), to("/2"), to("/3"), to("/4"), to("/5"), to("/6"), to("/7"), ok("")], "redirect_limit"),
        ([to("ftp://elsewhere.example/")], "bad_redirect"),
        ([ok("#" * 1001)], "broken_playlist"),
        (["HTTP/1.1 200 OK\r\n\r\n" + "#" * 5000], "broken_playlist"),
        ([""], "resolve_unreachable"),
    ],
)
def test_fetch_that_fails_has_its_class(answers: list[str], failure: str) -> None:
    with pytest.raises(MeasurementError) as raised:
        run(answering(*answers))
    assert raised.value.failure == failure


def test_fetch_from_a_private_address_is_refused_before_anything_is_sent() -> None:
    server = Server(answering(ok("#EXTM3U")))
    try:
        with pytest.raises(MeasurementError) as raised:
            fetched(server, PathConfig())
    finally:
        server.close()
    assert raised.value.failure == "private_address" and not server.connection_count
