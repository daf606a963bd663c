"""Every failure of a window that loopback can produce: its class, what was kept, and the time it took."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import DnsResult, DownloadResult, MediaFormat
from pytomo_scrapy.measure.window import redirect_lookup
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from tests.measure.window.window_servers import (
    BODY,
    Authority,
    Handler,
    Request,
    answer,
    media_head,
    reset,
    serve_body,
    serve_range,
    serving,
)

pytestmark = pytest.mark.process

HOST = "rr1---sn-test.example"
WINDOW_S = 1.2
# The window promises 0.25 s; a busy machine gets the same again.
LATE_S = 0.5
CONFIG = DownloadConfig(window_s=WINDOW_S, mode="bulk", loaded_probes_per_s=0, path=PathConfig(is_private_allowed=True))
QUARTER = len(BODY) // 4


@pytest.fixture(autouse=True)
def no_proxy_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    yield authority


def make_format(port: int, kind: str = "muxed", scheme: str = "http", **overrides: object) -> MediaFormat:
    url = f"{scheme}://{HOST}:{port}/{kind}?sig=SECRET"
    values: dict[str, object] = {"kind": kind, "format_id": kind, "url": url, "host": HOST, "port": port}
    return MediaFormat(**{**values, **overrides})  # type: ignore[arg-type]


def fetch(
    spool: Path, *formats: MediaFormat, config: DownloadConfig = CONFIG, address: str = "127.0.0.1"
) -> DownloadResult:
    started = time.monotonic()
    result = download_window(WindowPlan(formats, {HOST: address}, spool_directory=str(spool)), config)
    assert time.monotonic() - started < config.window_s + LATE_S
    assert result.elapsed_s is not None and result.elapsed_s <= config.window_s + LATE_S
    return result


def cut_after_a_quarter(connection: socket.socket, request: Request) -> None:
    connection.sendall(media_head(len(BODY)) + BODY[:QUARTER])
    connection.close()


def reset_after_a_quarter(connection: socket.socket, request: Request) -> None:
    connection.sendall(media_head(len(BODY)) + BODY[:QUARTER])
    time.sleep(0.1)  # a reset overtakes what the receiver has not read yet
    reset(connection)


def stall_after_a_quarter(connection: socket.socket, request: Request) -> None:
    connection.sendall(media_head(len(BODY)) + BODY[:QUARTER])
    connection.recv(1)


def refuse_after_the_first_range(connection: socket.socket, request: Request) -> None:
    if request.range is not None and request.range[0] == 0:
        serve_range(connection, request, BODY)
    else:
        connection.sendall(answer("403 Forbidden"))


def never_answer(connection: socket.socket, request: Request) -> None:
    connection.recv(1)


def reset_at_once(connection: socket.socket, request: Request) -> None:
    reset(connection)


def close_at_once(connection: socket.socket, request: Request) -> None:
    connection.close()


def header_without_end(connection: socket.socket, request: Request) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Line: " + b"x" * 1000 + b"\r\n")


def slow_header_without_end(connection: socket.socket, request: Request) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Line: x\r\n")
        time.sleep(0.05)


def one_line_without_end(connection: socket.socket, request: Request) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Line: ")
    while True:
        connection.sendall(b"x" * 1000)


def speak_no_http(connection: socket.socket, request: Request) -> None:
    connection.sendall(b"220 mail.example ESMTP ready\r\n")
    connection.close()


def say(response: bytes) -> Handler:
    return lambda connection, request: connection.sendall(response)


@pytest.mark.parametrize("mode", ["bulk", "paced"])
@pytest.mark.parametrize(
    ("handler", "failure", "ended_by", "received_bytes"),
    [
        (say(answer("403 Forbidden", body=b"no")), "http_403", "failure", 0),
        (say(answer("404 Not Found")), "http_404", "failure", 0),
        (say(answer("410 Gone")), "http_410", "failure", 0),
        (say(answer("416 Range Not Satisfiable")), "http_416", "failure", 0),
        (say(answer("429 Too Many Requests", "Retry-After: 17")), "http_429", "failure", 0),
        (say(answer("418 Teapot")), "http_4xx", "failure", 0),
        (say(answer("503 Service Unavailable")), "http_5xx", "failure", 0),
        (say(answer("204 No Content")), "bad_response", "failure", 0),
        (say(answer("302 Found")), "bad_redirect", "failure", 0),
        (say(answer("302 Found", "Location: mailto:a@b.example")), "bad_redirect", "failure", 0),
        (say(answer("302 Found", "Location: ?again")), "redirect_loop", "failure", 0),
        (say(answer("200 OK", "Content-Type: text/html", body=b"<html>")), "wrong_content", "failure", 0),
        (say(answer("200 OK", "Content-Type: video/mp4")), "bad_response", "failure", 0),
        (cut_after_a_quarter, "truncated", "failure", QUARTER),
        (reset_after_a_quarter, "reset", "failure", QUARTER),
        (stall_after_a_quarter, "no_progress", "deadline", QUARTER),
        (never_answer, "first_byte_timeout", "deadline", 0),
        (reset_at_once, "reset", "failure", 0),
        (close_at_once, "bad_response", "failure", 0),
        (header_without_end, "bad_response", "failure", 0),
        (slow_header_without_end, "bad_response", "deadline", 0),
        (one_line_without_end, "bad_response", "failure", 0),
        (speak_no_http, "bad_response", "failure", 0),
    ],
)
def test_window_fault_has_its_class_and_keeps_what_came(
    tmp_path: Path, handler: Handler, failure: str, ended_by: str, received_bytes: int, mode: str
) -> None:
    with serving(handler) as server:
        result = fetch(tmp_path, make_format(server.port), config=dataclasses.replace(CONFIG, mode=mode, bulk_every=0))
    assert (result.failure, result.ended_by, result.received_bytes) == (failure, ended_by, received_bytes)
    (stream,) = result.streams
    assert (stream.failure, stream.is_complete) == (failure, False)
    assert stream.spooled_bytes == received_bytes
    assert result.requests[-1].failure == failure
    assert "SECRET" not in repr(result)
    assert list(tmp_path.iterdir()) == ([Path(stream.spool_path or "")] if received_bytes else [])


def test_window_retry_after_is_kept(tmp_path: Path) -> None:
    with serving(say(answer("429 Too Many Requests", "Retry-After: 17"))) as server:
        result = fetch(tmp_path, make_format(server.port))
    assert (result.requests[0].status, result.requests[0].retry_after_s) == (429, 17.0)


@pytest.mark.parametrize(("scheme", "failure"), [("https", "media_gated"), ("http", "plain_http_refusal")])
def test_window_refused_in_mid_download_ends_there(
    tmp_path: Path, authority: Authority, scheme: str, failure: str
) -> None:
    with serving(refuse_after_the_first_range, authority.context(HOST) if scheme == "https" else None) as server:
        result = fetch(tmp_path, make_format(server.port, scheme=scheme, chunk_bytes=QUARTER))
    assert (result.failure, result.failure_detail, result.ended_by) == (failure, "muxed: HTTP 403", "failure")
    assert result.received_bytes == QUARTER
    assert [row.status for row in result.requests] == [206, 403]
    assert result.gated_at_bytes == QUARTER
    assert result.gated_at_s is not None and 0 < result.gated_at_s <= (result.elapsed_s or 0)


def test_window_of_which_the_audio_is_refused_keeps_the_video(tmp_path: Path) -> None:
    def refuse_audio(connection: socket.socket, request: Request) -> None:
        if "audio" in request.target:
            connection.sendall(answer("403 Forbidden"))
        else:
            serve_body(connection, request)

    with serving(refuse_audio) as server:
        result = fetch(tmp_path, make_format(server.port, "video"), make_format(server.port, "audio"))
    video, audio = result.streams
    assert (result.failure, result.ended_by) == ("http_403", "failure")
    assert (video.failure, video.is_complete, video.received_bytes) == (None, True, len(BODY))
    assert (audio.failure, audio.received_bytes) == ("http_403", 0)


def test_window_wrong_length_is_told_and_the_body_kept(tmp_path: Path) -> None:
    with serving(serve_body) as server:
        result = fetch(tmp_path, make_format(server.port, declared_size_bytes=2 * len(BODY)))
    assert (result.failure, result.received_bytes) == ("wrong_length", len(BODY))


def test_window_length_a_little_off_is_no_failure(tmp_path: Path) -> None:
    with serving(serve_body) as server:
        result = fetch(tmp_path, make_format(server.port, declared_size_bytes=len(BODY) + 1000))
    assert (result.failure, result.ended_by) == (None, "complete")


def test_window_server_that_ignores_a_later_range_is_bad_response(tmp_path: Path) -> None:
    def ignore_later_ranges(connection: socket.socket, request: Request) -> None:
        if request.range is not None and request.range[0] == 0:
            serve_range(connection, request, BODY)
        else:
            connection.sendall(media_head(len(BODY)) + BODY)

    with serving(ignore_later_ranges) as server:
        result = fetch(tmp_path, make_format(server.port, chunk_bytes=QUARTER))
    assert result.failure == "bad_response"
    assert result.received_bytes == QUARTER


def test_window_short_silence_before_its_end_is_no_failure(tmp_path: Path) -> None:
    def pause_late(connection: socket.socket, request: Request) -> None:
        connection.sendall(media_head(len(BODY)))
        for _ in range(10):
            connection.sendall(bytes(1000))
            time.sleep(0.1)  # until 1.0 s; a third of the window is 0.4 s
        connection.recv(1)

    with serving(pause_late) as server:
        result = fetch(tmp_path, make_format(server.port))
    assert (result.failure, result.ended_by) == (None, "deadline")


def test_window_refused_connection_has_its_class(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = fetch(tmp_path, make_format(port))
    assert result.failure == "connect_refused"
    assert result.requests[0].connect_s is None
    assert result.address == "127.0.0.1"


def full_backlog() -> tuple[socket.socket, list[socket.socket]]:
    """Return a listener that takes no more connections: the system drops what comes, as a filter would."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    clients = []
    for _ in range(10):
        client = socket.socket()
        client.settimeout(0.15)
        clients.append(client)
        try:
            client.connect(listener.getsockname())
        except TimeoutError:
            break
    return listener, clients


