"""The download window: media streams fetched at once for a fixed time, every byte's arrival noted, nothing analysed.

Runs in the measuring process. Definitions, classes and limits: docs/download.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pycurl

from pytomo_scrapy.config import DnsConfig, DownloadConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import DownloadResult, HttpRequest, TcpConnection
from pytomo_scrapy.measure.host.interface import read_counters
from pytomo_scrapy.measure.host.wall_clock import ClockBounds
from pytomo_scrapy.measure.net.clock import Clock, utc_now
from pytomo_scrapy.measure.net.path import family_of, proxy_for
from pytomo_scrapy.measure.net.redirects import follow_redirect, read_target
from pytomo_scrapy.measure.ping.gateway import gateway_towards
from pytomo_scrapy.measure.window.gateway_probes import GatewayProbes
from pytomo_scrapy.measure.window.judge import (
    NO_CONNECTION,
    classify_curl_error,
    classify_silence,
    classify_status,
    is_exit_changed,
)
from pytomo_scrapy.measure.window.pacing import Pacing
from pytomo_scrapy.measure.window.plan import WindowPlan, WindowProgress, window_mode
from pytomo_scrapy.measure.window.probes import LoadedProbes, LoadedRoundTrips
from pytomo_scrapy.measure.window.redirect_lookup import HostLookup
from pytomo_scrapy.measure.window.request import Hop, MediaRequest
from pytomo_scrapy.measure.window.stream import MERGE_S, Allowance, Spool, Stream
from pytomo_scrapy.measure.window.summary import Beside, summarise
from pytomo_scrapy.measure.window.tcp_info import TcpSampler

# The longest that the loop sleeps: bounds how late the deadline, a look-up or progress is noticed.
TICK_S = 0.01
# How long bytes that curl counts by itself wait to be noted: such arrivals share an entry of the trace anyway.
LOOK_S = MERGE_S / 2
PROGRESS_INTERVAL_S = 0.25
# A body that stands still for this share of the window, up to its end, has stopped.
SILENCE_RATIO = 1 / 3


def download_window(
    plan: WindowPlan,
    config: DownloadConfig,
    *,
    progress: Callable[[WindowProgress], None] | None = None,
    clock: Clock = time.monotonic,
) -> DownloadResult:
    """Fetch every format of `plan` at once until all are complete or the window is over, and say what happened.

    Returns within `config.window_s` + 0.25 s. Network trouble is data: the result has the class of the first stream
    that failed, and everything that had arrived. Nothing is tried twice.
    """
    return _Window(plan, config, progress, clock).run()


class _Window:
    def __init__(
        self,
        plan: WindowPlan,
        config: DownloadConfig,
        progress: Callable[[WindowProgress], None] | None,
        clock: Clock,
    ) -> None:
        if plan.family is not None:
            config = replace(config, path=replace(config.path, family=str(plan.family)))
        self._plan, self._config, self._progress, self._clock = plan, config, progress, clock
        self._multi = pycurl.CurlMulti()
        self._streams: list[Stream] = []
        self._handles: dict[int, pycurl.Curl] = {}  # by stream, kept so that its connection is
        self._open: dict[pycurl.Curl, MediaRequest] = {}
        self._lookups: list[tuple[HostLookup, Stream, Hop]] = []
        self._rows: list[HttpRequest] = []
        self._addresses = dict(plan.chosen)
        self._local_address: str | None = None
        self._allowance = Allowance(config.max_bytes)
        self._tcp = TcpSampler(config.window_s)
        self._is_tracing = False
        self._t0 = 0.0
        self._next_progress_s = 0.0
        self._mode = window_mode(plan, config)
        self._pacing: Pacing | None = None
        self._probes = self._loaded_probes()
        self._gateway = self._gateway_probes()
        self._waiting: list[Stream] = []  # paced: with enough ahead

    def run(self) -> DownloadResult:
        for place, media in enumerate(self._plan.formats):
            spool = Spool(self._plan.spool_directory, self._config.spool_max_bytes)
            self._streams.append(Stream(place, media, read_target(media.url), spool, self._clock, self._allowance))
        if self._mode == "paced":
            self._pacing = Pacing(self._streams, self._plan.duration_s, self._config.buffer_goal_s)
        before, started_at = read_counters(), utc_now()
        self._t0 = self._clock()
        self._clock_bounds = ClockBounds(started_at)
        try:
            for stream in self._streams:
                self._ask(stream)
            ended_by = self._loop()
            elapsed_s = self._now_s()
            if self._pacing is not None:
                for stream, spans in zip(self._streams, self._pacing.finish(elapsed_s), strict=True):
                    stream.no_demand = tuple(spans)
            self._tcp.sample(elapsed_s, is_last=True)
            self._end_open_requests(ended_by)
        finally:
            tcp, loaded, gateway = self._close()
        return summarise(
            DownloadResult(
                place=self._plan.place,
                mode=self._mode,
                window_s=self._config.window_s,
                elapsed_s=elapsed_s,
                ended_by=ended_by,
                started_at=started_at,
                host=self._plan.formats[0].host if self._plan.formats else None,
                via_proxy=any(proxy_for(media.url, self._config.path) for media in self._plan.formats),
                streams=tuple(stream.close(self._t0) for stream in self._streams),
                requests=tuple(sorted(self._rows, key=lambda row: row.t_s or 0.0)),
                tcp=tcp,
                access_technology=self._config.access_technology,
                contract_bps=self._config.contract_bps or None,
            ),
            self._plan.chosen,
            self._local_address,
            before,
            self._config.foreign_traffic_ratio,
            Beside(loaded, gateway, self._clock_bounds.result()),
        )

    def _loaded_probes(self) -> LoadedProbes | None:
        """Probe the first stream's address, where it is reached directly and the kernel times handshakes for us."""
        per_s, media = self._config.loaded_probes_per_s, next(iter(self._plan.formats), None)
        address = self._plan.chosen.get(media.host) if media else None
        if not (per_s and media and address and self._tcp.is_supported) or proxy_for(media.url, self._config.path):
            return None
        return LoadedProbes(address, media.port, per_s, self._config.path.source_address)

    def _gateway_probes(self) -> GatewayProbes | None:
        """Probe the gateway on the way to what the others probe."""
        if self._probes is None:
            return None
        gateway = gateway_towards(self._plan.chosen[self._plan.formats[0].host])
        return GatewayProbes.open(gateway, self._config.loaded_probes_per_s, self._config.path.source_address)

    def _now_s(self) -> float:
        return self._clock() - self._t0

    def _loop(self) -> str:
        """Drive the transfers; return what ended the window."""
        end_s, next_tick_s, next_look_s, running_count = self._t0 + self._config.window_s, 0.0, 0.0, -1
        while any(not stream.is_over for stream in self._streams):
            now_s = self._clock()
            if now_s >= end_s:
                self._look()
                return "deadline"
            before_count, (_, running_count) = running_count, self._multi.perform()
            if now_s < next_look_s and running_count == before_count:
                self._wait(next_look_s - now_s)
                continue
            next_look_s = now_s + LOOK_S if self._look() else 0.0
            if running_count != before_count or running_count < len(self._open):
                self._take_finished()
                running_count = len(self._open)
            if self._is_tracing:
                self._stop_traces()
            if now_s >= next_tick_s:
                next_tick_s = now_s + TICK_S
                self._tick()
            if self._allowance.left_bytes <= 0:
                return "byte_cap"
            self._wait(min(TICK_S, end_s - now_s))
        return "failure" if any(stream.failure for stream in self._streams) else "complete"

    def _look(self) -> bool:
        """Take what curl has counted by itself, and say whether it counts all that comes."""
        for handle, request in self._open.items():
            request.take_counted(handle)
        for handle, request in self._open.items():
            # Afterwards: how far the byte cap is follows from the bytes of all streams.
            request.choose_sink(handle)
        return bool(self._open) and all(request.is_counted for request in self._open.values())

    def _wait(self, timeout_s: float) -> None:
        started_s = self._clock()
        # Without a socket to wait for, curl returns at once.
        if self._multi.select(timeout_s) <= 0 and self._clock() - started_s < 0.001:
            time.sleep(min(0.001, timeout_s))

    def _ask(self, stream: Stream) -> None:
        """Ask for the stream's next bytes, or let it wait until its player wants more."""
        if self._pacing is not None:
            stream.paced_range = self._pacing.next_range(stream, self._now_s())
            if stream.paced_range is None:
                self._waiting.append(stream)
                return
        self._start(stream, Hop(stream.target, seen=(stream.target.url,)))

    def _start(self, stream: Stream, hop: Hop) -> None:
        """Begin a request, or first the look-up of its host where no address is pinned."""
        target = hop.target
        address = self._addresses.get(target.host)
        is_direct = proxy_for(target.url, self._config.path) is None
        if address is None and is_direct and family_of(target.host) is None:
            config = DnsConfig((self._plan.resolver,), self._plan.dns_timeout_s)
            self._lookups.append((HostLookup(target.host, self._family(), config), stream, hop))
            return
        handle = self._handles.setdefault(stream.place, pycurl.Curl())
        request = MediaRequest(stream, Hop(target, hop.number, hop.seen, address, hop.dns_s), self._config, self._now_s)
        request.prepare(handle)
        if self._tcp.is_supported:
            handle.setopt(pycurl.OPENSOCKETFUNCTION, self._tcp.opener(stream.place))
        self._open[handle] = request
        self._is_tracing = True
        self._multi.add_handle(handle)

    def _family(self) -> int | None:
        return next((family_of(address) for address in self._plan.chosen.values()), None)

    def _take_finished(self) -> None:
        _, finished, failed = self._multi.info_read()
        for handle in finished:
            self._finish(handle, None)
        for handle, code, text in failed:
            self._finish(handle, (code, text))

    def _note_date(self, request: MediaRequest) -> None:
        if request.answered_s is not None and (date := request.head.date) is not None:
            self._clock_bounds.add(request.started_s, request.answered_s, date)

    def _finish(self, handle: pycurl.Curl, error: tuple[int, str] | None) -> None:
        request = self._open.pop(handle)
        self._note_date(request)
        self._local_address = handle.getinfo(pycurl.LOCAL_IP) or self._local_address
        failure, detail = self._judge(request, handle, error)
        follow_up: Hop | None = None
        if failure is None and request.is_redirect:
            try:
                target = follow_redirect(
                    request.hop.target.url, request.head.location, request.hop.seen, self._config.max_redirects
                )
                follow_up = Hop(target, request.hop.number + 1, (*request.hop.seen, target.url))
            except MeasurementError as trouble:
                failure, detail = trouble.failure, trouble.detail
        self._rows.append(request.row(handle, failure, detail))
        self._multi.remove_handle(handle)
        stream = request.stream
        if failure is not None:
            stream.fail(failure, detail)
        elif follow_up is not None:
            self._start(stream, follow_up)
        elif not stream.is_over and self._allowance.left_bytes > 0:
            # The ranges that follow go where the redirect led, as a player's do.
            stream.target = request.hop.target
            self._ask(stream)

    def _judge(
        self, request: MediaRequest, handle: pycurl.Curl, error: tuple[int, str] | None
    ) -> tuple[str | None, str | None]:
        """Say how a request that is over failed. (None, None) when it did not, and its stream may be complete."""
        if request.stop_failure is not None:
            return request.stop_failure
        status, stream = request.head.status, request.stream
        if request.is_redirect:
            return None, None
        before_bytes = stream.received_bytes - request.received_bytes if status in {200, 206} else stream.received_bytes
        if status is not None and (failure := classify_status(status, before_bytes)) is not None:
            is_direct = request.proxy is None
            if status == 403 and is_direct and is_exit_changed(request.hop.target.url, handle.getinfo(pycurl.LOCAL_IP)):
                return "exit_address_changed", "HTTP 403, and the URL is signed for another address"
            return failure, f"HTTP {status}"
        if error is not None:
            code, text = error
            if code == pycurl.E_WRITE_ERROR and self._allowance.left_bytes <= 0:
                return None, None  # cut off by the byte cap
            return self._in_wanted_version(
                classify_curl_error(handle, code, text, request.phase(handle)), request
            ), text
        if status is None or request.received_bytes == 0:
            return "bad_response", "an answer without a body"
        if request.range is None or (stream.size_bytes is not None and stream.received_bytes >= stream.size_bytes):
            stream.size_bytes = stream.size_bytes or stream.received_bytes
            stream.complete()
        return None, None

    def _in_wanted_version(self, failure: str, request: MediaRequest) -> str:
        # QUIC that nobody answers looks like any connection that never came; only HTTP/3 was to be spoken, though.
        is_no_answer = failure in NO_CONNECTION and not request.head.header_bytes
        return "http_version_unavailable" if is_no_answer and self._config.http_version == "3" else failure

    def _take_lookups(self) -> None:
        waiting = self._lookups
        self._lookups = [entry for entry in waiting if not entry[0].is_done]
        for lookup, stream, hop in (entry for entry in waiting if entry[0].is_done):
            address, failure, detail = lookup.answer()
            if address is None:
                self._fail_lookup(stream, hop, lookup.elapsed_s, (failure or "dns_no_answer", detail))
                continue
            self._addresses[hop.target.host] = address
            self._start(stream, Hop(hop.target, hop.number, hop.seen, address, lookup.elapsed_s))

    def _fail_lookup(self, stream: Stream, hop: Hop, dns_s: float | None, why: tuple[str, str | None]) -> None:
        self._rows.append(
            HttpRequest(
                stream=stream.place,
                hop=hop.number,
                host=hop.target.host,
                port=hop.target.port,
                t_s=self._now_s() - (dns_s or 0.0),
                dns_s=dns_s,
                failure=why[0],
                failure_detail=why[1],
            )
        )
        stream.fail(*why)

    def _stop_traces(self) -> None:
        """Silence curl's log of every request whose answer has begun: from then on each body would be logged too."""
        self._is_tracing = False
        for handle, request in self._open.items():
            if request.is_traced and request.head.header_bytes:
                request.is_traced = False
                handle.setopt(pycurl.VERBOSE, 0)
            self._is_tracing |= request.is_traced

    def _tick(self) -> None:
        """Do what is due beside the transfers."""
        self._take_lookups()
        waiting, self._waiting = self._waiting, []
        for stream in waiting:
            self._ask(stream)
        now_s = self._now_s()
        self._tcp.sample(now_s)
        if self._probes is not None:
            self._probes.tick(now_s)
        if self._gateway is not None:
            self._gateway.tick(now_s)
        if self._progress is not None and now_s >= self._next_progress_s:
            self._next_progress_s = now_s + PROGRESS_INTERVAL_S
            self._progress(WindowProgress(now_s, sum(stream.received_bytes for stream in self._streams)))

    def _end_open_requests(self, ended_by: str) -> None:
        """Close what the window's end cut off. That is no failure while bytes flow."""
        for handle, request in self._open.items():
            self._note_date(request)
            self._local_address = handle.getinfo(pycurl.LOCAL_IP) or self._local_address
            failure, detail = self._judge_cut(request, handle) if ended_by == "deadline" else (None, None)
            self._rows.append(request.row(handle, failure, detail))
            if failure is not None:
                request.stream.fail(failure, detail)
        for lookup, stream, hop in self._lookups:
            self._fail_lookup(stream, hop, None, ("dns_timeout", f"no answer for {lookup.host} in the window"))

    def _judge_cut(self, request: MediaRequest, handle: pycurl.Curl) -> tuple[str | None, str | None]:
        last_s = request.stream.trace.last_s
        if last_s is None:
            if request.head.header_bytes and not request.head.is_finished:
                return "bad_response", "the header has no end"
            return self._in_wanted_version(classify_silence(request.phase(handle)), request), "the window is over"
        silence_s = self._clock() - max(last_s, self._t0 + request.started_s)
        if silence_s >= SILENCE_RATIO * self._config.window_s:
            return "no_progress", f"silent for the last {silence_s:.1f} s"
        return None, None

    def _close(self) -> tuple[tuple[TcpConnection, ...], LoadedRoundTrips | None, LoadedRoundTrips | None]:
        for handle in self._open:
            self._multi.remove_handle(handle)
        for handle in self._handles.values():
            handle.close()
        self._multi.close()
        probes = self._probes.close() if self._probes is not None else None
        return self._tcp.close(), probes, self._gateway.close() if self._gateway is not None else None
