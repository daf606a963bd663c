"""Which class of the vocabulary a refused, broken or silent HTTP request belongs to."""

from __future__ import annotations

import errno
import ipaddress
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from urllib.parse import parse_qs, urlsplit

from pytomo_scrapy.failures import EXHAUSTED

Failure = tuple[str, str | None]  # class and detail

UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
# Source: openssl verify(1), the X509_V_ERR codes.
EXPIRED_RESULTS = frozenset({9, 10})  # not yet valid is our clock or theirs, as expired is
UNKNOWN_CA_RESULTS = frozenset({2, 7, 18, 19, 20, 21, 24, 27})

NO_CONNECTION = frozenset(
    {"connect_refused", "connect_timeout", "tls_handshake", "http_version_unavailable", "reset", "unknown_failure"}
)
_BY_STATUS = {403: "http_403", 404: "http_404", 410: "http_410", 416: "http_416", 429: "http_429"}
# Statuses with which a media host refuses the one who asks: after a range that it served, they take the URL back.
REFUSING = frozenset({401, 403, 410})
PROXY_WANTS_PASSWORD = 407
RANGE_NOT_SATISFIABLE = 416
# What else servers answer to a range that begins at a file's end.
ENDING = frozenset({200, 204, 206, 400})
# curl's words for a body that is not framed as HTTP frames it, which it files under troubles of receiving.
_BROKEN_FRAMES = ("chunk", "hexadecimal", "trailer", "transfer-encoding", "header", "content-length")
# Source: RFC 9113, 7: error codes of who finds the other side's frames to be none.
_BROKEN_HTTP2 = ("protocol_error", "frame_size_error", "compression_error", "flow_control_error", "header field")


class CurlCode(IntEnum):
    """How curl says that a transfer ended. Source: libcurl-errors(3), whose numbers never change."""

    UNSUPPORTED_PROTOCOL = 1
    COULDNT_RESOLVE_PROXY = 5
    COULDNT_CONNECT = 7
    WEIRD_SERVER_REPLY = 8
    HTTP2 = 16
    PARTIAL_FILE = 18
    WRITE_ERROR = 23
    OPERATION_TIMEDOUT = 28
    SSL_CONNECT_ERROR = 35
    INTERFACE_FAILED = 45
    GOT_NOTHING = 52
    SEND_ERROR = 55
    RECV_ERROR = 56
    SSL_CIPHER = 59
    PEER_FAILED_VERIFICATION = 60
    BAD_CONTENT_ENCODING = 61
    HTTP2_STREAM = 92
    HTTP3 = 95
    QUIC_CONNECT = 96
    PROXY = 97
    TOO_LARGE = 100  # the header is longer than curl keeps


_BY_CURL_CODE: dict[int, str] = {
    CurlCode.COULDNT_RESOLVE_PROXY: "proxy_failed",
    CurlCode.PROXY: "proxy_failed",
    CurlCode.PARTIAL_FILE: "truncated",
    CurlCode.GOT_NOTHING: "bad_response",
    CurlCode.UNSUPPORTED_PROTOCOL: "bad_response",  # HTTP/0.9: no status line
    CurlCode.WEIRD_SERVER_REPLY: "bad_response",
    CurlCode.TOO_LARGE: "bad_response",
    CurlCode.HTTP2: "bad_response",
    CurlCode.BAD_CONTENT_ENCODING: "bad_response",
    CurlCode.SEND_ERROR: "reset",
    CurlCode.HTTP2_STREAM: "reset",
    CurlCode.HTTP3: "reset",
    CurlCode.SSL_CONNECT_ERROR: "tls_handshake",
    CurlCode.SSL_CIPHER: "tls_handshake",
    CurlCode.INTERFACE_FAILED: "connect_unreachable",
    CurlCode.QUIC_CONNECT: "http_version_unavailable",
}


@dataclass(frozen=True, slots=True)
class TransferError:
    """Why curl ended a transfer."""

    code: int  # a CurlCode, or one that we do not know
    text: str
    os_error: int = 0  # of a connection that did not come to be
    verify_result: int = 0  # of a certificate: OpenSSL's
    refused_address: str | None = None  # we opened no socket to it


