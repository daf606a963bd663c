"""Which class of the vocabulary a refused, broken or silent HTTP request belongs to."""

from __future__ import annotations

import errno
import ipaddress
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pycurl

UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
# Source: openssl verify(1), the X509_V_ERR codes.
EXPIRED_RESULTS = frozenset({9, 10})  # not yet valid is our clock or theirs, as expired is
UNKNOWN_CA_RESULTS = frozenset({2, 7, 18, 19, 20, 21, 24, 27})

NO_CONNECTION = frozenset(
    {"connect_refused", "connect_timeout", "tls_handshake", "http_version_unavailable", "reset", "unknown_failure"}
)
_BY_STATUS = {403: "http_403", 404: "http_404", 410: "http_410", 416: "http_416", 429: "http_429"}
# Statuses with which the service takes a URL back while it is used.
_INTERRUPTING = frozenset({403, 404, 410})

_BY_CURL_CODE = {
    pycurl.E_COULDNT_RESOLVE_PROXY: "proxy_failed",
    pycurl.E_PARTIAL_FILE: "truncated",
    pycurl.E_GOT_NOTHING: "bad_response",
    pycurl.E_UNSUPPORTED_PROTOCOL: "bad_response",  # HTTP/0.9: no status line
    pycurl.E_FTP_WEIRD_SERVER_REPLY: "bad_response",
    pycurl.E_HTTP2: "bad_response",
    pycurl.E_BAD_CONTENT_ENCODING: "bad_response",
    pycurl.E_SEND_ERROR: "reset",
    pycurl.E_SSL_CONNECT_ERROR: "tls_handshake",
    pycurl.E_SSL_CIPHER: "tls_handshake",
    pycurl.E_INTERFACE_FAILED: "connect_unreachable",
}
_PROXY_ERROR = 97  # CURLE_PROXY, which pycurl has no name for
_TOO_LARGE = 100  # CURLE_TOO_LARGE: the header is longer than curl keeps
_HTTP2_STREAM = 92
_HTTP3 = 95
_QUIC_CONNECT = 96


@dataclass(frozen=True, slots=True)
class Phase:
    """How far a request had come."""

    via_proxy: bool
    is_connected: bool  # TCP at least
    is_sent: bool
    received_bytes: int


def classify_status(status: int, received_bytes: int) -> str | None:
    """Return the class of an HTTP status that is not a success. `received_bytes` are those of the stream so far."""
    if received_bytes and status in _INTERRUPTING:
        return "interrupted"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return "http_5xx"
    if status >= 400:
        return "http_4xx"
    return None if status in {200, 206} else "bad_response"


def classify_curl_error(handle: pycurl.Curl, code: int, text: str, phase: Phase) -> str:
    """Return the class of a request that curl ended with an error."""
    if phase.via_proxy and _is_proxy_trouble(code, text, phase):
        return "proxy_failed"
    if code == pycurl.E_COULDNT_CONNECT:
        return _classify_connect(handle.getinfo(pycurl.OS_ERRNO))
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return classify_silence(phase)
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        return _classify_certificate(handle.getinfo(pycurl.SSL_VERIFYRESULT), text)
    if code == pycurl.E_RECV_ERROR:
        return _classify_receive(text, phase)
    if code in {_TOO_LARGE, _PROXY_ERROR}:
        return "bad_response" if code == _TOO_LARGE else "proxy_failed"
    if code in {_HTTP2_STREAM, _HTTP3}:
        return "reset"
    if code == _QUIC_CONNECT:
        return "http_version_unavailable"
    return _BY_CURL_CODE.get(code, "unknown_failure")


def classify_silence(phase: Phase) -> str:
    """Return the class of a request that is still waiting for its first body byte."""
    if phase.is_sent:
        return "first_byte_timeout"
    if phase.via_proxy:
        return "proxy_failed"
    return "tls_handshake" if phase.is_connected else "connect_timeout"


def _is_proxy_trouble(code: int, text: str, phase: Phase) -> bool:
    if code in {pycurl.E_COULDNT_CONNECT, pycurl.E_COULDNT_RESOLVE_PROXY, _PROXY_ERROR}:
        return True
    if code == pycurl.E_OPERATION_TIMEDOUT and not phase.is_connected:
        return True
    return "CONNECT" in text or "Proxy" in text


def _classify_connect(os_error: int) -> str:
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
    return "reset"


def is_exit_changed(url: str, local_address: str | None) -> bool:
    """Tell whether a refused media URL was signed for another address of ours than the request came from.

    Only where that can be told: families differ, or no address translation lies between `local_address` and the
    service, because it is public itself or the signed address is not.
    """
    signed = parse_qs(urlsplit(url).query).get("ip", [""])[0]
    try:
        signed_for, local = ipaddress.ip_address(signed), ipaddress.ip_address(local_address or "")
    except ValueError:
        return False
    if signed_for.version != local.version:
        return True
    return signed_for != local and (local.is_global or not signed_for.is_global)
