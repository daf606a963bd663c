"""Fragments of yt-dlp's answers as parts, and the text of a playlist fetched over hostile ways."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from pytomo_scrapy.config import PathConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.measure.resolve.delivery import dash_parts, parts_of
from pytomo_scrapy.measure.resolve.formats import media_formats
from pytomo_scrapy.measure.resolve.playlist_fetch import fetch_text
from tests.measure.window.window_servers import Handler, Request, Server

BASE = "https://cdn.example/dash/"


def entry(*fragments: dict[str, Any], **more: Any) -> dict[str, Any]:
    own = {"protocol": "http_dash_segments", "fragment_base_url": BASE, "url": BASE + "manifest.mpd"}
    return {**own, "format_id": "1", "vcodec": "avc1", "acodec": "none", "fragments": list(fragments), **more}


def test_first_fragment_without_a_length_is_the_header() -> None:
    parts = list(dash_parts(entry({"path": "init"}, {"path": "1", "duration": 4}, {"url": "/2", "duration": 2.5}), 6.5))
    assert [(part.url, part.start_s, part.duration_s) for part in parts] == [
        (BASE + "init", 0.0, None), (BASE + "1", 0.0, 4.0), ("https://cdn.example/2", 4.0, 2.5),
    ]  # fmt: skip


def test_fragments_without_lengths_share_that_of_the_video() -> None:
    parts = list(dash_parts(entry(*({"path": str(number)} for number in range(4))), 10.0))
    assert [(part.start_s, part.duration_s) for part in parts] == [(0.0, 2.5), (2.5, 2.5), (5.0, 2.5), (7.5, 2.5)]


@pytest.mark.parametrize(
    "fragments",
    [
        [{"path": "1"}],  # nobody says how long the video is
        [{"path": "1", "duration": 4}, {"path": "2"}],
        [{"path": "1", "duration": 4e9}],
        [{"path": "1", "duration": 4}, {"duration": 4}],
        [{"path": "1", "duration": 4}, {"url": "ftp://cdn.example/2", "duration": 4}],
        [{"path": "1", "duration": 4}, None],
    ],
)
def test_fragments_of_no_use_are_a_broken_list(fragments: list[Any]) -> None:
    with pytest.raises(MeasurementError) as raised:
        list(dash_parts(entry(*fragments), None))
    assert raised.value.failure == "broken_playlist"


def test_format_in_segments_has_the_host_and_the_cookies_of_its_first_segment() -> None:
    info = entry({"url": "https://media.example:8443/1", "duration": 4})
    cookies = {"https://media.example:8443/1": "segments=1", BASE + "manifest.mpd": "manifest=1"}
    (media,) = media_formats(info, cookies.get, lambda url, headers: ("", url))
    assert (media.host, media.port, media.delivery, media.http_headers["Cookie"]) == (
        "media.example", 8443, "dash", "segments=1",
    )  # fmt: skip
    assert "segments" not in repr(media) and "media.example:8443" not in repr(media)


def test_playlist_is_asked_for_with_its_own_hosts_cookies_and_read_where_redirects_led() -> None:
    asked: list[tuple[str, str | None]] = []

    def fetch(url: str, headers: Any) -> tuple[str, str]:
        asked.append((url, headers.get("Cookie")))
        return "#EXTM3U\n#EXTINF:4,\n0.ts\n#EXT-X-ENDLIST\n", "https://edge.example/7/index.m3u8"

    hls = {"protocol": "m3u8_native", "format_id": "1", "url": "https://site.example/list.m3u8", "vcodec": "avc1"}
    (media,) = media_formats(hls, {"https://site.example/list.m3u8": "a=1"}.get, fetch)
    assert asked == [("https://site.example/list.m3u8", "a=1")]
    assert (media.url, media.delivery, media.kind) == ("https://edge.example/7/0.ts", "hls", "muxed")
    assert "Cookie" not in media.http_headers


def test_file_has_no_parts() -> None:
    assert (
        parts_of({"protocol": "https", "url": "https://cdn.example/v"}, {}, None, lambda url, headers: ("", url)) == ()
    )


# Over the wire.

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
