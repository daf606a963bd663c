"""What every adaptive player is: a machine without sockets and without a clock.

Events go in (time, bytes of a request), commands come out (fetch this, abort that). A replay answers its requests from
a stored trace, an adaptive window from the network; nothing in the player knows which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback


@dataclass(frozen=True, slots=True)
class Transfer:
    """A request of a player. `part` is index, init or segment; `number` counts segments from 0.

    `size_bytes` is what the ladder says; what arrives may differ, and then counts.
    """

    transfer_id: int
    kind: str  # video or audio
    rung: int  # in `Ladder.rungs(kind)`
    part: str
    number: int | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Abort:
    """A request that the player wants no more of: what is on its way still comes."""

    transfer: Transfer


@dataclass(frozen=True, slots=True)
class Held:
    """A request that the browser's cache holds back behind another one of its file, with a connection of its own ready.

    So in every recorded session: a request that follows an abort is answered after one round trip, not two.
    """

    transfer: Transfer


Command = Transfer | Abort | Held


class AdaptivePlayer(Protocol):
    """A player over one ladder. Times are seconds from t0 and never go back.

    Every call moves the playhead to `now_s` first. Whoever drives it calls `wake` at the start, after each event and at
    `wake_s()` at the latest, and does what is returned.
    """

    def wake_s(self) -> float:
        """Return when the player wants to be woken at the latest; infinite where it waits for bytes only."""
        ...

    def wake(self, now_s: float) -> Sequence[Command]:
        """Let the player look, and return what it wants done."""
        ...

    def first_byte(self, transfer: Transfer, now_s: float) -> None:
        """Take note that the answer to a request has begun."""
        ...

    def progressed(self, transfer: Transfer, received_bytes: int, now_s: float) -> bool:
        """Take note of how many bytes of a request have arrived in all; return whether it wants to be woken for it."""
        ...

    def completed(self, transfer: Transfer, received_bytes: int, now_s: float) -> None:
        """Take note that a request is whole."""
        ...

    def close(self, now_s: float) -> AdaptivePlayback:
        """End at `now_s` and return what was shown; a stall that goes on is marked as open."""
        ...
