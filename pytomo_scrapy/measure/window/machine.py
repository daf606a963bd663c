"""What the state machines of a window share, whichever way its media come: addresses, ends, and judging a request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.items import HttpRequest, PlaybackResult
from pytomo_scrapy.measure.net.path import family_of, proxy_for
from pytomo_scrapy.measure.net.redirects import Target
from pytomo_scrapy.measure.window.events import Command, Event, LookUp, Stop
from pytomo_scrapy.measure.window.gate_found import Gate
from pytomo_scrapy.measure.window.judge import (
    Asked,
    CurlCode,
    Failure,
    classify_curl_error,
    classify_silence,
    judge_status,
)
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.request import HttpExchange, Transfer
from pytomo_scrapy.measure.window.stream import SILENCE_RATIO, Allowance, Stream


class WindowMachine(ABC):
    """Takes the events of a window, gives its commands, and keeps the row of each request. No socket."""

    mode: str

    def __init__(
        self, plan: WindowPlan, config: DownloadConfig, streams: Sequence[Stream], allowance: Allowance
    ) -> None:
        self.streams = streams
        self.rows: list[HttpRequest] = []
        self.local_address: str | None = None
        self.ended_by: str | None = None
        self.gate: Gate | None = None
        self._config = config
        self._allowance = allowance
        self._family = next((family_of(address) for address in plan.chosen.values()), None)
        self._addresses = dict(plan.chosen)
        self._t0_s = 0.0
        self._opened_at = datetime.min.replace(tzinfo=UTC)

    @abstractmethod
    def handle(self, event: Event) -> list[Command]:
        """Take an event and return what is to be done, in this order."""

    @property
    @abstractmethod
    def wake_s(self) -> float:
        """When the next tick is wanted at the latest; infinite where any time will do."""

    @abstractmethod
    def live_playback(self, elapsed_s: float) -> PlaybackResult | None:
        """Return what the player of an adaptive window showed. None for any other."""

    @abstractmethod
    def delivery_bps(self, now_s: float) -> float | None:
        """Return the delivery rate so far, by the definition of the stored one. None before there is one."""

    @property
    def received_bytes(self) -> int:
        """Media bytes of all streams so far."""
        return sum(stream.received_bytes for stream in self.streams)

    def _stop(self, ended_by: str | None = None) -> list[Command]:
        """End the window where it is over. It ends once."""
        if self.ended_by is not None:
            return []
        if ended_by is None and self._allowance.left_bytes <= 0:
            ended_by = "byte_cap"
        elif ended_by is None and self._is_over():
            ended_by = "failure" if any(stream.failure for stream in self.streams) else "complete"
        if ended_by is None:
            return []
        self.ended_by = ended_by
        return [Stop(ended_by)]

    def _is_over(self) -> bool:
        return all(stream.is_over for stream in self.streams)

    def _way(self, stream_index: int, target: Target) -> tuple[str | None, str | None] | LookUp:
        """Return the pinned address and the proxy of a request, or the look-up that has to come before it."""
        address, proxy = self._addresses.get(target.host), proxy_for(target.url, self._config.path)
        if address is None and proxy is None and family_of(target.host) is None:
            return LookUp(stream_index, target.host, self._family)
        return address, proxy

    def _judge_answer(self, request: HttpExchange, transfer: Transfer, *, is_later: bool) -> Failure | None:
        """Say what the answer's status refuses. None for a success, and while there is none."""
        head = request.head
        if head.status is None:
            return None
        asked = Asked(
            request.hop.target.url,
            is_later=is_later,
            via_proxy=request.proxy is not None,
            local_address=transfer.local_address,
            # By the clock of who refuses, where it tells: ours may be wrong by more than a URL lives.
            answered_at=head.date or self._opened_at + timedelta(seconds=request.answered_s or 0.0),
        )
        return judge_status(head.status, asked)

    def _judge_transfer(self, request: HttpExchange, transfer: Transfer) -> Failure | None:
        """Say how an answer failed on its way. None when it did not, or was cut off by the byte cap."""
        error = transfer.error
        if error is not None:
            if error.code == CurlCode.WRITE_ERROR and self._allowance.left_bytes <= 0:
                return None
            return classify_curl_error(error, request.phase(transfer)), error.text
        if request.head.status is None or request.received_bytes == 0:
            return "bad_response", "an answer without a body"
        return None

    def _judge_silence(
        self, request: HttpExchange, transfer: Transfer, last_s: float | None, now_s: float
    ) -> Failure | None:
        """Say how a request failed that the window's end cut off, whose last bytes came at `last_s` on the clock."""
        if last_s is None:
            if request.head.header_bytes and not request.head.is_finished:
                return "bad_response", "the header has no end"
            return classify_silence(request.phase(transfer)), "the window is over"
        silence_s = now_s - max(last_s - self._t0_s, request.started_s)
        if silence_s >= SILENCE_RATIO * self._config.window_s:
            return "no_progress", f"silent for the last {silence_s:.1f} s"
        return None