@pytest.mark.parametrize("connect_timeout_s", [0.3, 10.0])
def test_window_connection_that_never_comes_is_connect_timeout(tmp_path: Path, connect_timeout_s: float) -> None:
    listener, clients = full_backlog()
    try:
        config = dataclasses.replace(CONFIG, connect_timeout_s=connect_timeout_s)
        result = fetch(tmp_path, make_format(listener.getsockname()[1]), config=config)
    finally:
        for open_socket in (listener, *clients):
            open_socket.close()
    assert result.failure == "connect_timeout"
    assert result.elapsed_s == pytest.approx(min(connect_timeout_s, WINDOW_S), abs=LATE_S)


def test_window_address_without_route_is_unreachable(tmp_path: Path) -> None:
    # TCP has no route to the broadcast address on any machine, and nothing is sent.
    result = fetch(tmp_path, make_format(443), address="255.255.255.255")
    assert result.failure == "connect_unreachable"


@pytest.mark.parametrize(
    ("certificate_host", "is_expired", "failure"),
    [(HOST, True, "tls_expired"), ("rr2---sn-other.example", False, "tls_wrong_name")],
)
def test_window_bad_certificate_has_its_class(
    tmp_path: Path, authority: Authority, certificate_host: str, is_expired: bool, failure: str
) -> None:
    with serving(serve_body, authority.context(certificate_host, is_expired=is_expired)) as server:
        result = fetch(tmp_path, make_format(server.port, scheme="https"))
    assert result.failure == failure


