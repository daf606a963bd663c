"""Which class a refused, broken or silent request gets, and what an answer's head says: tables without a server."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.measure.window import judge
from pytomo_scrapy.measure.window.head import MAX_HEADER_BYTES, ResponseHead, read_retry_after
from pytomo_scrapy.measure.window.judge import (
    CurlCode,
    Phase,
    TransferError,
    classify_curl_error,
    classify_silence,
    is_exit_changed,
    is_url_expired,
)


def phase_of(letters: str, received_bytes: int = 0) -> Phase:
    """Return how far a request had come: "p" via a proxy, "c" connected, "s" sent."""
    return Phase("p" in letters, "c" in letters, "s" in letters, received_bytes)


@pytest.mark.parametrize(
    ("letters", "failure"),
    [
        ("", "connect_timeout"), ("c", "tls_handshake"), ("cs", "first_byte_timeout"),
        ("p", "proxy_failed"), ("pc", "proxy_failed"), ("pcs", "first_byte_timeout"),
    ],
)  # fmt: skip
def test_silence_has_the_class_of_how_far_the_request_had_come(letters: str, failure: str) -> None:
    assert classify_silence(phase_of(letters)) == failure
    assert classify_curl_error(TransferError(CurlCode.OPERATION_TIMEDOUT, ""), phase_of(letters)) == failure


@pytest.mark.parametrize(
    ("code", "text", "letters", "failure"),
    [
        (CurlCode.PARTIAL_FILE, "", "cs", "truncated"),
        (CurlCode.GOT_NOTHING, "", "cs", "bad_response"),
        (CurlCode.UNSUPPORTED_PROTOCOL, "", "cs", "bad_response"),
        (CurlCode.WEIRD_SERVER_REPLY, "", "cs", "bad_response"),
        (CurlCode.TOO_LARGE, "", "cs", "bad_response"),
        (CurlCode.HTTP2, "", "cs", "bad_response"),
        (CurlCode.BAD_CONTENT_ENCODING, "", "cs", "bad_response"),
        (CurlCode.SEND_ERROR, "", "cs", "reset"),
        (CurlCode.HTTP2_STREAM, "", "cs", "reset"),
        (CurlCode.HTTP3, "", "cs", "reset"),
        (CurlCode.SSL_CONNECT_ERROR, "", "c", "tls_handshake"),
        (CurlCode.SSL_CIPHER, "", "c", "tls_handshake"),
        (CurlCode.INTERFACE_FAILED, "", "", "connect_unreachable"),
        (CurlCode.QUIC_CONNECT, "", "", "http_version_unavailable"),
        (CurlCode.COULDNT_RESOLVE_PROXY, "", "", "proxy_failed"),
        (CurlCode.PROXY, "", "", "proxy_failed"),
        (CurlCode.WRITE_ERROR, "", "cs", "unknown_failure"),  # our own callback ended it: its verdict is not curl's
        (4711, "", "cs", "unknown_failure"),
        # Behind a proxy: what is its trouble, and what is the host's.
        (CurlCode.COULDNT_CONNECT, "", "p", "proxy_failed"),
        (CurlCode.RECV_ERROR, "Received HTTP code 403 from proxy after CONNECT", "pc", "proxy_failed"),
        (CurlCode.RECV_ERROR, "Proxy CONNECT aborted", "pc", "proxy_failed"),
        (CurlCode.RECV_ERROR, "Connection reset by peer", "pcs", "reset"),
        (CurlCode.SSL_CONNECT_ERROR, "", "pc", "tls_handshake"),
    ],
)
def test_error_of_curl_has_its_class(code: int, text: str, letters: str, failure: str) -> None:
    assert classify_curl_error(TransferError(code, text), phase_of(letters)) == failure
    assert failure in FAILURES


@pytest.mark.parametrize(
    ("os_error", "failure"),
    [
        (errno.ECONNREFUSED, "connect_refused"),
        (errno.ENETUNREACH, "connect_unreachable"),
        (errno.EHOSTUNREACH, "connect_unreachable"),
        (errno.EADDRNOTAVAIL, "connect_unreachable"),
        (errno.ETIMEDOUT, "connect_timeout"),
        (0, "connect_unreachable"),
    ],
)
def test_connection_that_did_not_come_to_be_has_the_class_of_the_systems_error(os_error: int, failure: str) -> None:
    assert classify_curl_error(TransferError(CurlCode.COULDNT_CONNECT, "", os_error), phase_of("")) == failure


@pytest.mark.parametrize(
    ("verify_result", "text", "failure"),
    [
        (10, "", "tls_expired"), (9, "", "tls_expired"), (0, "certificate has expired", "tls_expired"),
        (0, "certificate is not yet valid", "tls_expired"),
        (18, "", "tls_unknown_ca"), (20, "", "tls_unknown_ca"), (0, "self-signed certificate", "tls_unknown_ca"),
        (0, "unable to get local issuer certificate", "tls_unknown_ca"),
        (0, "no alternative certificate subject name matches target host name", "tls_wrong_name"),
        (62, "certificate does not match", "tls_wrong_name"),
        (1, "something else", "tls_handshake"),
    ],
)  # fmt: skip
def test_certificate_that_is_not_trusted_has_its_class(verify_result: int, text: str, failure: str) -> None:
    error = TransferError(CurlCode.PEER_FAILED_VERIFICATION, text, verify_result=verify_result)
    assert classify_curl_error(error, phase_of("c")) == failure


@pytest.mark.parametrize(
    ("text", "received_bytes", "failure"),
    [
        ("Connection reset by peer", 0, "reset"),
        ("Connection reset by peer", 9, "reset"),
        # TLS that ends without its farewell: nothing was reset, the body just ends.
        ("unexpected eof while reading", 9, "truncated"),
        ("unexpected EOF while reading", 0, "bad_response"),
        ("TLS connection closed abruptly, missing close notify", 9, "truncated"),
    ],
)
def test_connection_that_breaks_while_it_is_read_was_reset_or_just_ended(
    text: str, received_bytes: int, failure: str
) -> None:
    error = TransferError(CurlCode.RECV_ERROR, text)
    assert classify_curl_error(error, phase_of("cs", received_bytes)) == failure


@pytest.mark.parametrize(
    ("signed", "local", "is_changed"),
    [
        ("8.8.8.8", "8.8.4.4", True),  # ours is public: no translation lies between
        ("8.8.8.8", "8.8.8.8", False),
        ("8.8.8.8", "192.168.1.2", False),  # behind translation nothing can be told
        ("10.0.0.1", "10.0.0.2", True),  # the signed one is not public: so is the way to it
        ("10.0.0.1", "10.0.0.1", False),
        ("10.0.0.1", "8.8.4.4", True),
        ("2001:4860::1", "192.168.1.2", True),  # another family
        ("8.8.8.8", "2001:4860::1", True),
        ("8.8.8.8", None, False),
        ("8.8.8.8", "", False),
        (None, "8.8.8.8", False),
        ("not-an-address", "8.8.8.8", False),
    ],
)
def test_refused_url_was_signed_for_another_address_where_that_can_be_told(
    signed: str | None, local: str | None, is_changed: bool
) -> None:
    url = f"https://rr1.example/videoplayback?itag=18{'' if signed is None else f'&ip={signed}'}"
    assert is_exit_changed(url, local) is is_changed


@pytest.mark.parametrize(
    ("query", "is_expired"),
    [
        ("expire=1790812800", True),  # 2026-10-01 00:00 UTC, which is now
        ("expire=1790812801", False),
        ("expire=1", True),
        ("itag=18", False),
        ("expire=", False),
        ("expire=soon", False),
        ("expire=-1", False),
        ("expire=9999999999999", False),  # more digits than a time has
        ("expire=\u0661", False),
    ],
)
def test_url_is_expired_when_its_own_time_has_come(query: str, is_expired: bool) -> None:
    now = datetime(2026, 10, 1, tzinfo=UTC)
    assert is_url_expired(f"https://rr1.example/videoplayback?{query}", now) is is_expired


def test_classes_without_a_connection_are_of_the_vocabulary() -> None:
    assert FAILURES.keys() >= judge.NO_CONNECTION


# The head of an answer.


def head_of(*lines: str) -> ResponseHead:
    head = ResponseHead()
    assert all(head.feed(f"{line}\r\n".encode("latin-1")) for line in (*lines, ""))
    return head


@pytest.mark.parametrize(
    ("lines", "status", "version", "is_finished"),
    [
        (("HTTP/1.1 206 Partial Content",), 206, "1.1", True),
        (("HTTP/2 200",), 200, "2", True),
        (("HTTP/1.1 100 Continue",), 100, "1.1", False),
        (("HTTP/1.1 103 Early Hints", "", "HTTP/1.1 200 OK"), 200, "1.1", True),
        (("HTTP/1.1",), None, "1.1", True),
        (("HTTP/1.1 OK",), None, "1.1", True),
    ],
)
def test_head_has_the_status_of_its_last_answer(
    lines: tuple[str, ...], status: int | None, version: str, is_finished: bool
) -> None:
    head = head_of(*lines)
    assert (head.status, head.http_version, head.is_finished) == (status, version, is_finished)


def test_head_forgets_the_fields_of_an_answer_before_the_last() -> None:
    assert head_of("HTTP/1.1 103 Early Hints", "Location: /a", "", "HTTP/1.1 200 OK").location is None


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("Location: https://b.example/v", "location", "https://b.example/v"),
        ("LOCATION:/v", "location", "/v"),
        ("X-Other: 1", "location", None),
        ("no colon", "location", None),
        ("Content-Type: Video/MP4; codecs=x", "content_type", "video/mp4"),
        ("Content-Type: ;x", "content_type", None),
        ("Content-Type: " + "x" * 300, "content_type", "x" * 100),
        ("Content-Length: 12", "content_length_bytes", 12),
        ("Content-Length: -1", "content_length_bytes", None),
        ("Content-Length: 1e3", "content_length_bytes", None),
        ("Content-Range: bytes 5-9/100", "range_start_bytes", 5),
        ("Content-Range: bytes */100", "range_start_bytes", None),
        ("Content-Range: items 5-9/100", "range_start_bytes", None),
        ("Retry-After: 120", "retry_after_s", 120.0),
        ("X: 1", "retry_after_s", None),
    ],
)
def test_head_field_is_read_or_not_told(line: str, field: str, value: object) -> None:
    assert getattr(head_of("HTTP/1.1 206 Partial Content", line), field) == value


@pytest.mark.parametrize(
    ("status", "lines", "size_bytes"),
    [
        (206, ("Content-Range: bytes 0-9/100", "Content-Length: 10"), 100),
        (206, ("Content-Range: bytes 0-9/*", "Content-Length: 10"), None),
        (206, ("Content-Length: 10",), None),  # of the part, not of the file
        (200, ("Content-Length: 100",), 100),
        (200, (), None),
        (404, ("Content-Length: 100",), None),
    ],
)
def test_size_of_the_file_is_that_of_the_whole(status: int, lines: tuple[str, ...], size_bytes: int | None) -> None:
    assert head_of(f"HTTP/1.1 {status} X", *lines).size_bytes == size_bytes


@pytest.mark.parametrize(
    ("status", "lines", "asked_from", "failure"),
    [
        (200, ("Content-Type: video/mp4",), 0, None),
        (200, (), 5, "bad_response"),  # the range was ignored
        (206, ("Content-Range: bytes 5-9/100",), 5, None),
        (206, ("Content-Range: bytes 0-9/100",), 5, "bad_response"),
        (206, (), 5, None),  # it does not say: believed
        (200, ("Content-Type: text/html",), 0, "wrong_content"),
        (206, ("Content-Type: application/json",), 0, "wrong_content"),
        (200, ("Content-Type: application/octet-stream",), 0, None),
    ],
)
def test_success_is_usable_where_it_holds_the_media_that_were_asked_for(
    status: int, lines: tuple[str, ...], asked_from: int, failure: str | None
) -> None:
    found = head_of(f"HTTP/1.1 {status} X", *lines).body_failure(asked_from)
    assert (found[0] if found else None) == failure


@pytest.mark.parametrize(
    ("lines", "date"),
    [
        (("Date: Fri, 02 Jan 2026 03:04:05 GMT",), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (("Date: Fri, 02 Jan 2026 03:04:05 GMT", "Age: 0"), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (("Date: Fri, 02 Jan 2026 03:04:05 GMT", "Age: 7"), None),  # a cache kept it
        (("Date: yesterday",), None),
        (("Date: Fri, 02 Jan 2026 03:04:05 -0000",), None),  # of no zone
        ((), None),
    ],
)
def test_date_of_an_answer_is_the_servers_own(lines: tuple[str, ...], date: datetime | None) -> None:
    assert head_of("HTTP/1.1 200 OK", *lines).date == date


def test_head_that_outgrows_its_bound_is_refused() -> None:
    head = ResponseHead()
    assert head.feed(b"x" * (MAX_HEADER_BYTES - 1)) and head.feed(b"x") and not head.feed(b"x")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("", None), ("0", 0.0), ("120", 120.0), ("9" * 10, 9_999_999_999.0), ("9" * 11, None),
     ("1.5", None), ("-1", None), ("\u0663", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)  # fmt: skip
def test_wait_that_is_ordered_is_in_seconds_from_now(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value) == seconds


def test_wait_that_is_ordered_by_a_date_lasts_until_then() -> None:
    ordered = read_retry_after(format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True))
    assert ordered is not None and 3590 < ordered <= 3600


@pytest.mark.parametrize("value", ["\u00b2", "1\u00b9", "9" * 5000, "-1", "1.5", "", "+7", "0x10", "1" * 19])
def test_header_value_that_no_whole_number_is_made_of_is_not_declared(value: str) -> None:
    head = ResponseHead()
    for line in ("HTTP/1.1 206 OK", f"Content-Length: {value}", f"Content-Range: bytes 0-{value}/{value}", ""):
        head.feed(line.encode("latin-1", "replace") + b"\r\n")
    assert (head.content_length_bytes, head.range_start_bytes, head.size_bytes) == (None, None, None)


@pytest.mark.parametrize("status", ["\u00b2\u00b9\u00b2", "9" * 5000, "20", "-20"])
def test_status_that_is_no_number_of_three_digits_is_none(status: str) -> None:
    head = ResponseHead()
    head.feed(f"HTTP/1.1 {status} OK\r\n".encode("latin-1"))
    assert head.status is None


@pytest.mark.parametrize("letters", ["", "p"])
@pytest.mark.parametrize("os_error", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_connection_that_this_machine_has_nothing_left_for_is_the_tools(os_error: int, letters: str) -> None:
    error = TransferError(CurlCode.COULDNT_CONNECT, "", os_error)
    assert classify_curl_error(error, phase_of(letters)) == "out_of_resources"
