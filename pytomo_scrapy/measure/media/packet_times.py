"""Works out from packet positions and timestamps how much media is complete after each byte: a pure function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice
from operator import add, sub

MAX_GAP_S = 10.0  # a longer jump between two packets is damage, not media: what follows it is not counted
LEAST_S = 1e-9  # a step smaller than this is rounding
END_BYTE = 1 << 62
ROUNDING_S = 0.002  # headers round a stream's length to milliseconds
TAIL_PACKETS = 64  # reordering never reaches back further than a decoder's picture buffer (16 pictures)


@dataclass(slots=True)
class StreamPackets:
    """The packets of one stream in decoding order: end of their bytes, and times in ticks of `tick_s`."""

    kind: str
    tick_s: float
    end_bytes: list[int] = field(default_factory=list)
    dts: list[int] = field(default_factory=list)
    pts: list[int] = field(default_factory=list)
    duration: list[int] = field(default_factory=list)
    is_whole: bool = False  # the stream's last packet is among them
    declared_end_s: float | None = None  # where the stream ends, as the file's index says

    def cut_at_damage(self) -> None:
        """Drop everything from the first packet on whose times cannot be right."""
        longest = MAX_GAP_S / self.tick_s
        # Few distinct values: sets of them are quick to judge.
        steps = set(map(sub, islice(self.dts, 1, None), self.dts)) | {0}
        leads = {0} if self.pts == self.dts else set(map(sub, self.pts, self.dts))
        if min(steps | leads) >= 0 and max(steps | leads) <= longest:
            return
        bad = next(
            (i for i, (d, p) in enumerate(zip(self.dts, self.pts, strict=True)) if not 0 <= p - d <= longest), -1
        )
        bad = len(self.dts) if bad < 0 else bad
        for index in range(1, bad):
            if not 0 <= self.dts[index] - self.dts[index - 1] <= longest:
                bad = index
                break
        self.cut(bad)

    def cut(self, index: int) -> None:
        """Drop the packets from `index` on."""
        if index < len(self.end_bytes):
            self.is_whole = False
            for column in (self.end_bytes, self.dts, self.pts, self.duration):
                del column[index:]

    def first_s(self) -> float:
        """Return the smallest presentation time, seconds."""
        return min(self.pts[:TAIL_PACKETS]) * self.tick_s


def complete_ticks(stream: StreamPackets) -> list[int]:
    """Return, after each packet, up to which tick nothing is missing.

    After packet i everything before the smallest presentation time still to come is complete, but no more than the
    end of what is there. What lies beyond the last packet of a cut file is bounded by its decoding time: a
    presentation time is never before it.
    """
    ends = list(map(add, stream.pts, stream.duration))
    tail = _certain_end(stream, max(ends[-TAIL_PACKETS:]))
    if stream.pts == stream.dts:  # no reordering, and decoding times rise
        starts = [*islice(stream.pts, 1, None), tail]
        return ends if ends == starts else list(map(min, ends, starts))
    to_come = list(accumulate(reversed(stream.pts), min, initial=tail))
    to_come.pop()
    to_come.reverse()
    return list(map(min, accumulate(ends, max), to_come))


def _certain_end(stream: StreamPackets, last_end: int) -> int:
    if stream.is_whole:
        return last_end
    end = stream.dts[-1] + stream.duration[-1]
    for pts, duration in sorted(zip(stream.pts[-TAIL_PACKETS:], stream.duration[-TAIL_PACKETS:], strict=True)):
        if end - duration // 2 <= pts <= end + duration // 2:
            end = pts + duration
    return end


def fill_times(stream: StreamPackets) -> None:
    """Fill in what a container leaves out: a decoding time is that of the packet before, a duration the next step."""
    if None in stream.dts or None in stream.pts:
        known = 0
        for index, (dts, pts) in enumerate(zip(stream.dts, stream.pts, strict=True)):
            known = dts if dts is not None else min(pts, known) if pts is not None else known
            stream.dts[index] = known
            stream.pts[index] = known if pts is None else pts
    if not all(stream.duration):
        steps = list(map(sub, stream.dts[1:], stream.dts))
        # The last packet's duration is unknown: the shortest of the last steps never claims too much media.
        steps.append(min((step for step in steps[-TAIL_PACKETS:] if step > 0), default=0))
        stream.duration = [declared or step for declared, step in zip(stream.duration, steps, strict=True)]


def merge_streams(streams: Sequence[StreamPackets]) -> tuple[list[int], list[float]]:
    """Return (byte, complete seconds) steps: the least over the streams, from the first presentation time on.

    A stream that has come to its end no longer holds the others back.
    """
    origin_s = max(0.0, min(stream.first_s() for stream in streams))
    ladders = [_ladder(stream, origin_s) for stream in streams]
    final_s = max(seconds[-1] for _, seconds in ladders)
    for stream, (offsets, seconds) in zip(streams, ladders, strict=True):
        if _reaches_end(stream, origin_s + seconds[-1]):
            offsets.append(offsets[-1])
            seconds.append(math.inf)
    merged = ladders[0]
    for ladder in ladders[1:]:
        merged = _least(merged, ladder)
    return _rising(merged, final_s)


_Ladder = tuple[list[int], list[float]]  # byte, complete seconds
_END = (END_BYTE, math.inf)


def _ladder(stream: StreamPackets, origin_s: float) -> _Ladder:
    tick_s, ends = stream.tick_s, stream.end_bytes
    rising = list(ends) if ends == sorted(ends) else list(accumulate(ends, max))
    return rising, [tick * tick_s - origin_s for tick in complete_ticks(stream)]


def _least(first: _Ladder, second: _Ladder) -> _Ladder:
    """Return the lesser of two ladders, at the bytes where it rises."""
    offsets: list[int] = []
    seconds: list[float] = []
    rows_a, rows_b = zip(*first, strict=True), zip(*second, strict=True)
    byte_a, next_a = next(rows_a, _END)
    byte_b, next_b = next(rows_b, _END)
    level_a = level_b = 0.0
    reached_s = LEAST_S
    while byte_a < END_BYTE or byte_b < END_BYTE:
        if byte_a <= byte_b:
            byte, level_a = byte_a, next_a
            byte_a, next_a = next(rows_a, _END)
        else:
            byte, level_b = byte_b, next_b
            byte_b, next_b = next(rows_b, _END)
        lowest = level_a if level_a < level_b else level_b
        if lowest > reached_s:
            reached_s = lowest
            offsets.append(byte)
            seconds.append(lowest)
    return offsets, seconds


def _rising(ladder: _Ladder, final_s: float) -> _Ladder:
    """Keep the steps that go up, the last of those at the same byte, up to `final_s`."""
    steps: dict[int, float] = {}
    reached_s = LEAST_S
    for byte, complete_s in zip(*ladder, strict=True):
        if complete_s > reached_s:
            reached_s = complete_s
            if complete_s >= final_s:
                steps[byte] = final_s
                break
            steps[byte] = complete_s
    return list(steps), list(steps.values())


def _reaches_end(stream: StreamPackets, complete_s: float) -> bool:
    if stream.is_whole:
        return True
    return stream.declared_end_s is not None and complete_s >= stream.declared_end_s - ROUNDING_S
