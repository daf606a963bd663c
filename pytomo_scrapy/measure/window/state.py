"""The state machine of a window: takes events, returns commands, and judges each request. No socket, no clock.

`handle` is given events in their order, with their times, and returns commands (`events.py`). Bytes alone go past it,
to `Stream.receive` and `Stream.count`: they are many, and what they decide is only whether the byte cap is reached.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import PlaybackResult
from pytomo_scrapy.measure.net.redirects import follow_redirect
from pytomo_scrapy.measure.window.adaptive import AdaptiveDemand, adaptive_demand
from pytomo_scrapy.measure.window.events import (
    Abort,
    BytesCounted,
    Closed,
    Command,
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
from pytomo_scrapy.measure.window.gate_found import Gate
from pytomo_scrapy.measure.window.judge import NO_CONNECTION, Failure
from pytomo_scrapy.measure.window.machine import WindowMachine
from pytomo_scrapy.measure.window.pacing import Pacing, common_spans
from pytomo_scrapy.measure.window.plan import WindowPlan, window_mode
from pytomo_scrapy.measure.window.rate_so_far import rate_so_far_bps
from pytomo_scrapy.measure.window.request import Hop, MediaRequest, Transfer, unsent_row
from pytomo_scrapy.measure.window.stream import Allowance, Step, Stream, StreamState


class WindowState(WindowMachine):
    """Everything that a window decides: what is asked for next, when it is over, and how each request ended."""

    def __init__(
        self, plan: WindowPlan, config: DownloadConfig, streams: Sequence[Stream], allowance: Allowance
    ) -> None:
        super().__init__(plan, config, streams, allowance)
        self.mode = window_mode(plan, config)
        self._requests: dict[int, MediaRequest] = {}  # under way, by stream
        self._unaddressed: dict[int, Hop] = {}  # wait for the look-up of their host, by stream
        self.live = adaptive_demand(plan, streams) if self.mode == "adaptive" else None
        self._pacing: Pacing | AdaptiveDemand | None = self.live
        if self.mode == "paced":
            self._pacing = Pacing(streams, plan.duration_s, config.buffer_goal_s)

    def handle(self, event: Event) -> list[Command]:
        """Take an event and return what is to be done, in this order."""
        match event:
            case HeadLine(now_s, stream_index, line):
                return self._take_line(now_s, stream_index, line)
            case BytesCounted():
                return self._stop()
            case Tick(now_s):
                return self._wake(now_s)
            case TransferEnded() | TransferGivenUp():
                return [*self._take_end(event), *self._stop()]
            case HostLookedUp():
                return [*self._take_address(event), *self._stop()]
            case Opened(t0_s, at):
                self._t0_s, self._opened_at = t0_s, at
                return [*(command for stream in self.streams for command in self._ask(stream, 0.0)), *self._stop()]
            case DeadlineReached():
                return self._stop("deadline")
            case TransferCut(now_s, stream_index, transfer):
                self._cut(self._requests.pop(stream_index), transfer, now_s)
            case Closed(now_s):
                self._close(now_s)
        return []

    @property
    def wake_s(self) -> float:
        """When the next tick is wanted at the latest; infinite where any time will do."""
        return self.live.wake_s() if self.live is not None else math.inf

    def live_playback(self, elapsed_s: float) -> PlaybackResult | None:
        """Return what the player of an adaptive window showed, up to where the window's media were taken back."""
        if self.live is None:
            return None
        return self.live.playback(elapsed_s if self.gate is None else min(self.gate.at_s, elapsed_s))

    def delivery_bps(self, now_s: float) -> float | None:
        """Return the delivery rate so far, by the definition of the stored one. None before there is one."""
        idle = common_spans(self._pacing.idle_until(now_s)) if self._pacing is not None else []
        return rate_so_far_bps(self.streams, self._t0_s, idle)

    def _is_over(self) -> bool:
        return self.gate is not None or super()._is_over()

    # What is asked for.

    def _ask(self, stream: Stream, now_s: float) -> list[Command]:
        """Ask for the stream's next bytes, or let it rest until its player wants more."""
        if self._pacing is not None:
            stream.paced_range = self._pacing.next_range(stream, now_s)
            if stream.paced_range is None:
                stream.move(Step.REST)
                return []
        return self._start(stream, Hop(stream.target, seen=(stream.target.url,)), now_s)

    def _start(self, stream: Stream, hop: Hop, now_s: float) -> list[Command]:
        """Begin a request, or first the look-up of its host where no address is pinned."""
        target, way = hop.target, self._way(stream.stream_index, hop.target)
        if isinstance(way, LookUp):
            stream.move(Step.LOOK_UP)
            self._unaddressed[stream.stream_index] = hop
            return [way]
        stream.move(Step.SEND)
        request = MediaRequest(stream, Hop(target, hop.number, hop.seen, way[0], hop.dns_s), way[1], now_s)
        self._requests[stream.stream_index] = request
        return [Fetch(request)]

    def _wake(self, now_s: float) -> list[Command]:
        """Ask for what a resting stream wants by now, and give up what a player wants no more of."""
        given_up = self.live.look(now_s) if self.live is not None else []
        if given_up:
            return [GiveUp(stream.stream_index) for stream in given_up if stream.stream_index in self._requests]
        resting = [stream for stream in self.streams if stream.state is StreamState.RESTING]
        return [command for stream in resting for command in self._ask(stream, now_s)]

    def _take_address(self, event: HostLookedUp) -> list[Command]:
        stream, hop = self.streams[event.stream_index], self._unaddressed.pop(event.stream_index)
        if event.address is None:
            failure = event.failure or "dns_no_answer", event.failure_detail
            self._fail_look_up(stream, hop, event.now_s, event.elapsed_s, failure)
            return []
        self._addresses[hop.target.host] = event.address
        return self._start(stream, Hop(hop.target, hop.number, hop.seen, dns_s=event.elapsed_s), event.now_s)

    def _fail_look_up(self, stream: Stream, hop: Hop, now_s: float, dns_s: float | None, failure: Failure) -> None:
        row = unsent_row(stream, hop, now_s, dns_s, failure)
        self.rows.append(replace(row, segment=None if stream.parts is None else stream.parts.index))
        stream.fail(*failure)

    # What came of it.

    def _take_line(self, now_s: float, stream_index: int, line: bytes) -> list[Command]:
        request = self._requests.get(stream_index)
        if request is None:  # curl hands on what it had held back of an answer that is over
            return [Abort(stream_index)]
        request.take_line(line, now_s, self._config.http_version)
        if self.live is not None and request.head.is_finished and request.head.status in {200, 206}:
            self.live.begun(request.stream, now_s)
        return [Abort(stream_index)] if request.is_useless else []

    def _end(self, request: MediaRequest, transfer: Transfer, now_s: float) -> list[Command]:
        """Judge a request that is over and go on: to where it was sent, to the next range, or nowhere."""
        stream, follow_up = request.stream, None
        failure = self._judge(request, transfer)
        if failure is None and request.is_redirect:
            try:
                follow_up = self._follow(request)
            except MeasurementError as error:
                failure = error.failure, error.detail
        self._keep(request, transfer, failure)
        if failure is not None:
            self._fail(request, failure, now_s)
        elif follow_up is not None:
            stream.move(Step.ANSWER)
            return self._start(stream, follow_up, now_s) if self.ended_by is None else []
        else:
            return self._go_on(request, transfer, now_s)
        return []

    def _go_on(self, request: MediaRequest, transfer: Transfer, now_s: float) -> list[Command]:
        """Complete the stream with a request that was answered well, or ask for what comes behind it."""
        stream = request.stream
        is_whole = transfer.error is None  # else the byte cap cut it
        if self.live is not None and is_whole and not self.live.answered(stream, now_s):
            stream.give_up_part()
            is_over = False
        elif stream.parts is not None:
            is_over = is_whole and not stream.next_part()
        else:
            is_over = request.is_end_told or (is_whole and _is_all_there(request))
        if is_over:
            is_size_known = stream.size_bytes and not request.is_end_told
            stream.size_bytes = stream.size_bytes if is_size_known else stream.received_bytes
            stream.move(Step.COMPLETE)
            return []
        stream.move(Step.ANSWER)
        stream.is_short = request.is_short
        if self.ended_by is not None or self._allowance.left_bytes <= 0:
            return []
        if stream.parts is None:
            # The ranges that follow go where the redirect led, as a player's do.
            stream.target = request.hop.target
        return self._ask(stream, now_s)

    def _take_end(self, event: TransferEnded | TransferGivenUp) -> list[Command]:
        request = self._requests.pop(event.stream_index)
        if isinstance(event, TransferGivenUp):
            return self._give_up(request, event.transfer, event.now_s)
        return self._end(request, event.transfer, event.now_s)

    def _give_up(self, request: MediaRequest, transfer: Transfer, now_s: float) -> list[Command]:
        """Keep the row of a request that its player gave up, without a failure, and let the player go on."""
        self._keep(request, transfer, None)
        request.stream.give_up_part()
        request.stream.move(Step.ANSWER)
        return self._ask(request.stream, now_s) if self.ended_by is None else []

    def _follow(self, request: MediaRequest) -> Hop:
        hop, location = request.hop, request.head.location
        target = follow_redirect(hop.target.url, location, hop.seen, self._config.max_redirects)
        return Hop(target, hop.number + 1, (*hop.seen, target.url))

    def _judge(self, request: MediaRequest, transfer: Transfer) -> Failure | None:
        """Say how a request that is over failed. None when it did not, or was cut off by the byte cap."""
        if request.is_end_told:
            return None
        if (told := request.stop_failure or request.stream.doubt) is not None:
            return told
        if request.is_redirect:
            return None
        if (failure := self._judge_status(request, transfer)) is not None:
            return failure
        if (broken := self._judge_transfer(request, transfer)) is not None or transfer.error is not None:
            return self._in_wanted_version(broken, request)
        parts = request.stream.parts
        return parts.length_failure(request.received_bytes) if parts is not None else None

    def _judge_status(self, request: MediaRequest, transfer: Transfer) -> Failure | None:
        """Say what the answer's status refuses, unless it only tells that the file is over."""
        if request.is_end_told:
            return None
        return self._judge_answer(request, transfer, is_later=request.asked_from_bytes > 0)

    def _in_wanted_version(self, failure: Failure | None, request: MediaRequest) -> Failure | None:
        if failure is None or self._config.http_version != "3":
            return failure
        # Unanswered QUIC looks like any connection that failed, but this request could speak HTTP/3 alone.
        is_no_answer = failure[0] in NO_CONNECTION and not request.head.header_bytes
        return ("http_version_unavailable", failure[1]) if is_no_answer else failure

    def _fail(self, request: MediaRequest, failure: Failure, now_s: float) -> None:
        """End the request's stream. Where the host takes it back, that is the end of the window."""
        if request.is_taken_back and self.gate is None:
            at_s = now_s if request.answered_s is None else request.answered_s
            self.gate = Gate(at_s, request.stream.received_bytes)
        request.stream.fail(*failure)

    def _keep(self, request: MediaRequest, transfer: Transfer, failure: Failure | None) -> None:
        self.local_address = transfer.local_address or self.local_address
        self.rows.append(request.row(transfer, failure))

    # How it ends.

    def _cut(self, request: MediaRequest, transfer: Transfer, now_s: float) -> None:
        """Keep the request that the window's end cut off. It is no failure while bytes flow."""
        failure = self._judge_cut(request, transfer, now_s) if self.ended_by == "deadline" else None
        self._keep(request, transfer, failure)
        if failure is not None:
            self._fail(request, failure, now_s)

    def _judge_cut(self, request: MediaRequest, transfer: Transfer, now_s: float) -> Failure | None:
        is_said = request.head.is_finished and not request.is_redirect
        # Where an error's body has not come to its end, what was said counts, and not the silence after it.
        if is_said and (failure := self._judge_status(request, transfer)) is not None:
            return failure
        if request.stream.doubt is not None and request.received_bytes:
            return request.stream.doubt
        silence = self._judge_silence(request, transfer, request.stream.trace.last_s, now_s)
        return self._in_wanted_version(silence, request)

    def _close(self, now_s: float) -> None:
        if self._pacing is not None:
            for stream, spans in zip(self.streams, self._pacing.finish(now_s), strict=True):
                stream.no_demand = tuple(spans)
        # A look-up that another stream's end left behind is no failure.
        for stream_index, hop in self._unaddressed.items() if self.ended_by == "deadline" else ():
            failure = "dns_timeout", f"no answer for {hop.target.host} in the window"
            self._fail_look_up(self.streams[stream_index], hop, now_s, None, failure)


def _is_all_there(request: MediaRequest) -> bool:
    size_bytes = request.stream.size_bytes
    return request.is_whole_file or (size_bytes is not None and request.stream.received_bytes >= size_bytes)
