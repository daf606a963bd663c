"""Fetch a part of a file for some seconds, over a connection of its own whose TLS names any host.

curl cannot name one host to TLS and verify the certificate for another: so these few requests, which are compared with
each other and never with a window, are made on a plain socket. The certificate is looked at before anything is asked.
"""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pytomo_scrapy.config import PathConfig
from pytomo_scrapy.failures import EXHAUSTED, MeasurementError
from pytomo_scrapy.items import SAMPLE_S, TimedFetch
from pytomo_scrapy.measure.comparing.certificate_names import covers
from pytomo_scrapy.measure.net.clock import Clock, utc_now
from pytomo_scrapy.measure.net.path import bind_address, ca_file
from pytomo_scrapy.measure.net.private_addresses import is_refused
from pytomo_scrapy.measure.net.redirects import REDIRECT_STATUSES, Target, read_target
from pytomo_scrapy.measure.net.request_fields import header_lines
from pytomo_scrapy.measure.net.tcp_struct import parse_tcp_info, read_tcp_info
from pytomo_scrapy.measure.net.trust import kept_context
from pytomo_scrapy.measure.window.head import MAX_HEADER_BYTES, ResponseHead
from pytomo_scrapy.measure.window.judge import EXPIRED_RESULTS, UNKNOWN_CA_RESULTS, UNREACHABLE, Asked, judge_status

_READ_BYTES = 256 * 1024
_USUAL_PATH = PathConfig()
_NEUTRAL_REFUSED = "neutral_name_refused"
# What shows that a server does not take a name that is not its own. A connection that never came to be is the line's.
_REFUSALS_OF_A_NAME = frozenset(
    {"tls_handshake", "tls_wrong_name", "tls_unknown_ca", "tls_expired", "bad_response", "wrong_content"}
)


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What is asked for, where, and for how long. `sent_name` None: the host's own."""

    url: str
    address: str
    window_s: float
    max_bytes: int
    first_byte: int = 0
    sent_name: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    connect_timeout_s: float = 10.0
    path: PathConfig = _USUAL_PATH

    @property
    def target(self) -> Target:
        """Return where the request goes."""
        return read_target(self.url)

    @property
    def name(self) -> str:
        """Return the name that TLS is told."""
        return self.sent_name or self.target.host

    @property
    def is_named_otherwise(self) -> bool:
        """Tell whether TLS is told another host than the one that is meant."""
        return self.name.lower() != self.target.host.lower()


def fetch(plan: FetchPlan, clock: Clock = time.monotonic) -> TimedFetch:
    """Fetch as planned. Blocks for the connection's time-out and the window at most; never raises for the network.

    A neutral name that the server does not take, or answers with an error to, is `neutral_name_refused`: it says
    nothing of line and service.
    """
    target, is_tls = plan.target, plan.target.scheme == "https"
    result = TimedFetch(target.host, plan.address)
    try:
        if is_refused(plan.address, plan.path):
            raise MeasurementError("private_address", f"{target.host} leads to {plan.address}")
        begun_s = clock()
        with _connected(plan) as bare:
            connected_s = clock()
            result = replace(result, connect_s=connected_s - begun_s)
            connection: socket.socket = bare
            if is_tls:
                result = replace(result, sent_name=plan.name)
                connection = _secured(bare, plan)
                result = replace(result, tls_s=clock() - connected_s)
            with connection:
                return _fetched(plan, connection, result, clock)
    except MeasurementError as error:
        return _failed(plan, result, error.failure, error.detail or None)


def _failed(plan: FetchPlan, result: TimedFetch, failure: str, detail: str | None) -> TimedFetch:
    is_refusal = failure in _REFUSALS_OF_A_NAME or failure.startswith("http_")
    if plan.is_named_otherwise and result.sent_name is not None and not result.received_bytes and is_refusal:
        return replace(result, failure=_NEUTRAL_REFUSED, failure_detail=f"{failure}: {detail}" if detail else failure)
    return replace(result, failure=failure, failure_detail=detail)


def _connected(plan: FetchPlan) -> socket.socket:
    source = bind_address(plan.path, None)
    try:
        return socket.create_connection(
            (plan.address, plan.target.port), plan.connect_timeout_s, (source, 0) if source else None
        )
    except TimeoutError:
        raise MeasurementError("connect_timeout") from None
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise MeasurementError("out_of_resources", str(error)) from None
        is_there = error.errno not in UNREACHABLE
        failure = "connect_refused" if error.errno == errno.ECONNREFUSED and is_there else "connect_unreachable"
        raise MeasurementError(failure, error.strerror or str(error)) from None


def _secured(bare: socket.socket, plan: FetchPlan) -> ssl.SSLSocket:
    """Set TLS up, and demand a certificate of the host itself, whatever name was sent."""
    context = kept_context("named fetch", _fetch_context)
    try:
        secured = context.wrap_socket(bare, server_hostname=plan.name)
    except ssl.SSLCertVerificationError as error:
        raise MeasurementError(_certificate_failure(error.verify_code), error.verify_message) from None
    except TimeoutError:
        raise MeasurementError("tls_handshake", "no answer in time") from None
    except (ssl.SSLError, OSError) as error:
        raise MeasurementError("tls_handshake", getattr(error, "reason", None) or str(error)) from None
    if not covers(secured.getpeercert() or {}, plan.target.host):
        secured.close()
        raise MeasurementError("tls_wrong_name", f"the certificate is not for {plan.target.host}")
    return secured


def _fetch_context() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file())
    # Not the name that was sent: `covers` looks for the real one, before a byte is asked for.
    context.check_hostname = False
    context.set_alpn_protocols(["http/1.1"])
    return context