@pytest.mark.parametrize("name", ["Another CA", "Window Test CA"])
def test_window_certificate_of_a_stranger_is_unknown_ca(
    tmp_path: Path, authority: Authority, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    stranger = Authority(tmp_path_factory.mktemp("stranger"), name)
    with serving(serve_body, stranger.context(HOST)) as server:
        result = fetch(tmp_path, make_format(server.port, scheme="https"))
    assert result.failure == "tls_unknown_ca"


@pytest.mark.parametrize(("connect_timeout_s", "ended_by"), [(0.3, "failure"), (10.0, "deadline")])
def test_window_tls_without_an_answer_is_tls_handshake(
    tmp_path: Path, authority: Authority, connect_timeout_s: float, ended_by: str
) -> None:
    config = dataclasses.replace(CONFIG, connect_timeout_s=connect_timeout_s)
    with serving(never_answer) as server:  # waits for a request that a TLS client never sends in the clear
        result = fetch(tmp_path, make_format(server.port, scheme="https"), config=config)
    assert (result.failure, result.ended_by) == ("tls_handshake", ended_by)
    assert result.connect_s is not None and result.connect_s < 0.2


def test_window_tls_alert_is_tls_handshake(tmp_path: Path, authority: Authority) -> None:
    context = authority.context(HOST)
    context.verify_mode = ssl.CERT_REQUIRED  # it wants a certificate of ours, which we have not
    context.load_verify_locations(str(authority.bundle))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving(serve_body, context) as server:
        result = fetch(tmp_path, make_format(server.port, scheme="https"))
    assert result.failure == "tls_handshake"


def test_window_tls_body_cut_without_farewell_is_truncated(tmp_path: Path, authority: Authority) -> None:
    def cut(connection: socket.socket, request: Request) -> None:
        connection.sendall(media_head(len(BODY)) + BODY[:QUARTER])
        connection.shutdown(socket.SHUT_RDWR)

    with serving(cut, authority.context(HOST)) as server:
        result = fetch(tmp_path, make_format(server.port, scheme="https"))
    assert (result.failure, result.received_bytes) == ("truncated", QUARTER)


@pytest.mark.parametrize("status", ["502 Bad Gateway", "407 Proxy Authentication Required"])
def test_window_tunnel_refused_is_proxy_failed(tmp_path: Path, status: str) -> None:
    with serving(say(answer(status))) as proxy:
        config = dataclasses.replace(CONFIG, path=PathConfig(proxy=f"http://127.0.0.1:{proxy.port}"))
        result = fetch(tmp_path, make_format(443, scheme="https"), config=config)
    assert result.failure == "proxy_failed"
    assert result.via_proxy


def test_window_absent_proxy_is_proxy_failed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    config = dataclasses.replace(CONFIG, path=PathConfig(proxy=f"http://127.0.0.1:{port}"))
    assert fetch(tmp_path, make_format(80), config=config).failure == "proxy_failed"


def test_window_redirects_without_end_stop_at_the_limit(tmp_path: Path) -> None:
    def further(connection: socket.socket, request: Request) -> None:
        number = int(request.target.rpartition("/")[2]) if "/hop/" in request.target else 0
        connection.sendall(answer("302 Found", f"Location: /hop/{number + 1}"))

    with serving(further) as server:
        result = fetch(tmp_path, make_format(server.port), config=dataclasses.replace(CONFIG, max_redirects=3))
    assert result.failure == "redirect_limit"
    assert [row.hop for row in result.requests] == [0, 1, 2, 3]


def test_window_redirect_to_a_host_without_address_is_dns_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(hosts: list[str], *_: object) -> DnsResult:
        return DnsResult(elapsed_s=0.01, failure="dns_nxdomain", failure_detail=hosts[0])

    monkeypatch.setattr(redirect_lookup, "look_up_hosts", nothing)
    with serving(say(answer("302 Found", "Location: http://gone.example/x"))) as server:
        result = fetch(tmp_path, make_format(server.port))
    assert result.failure == "dns_nxdomain"
    assert [(row.hop, row.host, row.failure) for row in result.requests] == [
        (0, HOST, None),
        (1, "gone.example", "dns_nxdomain"),
    ]


def test_window_redirect_host_is_looked_up_inside_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(hosts: list[str], *_: object) -> DnsResult:
        time.sleep(0.1)
        return DnsResult(chosen={hosts[0]: "127.0.0.1"}, elapsed_s=0.1)

    monkeypatch.setattr(redirect_lookup, "look_up_hosts", slow)
    with serving(serve_body) as cache:
        location = f"Location: http://rr2---sn-test.example:{cache.port}/x"
        with serving(say(answer("302 Found", location))) as front:
            result = fetch(tmp_path, make_format(front.port))
    assert result.failure is None
    assert result.requests[1].host == "rr2---sn-test.example"
    assert result.requests[1].address == "127.0.0.1"
    assert result.requests[1].dns_s == pytest.approx(0.1, abs=0.08)


def test_window_that_ends_during_a_look_up_is_dns_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> DnsResult:
        time.sleep(WINDOW_S + 0.5)
        return DnsResult(failure="dns_timeout")

    monkeypatch.setattr(redirect_lookup, "look_up_hosts", silent)
    with serving(say(answer("302 Found", "Location: http://silent.example/x"))) as server:
        result = fetch(tmp_path, make_format(server.port))
    assert (result.failure, result.ended_by) == ("dns_timeout", "deadline")


@pytest.mark.parametrize(
    ("signed_for", "source_address", "failure"),
    [
        ("127.0.0.1", None, "http_403"),  # refused for another reason
        ("127.0.0.1", "127.0.0.9", "exit_address_changed"),
        ("::1", None, "exit_address_changed"),
        ("198.51.100.7", None, "exit_address_changed"),
        ("8.8.8.8", None, "http_403"),  # behind address translation nobody can tell
        ("", None, "http_403"),
    ],
)
def test_window_refused_for_another_address_is_told_apart(
    tmp_path: Path, signed_for: str, source_address: str | None, failure: str
) -> None:
    config = dataclasses.replace(CONFIG, path=PathConfig(source_address=source_address, is_private_allowed=True))
    with serving(say(answer("403 Forbidden"))) as server:
        url = f"http://{HOST}:{server.port}/v?ip={signed_for}&sig=SECRET"
        result = fetch(tmp_path, make_format(server.port, url=url), config=config)
    assert result.failure == failure
    assert "198.51.100.7" not in repr(result)
