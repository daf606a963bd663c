"""A window whose connection fails: no route, no answer, TLS, certificates, proxies."""

from __future__ import annotations

import dataclasses
import socket
import ssl
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from tests.measure.window.window_fetch import HOST, LATE_S, make_format
from tests.measure.window.window_fetch import fetch_in_time as fetch
from tests.measure.window.window_servers import (
    BODY,
    Authority,
    Request,
    answer,
    media_head,
    never_answer,
    say,
    serve_body,
    serving,
)

pytestmark = pytest.mark.process


WINDOW_S = 1.2
QUARTER = len(BODY) // 4


CONFIG = DownloadConfig(window_s=WINDOW_S, mode="bulk", loaded_probes_per_s=0, path=PathConfig(is_private_allowed=True))


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
        config = dataclasses.replace(CONFIG, connect_timeout_s=connect_timeout_s, window_s=2 * LATE_S)
        result = fetch(tmp_path, make_format(listener.getsockname()[1]), config=config)
    finally:
        for open_socket in (listener, *clients):
            open_socket.close()
    assert result.failure == "connect_timeout"
    due_s = min(connect_timeout_s, 2 * LATE_S)
    assert result.elapsed_s is not None and due_s - 0.05 <= result.elapsed_s < due_s + LATE_S


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
    assert result.connect_s is not None and result.connect_s < connect_timeout_s


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
