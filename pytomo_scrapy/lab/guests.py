"""The guest identities of the lab's service: who asks, and whether the service distrusts them.

Source: the recorded `visitorData`, a message in base64 whose first field is the value of the cookie VISITOR_INFO1_LIVE.
What a distrusted guest meets was measured by others: the position at which 403 begins depends only on how far a range
reaches into its file (anxdpanic/plugin.video.youtube#1481), and on nothing but the identity (verback2308/Opaline#76).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from pytomo_scrapy.lab.model import GuestRules

if TYPE_CHECKING:
    from pytomo_scrapy.lab.clips.clip import ClipStream

# Of this many guests in a row exactly the given share is drawn.
BLOCK = 20
_NAME_BYTES = 8
_OPAQUE_LETTERS = 342
_COUNTRY_AND_FLAGS = b"2(\n\x02FR\x12\x22\x12\x1e\x12\x1c" + bytes((0x0B, 0x0C, 0x0E, 0x0F, *range(0x10, 0x28))) + b" M"


@dataclass(frozen=True, slots=True)
class Guest:
    """One identity as the service sees it."""

    visitor_data: str
    number: int  # in the order in which guests first asked for a player answer, from 0
    is_bot_checked: bool
    is_captcha: bool  # how a bot check looks
    is_gated: bool

    @property
    def mark(self) -> str:
        """What media URLs carry of it: the value of their parameter `bui`."""
        return "A" + base64.urlsafe_b64encode(hashlib.sha256(self.visitor_data.encode()).digest()).decode().rstrip("=")


@dataclass
class Guests:
    """Every identity of a lab's run.

    A request that carries no identity is given a new one. An identity is drawn, clean or not, when it first asks for a
    player answer, by its number alone: the same seed and the same order give the same draws, whatever pages are
    fetched in between. Each share is exact in every `BLOCK` guests that it is of (rounded to one of them), in an order
    that the seed shuffles, so that a crawl of some dozen videos meets the share that it asked for.
    """

    rules: GuestRules = field(default_factory=GuestRules)
    seed: int = 0
    clock: Callable[[], float] = time.time
    _minted_count: int = 0
    _checked_count: int = 0
    _known: dict[str, Guest] = field(default_factory=dict)
    _gated_marks: set[str] = field(default_factory=set)

    def greet(self, visitor_data: str | None, cookie: str | None = None) -> str:
        """Return the identity of a request: the one that it carries, else its cookie's, else a new one."""
        if visitor_data:
            return visitor_data
        return make_visitor_data(cookie or self._mint_name(), self.seed, int(self.clock()))

    def meet(self, visitor_data: str) -> Guest:
        """Return the guest with this identity, drawn at its first meeting."""
        name = read_visitor_name(visitor_data)
        if name not in self._known:
            guest = self._draw(visitor_data, len(self._known))
            self._known[name] = guest
            if guest.is_gated:
                self._gated_marks.add(guest.mark)
        return self._known[name]

    def allowance_bytes(self, mark: str, stream: ClipStream) -> int | None:
        """Return up to which byte of its file a media URL with this mark may reach. None without a limit."""
        if mark not in self._gated_marks:
            return None
        limits = [self.rules.gate_bytes]
        if self.rules.gate_media_s is not None:
            limits.append(int(stream.size_bytes * self.rules.gate_media_s / stream.duration_s))
        return min((limit for limit in limits if limit is not None), default=None)

    def gate_at_ms(self, mark: str) -> int | None:
        """Return after which time of content a SABR session with this mark is sent no more. None without a limit."""
        limit_s = self.rules.gate_media_s
        return None if mark not in self._gated_marks or limit_s is None else round(limit_s * 1000)

    def _draw(self, visitor_data: str, number: int) -> Guest:
        rules = self.rules
        is_bot_checked = self._level("bot check", number) < rules.bot_check_share
        # Only who plays can be cut off, and only a bot check can be a captcha: these shares are of those guests.
        playing_number = number - self._checked_count
        guest = Guest(
            visitor_data,
            number,
            is_bot_checked=is_bot_checked,
            is_captcha=is_bot_checked and self._level("captcha", self._checked_count) < rules.captcha_share,
            is_gated=not is_bot_checked and self._level("gate", playing_number) < rules.gated_share,
        )
        self._checked_count += is_bot_checked
        return guest

    def _level(self, what: str, number: int) -> float:
        """Return a number above 0 and below 1, each of `BLOCK` levels once among as many guests."""
        block, position = divmod(number, BLOCK)
        levels = list(range(BLOCK))
        Random(f"{self.seed}:{what}:{block}").shuffle(levels)
        return (levels[position] + 0.5) / BLOCK

    def _mint_name(self) -> str:
        self._minted_count += 1
        drawn = Random(f"{self.seed}:visitor:{self._minted_count}").randbytes(_NAME_BYTES)
        return base64.urlsafe_b64encode(drawn).decode().rstrip("=")


def make_visitor_data(name: str, seed: int = 0, now_s: int = 0) -> str:
    """Return the identity called `name` as the service writes it, of the recorded ones' length and parts."""
    opaque = base64.urlsafe_b64encode(Random(f"{seed}:opaque:{name}").randbytes(_OPAQUE_LETTERS)).decode()
    token = b"19.YT=" + opaque[:_OPAQUE_LETTERS].encode()
    parts = (
        _text_field(1, name.encode()),
        _varint(5 << 3) + _varint(now_s),
        _COUNTRY_AND_FLAGS,
        _text_field(12, _text_field(1, token)),
    )
    return quote(base64.urlsafe_b64encode(b"".join(parts)).decode(), safe="")


def read_visitor_name(visitor_data: str) -> str:
    """Return what tells an identity from others: the cookie's value in it, else, of a foreign one, all of it."""
    try:
        message = base64.urlsafe_b64decode(unquote(visitor_data))
    except (ValueError, binascii.Error):
        return visitor_data
    if message[:1] != b"\n" or len(message) < 2 or len(message) < 2 + message[1]:
        return visitor_data
    return message[2 : 2 + message[1]].decode("latin-1")


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*written, value))


def _text_field(number: int, text: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(text)) + text
