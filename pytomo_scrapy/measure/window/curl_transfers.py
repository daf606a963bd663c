"""The transfers of a window on curl: options, callbacks, and what curl's own timers and counters say of each."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pycurl

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.measure.net.clock import Clock
from pytomo_scrapy.measure.net.path import ca_file, family_of
from pytomo_scrapy.measure.net.private_addresses import GuardedSockets, SocketOpener
from pytomo_scrapy.measure.net.redirects import Target
from pytomo_scrapy.measure.net.request_fields import header_lines
from pytomo_scrapy.measure.net.uri import as_uri
from pytomo_scrapy.measure.window.judge import TransferError
from pytomo_scrapy.measure.window.request import HttpExchange, Transfer
from pytomo_scrapy.measure.window.stream import STOP

BUFFER_BYTES = 512 * 1024
SUPPRESS_CONNECT_HEADERS = 265  # CURLOPT_SUPPRESS_CONNECT_HEADERS, which pycurl has no name for

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

TakeLine = Callable[[HttpExchange, bytes], bool]  # False ends the transfer


class CurlTransfer:
    """One request under way on a handle that may have served the one before."""

    def __init__(
        self,
        request: HttpExchange,
        handle: pycurl.Curl,
        config: DownloadConfig,
        now_s: Callable[[], float],
        open_socket: SocketOpener | None,
    ) -> None:
        self.request = request
        self.handle = handle
        self.is_traced = True  # curl's own log is on
        self.is_counted = False  # the body is counted, and noted once a turn of the loop
        self._counted_bytes = 0
        self._tls_begun_s: float | None = None
        self._sockets = GuardedSockets(config.path, is_direct=request.proxy is None, open_socket=open_socket)
        self._config = config
        self._now_s = now_s

    def prepare(self, take_line: TakeLine) -> None:
        """Set every option of this request."""
        handle, hop = self.handle, self.request.hop
        lead_to(handle, hop.target, hop.address, self.request.proxy, self._config)
        handle.setopt(pycurl.BUFFERSIZE, BUFFER_BYTES)
        handle.setopt(pycurl.HTTP_VERSION, self._http_version_option())
        handle.setopt(pycurl.HTTPHEADER, header_lines(self.request.fields))
        if self.request.posted is not None:
            handle.setopt(pycurl.POST, 1)
            handle.setopt(pycurl.POSTFIELDS, self.request.posted)
        if self.request.range is None:
            handle.unsetopt(pycurl.RANGE)
        else:
            handle.setopt(pycurl.RANGE, f"{self.request.range[0]}-{self.request.range[1]}")
        handle.setopt(pycurl.OPENSOCKETFUNCTION, self._sockets.open)
        handle.setopt(pycurl.HEADERFUNCTION, lambda line: None if take_line(self.request, line) else STOP)
        handle.setopt(pycurl.WRITEFUNCTION, self.request.channel.receive)
        # Its text is the only place where curl names the TLS version; the window switches it off at the first byte.
        handle.setopt(pycurl.DEBUGFUNCTION, self._on_debug)
        handle.setopt(pycurl.VERBOSE, 1)

    def take_counted(self) -> int:
        """Note the bytes that curl counted in this turn of the loop, and return their number."""
        if not self.is_counted:
            return 0
        taken_bytes = int(self.handle.getinfo(pycurl.SIZE_DOWNLOAD_T)) - self._counted_bytes
        if taken_bytes > 0:
            self.request.channel.count(taken_bytes)
            self._counted_bytes += taken_bytes
        return taken_bytes

    def choose_sink(self) -> None:
        """Let curl count the body as long as that is enough. All streams' bytes must have been taken before.

        On a line of a gigabit and more, calls into Python for every 8 to 16 KiB would be what limits the window.
        """
        channel = self.request.channel
        if channel.may_be_counted is not self.is_counted and self.request.head.is_finished:
            self.is_counted = not self.is_counted
            self._counted_bytes = int(self.handle.getinfo(pycurl.SIZE_DOWNLOAD_T))
            self.handle.setopt(pycurl.WRITEFUNCTION, channel.counter if self.is_counted else channel.receive)

    def stop_trace(self) -> None:
        """Silence curl's log once the answer has begun: from then on each body would be logged too."""
        if self.is_traced and self.request.head.header_bytes:
            self.is_traced = False
            self.handle.setopt(pycurl.VERBOSE, 0)

    def report(self, error: tuple[int, str] | None = None) -> Transfer:
        """Return what curl says of a transfer that is over. Phases come from its own timers."""
        handle = self.handle
        self._sockets.close()
        is_new = handle.getinfo(pycurl.NUM_CONNECTS) > 0 or self._tls_begun_s is not None
        looked_up_s, connected_s = handle.getinfo(pycurl.NAMELOOKUP_TIME), handle.getinfo(pycurl.CONNECT_TIME)
        is_connected, is_sent = self._progress()
        if connected_s <= 0 and self._tls_begun_s is not None:
            # curl sets its timer only when TLS is up as well.
            connected_s = self._tls_begun_s - self.request.started_s
        secured_s, sent_s = handle.getinfo(pycurl.APPCONNECT_TIME), handle.getinfo(pycurl.PRETRANSFER_TIME)
        answered_s = handle.getinfo(pycurl.STARTTRANSFER_TIME)
        return Transfer(
            is_connected=is_connected,
            is_sent=is_sent,
            address=handle.getinfo(pycurl.PRIMARY_IP) or None,
            local_address=handle.getinfo(pycurl.LOCAL_IP) or None,
            local_port=handle.getinfo(pycurl.LOCAL_PORT) or None,
            http_version=_HTTP_VERSION_NAMES.get(handle.getinfo(pycurl.INFO_HTTP_VERSION)),
            connect_s=connected_s - looked_up_s if is_new and connected_s > 0 else None,
            tls_s=secured_s - connected_s if is_new and secured_s > 0 else None,
            first_byte_s=answered_s - sent_s if answered_s > 0 else None,
            total_s=handle.getinfo(pycurl.TOTAL_TIME),
            error=self._describe(*error) if error is not None else None,
        )

    def _describe(self, code: int, text: str) -> TransferError:
        os_error = self._sockets.open_error or self.handle.getinfo(pycurl.OS_ERRNO)
        verify_result = self.handle.getinfo(pycurl.SSL_VERIFYRESULT)
        refused_address = self._sockets.refused_address
        if refused_address is not None:
            text = f"leads to {refused_address}"
        return TransferError(code, text, os_error, verify_result, refused_address)

    def _progress(self) -> tuple[bool, bool]:
        """Say whether there is a connection, and whether the request was sent on it."""
        handle, request = self.handle, self.request
        # A connection that never came leaves PRETRANSFER_TIME set and CONNECT_TIME not; so may one that is used again.
        is_up = handle.getinfo(pycurl.CONNECT_TIME) > 0 or request.hop.number > 0 or request.is_later
        if self._tls_begun_s is not None:
            is_up = handle.getinfo(pycurl.APPCONNECT_TIME) > 0
        is_sent = is_up and handle.getinfo(pycurl.PRETRANSFER_TIME) > 0
        is_connected = is_sent or self._tls_begun_s is not None or handle.getinfo(pycurl.CONNECT_TIME) > 0
        return is_connected, is_sent

    def _http_version_option(self) -> int:
        wanted = self._config.http_version
        if wanted == "2" and self.request.hop.target.scheme == "http":
            return int(pycurl.CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE)
        return int(_HTTP_VERSION_OPTIONS[wanted])

    def _on_debug(self, kind: int, text: bytes) -> None:
        # On a connection that is used again the heads of its records are reported too.
        is_handshake = kind == pycurl.INFOTYPE_SSL_DATA_OUT and self._sockets.is_opened
        if is_handshake and self._tls_begun_s is None:
            self._tls_begun_s = self._now_s()
        if kind == pycurl.INFOTYPE_TEXT and (match := _TLS_VERSION.search(text)):
            self.request.channel.tls_version = match[1].decode("ascii")


