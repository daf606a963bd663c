"""The events of a window, and the commands that its state machine answers with.

Times are seconds from t0. A transfer is named by the index of its stream, of which each has one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pytomo_scrapy.measure.window.request import HttpExchange, Transfer


@dataclass(frozen=True, slots=True)
class Opened:
    """The window begins: t0."""

    t0_s: float  # on the clock that stamps the arrivals
    at: datetime  # by the wall clock


@dataclass(frozen=True, slots=True)
class HeadLine:
    """A line of an answer's head has come."""

    now_s: float
    stream_index: int
    line: bytes


@dataclass(frozen=True, slots=True)
class BytesCounted:
    """The bytes that curl counted by itself have been noted; the write callback notes those handed over."""


@dataclass(frozen=True, slots=True)
class TransferEnded:
    """A transfer is over, well or not."""

    now_s: float
    stream_index: int
    transfer: Transfer


@dataclass(frozen=True, slots=True)
class TransferGivenUp:
    """A transfer was ended as commanded, since its player wants no more of it."""

    now_s: float
    stream_index: int
    transfer: Transfer


@dataclass(frozen=True, slots=True)
class HostLookedUp:
    """The look-up of a redirect's host is over. `address` is None where it failed."""

    now_s: float
    stream_index: int
    elapsed_s: float | None
    address: str | None
    failure: str | None = None
    failure_detail: str | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """A little time has passed."""

    now_s: float


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """The window's time is over."""


@dataclass(frozen=True, slots=True)
class TransferCut:
    """A transfer was under way when the window ended."""

    now_s: float
    stream_index: int
    transfer: Transfer


@dataclass(frozen=True, slots=True)
class Closed:
    """The window is over and no transfer is under way any more."""

    now_s: float


Event = (
    Opened
    | HeadLine
    | BytesCounted
    | TransferEnded
    | TransferGivenUp
    | HostLookedUp
    | Tick
    | DeadlineReached
    | TransferCut
    | Closed
)


@dataclass(frozen=True, slots=True)
class Fetch:
    """Send this request."""

    request: HttpExchange


@dataclass(frozen=True, slots=True)
class LookUp:
    """Look a host up, and go on with everything else meanwhile."""

    stream_index: int
    host: str
    family: int | None


@dataclass(frozen=True, slots=True)
class Abort:
    """End this transfer: its head says that nothing of use will follow."""

    stream_index: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """End this transfer: the player wants no more of it, and asks for something else."""

    stream_index: int


@dataclass(frozen=True, slots=True)
class Stop:
    """The window is over: cut what is under way, then close."""

    ended_by: str


Command = Fetch | LookUp | Abort | GiveUp | Stop
