"""The download window: media streams fetched at once for a fixed time, every byte's arrival noted, nothing analysed.

Runs in the measuring process. What happens on the wire goes to the state machine (`state.py`) as events, and what it
commands is done here. Definitions, classes and limits: docs/download.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from pytomo_scrapy.config import DnsConfig, DownloadConfig
from pytomo_scrapy.failures import EXHAUSTED, MeasurementError
from pytomo_scrapy.items import DownloadResult
from pytomo_scrapy.measure.host.interface import read_counters
from pytomo_scrapy.measure.net.clock import Clock, utc_now
from pytomo_scrapy.measure.net.path import proxy_for
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.sabr.demand import Pause
from pytomo_scrapy.measure.window.beside import SideInstruments
from pytomo_scrapy.measure.window.curl_transfers import CurlTransfers
from pytomo_scrapy.measure.window.events import (
    BytesCounted,
    Closed,
    DeadlineReached,
    Event,
    Fetch,
    GiveUp,
    HeadLine,
    HostLookedUp,
    LookUp,
    Opened,
    Tick,
    TransferCut,
    TransferEnded,
    TransferGivenUp,
)
from pytomo_scrapy.measure.window.machine import WindowMachine
from pytomo_scrapy.measure.window.pauses import PauseWatch, judge_pause
from pytomo_scrapy.measure.window.plan import WindowPlan, WindowProgress
from pytomo_scrapy.measure.window.redirect_lookup import HostLookups
from pytomo_scrapy.measure.window.request import HttpExchange, Transfer
from pytomo_scrapy.measure.window.sabr_state import SabrState
from pytomo_scrapy.measure.window.sabr_summary import quality_spells, sabr_figures
from pytomo_scrapy.measure.window.state import WindowState
from pytomo_scrapy.measure.window.stream import MERGE_S, Allowance, Spool, Stream
from pytomo_scrapy.measure.window.summary import in_order, summarise

# The longest that the loop sleeps: bounds how late the deadline, a look-up or progress is noticed.
TICK_S = 0.01
# How long bytes that curl counts by itself wait to be noted: such arrivals share an entry of the trace anyway. Bodies
# that are handed over are stamped as they come, and a fast line would have a turn of the loop for each of its reads.
LOOK_S = MERGE_S / 2
PROGRESS_INTERVAL_S = 0.25

ShowProgress = Callable[[WindowProgress], None]


def download_window(
    plan: WindowPlan,
    config: DownloadConfig,
    *,
    progress: ShowProgress | None = None,
    clock: Clock = time.monotonic,
) -> DownloadResult:
    """Fetch every format of `plan` at once until all are complete or the window is over, and say what happened.

    Returns within `config.window_s` + 0.25 s. Network trouble is data: the result has the class of the first stream
    that failed, and everything that had arrived. Nothing is tried twice. Raises MeasurementError "out_of_resources".
    """
    spools = [Spool(plan.spool_directory, config.spool_max_bytes) for _ in plan.formats]
    try:
        return _measure(plan, plan.bound(config), spools, progress, clock)
    except BaseException as error:
        # Nobody is told of files without a result, so that nobody would remove them.
        for spool in spools:
            spool.discard()
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            raise MeasurementError("out_of_resources", str(error)) from error
        raise


def _measure(
    plan: WindowPlan, config: DownloadConfig, spools: Sequence[Spool], progress: ShowProgress | None, clock: Clock
) -> DownloadResult:
    instruments, allowance = SideInstruments(plan, config), Allowance(config.max_bytes)
    streams = [
        Stream(stream_index, media, read_target(media.url), spool, clock, allowance)
        for stream_index, (media, spool) in enumerate(zip(plan.formats, spools, strict=True))
    ]
    state: WindowMachine = (
        WindowState(plan, config, streams, allowance)
        if plan.sabr is None
        else SabrState(plan, plan.sabr, config, streams, allowance, clock)
    )
    before, started_at = read_counters(), utc_now()
    loop, elapsed_s = _Loop(plan, config, state, instruments, clock), 0.0
    try:
        elapsed_s = loop.run(progress)
    finally:
        loop.close()
        measured = instruments.close(started_at, elapsed_s)
    summarised = summarise(
        DownloadResult(
            place=plan.window_index,
            mode=state.mode,
            window_s=config.window_s,
            elapsed_s=elapsed_s,
            ended_by=state.ended_by,
            gated_at_s=state.gate.at_s if state.gate else None,
            gated_at_bytes=state.gate.stream_bytes if state.gate else None,
            started_at=started_at,
            host=plan.targets[0].host if plan.targets else None,
            via_proxy=any(proxy_for(target.url, config.path) for target in plan.targets),
            streams=tuple(stream.close(loop.t0_s) for stream in streams),
            requests=in_order(state.rows),
            tcp=measured.tcp,
            access_technology=config.access_technology,
            contract_bps=config.contract_bps or None,
            probe_gap_s=loop.pauses.longest_s,
            live_playback=state.live_playback(elapsed_s),
            live_ladder=plan.live.ladder if plan.live is not None and state.mode == "adaptive" else None,
        ),
        plan.chosen,
        state.local_address,
        before,
        config.foreign_traffic_ratio,
        measured,
    )
    return judge_pause(_with_sabr(summarised, plan, state))


def _with_sabr(result: DownloadResult, plan: WindowPlan, state: WindowMachine) -> DownloadResult:
    """Return `result` with what a session over SABR tells besides."""
    if plan.sabr is None or not isinstance(state, SabrState):
        return result
    return replace(
        result,
        transport=plan.transport,
        sabr=sabr_figures(state.session, plan.sabr),
        ad_waits=tuple(state.session.demand.pauses[Pause.AD]),
        spells=quality_spells(state.session, plan.sabr, plan.window_index),
    )


class _Loop:
    """Drives curl from now on, and whatever else a window waits for."""

    def __init__(
        self,
        plan: WindowPlan,
        config: DownloadConfig,
        state: WindowMachine,
        instruments: SideInstruments,
        clock: Clock,
    ) -> None:
        self._state, self._instruments = state, instruments
        self._transfers = CurlTransfers(config, clock)
        self._lookups = HostLookups(DnsConfig((plan.resolver,), plan.dns_timeout_s))
        self._window_s = config.window_s
        self._next_progress_s = 0.0
        self._clock = clock
        # What comes before t0 is no pause of the window.
        self.pauses = instruments.pauses = PauseWatch()
        self.t0_s = clock()

    def run(self, progress: ShowProgress | None) -> float:
        """Fetch until the state machine says stop, and return how long it took."""
        self._handle(Opened(self.t0_s, utc_now()))
        self._drive(progress)
        elapsed_s = self._now_s()
        self._instruments.tcp.read(elapsed_s)
        for transfer in self._transfers:
            self._instruments.note_answer(transfer.request)
            stream_index = transfer.request.channel.stream_index
            self._handle(TransferCut(self._now_s(), stream_index, transfer.report()))
        self.pauses.look()
        self._handle(Closed(elapsed_s))
        return elapsed_s

    def close(self) -> None:
        """Close every connection. Look-ups that are still running end by themselves."""
        self._transfers.close()

    def _now_s(self) -> float:
        return self._clock() - self.t0_s

    def _drive(self, progress: ShowProgress | None) -> None:
        next_tick_s, next_look_s, running_count = 0.0, 0.0, -1
        while self._state.ended_by is None:
            self.pauses.look()
            now_s = self._now_s()
            if now_s >= self._window_s:
                self._transfers.look()
                self._handle(DeadlineReached())
                return
            before_count, running_count = running_count, self._transfers.perform()
            if now_s < next_look_s and running_count == before_count:
                self._transfers.wait(next_look_s - now_s)
                continue
            has_counted, next_look_s = self._transfers.look(), now_s + LOOK_S
            if running_count != before_count or running_count < len(self._transfers):
                self._take_finished()
                running_count = len(self._transfers)
            self._transfers.stop_traces()
            if now_s >= min(next_tick_s, self._state.wake_s):
                next_tick_s = now_s + TICK_S
                self._tick(progress)
            if has_counted:
                self._handle(BytesCounted())
            if self._state.ended_by is None:
                self._transfers.wait(min(TICK_S, self._window_s - now_s, max(0.001, self._state.wake_s - now_s)))

    def _handle(self, event: Event) -> None:
        """Give the state machine an event, and do what it commands."""
        for command in self._state.handle(event):
            if isinstance(command, Fetch):
                stream_index = command.request.channel.stream_index
                open_socket = self._instruments.tcp.opener(stream_index) if self._instruments.tcp.is_supported else None
                self._transfers.start(command.request, self._now_s, self._take_line, open_socket)
            elif isinstance(command, LookUp):
                self._lookups.start(command.stream_index, command.host, command.family)
            elif isinstance(command, GiveUp):
                transfer = self._transfers.give_up(command.stream_index)
                self._let_go(transfer)
                self._handle(TransferGivenUp(self._now_s(), command.stream_index, transfer))

    def _take_line(self, request: HttpExchange, line: bytes) -> bool:
        # The only answer to a line is to abort.
        return not self._state.handle(HeadLine(self._now_s(), request.channel.stream_index, line))

    def _take_finished(self) -> None:
        for request, transfer in self._transfers.take_finished():
            self._instruments.note_answer(request)
            if transfer.error is not None:
                self._let_go(transfer)
            self._handle(TransferEnded(self._now_s(), request.channel.stream_index, transfer))

    def _let_go(self, transfer: Transfer) -> None:
        """Close our end of a connection that curl has closed. One of HTTP/2 goes on without the request."""
        if transfer.http_version in {None, "1.0", "1.1"}:
            self._instruments.tcp.let_go(transfer.local_port, self._now_s())

    def _tick(self, progress: ShowProgress | None) -> None:
        """Do the side measurements that are due."""
        for stream_index, lookup in self._lookups.take_done():
            self._handle(HostLookedUp(self._now_s(), stream_index, lookup.elapsed_s, *lookup.answer()))
        self._handle(Tick(self._now_s()))
        now_s = self._now_s()
        self._instruments.tick(now_s)
        if progress is not None and now_s >= self._next_progress_s:
            self._next_progress_s = now_s + PROGRESS_INTERVAL_S
            progress(WindowProgress(now_s, self._state.received_bytes, self._state.delivery_bps(now_s)))