class CurlTransfers:
    """The transfers of a window under way at once. A stream keeps its handle, and with it its connection."""

    def __init__(self, config: DownloadConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._multi = pycurl.CurlMulti()
        self._handles: dict[int, pycurl.Curl] = {}  # by stream
        self._open: dict[pycurl.Curl, CurlTransfer] = {}
        self._is_tracing = False

    def __iter__(self) -> Iterator[CurlTransfer]:
        return iter(self._open.values())

    def __len__(self) -> int:
        return len(self._open)

    def start(
        self,
        request: HttpExchange,
        now_s: Callable[[], float],
        take_line: TakeLine,
        open_socket: SocketOpener | None,
    ) -> None:
        """Begin a transfer."""
        handle = self._handles.setdefault(request.channel.stream_index, pycurl.Curl())
        transfer = CurlTransfer(request, handle, self._config, now_s, open_socket)
        transfer.prepare(take_line)
        self._open[handle] = transfer
        self._is_tracing = True
        self._multi.add_handle(handle)

    def perform(self) -> int:
        """Do what can be done without waiting, and return how many transfers go on."""
        return int(self._multi.perform()[1])

    def look(self) -> bool:
        """Take what curl has counted by itself, and say whether there was any."""
        counted_bytes = 0
        for transfer in self._open.values():
            counted_bytes += transfer.take_counted()
        for transfer in self._open.values():
            # Afterwards: how far the byte cap is follows from the bytes of all streams.
            transfer.choose_sink()
        return counted_bytes > 0

    def stop_traces(self) -> None:
        """Silence curl's log where it is no longer wanted."""
        if self._is_tracing:
            for transfer in self:
                transfer.stop_trace()
            self._is_tracing = any(transfer.is_traced for transfer in self)

    def take_finished(self) -> list[tuple[HttpExchange, Transfer]]:
        """Return the transfers that are over, each with curl's result."""
        _, finished, failed = self._multi.info_read()
        errors: dict[pycurl.Curl, tuple[int, str] | None] = dict.fromkeys(finished)
        errors |= {handle: (code, text) for handle, code, text in failed}
        ended = []
        for handle, error in errors.items():
            transfer = self._open.pop(handle)
            ended.append((transfer.request, transfer.report(error)))
            self._multi.remove_handle(handle)
        return ended

    def give_up(self, stream_index: int) -> Transfer:
        """End the transfer of a stream, and with it its connection, as a browser does."""
        handle = self._handles[stream_index]
        transfer = self._open.pop(handle)
        reported = transfer.report()
        self._multi.remove_handle(handle)
        return reported

    def wait(self, timeout_s: float) -> None:
        """Wait until something can be done, at most `timeout_s`."""
        if not self._open:  # a player with a full buffer asks for nothing: nothing can arrive before it does
            time.sleep(timeout_s)
            return
        started_s = self._clock()
        # Without a socket to wait for, curl returns at once.
        if self._multi.select(timeout_s) <= 0 and self._clock() - started_s < 0.001:
            time.sleep(min(0.001, timeout_s))

    def close(self) -> None:
        """Cut what is under way and close every connection."""
        for handle in self._open:
            self._multi.remove_handle(handle)
        for handle in self._handles.values():
            handle.close()
        self._multi.close()


def lead_to(
    handle: pycurl.Curl, target: Target, address: str | None, proxy: str | None, config: DownloadConfig
) -> None:
    """Set where a request goes and by which way: the pinned address, or the proxy."""
    handle.setopt(pycurl.URL, target.url)
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.FOLLOWLOCATION, 0)
    handle.setopt(pycurl.CONNECTTIMEOUT_MS, int(config.connect_timeout_s * 1000))
    handle.setopt(pycurl.CAINFO, ca_file())
    # Both are always set: curl would otherwise read the environment by its own rules.
    handle.setopt(pycurl.PROXY, as_uri(proxy) if proxy else "")
    handle.setopt(pycurl.NOPROXY, "")
    handle.setopt(SUPPRESS_CONNECT_HEADERS, 1)
    if config.path.source_address:
        handle.setopt(pycurl.INTERFACE, f"host!{config.path.source_address}")
    if address is not None and proxy is None and family_of(target.host) is None:
        handle.setopt(pycurl.RESOLVE, [f"{target.host}:{target.port}:{_bracketed(address)}"])


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
