"""How the state machine of a window judges refusals, answers that are not what was asked for, and curl's errors."""

from __future__ import annotations

import dataclasses
import errno
from pathlib import Path

import pycurl
import pytest

from pytomo_scrapy.config import PathConfig
from pytomo_scrapy.measure.window.events import (
    Abort,
    Stop,
)
from pytomo_scrapy.measure.window.judge import CurlCode, TransferError
from pytomo_scrapy.measure.window.request import Transfer
from tests.measure.window.window_machine import (
    DONE,
    HOST,
    Window,
    failed_with,
    make_format,
)


@pytest.mark.parametrize(
    ("signed_for", "local_address", "failure"),
    [
        ("192.0.2.7", "192.0.2.7", "http_403"),  # refused for another reason
        ("192.0.2.7", "192.0.2.8", "exit_address_changed"),
        ("2001:db8::1", "192.0.2.8", "exit_address_changed"),
        ("8.8.8.8", "10.0.0.2", "http_403"),  # behind address translation nobody can tell
    ],
)
def test_refusal_at_the_start_is_told_from_a_changed_exit(
    tmp_path: Path, signed_for: str, local_address: str, failure: str
) -> None:
    window = Window(tmp_path, make_format(url=f"http://{HOST}/v?ip={signed_for}"))
    window.head(0.1, "HTTP/1.1 403 Forbidden", "Content-Length: 2")
    assert window.body(0.1, b"no") is None
    assert window.end(0.2, dataclasses.replace(DONE, local_address=local_address)) == [Stop("failure")]
    assert (window.row.status, window.row.failure) == (403, failure)
    # The body of a refusal is no media, but was received.
    assert (window.row.received_bytes, window.state.received_bytes) == (2, 0)
    assert window.state.local_address == local_address


@pytest.mark.parametrize(("status", "failure"), [(403, "media_gated"), (410, "media_gated"), (429, "http_429")])
def test_refusal_in_mid_download_keeps_what_came(tmp_path: Path, status: int, failure: str) -> None:
    window = Window(tmp_path, make_format(url=f"https://{HOST}/v", chunk_bytes=400))
    window.serve(0.1, 0, 399, 1000)
    window.head(0.2, f"HTTP/1.1 {status} No", "Retry-After: 17")
    assert window.end(0.2) == [Stop("failure")]
    assert window.rows("status", "received_bytes", "failure") == [(206, 400, None), (status, 0, failure)]
    assert window.row.retry_after_s == 17.0
    assert (window.streams[0].failure_detail, window.state.received_bytes) == (f"HTTP {status}", 400)


@pytest.mark.parametrize(
    ("head", "detail"),
    [
        (
            ["HTTP/1.1 206 X", "Content-Type: text/plain", "Content-Range: bytes 5-399/1000"],
            "asked for bytes from 0, got 5",
        ),
        (["HTTP/1.1 206 Partial Content", "Content-Range: bytes 5-399/1000"], "asked for bytes from 0, got 5"),
    ],
)
def test_answer_that_is_not_what_was_asked_for_is_aborted(tmp_path: Path, head: list[str], detail: str) -> None:
    window = Window(tmp_path, make_format(chunk_bytes=400))
    assert window.head(0.1, *head) == [Abort(0)]
    assert window.end(0.1, failed_with(CurlCode.WRITE_ERROR)) == [Stop("failure")]
    assert window.row.failure_detail == detail


def test_answer_in_another_version_than_the_wanted_one_is_aborted(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format(), http_version="2")
    assert window.head(0.1, "HTTP/1.1 200 OK") == [Abort(0)]
    window.end(0.1, failed_with(CurlCode.WRITE_ERROR))
    assert window.row.failure == "http_version_unavailable"


