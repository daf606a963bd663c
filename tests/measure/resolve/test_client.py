"""yt-dlp in process: its options, and its bounds against servers that keep silent, drip or refuse."""

from __future__ import annotations

import socket
import threading
import time
from http.cookiejar import Cookie
from pathlib import Path
from typing import Any

import pytest
from yt_dlp.extractor.youtube import YoutubeIE

from pytomo_scrapy.config import PathConfig, ResolveConfig
from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.measure.resolve.client import (
    Extraction,
    QuietYoutubeDL,
    extract,
    is_youtube,
    parse_extractor_args,
    ydl_options,
)
from pytomo_scrapy.measure.resolve.resolution import resolve_video

LEAN = "player_client=visionos;player_skip=webpage,configs,js,initial_data;skip=hls,dash"
WATCH_PAGE = "https://www.youtube.com/watch?v=M4gD1WSo5mA"


def resolve_watch_page(**settings: Any) -> ResolveResult:
    return resolve_video(WATCH_PAGE, ResolveConfig(extractor_args=LEAN, **settings))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            LEAN,
            {
                "player_client": ["visionos"],
                "player_skip": ["webpage", "configs", "js", "initial_data"],
                "skip": ["hls", "dash"],
            },
        ),
        ("youtube:player-client=web, tv", {"player_client": ["web", "tv"]}),
        ("", {}),
    ],
)
def test_parse_extractor_args_reads_what_the_command_line_takes(text: str, expected: dict[str, list[str]]) -> None:
    assert parse_extractor_args(text) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [(WATCH_PAGE, True), ("https://youtu.be/M4gD1WSo5mA", True), ("https://www.dailymotion.com/video/x8abc", False)],
)
def test_is_youtube_tells_where_lean_arguments_mean_anything(url: str, expected: bool) -> None:
    assert is_youtube(url) is expected


def test_ydl_options_write_nothing_and_ask_once() -> None:
    options = ydl_options(WATCH_PAGE, ResolveConfig(timeout_s=7.0), LEAN)
    assert (options["cachedir"], options["skip_download"], options["extractor_retries"]) == (False, True, 0)
    assert options["socket_timeout"] == 7.0
    assert options["geo_bypass"] is False
    assert options["extractor_args"]["youtube"]["player_client"] == ["visionos"]


def test_ydl_options_carry_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    path = PathConfig(family="6", proxy="http://proxy.example:3128")
    options = ydl_options(WATCH_PAGE, ResolveConfig(path=path), "")
    assert (options["proxy"], options["source_address"]) == ("http://proxy.example:3128", "::")
    assert options["compat_opts"] == {"no-certifi"}
    assert options["extractor_args"] == {"youtube": {"fetch_pot": ["never"]}}, "no plugin mints a token"


def test_ydl_options_over_ipv6_name_its_own_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:3128")
    path = PathConfig(family="6", proxy_ipv6="http://[::1]:3129")
    options = ydl_options(WATCH_PAGE, ResolveConfig(path=path), "")
    assert (options["proxy"], options["source_address"]) == ("http://[::1]:3129", "::")


def test_ydl_options_without_a_proxy_setting_leave_the_environment_to_decide_per_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:3128")
    options = ydl_options(WATCH_PAGE, ResolveConfig(path=PathConfig(family="6")), "")
    assert "proxy" not in options
    assert "source_address" not in options  # the proxy has an IPv4 address: the family is its to choose
    assert options["compat_opts"] == set()


def test_every_resolution_is_a_guest_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[tuple[str | None, object]] = []

    def answer(ydl: QuietYoutubeDL, url: str, **_: Any) -> dict[str, Any]:
        # What an answer leaves behind: a cookie of the service, and something in yt-dlp's cache.
        met.append((ydl.cookiejar.get_cookie_header(url), ydl.cache.load("youtube", "visitor")))
        ydl.cookiejar.set_cookie(guest_cookie())
        ydl.cache.store("youtube", "visitor", "a guest")
        return {"id": "x"}

    monkeypatch.setattr(QuietYoutubeDL, "extract_info", answer)
    for _ in range(2):
        assert extract(WATCH_PAGE, ResolveConfig(), LEAN, 10.0).info == {"id": "x"}
    assert met == [(None, None)] * 2


def guest_cookie() -> Cookie:
    return Cookie(
        0, "VISITOR_INFO1_LIVE", "guest", None, False, ".youtube.com", True, True, "/", True, True, None, False, None,
        None, {},
    )  # fmt: skip


@pytest.mark.process
def test_resolve_silent_service_ends_within_its_bound() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started_s = time.monotonic()
        result = resolve_watch_page(timeout_s=0.3, path=PathConfig(proxy=proxy))
    assert result.failure in {"resolve_unreachable", "proxy_failed"}
    assert time.monotonic() - started_s < 4 * 0.3 + 10


@pytest.mark.process
def test_resolve_service_that_drips_bytes_ends_within_its_bound() -> None:
    # No single silence is long enough for a socket time-out, so only the bound of the whole try ends it.
    stopped = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n")
            while not stopped.wait(0.05):
                connection.sendall(b"X-Filler: 1\r\n" if not stopped.is_set() else b"")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        started_s = time.monotonic()
        result = resolve_watch_page(timeout_s=0.4, path=PathConfig(proxy=f"http://127.0.0.1:{server.getsockname()[1]}"))
        elapsed_s = time.monotonic() - started_s
        stopped.set()
        thread.join(2)
    assert result.failure in {"resolve_unreachable", "proxy_failed"}
    assert elapsed_s < 4 * 0.4 + 10


@pytest.mark.process
def test_resolve_refused_proxy_is_proxy_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = resolve_watch_page(path=PathConfig(proxy=f"http://user:password@127.0.0.1:{port}"))
    assert result.failure == "proxy_failed"
    assert "password" not in (result.failure_detail or "")


def test_tables_for_prints_that_nobody_asked_for_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(QuietYoutubeDL, "render_formats_table", lambda *_: drawn.append("formats"))
    with QuietYoutubeDL({"quiet": True}, Extraction(), float("inf"), YoutubeIE()) as ydl:
        found, _ = ydl.pre_process({"id": "M4gD1WSo5mA", "title": "A film", "ext": "mp4"})
        super(QuietYoutubeDL, ydl)._forceprint("pre_process", found)
    assert found["title"] == "A film" and drawn == ["formats"], "by yt-dlp's own alone"
