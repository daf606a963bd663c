"""Works out from packet positions and timestamps how much media is complete after each byte: a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

MAX_GAP_S = 10.0  # a longer jump between two packets is damage, not media: what follows it is not counted
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

    def cut_at_damage(self) -> bool:
        """Drop everything from the first packet on whose times cannot be right. True where something was dropped."""
        longest = MAX_GAP_S / self.tick_s
        bad = next(
            (
                index + 1
                for index, (before, after) in enumerate(pairwise(self.dts))
                if not 0 <= after - before <= longest
            ),
            len(self.dts),
        )
        bad = min(
            bad,
            next(
                (i for i, (d, p) in enumerate(zip(self.dts, self.pts, strict=True)) if not 0 <= p - d <= longest), bad
            ),
        )
        if bad == len(self.dts):
            return False
        for column in (self.end_bytes, self.dts, self.pts, self.duration):
            del column[bad:]
        self.is_whole = False
        return True

    def first_s(self) -> float:
        """Return the smallest presentation time, seconds."""
        return min(self.pts[:TAIL_PACKETS]) * self.tick_s


def complete_ticks(stream: StreamPackets) -> list[int]:
    """Return, after each packet, up to which tick nothing is missing.

    After packet i everything before the smallest presentation time still to come is complete, but no more than the
    end of what is there. What lies beyond the last packet of a cut file is bounded by its decoding time: a
    presentation time is never before it.
    """
    ends = list(accumulate(map(int.__add__, stream.pts, stream.duration), max))
    to_come = list(accumulate(reversed(stream.pts), min, initial=_certain_end(stream, ends[-1])))
    to_come.pop()
    to_come.reverse()
    return list(map(min, ends, to_come))


def _certain_end(stream: StreamPackets, last_end: int) -> int:
    if stream.is_whole:
        return last_end
    end = stream.dts[-1] + stream.duration[-1]
    for pts, duration in sorted(zip(stream.pts[-TAIL_PACKETS:], stream.duration[-TAIL_PACKETS:], strict=True)):
        if end - duration // 2 <= pts <= end + duration // 2:
            end = pts + duration
    return end


def fill_durations(stream: StreamPackets) -> None:
    """Give a packet without duration the distance to the next decoding time (the last one: that of the one before)."""
    if all(stream.duration):
        return
    steps = [after - before for before, after in pairwise(stream.dts)]
    steps.append(steps[-1] if steps else 0)
    stream.duration = [own or step for own, step in zip(stream.duration, steps, strict=True)]


def merge_streams(streams: Sequence[StreamPackets]) -> tuple[list[int], list[float]]:
    """Return (byte, complete seconds) steps: the least over the streams, from the first presentation time on.

    A stream that has come to its end no longer holds the others back.
    """
    origin_s = max(0.0, min(stream.first_s() for stream in streams))
    events: list[tuple[int, int, float]] = []
    final_s = 0.0
    for index, stream in enumerate(streams):
        tick_s, complete = stream.tick_s, complete_ticks(stream)
        rows = [
            (end, index, tick * tick_s) for end, tick in zip(accumulate(stream.end_bytes, max), complete, strict=True)
        ]
        final_s = max(final_s, rows[-1][2])
        if _reaches_end(stream, rows[-1][2]):
            rows.append((rows[-1][0], index, float("inf")))
        events += rows
    events.sort()
    level = [0.0] * len(streams)
    offsets: list[int] = []
    seconds: list[float] = []
    reached = 0.0
    for byte, index, complete_s in events:
        level[index] = complete_s
        lowest = min(level)
        if lowest > reached + origin_s:
            reached = min(lowest, final_s) - origin_s
            if offsets and offsets[-1] == byte:
                seconds[-1] = reached
            else:
                offsets.append(byte)
                seconds.append(reached)
            if lowest >= final_s:
                break
    return offsets, seconds


def _reaches_end(stream: StreamPackets, complete_s: float) -> bool:
    if stream.is_whole:
        return True
    step_s = stream.duration[-1] * stream.tick_s
    return stream.declared_end_s is not None and complete_s >= stream.declared_end_s - step_s