@pytest.mark.parametrize(
    ("transfer", "received", "failure"),
    [
        (failed_with(CurlCode.PARTIAL_FILE, "closed"), 300, "truncated"),
        (failed_with(CurlCode.RECV_ERROR, "Connection reset by peer"), 300, "reset"),
        (failed_with(CurlCode.RECV_ERROR, "unexpected eof"), 300, "truncated"),
        (DONE, 0, "bad_response"),  # an answer without a body
    ],
)
def test_transfer_that_breaks_keeps_what_came(tmp_path: Path, transfer: Transfer, received: int, failure: str) -> None:
    window = Window(tmp_path, make_format())
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 1000")
    window.body(0.1, received)
    assert window.end(0.2, transfer) == [Stop("failure")]
    assert window.rows("received_bytes", "failure") == [(received, failure)]
    assert (window.streams[0].received_bytes, window.streams[0].failure) == (received, failure)


@pytest.mark.parametrize(
    ("error", "is_connected", "failure"),
    [
        (TransferError(CurlCode.COULDNT_CONNECT, "", os_error=errno.ECONNREFUSED), False, "connect_refused"),
        (TransferError(CurlCode.COULDNT_CONNECT, "", os_error=errno.ENETUNREACH), False, "connect_unreachable"),
        (TransferError(CurlCode.COULDNT_CONNECT, "", os_error=errno.ETIMEDOUT), False, "connect_timeout"),
        (TransferError(CurlCode.OPERATION_TIMEDOUT, ""), False, "connect_timeout"),
        (TransferError(CurlCode.OPERATION_TIMEDOUT, ""), True, "tls_handshake"),
        (TransferError(CurlCode.PEER_FAILED_VERIFICATION, "", verify_result=10), True, "tls_expired"),
        (TransferError(CurlCode.PEER_FAILED_VERIFICATION, "", verify_result=20), True, "tls_unknown_ca"),
        (TransferError(CurlCode.PEER_FAILED_VERIFICATION, "subject name does not match"), True, "tls_wrong_name"),
        (TransferError(CurlCode.SSL_CONNECT_ERROR, "alert"), True, "tls_handshake"),
        (TransferError(CurlCode.RECV_ERROR, "Connection reset by peer"), True, "reset"),
        (TransferError(CurlCode.GOT_NOTHING, "Empty reply from server"), True, "bad_response"),
        (TransferError(CurlCode.TOO_LARGE, ""), True, "bad_response"),
        (TransferError(4711, "of a later libcurl"), True, "unknown_failure"),
    ],
)
@pytest.mark.parametrize("is_proxied", [False, True])
def test_transfer_without_an_answer_has_the_class_of_curls_error(
    tmp_path: Path, error: TransferError, is_connected: bool, failure: str, is_proxied: bool
) -> None:
    path = PathConfig(proxy="http://192.0.2.3:3128" if is_proxied else None)
    window = Window(tmp_path, make_format(), path=path)
    window.end(0.2, Transfer(is_connected=is_connected, error=error))
    # A connection that never came is the proxy's, where there is one; so is one on which nothing could be sent.
    is_proxys = is_proxied and error.code in {CurlCode.COULDNT_CONNECT, CurlCode.OPERATION_TIMEDOUT}
    assert (window.row.failure, window.row.failure_detail) == ("proxy_failed" if is_proxys else failure, error.text)
    # Behind a proxy the pinned address is nobody that we have spoken to.
    assert window.row.address == (None if is_proxied else "192.0.2.1")


def test_curl_codes_are_those_of_libcurl() -> None:
    names = {"WEIRD_SERVER_REPLY": "E_FTP_WEIRD_SERVER_REPLY"}
    known = {code: getattr(pycurl, names.get(code.name, f"E_{code.name}"), None) for code in CurlCode}
    assert {code for code, number in known.items() if number not in {code.value, None}} == set()
    # pycurl has no name for the later ones.
    unnamed = {code for code, number in known.items() if number is None}
    assert unnamed <= {CurlCode.HTTP2_STREAM, CurlCode.HTTP3, CurlCode.QUIC_CONNECT, CurlCode.PROXY, CurlCode.TOO_LARGE}
