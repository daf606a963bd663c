"""UMP, the frame of SABR's answers: parts of a type and a size, back to back, read from any cut of the bytes.

`[type][size][size bytes]` until the body ends. Both numbers are variable integers of UMP's own kind: the leading ones
of the first byte tell how many follow. A longer form than needed is legal. Pure: bytes in, parts out.

Source: LuanRT/googlevideo (`UmpReader`), davidzeng0/innertube (`ump.md`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from pytomo_scrapy.measure.sabr.sabr_errors import BodyCut, BrokenBody

MEDIA = 21
# Control parts of the recorded logs have 91 bytes at most, a redirect or a token one or two thousand. What one costs to
# read grows with its size, and a server could send many.
MAX_CONTROL_BYTES = 32 * 1024
# Logged answers have some dozen. A part costs nearly the same whatever its size, and a server could send heads alone.
MAX_PARTS = 100_000
_MAX_NUMBER_BYTES = 5


class ControlPart(NamedTuple):
    """A part that is here whole."""

    kind: int
    body: bytes


# A tuple, since one is made for every read: a frozen dataclass takes twice as long to make.
class MediaPiece(NamedTuple):
    """Bytes of a segment, as they came: a part of them may straddle any number of reads."""

    header_id: int
    body: bytes


class Skimmed(NamedTuple):
    """What of an answer was passed over at one moment: media that only count, and the short parts behind them."""

    at_s: float  # when it came, on the clock
    body_bytes: int  # of the answer up to here
    media_bytes: int  # of one segment, since the note before
    untold_bytes: int  # of them, those that its sink has not got
    part_count: int  # further parts that those media began
    left_bytes: int  # that are still to come of the last one
    heads: bytes = b""  # parts behind them, whole ones
    header_id: int = 0  # of the media that begin behind those: how many they are is `next_bytes`
    next_bytes: int = 0  # 0: none begin


def read_number(data: bytes, at: int = 0) -> tuple[int, int] | None:
    """Return the number at `at` and where it ends. None where it goes on behind the bytes."""
    if at >= len(data):
        return None
    first = data[at]
    if first < 0x80:
        return first, at + 1
    length = 2 if first < 0xC0 else 3 if first < 0xE0 else 4 if first < 0xF0 else 5
    if at + length > len(data):
        return None
    if length == _MAX_NUMBER_BYTES:
        return int.from_bytes(data[at + 1 : at + 5], "little"), at + 5
    kept_bits = 8 - length
    rest = int.from_bytes(data[at + 1 : at + length], "little")
    return (first & ((1 << kept_bits) - 1)) | rest << kept_bits, at + length


def find_media(data: bytes, at: int, passed: Collection[int]) -> tuple[int, int, int] | None:
    """Return where the next part of media begins, where its media do, and how many they are.

    Before it stand at most short parts of the kinds `passed`, from `at` on. None where anything else does, and where
    the media end in `data`.
    """
    end = len(data)
    while at + 1 < end and data[at] in passed:
        if data[at + 1] >= 0x80:
            return None
        at += 2 + data[at + 1]
    if at >= end or data[at] != MEDIA or (size := read_number(data, at + 1)) is None:
        return None
    start, media_bytes = size[1] + 1, size[0] - 1
    if start > end or data[start - 1] >= 0x80 or end - start >= media_bytes:
        return None
    return at, start, media_bytes


class UmpReader:
    """Reads one body. Media are handed on at once and never kept; of other parts only those of `wanted` kinds are."""

    def __init__(self, wanted: Collection[int]) -> None:
        self._wanted = frozenset(wanted)
        self._rest = b""  # of a number, a header id or a control part that is not whole
        self._kind: int | None = None  # of the part that is being read
        self._pieces: list[bytes] = []  # of a control part, behind `_rest`
        self._missing_bytes = 0  # until it is whole
        self._left_bytes = 0  # of it, those in `_rest` included
        self._header_id: int | None = None  # of the media that is being read
        self.part_count = 0
        self.media_bytes = 0

    def feed(self, data: bytes) -> list[ControlPart | MediaPiece]:
        """Return what `data` brings. Raises BrokenBody."""
        # Almost every read lies within one part of media.
        if self._header_id is not None and len(data) < self._left_bytes:
            self._left_bytes -= len(data)
            self.media_bytes += len(data)
            return [MediaPiece(self._header_id, data)] if data else []
        found: list[ControlPart | MediaPiece] = []
        if len(data) < self._missing_bytes:
            # Put together once all is here: joining at each of many small reads would cost their square.
            self._pieces.append(data)
            self._missing_bytes -= len(data)
            return found
        if self._rest or self._pieces:
            data = b"".join((self._rest, *self._pieces, data))
            self._pieces.clear()
        self._missing_bytes, at, end = 0, 0, len(data)
        while at < end:
            if self._header_id is not None:
                body = data[at : at + self._left_bytes]
                found.append(MediaPiece(self._header_id, body))
                self.media_bytes += len(body)
                at = self._passed(at, len(body))
                continue
            if self._kind is None and at + 2 < end:
                # As most are: control parts that are here whole, whose type and size are of a byte each.
                kind, size = data[at], data[at + 1]
                if kind < 0x80 and size < 0x80 and kind in self._wanted and at + 2 + size <= end:
                    found.append(ControlPart(kind, data[at + 2 : at + 2 + size]))
                    self.part_count += 1
                    at += 2 + size
                    continue
            after = self._step(data, at, found)
            if after is None:
                break
            at = after
        self._count(0)
        self._rest = data[at:]
        return found

    @property
    def media_left(self) -> tuple[int, int]:
        """Number of the header whose media are being read, and how many bytes of the part are to come; else 0 bytes."""
        return (0, 0) if self._header_id is None else (self._header_id, self._left_bytes)

    def pass_media(self, skimmed: Skimmed) -> int:
        """Take note of media that somebody else has taken, and return the number of their header.

        They reach into the last of their parts, or to its end where others begin. Raises BrokenBody.
        """
        header_id = self._header_id
        assert header_id is not None
        self.media_bytes += skimmed.media_bytes
        self._count(skimmed.part_count)
        self._left_bytes = skimmed.left_bytes
        return header_id

    def begin_media(self, header_id: int, media_bytes: int, head_count: int) -> None:
        """Go on to media that begin behind `head_count` parts which somebody else has read. Raises BrokenBody."""
        self._header_id, self._left_bytes = header_id, media_bytes
        self._count(head_count + 1)

    def _count(self, more: int) -> None:
        self.part_count += more
        if self.part_count > MAX_PARTS:
            raise BrokenBody(f"an answer of more than {MAX_PARTS} parts")

    def finish(self) -> None:
        """Take note that the body is over. Raises BodyCut where it ends inside a part."""
        if self._kind is not None or self._rest:
            where = "between its type and its size" if self._kind is None else f"inside a part of type {self._kind}"
            raise BodyCut(f"the answer ended {where}")

    def _step(self, data: bytes, at: int, found: list[ControlPart | MediaPiece]) -> int | None:
        """Read one thing more that is no media, from `at` on, and return where it ends. None where it is not whole."""
        if self._kind is None:
            return self._begin(data, at, found)
        if self._kind in self._wanted:
            return self._take_control(data, at, found)
        if self._kind == MEDIA:
            return self._begin_media(data, at)
        return self._passed(at, min(self._left_bytes, len(data) - at))

    def _begin(self, data: bytes, at: int, found: list[ControlPart | MediaPiece]) -> int | None:
        number = read_number(data, at)
        if number is None or (size := read_number(data, number[1])) is None:
            return None
        kind, left_bytes = number[0], size[0]
        self.part_count += 1
        if kind in self._wanted:
            if left_bytes > MAX_CONTROL_BYTES:
                raise BrokenBody(f"a part of type {kind} has {left_bytes} bytes")
        elif kind == MEDIA:
            if not left_bytes:
                raise BrokenBody("media without the number of their header")
        elif not left_bytes:
            return size[1]
        self._kind, self._left_bytes = kind, left_bytes
        if kind == MEDIA:
            return self._begin_media(data, size[1]) or size[1]
        # A part may end with its size, and the body with that.
        return size[1] if left_bytes else self._take_control(data, size[1], found)

    def _begin_media(self, data: bytes, at: int) -> int | None:
        number = read_number(data, at)
        if number is None:
            return None
        if number[1] - at > self._left_bytes:
            raise BrokenBody("media without the number of their header")
        self._header_id = number[0]
        return self._passed(at, number[1] - at)

    def _take_control(self, data: bytes, at: int, found: list[ControlPart | MediaPiece]) -> int | None:
        end = at + self._left_bytes
        if end > len(data):
            self._missing_bytes = end - len(data)
            return None
        assert self._kind is not None
        found.append(ControlPart(self._kind, data[at:end]))
        return self._passed(at, self._left_bytes)

    def _passed(self, at: int, count: int) -> int:
        self._left_bytes -= count
        if not self._left_bytes:
            self._kind = self._header_id = None
        return at + count
