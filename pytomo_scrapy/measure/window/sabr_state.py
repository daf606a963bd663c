"""The state machine of a window over SABR: takes the window's events, gives its commands. No socket.

What the protocol wants is the session's (`measure/sabr/`); here are the requests that carry it: their hosts, their
redirects, how each ended, and the streams that their media fill. One request is under way at a time, for all streams.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import PlaybackResult
from pytomo_scrapy.measure.net.clock import Clock
from pytomo_scrapy.measure.net.redirects import Target, follow_redirect, read_target
from pytomo_scrapy.measure.sabr.sabr_errors import SabrFailure
from pytomo_scrapy.measure.sabr.sabr_session import SabrSession
from pytomo_scrapy.measure.window.events import (
    Abort,
    BytesCounted,
    Closed,
    Command,
    DeadlineReached,
    Event,
    Fetch,
    HeadLine,
    HostLookedUp,
    LookUp,
    Opened,
    Tick,
    TransferCut,
    TransferEnded,
)
from pytomo_scrapy.measure.window.gate_found import Gate
from pytomo_scrapy.measure.window.judge import Failure
from pytomo_scrapy.measure.window.machine import WindowMachine
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.rate_so_far import rate_so_far_bps
from pytomo_scrapy.measure.window.request import Hop, Transfer, unsent_row
from pytomo_scrapy.measure.window.sabr_request import Posting, SabrBody, SabrRequest
from pytomo_scrapy.measure.window.stream import Allowance, Step, Stream

if TYPE_CHECKING:
    from pytomo_scrapy.measure.sabr.sabr_plan import SabrPlan

_GATED = "media_gated"
_NUMBER = re.compile(r"&rn=\d+(?=&|$)", re.ASCII)
# As a player sends them; what else a media URL is to be fetched with is for plain requests.
_KEPT_FIELDS = frozenset({"user-agent", "cookie", "origin", "referer"})


class SabrState(WindowMachine):
    """Everything that a window over SABR decides."""

    mode = "paced"  # by the server

    def __init__(
        self,
        plan: WindowPlan,
        sabr: SabrPlan,
        config: DownloadConfig,
        streams: Sequence[Stream],
        allowance: Allowance,
        clock: Clock,
    ) -> None:
        super().__init__(plan, config, streams, allowance)
        self.session = SabrSession(sabr, {stream.media.kind: stream for stream in streams}, clock)
        self._target = read_target(sabr.source.url)
        self._fields = {
            name: value for name, value in streams[0].media.http_headers.items() if name.lower() in _KEPT_FIELDS
        }
        self._body = SabrBody(self.session, allowance, clock)
        self._posted = b""
        self._number = 0
        self._request: SabrRequest | None = None
        self._unaddressed: Hop | None = None
        self._hops: tuple[str, ...] = ()  # of redirects that no media came between

    @property
    def wake_s(self) -> float:
        """When the next tick is wanted at the latest: any time will do."""
        return math.inf

    def live_playback(self, elapsed_s: float) -> PlaybackResult | None:
        """Return nothing: the players of a window over SABR are simulated behind it."""
        return None

    def delivery_bps(self, now_s: float) -> float | None:
        """Return the delivery rate so far, by the definition of the stored one. None before there is one."""
        return rate_so_far_bps(self.streams, self._t0_s, self.session.demand.idle_until(now_s))

    def handle(self, event: Event) -> list[Command]:
        """Take an event and return what is to be done, in this order."""
        match event:
            case HeadLine(now_s, _, line):
                return self._take_line(now_s, line)
            case BytesCounted():
                return self._stop()
            case Tick(now_s):
                self._body.tick()
                return [*self._wake(now_s), *self._stop()]
            case TransferEnded(now_s, _, transfer):
                return [*self._end(transfer, now_s), *self._stop()]
            case HostLookedUp():
                return [*self._take_address(event), *self._stop()]
            case Opened(t0_s, at):
                self._t0_s = self.session.t0_s = t0_s
                self._opened_at = at
                return [*self._ask(0.0), *self._stop()]
            case DeadlineReached():
                return self._stop("deadline")
            case TransferCut(now_s, _, transfer):
                self._cut(transfer, now_s)
            case Closed(now_s):
                self._close(now_s)
        return []

    # What is asked for.

    def _ask(self, now_s: float) -> list[Command]:
        """Send the session's next request."""
        self._posted = self.session.request()
        self._number += 1
        hop = Hop(self._numbered(self._target), max(0, len(self._hops) - 1), seen=(self._target.url,))
        return self._start(hop, now_s)

    def _numbered(self, target: Target) -> Target:
        url = _NUMBER.sub("", target.url)
        return read_target(f"{url}{'&' if '?' in url else '?'}rn={self._number}")

    def _start(self, hop: Hop, now_s: float) -> list[Command]:
        """Begin a request, or first the look-up of its host where no address is pinned."""
        target, way = hop.target, self._way(0, hop.target)
        if isinstance(way, LookUp):
            self._move(Step.LOOK_UP)
            self._unaddressed = hop
            return [way]
        self._move(Step.SEND)
        is_later = self._request is not None or bool(self.rows)
        hop = Hop(target, hop.number, hop.seen, way[0], hop.dns_s)
        self._request = SabrRequest(self._body, hop, way[1], now_s, Posting(self._posted, self._fields))
        self._request.is_later = is_later
        return [Fetch(self._request)]

    def _wake(self, now_s: float) -> list[Command]:
        """Ask where the player wants more by now."""
        if self._request is not None or self._unaddressed is not None or self.ended_by is not None:
            return []
        return self._ask(now_s) if self.session.demand.wants(now_s) else []

    def _take_address(self, event: HostLookedUp) -> list[Command]:
        hop, self._unaddressed = self._unaddressed, None
        assert hop is not None
        if event.address is None:
            failure = event.failure or "dns_no_answer", event.failure_detail
            self.rows.append(unsent_row(self._body, hop, event.now_s, event.elapsed_s, failure))
            self._fail(failure, event.now_s)
            return []
        self._addresses[hop.target.host] = event.address
        return self._start(Hop(hop.target, hop.number, hop.seen, dns_s=event.elapsed_s), event.now_s)

    # What came of it.

    def _take_line(self, now_s: float, line: bytes) -> list[Command]:
        assert self._request is not None
        self._request.take_line(line, now_s, self._config.http_version)
        return [Abort(0)] if self._request.is_useless else []

    def _end(self, transfer: Transfer, now_s: float) -> list[Command]:
        """Judge a request that is over, and go on: to where it was sent, at once, after a pause, or nowhere."""
        request, self._request = self._request, None
        assert request is not None
        self._body.catch_up()
        follow_up: Hop | None = None
        failure = self._judge(request, transfer)
        try:
            if failure is None and request.is_redirect:
                follow_up = self._follow(request)
            elif failure is None:
                self._end_answer(is_cut=self._allowance.left_bytes <= 0)
        except MeasurementError as error:
            failure = error.failure, error.detail
        except SabrFailure as error:
            failure = error.failure, str(error)
        self.local_address = transfer.local_address or self.local_address
        self.rows.append(request.row(transfer, failure))
        if failure is not None:
            self._fail(failure, now_s)
            return []
        self._settle()
        if self.ended_by is not None or self._allowance.left_bytes <= 0 or self.session.is_over:
            return []
        if follow_up is not None:
            return self._start(follow_up, now_s)
        if self.session.redirect_url is not None or self.session.demand.wants(now_s):
            return self._ask(now_s)
        self._move(Step.REST)
        return []

    def _follow(self, request: SabrRequest) -> Hop:
        """Follow a redirect of HTTP: the same body goes to another address."""
        hop = request.hop
        target = follow_redirect(hop.target.url, request.head.location, hop.seen, self._config.max_redirects)
        self._target = target
        return Hop(target, hop.number + 1, (*hop.seen, target.url))

    def _end_answer(self, *, is_cut: bool = False) -> None:
        """Let the session judge the answer, and follow a redirect of SABR. Raises SabrFailure, MeasurementError."""
        body = self._body
        body.settle()
        self.session.end_answer(first_s=body.first_s, last_s=body.last_s, is_cut=is_cut)
        if self.session.media_bytes:
            self._hops = ()
        if self.session.redirect_url is not None and not is_cut:
            hops = self._hops or (self._target.url,)
            self._target = follow_redirect(
                self._target.url, self.session.redirect_url, hops, self._config.max_redirects
            )
            self._hops = (*hops, self._target.url)

    def _judge(self, request: SabrRequest, transfer: Transfer) -> Failure | None:
        """Say how a request that is over failed, by what HTTP and the connection say. None when it did not."""
        if request.stop_failure is not None or request.is_redirect:
            return request.stop_failure
        if (failure := self._judge_status(request, transfer)) is not None:
            return failure
        if self._body.failure is not None:
            return self._body.failure
        return self._judge_transfer(request, transfer)

    def _judge_status(self, request: SabrRequest, transfer: Transfer) -> Failure | None:
        return self._judge_answer(request, transfer, is_later=self.received_bytes > 0)

    def _fail(self, failure: Failure, now_s: float) -> None:
        """End every stream: one session carries them all."""
        if failure[0] == _GATED and self.gate is None:
            self.gate = Gate(now_s, self.streams[0].received_bytes)
        for stream in self._open_streams():
            stream.fail(*failure)

    def _settle(self) -> None:
        """Let each stream know what the answer was to it."""
        for stream in self._open_streams():
            stream.move(Step.COMPLETE if self.session.tracks[stream.media.kind].is_over else Step.ANSWER)

    def _move(self, step: Step) -> None:
        for stream in self._open_streams():
            stream.move(step)

    def _open_streams(self) -> list[Stream]:
        return [stream for stream in self.streams if not stream.is_over]

    # How it ends.

    def _cut(self, transfer: Transfer, now_s: float) -> None:
        """Keep the request that the window's end cut off. It is no failure while bytes flow."""
        request, self._request = self._request, None
        assert request is not None
        self._body.catch_up()
        failure = self._body.failure
        if failure is None and self.ended_by == "deadline":
            failure = self._judge_cut(request, transfer, now_s)
        self._end_answer(is_cut=True)
        self.local_address = transfer.local_address or self.local_address
        self.rows.append(request.row(transfer, failure))
        if failure is not None:
            self._fail(failure, now_s)

    def _judge_cut(self, request: SabrRequest, transfer: Transfer, now_s: float) -> Failure | None:
        is_said = request.head.is_finished and not request.is_redirect
        if is_said and (failure := self._judge_status(request, transfer)) is not None:
            return failure
        last_s = self._body.last_s
        # Where answers came before, this one's silence counts from its own start.
        if last_s is None and self.received_bytes:
            last_s = self._t0_s
        return self._judge_silence(request, transfer, last_s, now_s)

    def _close(self, now_s: float) -> None:
        self.session.close()
        for stream in self.streams:
            track = self.session.tracks[stream.media.kind]
            stream.no_demand = tuple(self.session.demand.idle_until(now_s))
            stream.announced_segments = tuple(track.segments)
            stream.is_one_file = not track.is_switched
        if self.ended_by == "deadline" and self._unaddressed is not None:
            failure = "dns_timeout", f"no answer for {self._unaddressed.target.host} in the window"
            self.rows.append(unsent_row(self._body, self._unaddressed, now_s, None, failure))
            self._fail(failure, now_s)
