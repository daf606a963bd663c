"""Packets of a request on their way between a server and a browser, and what lies between the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Transfer

SEGMENT_BYTES = 1448  # payload of a TCP segment on Ethernet


@dataclass(slots=True, eq=False)
class ActiveTransfer:
    """A request on its way. Only bytes that nothing is missing before are of use to the browser."""

    transfer: Transfer
    unsent_bytes: int = 0  # once the server was asked
    usable_bytes: int = 0
    has_begun: bool = False
    is_closed: bool = False

    @property
    def is_whole(self) -> bool:
        """Tell whether everything has arrived."""
        return self.usable_bytes >= self.transfer.size_bytes


@dataclass(slots=True, eq=False)
class Packet:
    """One packet, or several that go together on a fast line."""

    number: int
    active: ActiveTransfer
    payload_bytes: int
    size_bytes: int
    segments: int
    sent_s: float
    is_again: bool = False
    is_out: bool = True  # neither heard of nor held for lost
    is_reported: bool = False  # arrived, though something before it has not


Act = Callable[..., ActiveTransfer | None]  # at a time; returns the request of which bytes came
Hear = Callable[[float, int, Packet, float], None]  # at a time, of all before a number, by a packet sent at a time


class Network(Protocol):
    """What lies between the two: the line, its queue and the clock."""

    round_trip_s: float
    piece_segments: int  # that go together as one packet
    holds_back: bool  # what it has no room for, and loses nothing

    def at(self, t_s: float, act: Act, *about: object) -> None:
        """Let `act` happen at `t_s`."""

    def take_turn(self) -> int:
        """Return a number: what happens at one time does so in the order of these."""

    def at_turn(self, t_s: float, turn: int, act: Act) -> None:
        """Let `act` happen at `t_s`, in a turn that was taken before."""

    def carry(self, size_bytes: int, now_s: float) -> float:
        """Put a packet into the queue, and return when it arrives: never (infinite) where it is lost."""

    def deliver(self, packet: Packet, arrive: Act) -> None:
        """Put a packet into the queue, and let it `arrive` where it is not lost."""

    def answer(self, t_s: float, hear: Hear, expected: int, packet: Packet, sent_s: float) -> None:
        """Let an acknowledgement arrive at `t_s`."""

    def is_free(self, now_s: float) -> bool:
        """Tell whether a line that holds back takes a packet."""

    def wait(self, now_s: float, send: Callable[[float], None]) -> None:
        """Let `send` happen in its turn, one packet each, once the line takes a packet."""
