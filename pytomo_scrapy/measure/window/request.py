"""One HTTP request of a window on a curl handle: its options, what its callbacks saw, and its row."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pycurl

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.items import HttpRequest
from pytomo_scrapy.measure.net.path import ca_file, family_of, proxy_for
from pytomo_scrapy.measure.net.redirects import REDIRECT_STATUSES, Target
from pytomo_scrapy.measure.window.head import ResponseHead
from pytomo_scrapy.measure.window.judge import Phase
from pytomo_scrapy.measure.window.stream import STOP, Stream

BUFFER_BYTES = 512 * 1024
SUPPRESS_CONNECT_HEADERS = 265  # CURLOPT_SUPPRESS_CONNECT_HEADERS, which pycurl has no name for

# Headers that curl or we ourselves set, or that would change what arrives.
_NOT_OURS = frozenset({"accept-encoding", "connection", "content-length", "host", "range", "te", "transfer-encoding"})
_TLS_VERSION = re.compile(rb"SSL connection using (TLSv[\d.]+|SSLv[\d.]+)")
_HTTP_VERSION_NAMES = {
    pycurl.CURL_HTTP_VERSION_1_0: "1.0",
    pycurl.CURL_HTTP_VERSION_1_1: "1.1",
    pycurl.CURL_HTTP_VERSION_2_0: "2",
    pycurl.CURL_HTTP_VERSION_3: "3",
}


_HTTP_VERSION_OPTIONS = {
    "auto": pycurl.CURL_HTTP_VERSION_2TLS,
    "1.1": pycurl.CURL_HTTP_VERSION_1_1,
    "2": pycurl.CURL_HTTP_VERSION_2TLS,
    "3": pycurl.CURL_HTTP_VERSION_3ONLY,
}


@dataclass(frozen=True, slots=True)
class Hop:
    """Where a request goes: the first URL of a stream, or the target of a redirect."""

    target: Target
    number: int = 0
    seen: tuple[str, ...] = ()  # URLs of the chain, this one last
    address: str | None = None  # pinned
    dns_s: float | None = None


class MediaRequest:
    """A request under way for some bytes of a stream."""

    def __init__(self, stream: Stream, hop: Hop, config: DownloadConfig, now_s: Callable[[], float]) -> None:
        self.stream = stream
        self.hop = hop
        self.head = ResponseHead()
        self.range = stream.next_range()
        self.asked_from_bytes = stream.received_bytes
        stream.is_discarding, stream.discarded_bytes = True, 0
        self.stop_failure: tuple[str, str] | None = None  # why a callback ended the transfer
        self.answered_s: float | None = None  # when the head of the last answer was complete
        self.tls_begun_s: float | None = None
        self.is_traced = True  # curl's own log is on
        self.is_counted = False  # curl counts the body, and hands nothing over
        self._counted_bytes = 0
        self.started_s = now_s()
        self.proxy = proxy_for(hop.target.url, config.path)
        self._now_s = now_s
        self._config = config

    @property
    def received_bytes(self) -> int:
        """Body bytes of this request, those of an error page included."""
        return self.stream.received_bytes - self.asked_from_bytes + self.stream.discarded_bytes

    @property
    def is_redirect(self) -> bool:
        """Whether the answer sends us elsewhere."""
        return self.head.status in REDIRECT_STATUSES

    def prepare(self, handle: pycurl.Curl) -> None:
        """Set every option of this request on a handle that may have served the one before."""
        target, path = self.hop.target, self._config.path
        handle.setopt(pycurl.URL, target.url)
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.FOLLOWLOCATION, 0)
        handle.setopt(pycurl.BUFFERSIZE, BUFFER_BYTES)
        handle.setopt(pycurl.CONNECTTIMEOUT_MS, int(self._config.connect_timeout_s * 1000))
        handle.setopt(pycurl.HTTP_VERSION, self._http_version_option())
        handle.setopt(pycurl.CAINFO, ca_file())
        # Both are always set: curl would otherwise read the environment by its own rules.
        handle.setopt(pycurl.PROXY, self.proxy or "")
        handle.setopt(pycurl.NOPROXY, "")
        handle.setopt(SUPPRESS_CONNECT_HEADERS, 1)
        handle.setopt(pycurl.HTTPHEADER, _header_lines(self.stream))
        if self.range is None:
            handle.unsetopt(pycurl.RANGE)
        else:
            handle.setopt(pycurl.RANGE, f"{self.range[0]}-{self.range[1]}")
        if path.source_address:
            handle.setopt(pycurl.INTERFACE, f"host!{path.source_address}")
        if self.hop.address is not None and self.proxy is None:
            handle.setopt(pycurl.RESOLVE, [f"{target.host}:{target.port}:{_bracketed(self.hop.address)}"])
        handle.setopt(pycurl.HEADERFUNCTION, self._on_header)
        handle.setopt(pycurl.WRITEFUNCTION, self.stream.receive)
        # Its text is the only place where curl names the TLS version; the window switches it off at the first byte.
        handle.setopt(pycurl.DEBUGFUNCTION, self._on_debug)
        handle.setopt(pycurl.VERBOSE, 1)

    def take_counted(self, handle: pycurl.Curl) -> None:
        """Take what curl has counted in this turn of the loop."""
        if self.is_counted:
            counted_bytes = int(handle.getinfo(pycurl.SIZE_DOWNLOAD_T))
            if counted_bytes > self._counted_bytes:
                self.stream.count(counted_bytes - self._counted_bytes)
                self._counted_bytes = counted_bytes

    def choose_sink(self, handle: pycurl.Curl) -> None:
        """Let curl count the body as long as that is enough. All streams' bytes must have been taken before.

        On a line of a gigabit and more, calls into Python for every 8 to 16 KiB would be what limits the window.
        """
        if self.stream.may_be_counted is not self.is_counted and self.head.is_finished:
            self.is_counted = not self.is_counted
            self._counted_bytes = int(handle.getinfo(pycurl.SIZE_DOWNLOAD_T))
            # `len` returns what curl wants to hear: all of it was taken.
            handle.setopt(pycurl.WRITEFUNCTION, len if self.is_counted else self.stream.receive)

    def _http_version_option(self) -> int:
        wanted = self._config.http_version
        if wanted == "2" and self.hop.target.scheme == "http":
            return int(pycurl.CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE)
        return int(_HTTP_VERSION_OPTIONS[wanted])

    def row(self, handle: pycurl.Curl, failure: str | None = None, detail: str | None = None) -> HttpRequest:
        """Return what is to be kept of this request. Phases come from curl's own timers."""
        is_new = handle.getinfo(pycurl.NUM_CONNECTS) > 0 or self.tls_begun_s is not None
        looked_up_s, connected_s = handle.getinfo(pycurl.NAMELOOKUP_TIME), handle.getinfo(pycurl.CONNECT_TIME)
        if connected_s <= 0 and self.tls_begun_s is not None:
            # curl sets its timer only when TLS is up as well.
            connected_s = self.tls_begun_s - self.started_s
        secured_s, sent_s = handle.getinfo(pycurl.APPCONNECT_TIME), handle.getinfo(pycurl.PRETRANSFER_TIME)
        answered_s = handle.getinfo(pycurl.STARTTRANSFER_TIME)
        address = handle.getinfo(pycurl.PRIMARY_IP) or (None if self.proxy else self.hop.address)
        return HttpRequest(
            stream=self.stream.place,
            hop=self.hop.number,
            host=self.hop.target.host,
            port=self.hop.target.port,
            address=address,
            address_family=family_of(address),
            t_s=self.started_s,
            range_start_bytes=self.range[0] if self.range else None,
            range_end_bytes=self.range[1] if self.range else None,
            status=self.head.status,
            http_version=_HTTP_VERSION_NAMES.get(handle.getinfo(pycurl.INFO_HTTP_VERSION)),
            tls_version=self.stream.tls_version,
            dns_s=self.hop.dns_s,
            connect_s=connected_s - looked_up_s if is_new and connected_s > 0 else None,
            tls_s=secured_s - connected_s if is_new and secured_s > 0 else None,
            first_byte_s=answered_s - sent_s if answered_s > 0 else None,
            total_s=handle.getinfo(pycurl.TOTAL_TIME),
            received_bytes=self.received_bytes,
            content_length_bytes=self.head.content_length_bytes,
            content_type=self.head.content_type,
            retry_after_s=self.head.retry_after_s,
            failure=failure,
            failure_detail=detail,
        )

    def _on_header(self, line: bytes) -> int | None:
        if not self.head.feed(line):
            self.stop_failure = ("bad_response", "the header has no end")
            return STOP
        if self.head.is_finished:
            self.answered_s = self._now_s()
        if self.head.is_finished and self._config.http_version == "2" and self.head.http_version != "2":
            self.stop_failure = ("http_version_unavailable", f"the server speaks HTTP/{self.head.http_version}")
        elif self.head.is_finished and self.head.status in {200, 206}:
            self.stream.size_bytes = self.head.size_bytes or self.stream.size_bytes
            self.stop_failure = self.head.body_failure(self.asked_from_bytes)
            self.stream.is_discarding = self.stop_failure is not None
        return None if self.stop_failure is None else STOP

    def phase(self, handle: pycurl.Curl) -> Phase:
        """Return how far this request has come."""
        # A connection that never came leaves PRETRANSFER_TIME set and CONNECT_TIME not; so may one that is used again.
        is_up = handle.getinfo(pycurl.CONNECT_TIME) > 0 or self.hop.number > 0 or self.asked_from_bytes > 0
        if self.tls_begun_s is not None:
            is_up = handle.getinfo(pycurl.APPCONNECT_TIME) > 0
        is_sent = is_up and handle.getinfo(pycurl.PRETRANSFER_TIME) > 0
        is_connected = is_sent or self.tls_begun_s is not None or handle.getinfo(pycurl.CONNECT_TIME) > 0
        return Phase(self.proxy is not None, is_connected, is_sent, self.received_bytes)

    def _on_debug(self, kind: int, text: bytes) -> None:
        if kind == pycurl.INFOTYPE_SSL_DATA_OUT and self.tls_begun_s is None:
            self.tls_begun_s = self._now_s()
        if kind == pycurl.INFOTYPE_TEXT and (match := _TLS_VERSION.search(text)):
            self.stream.tls_version = match[1].decode("ascii")


def _header_lines(stream: Stream) -> list[str]:
    return [f"{name}: {value}" for name, value in stream.media.http_headers.items() if name.lower() not in _NOT_OURS]


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