def _certificate_failure(verify_code: int) -> str:
    if verify_code in EXPIRED_RESULTS:
        return "tls_expired"
    return "tls_unknown_ca" if verify_code in UNKNOWN_CA_RESULTS else "tls_handshake"


def _fetched(plan: FetchPlan, connection: socket.socket, result: TimedFetch, clock: Clock) -> TimedFetch:
    asked_s = clock()
    until_s = asked_s + plan.window_s
    body = _Body(clock)
    failure: tuple[str, str | None] | None = None
    try:
        connection.sendall(_request(plan))
        head, rest = _read_head(connection, until_s, clock)
        failure = _judged(head, plan, connection)
        if failure is None:
            body.take(rest)
            failure = _read_body(connection, body, min(plan.max_bytes, _length(head, plan)), until_s)
    except TimeoutError:
        failure = ("first_byte_timeout", None)
    except OSError as error:
        failure = ("reset", getattr(error, "reason", None) or error.strerror)
    ended_s = clock()
    result = _with_kernel_figures(result, connection)
    elapsed_s = ended_s - asked_s
    result = replace(
        result,
        elapsed_s=elapsed_s,
        first_byte_s=None if body.first_s is None else body.first_s - asked_s,
        received_bytes=body.received_bytes,
        rate_bps=8 * body.received_bytes / elapsed_s if body.received_bytes and elapsed_s > 0 else None,
        sample_bytes=body.whole_samples(ended_s),
    )
    return result if failure is None else _failed(plan, result, *failure)


def _request(plan: FetchPlan) -> bytes:
    target = plan.target
    _, _, tail = target.url.partition("://")
    rest = tail[len(tail.partition("/")[0].partition("?")[0]) :]
    host = f"[{target.host}]" if ":" in target.host else target.host
    is_usual = target.port == (443 if target.scheme == "https" else 80)
    lines = [
        f"GET {rest if rest.startswith('/') else f'/{rest}'} HTTP/1.1".encode(),
        f"Host: {host}{'' if is_usual else f':{target.port}'}".encode(),
        f"Range: bytes={plan.first_byte}-{plan.first_byte + plan.max_bytes - 1}".encode(),
        *header_lines(plan.headers),
        b"Connection: close",
    ]
    return b"\r\n".join([*lines, b"", b""])


def _read_head(connection: socket.socket, until_s: float, clock: Clock) -> tuple[ResponseHead, bytes]:
    """Read lines up to the body, and what came of it with them. Raises MeasurementError where there is no head."""
    head, held = ResponseHead(), b""
    while not head.is_finished:
        line, found, rest = held.partition(b"\n")
        if found:
            held = rest
            if not head.feed(line + found):
                raise MeasurementError("bad_response", "the header has no end")
            continue
        connection.settimeout(max(0.001, until_s - clock()))
        more = connection.recv(_READ_BYTES)
        if not more or len(held) > MAX_HEADER_BYTES:
            raise MeasurementError("bad_response", "no answer" if not held else "the answer is no HTTP")
        held += more
    return head, held


def _judged(head: ResponseHead, plan: FetchPlan, connection: socket.socket) -> tuple[str, str | None] | None:
    if head.status in REDIRECT_STATUSES:
        return "bad_redirect", f"HTTP {head.status}: another host would answer"
    local = connection.getsockname()[0]
    asked = Asked(plan.url, False, False, str(local), head.date or utc_now())
    failure = judge_status(head.status or 0, asked)
    return failure or head.body_failure(plan.first_byte)


def _length(head: ResponseHead, plan: FetchPlan) -> int:
    return plan.max_bytes if head.content_length_bytes is None else head.content_length_bytes


def _read_body(
    connection: socket.socket, body: _Body, wanted_bytes: int, until_s: float
) -> tuple[str, str | None] | None:
    """Read the body until its end, the volume or the time. Returns how it failed."""
    buffer = bytearray(_READ_BYTES)
    while body.received_bytes < wanted_bytes:
        left_s = until_s - body.clock()
        if left_s <= 0:
            return None if body.received_bytes else ("first_byte_timeout", None)
        connection.settimeout(left_s)
        try:
            count = connection.recv_into(buffer)
        except TimeoutError:
            return None if body.received_bytes else ("first_byte_timeout", None)
        except ssl.SSLEOFError:
            count = 0
        if not count:
            return "truncated", f"{body.received_bytes} of {wanted_bytes} bytes"
        body.take(buffer[:count])
    return None


class _Body:
    """Counts the bytes of a body, and the samples that they fall into."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.first_s: float | None = None
        self.received_bytes = 0
        self._samples: list[int] = []

    def take(self, part: bytes | bytearray) -> None:
        if not part:
            return
        now_s = self.clock()
        self.first_s = now_s if self.first_s is None else self.first_s
        index = int((now_s - self.first_s) / SAMPLE_S)
        self._samples += [0] * (index + 1 - len(self._samples))
        self._samples[index] += len(part)
        self.received_bytes += len(part)

    def whole_samples(self, ended_s: float) -> tuple[int, ...]:
        """Return the samples that are over, those too in which nothing came."""
        if self.first_s is None:
            return ()
        count = int((ended_s - self.first_s) / SAMPLE_S)
        return tuple([*self._samples, *[0] * count][:count])


def _with_kernel_figures(result: TimedFetch, connection: socket.socket) -> TimedFetch:
    try:
        info = parse_tcp_info(read_tcp_info(connection))
    except (OSError, ValueError):
        return result
    segments, late = info.received_segment_count, info.out_of_order_count
    ratio = late / segments if segments and late is not None else None
    return replace(result, rtt_min_s=info.rtt_min_s, out_of_order_ratio=ratio)
