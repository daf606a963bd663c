from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path

import pytest

from pytomo_scrapy.config import PathConfig
from pytomo_scrapy.items import TimedFetch
from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.measure.comparing.named_fetch import FetchPlan, fetch
from tests.measure.comparing.tls_server import Answer, body_of, serving

pytestmark = pytest.mark.process

HOST, NEUTRAL = "rr1---sn-one.googlevideo.com", "www.example.com"
LOOPBACK = PathConfig(is_private_allowed=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle_path))


def plan(port: int, **changes: object) -> FetchPlan:
    values = {"window_s": 0.5, "max_bytes": 100_000, "path": LOOPBACK, "connect_timeout_s": 2.0, **changes}
    return FetchPlan(f"https://{HOST}:{port}/videoplayback?sig=x", "127.0.0.1", **values)  # type: ignore[arg-type]


def fetched(context: ssl.SSLContext, answer: Answer, **changes: object) -> TimedFetch:
    with serving(context, answer) as port:
        return fetch(plan(port, **changes))


def test_fetch_counts_what_came_and_when(authority: Authority) -> None:
    def in_two(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 50000\r\n\r\n" + bytes(20_000))
        time.sleep(0.2)
        connection.sendall(bytes(30_000))

    result = fetched(authority.server_context(HOST), in_two, window_s=5.0)

    assert (result.host, result.sent_name, result.failure, result.received_bytes) == (HOST, HOST, None, 50_000)
    assert result.elapsed_s is not None and 0.2 <= result.elapsed_s < 5.0
    assert result.rate_bps == pytest.approx(8 * 50_000 / result.elapsed_s)
    # The first 20 kB, nothing for two samples at least, and the rest in a sample that was not over.
    assert result.sample_bytes[0] == 20_000 and sum(result.sample_bytes[1:3]) == 0
    assert None not in (result.connect_s, result.tls_s, result.first_byte_s, result.rtt_min_s)


def test_window_ends_on_time_and_at_its_volume(authority: Authority) -> None:
    def slowly(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(5_000))
        time.sleep(2.0)

    late = fetched(authority.server_context(HOST), slowly)
    assert (late.failure, late.received_bytes) == (None, 5_000)
    assert late.elapsed_s is not None and 0.5 <= late.elapsed_s < 1.9, "at its own end, not at the server's"
    many = fetched(authority.server_context(HOST), body_of(900_000), max_bytes=30_000, window_s=5.0)
    assert many.failure is None and many.received_bytes >= 30_000 and (many.elapsed_s or 9) < 5.0


def test_neutral_name_reaches_a_server_whose_certificate_is_the_hosts(authority: Authority) -> None:
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.certificate(HOST))
    context.sni_callback = lambda _connection, name, _context: names.append(name)
    result = fetched(context, body_of(1000), sent_name=NEUTRAL)
    assert (names, result.sent_name, result.failure, result.received_bytes) == ([NEUTRAL], NEUTRAL, None, 1000)


REFUSED = "neutral_name_refused"


@pytest.mark.parametrize(
    ("answer", "shown"), [(body_of(0, "421 Misdirected Request"), "http_4xx"), (lambda _: None, "bad_response")]
)
def test_answer_to_a_neutral_name_that_is_no_media_cannot_be_tested(
    authority: Authority, answer: Answer, shown: str
) -> None:
    context = authority.server_context(HOST)
    result = fetched(context, answer, sent_name=NEUTRAL)
    assert result.failure == REFUSED and (result.failure_detail or "").startswith(shown)
    assert fetched(context, answer).failure == shown


def test_certificate_of_the_neutral_name_is_no_certificate_of_the_host(authority: Authority) -> None:
    asked: list[bytes] = []
    result = fetched(authority.sni_context(), lambda connection: asked.append(b"asked"), sent_name=NEUTRAL)
    # Nothing is asked of a server that did not show the host's own certificate: the URL is signed.
    assert (result.failure, asked, result.received_bytes) == (REFUSED, [], 0)
    assert "certificate is not for" in (result.failure_detail or "")


def test_alert_against_the_neutral_name_cannot_be_tested(authority: Authority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.certificate(HOST))
    context.sni_callback = lambda *_: int(ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
    assert fetched(context, body_of(10), sent_name=NEUTRAL).failure == REFUSED
    assert fetched(context, body_of(10)).failure == "tls_handshake"


@pytest.mark.parametrize(
    ("fault", "failure"),
    [("tls_expired", "tls_expired"), ("tls_unknown_ca", "tls_unknown_ca"), ("tls_wrong_name", "tls_wrong_name")],
)
def test_bad_certificate_has_its_class(authority: Authority, fault: str, failure: str) -> None:
    assert fetched(authority.server_context(HOST, fault), body_of(10)).failure == failure


def test_host_that_cannot_be_reached_is_the_lines_whatever_name_is_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for name in (None, NEUTRAL):
        result = fetch(plan(port, sent_name=name))
        assert (result.failure, result.sent_name, result.elapsed_s) == ("connect_refused", None, None)


def test_body_that_ends_early_or_never_begins_says_so(authority: Authority) -> None:
    def half(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + bytes(500))

    def never(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        time.sleep(0.7)

    context = authority.server_context(HOST)
    ended, silent = fetched(context, half), fetched(context, never)
    assert (ended.failure, ended.received_bytes, silent.failure) == ("truncated", 500, "first_byte_timeout")


def test_private_address_is_not_connected_to_unless_that_is_allowed(tmp_path: Path) -> None:
    assert fetch(plan(9, path=PathConfig())).failure == "private_address"


def test_plain_http_sends_no_name() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    way = FetchPlan(f"http://{HOST}:{port}/file", "127.0.0.1", 0.5, 1000, path=LOOPBACK)
    assert fetch(way).sent_name is None
