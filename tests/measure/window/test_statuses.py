"""Every HTTP status from 300 to 599 through the window's state machine: its class, and whose fault it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.config import PathConfig
from pytomo_scrapy.failures import Attribution, attribution_of
from pytomo_scrapy.measure.window.events import Abort, Command, DeadlineReached, HostLookedUp, Stop
from pytomo_scrapy.measure.window.judge import CurlCode
from tests.measure.window.window_machine import DONE, HOST, Window, failed_with, make_format
from tests.measure.window.window_media import INIT_BYTES

SERVICE, UNKNOWN = Attribution.SERVICE, Attribution.UNKNOWN
REDIRECTS = {301, 302, 303, 307, 308}
OF_ONE_STATUS = {403: "http_403", 404: "http_404", 410: "http_410", 416: "http_416", 429: "http_429"}
TAKEN_BACK = {401, 403, 410}
# How many bytes of the file had come: none, its head and index without any media, and media.
BEFORE = {"at its start": 0, "after its index": INIT_BYTES, "after media": INIT_BYTES + 60_000}
STATUSES = range(300, 600)
# Those with a name, with a class of their own, and at either end of a hundred.
SOME = sorted({*range(300, 310), *range(399, 432), 451, *range(499, 512), 599})


def expected(status: int, before_bytes: int, scheme: str) -> tuple[str, Attribution]:
    """Return the class of a status, and whose fault it is."""
    if status in TAKEN_BACK and before_bytes:
        return ("media_gated", SERVICE) if scheme == "https" else ("plain_http_refusal", UNKNOWN)
    if status in REDIRECTS:
        return "bad_redirect", SERVICE  # without a Location: see below for those that lead somewhere
    if status < 400:
        return "bad_response", SERVICE
    return OF_ONE_STATUS.get(status, "http_4xx" if status < 500 else "http_5xx"), SERVICE


def refused(folder: Path, before_bytes: int, scheme: str = "https", **facts: object) -> Window:
    """Return a window whose first range brought `before_bytes`, and of which the next one is under way."""
    overrides = {"url": f"{scheme}://{HOST}/v", "chunk_bytes": before_bytes or 1000, **facts}
    path = overrides.pop("path", None)
    window = Window(folder, make_format(**overrides), **({} if path is None else {"path": path}))
    if before_bytes:
        window.serve(0.1, 0, before_bytes - 1, 10**6)
    return window


def send_page(window: Window, now_s: float) -> list[Command]:
    """Answer with a page. At the start of a file its first bytes decide what it is; later its type is enough."""
    is_aborted = window.head(now_s, "HTTP/1.1 200 OK", "Content-Type: text/html") == [Abort(0)]
    if not is_aborted:
        window.body(now_s, b"<!DOCTYPE html>")
    return window.end(now_s, failed_with(CurlCode.WRITE_ERROR) if is_aborted else DONE)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("before_bytes", BEFORE.values(), ids=BEFORE)
def test_status_has_its_class_and_is_never_the_networks(tmp_path: Path, before_bytes: int, scheme: str) -> None:
    is_usual = scheme == "https" and before_bytes == max(BEFORE.values())
    for status in STATUSES if is_usual else SOME:
        window = refused(tmp_path, before_bytes, scheme)
        is_cut = window.head(0.2, f"HTTP/1.1 {status} No") == [Abort(0)]
        assert window.end(0.3, failed_with(CurlCode.WRITE_ERROR) if is_cut else DONE) == [Stop("failure")]
        failure, attribution = expected(status, before_bytes, scheme)
        assert (status, window.row.failure, attribution_of(window.row.failure)) == (status, failure, attribution)
        assert window.streams[0].failure == failure
        assert is_cut is (status in TAKEN_BACK and before_bytes > 0)
        assert (window.state.gate is not None) is is_cut


@pytest.mark.parametrize("before_bytes", BEFORE.values(), ids=BEFORE)
def test_status_whose_body_hangs_until_the_end_of_the_window_keeps_its_class(tmp_path: Path, before_bytes: int) -> None:
    for status in SOME:
        if status in REDIRECTS:
            continue
        window = refused(tmp_path, before_bytes)
        window.head(0.2, f"HTTP/1.1 {status} No")
        assert window.state.handle(DeadlineReached()) == [Stop("deadline")]
        window.cut(30.0, 0)
        assert (status, window.row.failure) == (status, expected(status, before_bytes, "https")[0])


@pytest.mark.parametrize("before_bytes", BEFORE.values(), ids=BEFORE)
@pytest.mark.parametrize("location", ["http://portal.example/login", "https://www.example/sorry"])
def test_redirect_to_a_page_is_the_services(tmp_path: Path, before_bytes: int, location: str) -> None:
    for status in REDIRECTS:
        window = refused(tmp_path, before_bytes)
        window.head(0.2, f"HTTP/1.1 {status} Found", f"Location: {location}")
        window.end(0.2)
        window.state.handle(HostLookedUp(0.3, 0, 0.1, "192.0.2.9"))
        assert send_page(window, 0.4) == [Stop("failure")]
        assert (window.row.failure, attribution_of(window.row.failure)) == ("wrong_content", SERVICE)


@pytest.mark.parametrize("before_bytes", BEFORE.values(), ids=BEFORE)
def test_page_in_place_of_media_is_the_services(tmp_path: Path, before_bytes: int) -> None:
    window = refused(tmp_path, before_bytes)
    assert send_page(window, 0.2) == [Stop("failure")]
    assert (window.row.failure, attribution_of(window.row.failure)) == ("wrong_content", SERVICE)


@pytest.mark.parametrize("before_bytes", BEFORE.values(), ids=BEFORE)
@pytest.mark.parametrize(("scheme", "failure"), [("http", "proxy_failed"), ("https", "http_4xx")])
def test_proxy_that_wants_a_password_is_told_from_a_host_behind_it(
    tmp_path: Path, before_bytes: int, scheme: str, failure: str
) -> None:
    window = refused(tmp_path, before_bytes, scheme, path=PathConfig(proxy="http://192.0.2.3:3128"))
    window.head(0.2, "HTTP/1.1 407 Proxy Authentication Required")
    window.end(0.2)
    assert window.row.failure == failure


def test_refusal_counts_in_whatever_http_version_it_is_said(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format(url=f"https://{HOST}/v"), http_version="2")
    assert window.head(0.1, "HTTP/1.1 403 Forbidden") == []
    window.end(0.1)
    assert window.row.failure == "http_403"