@dataclass(frozen=True, slots=True)
class Phase:
    """How far a request had come."""

    via_proxy: bool
    is_connected: bool  # TCP at least
    is_sent: bool
    received_bytes: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a request whose answer has a status."""

    url: str
    is_later: bool  # bytes of the file had come before it was sent
    via_proxy: bool
    local_address: str | None
    answered_at: datetime

    @property
    def is_verified(self) -> bool:
        """Whether the answer came inside TLS, whose certificate curl has verified: no box on the way wrote it."""
        return urlsplit(self.url).scheme == "https"


def judge_status(status: int, asked: Asked) -> Failure | None:
    """Return the class of an HTTP status, and why. None for the success that a range or a file is sent with.

    No status that came inside verified TLS is the network's.
    """
    detail = f"HTTP {status}"
    if status in REFUSING:
        if is_url_expired(asked.url, asked.answered_at):
            return "url_expired", f"{detail}, and the URL had expired"
        if not asked.via_proxy and is_exit_changed(asked.url, asked.local_address):
            return "exit_address_changed", f"{detail}, and the URL is signed for another address"
        if asked.is_later:
            return "media_gated" if asked.is_verified else "plain_http_refusal", detail
    if status == PROXY_WANTS_PASSWORD and asked.via_proxy and not asked.is_verified:
        return "proxy_failed", detail
    failure = _classify_status(status)
    return None if failure is None else (failure, detail)


def _classify_status(status: int) -> str | None:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return "http_5xx"
    if status >= 400:
        return "http_4xx"
    return None if status in {200, 206} else "bad_response"


def classify_curl_error(error: TransferError, phase: Phase) -> str:
    """Return the class of a request that curl ended with an error."""
    if error.refused_address is not None:
        return "private_address"
    if phase.via_proxy and error.os_error not in EXHAUSTED and _is_proxy_trouble(error, phase):
        return "proxy_failed"
    if error.code == CurlCode.COULDNT_CONNECT:
        return _classify_connect(error.os_error)
    if error.code == CurlCode.OPERATION_TIMEDOUT:
        return classify_silence(phase)
    if error.code == CurlCode.PEER_FAILED_VERIFICATION:
        return _classify_certificate(error.verify_result, error.text)
    if error.code == CurlCode.HTTP2_STREAM and _holds(error.text, _BROKEN_HTTP2):
        return "bad_response"
    if error.code == CurlCode.RECV_ERROR:
        return _classify_receive(error.text, phase)
    return _BY_CURL_CODE.get(error.code, "unknown_failure")


def classify_silence(phase: Phase) -> str:
    """Return the class of a request that is still waiting for its first body byte."""
    if phase.is_sent:
        return "first_byte_timeout"
    if phase.via_proxy:
        return "proxy_failed"
    return "tls_handshake" if phase.is_connected else "connect_timeout"


def _is_proxy_trouble(error: TransferError, phase: Phase) -> bool:
    if error.code in {CurlCode.COULDNT_CONNECT, CurlCode.COULDNT_RESOLVE_PROXY, CurlCode.PROXY}:
        return True
    if error.code == CurlCode.OPERATION_TIMEDOUT and not phase.is_connected:
        return True
    return "CONNECT" in error.text or "Proxy" in error.text


def _classify_connect(os_error: int) -> str:
    if os_error in EXHAUSTED:
        return "out_of_resources"
    if os_error == errno.ECONNREFUSED:
        return "connect_refused"
    if os_error in UNREACHABLE:
        return "connect_unreachable"
    return "connect_timeout" if os_error == errno.ETIMEDOUT else "connect_unreachable"


def _classify_certificate(verify_result: int, text: str) -> str:
    lowered = text.lower()
    if verify_result in EXPIRED_RESULTS or "expired" in lowered or "not yet valid" in lowered:
        return "tls_expired"
    if verify_result in UNKNOWN_CA_RESULTS or "self-signed" in lowered or "issuer" in lowered:
        return "tls_unknown_ca"
    if "subject name" in lowered or "does not match" in lowered:
        return "tls_wrong_name"
    return "tls_handshake"


def _classify_receive(text: str, phase: Phase) -> str:
    # A TLS peer that closes without its farewell: nothing was reset, the body just ends.
    if "eof" in text.lower() or "close notify" in text.lower():
        return "truncated" if phase.received_bytes else "bad_response"
    return "bad_response" if _holds(text, _BROKEN_FRAMES) else "reset"


def _holds(text: str, words: tuple[str, ...]) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in words)


def is_exit_changed(url: str, local_address: str | None) -> bool:
    """Tell whether a refused media URL was signed for another address of ours than the request came from.

    Only where that can be told: families differ, or no address translation lies between `local_address` and the
    service, because it is public itself or the signed address is not.
    """
    try:
        signed_for, local = ipaddress.ip_address(_query_value(url, "ip")), ipaddress.ip_address(local_address or "")
    except ValueError:
        return False
    if signed_for.version != local.version:
        return True
    return signed_for != local and (local.is_global or not signed_for.is_global)


def is_url_expired(url: str, now: datetime) -> bool:
    """Tell whether a media URL's own end, its `expire` in seconds since 1970, has come. False where it names none."""
    expire = _query_value(url, "expire")
    # More digits than a time of this millennium has are none.
    return expire.isascii() and expire.isdigit() and len(expire) <= 12 and int(expire) <= now.timestamp()


def _query_value(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query).get(name, [""])[0]
