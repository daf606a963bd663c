"""Works out from packet positions and timestamps how much media is complete after each byte: a pure function."""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, compress, islice, pairwise
from operator import add, le, lt, sub

MAX_GAP_S = 10.0  # a longer jump is damage, unless something says that the media reach beyond it
LEAST_S = 1e-9  # a step smaller than this is rounding
ROUNDING_S = 0.002  # headers round a stream's length to milliseconds
DECLARED_SLACK_S = 0.1  # by which a file's last packet may outlast what its header says
ANNOUNCED_SLACK_S = 1.0  # pages round to seconds
TAIL_PACKETS = 64  # reordering never reaches back further than a decoder's picture buffer
MAX_REORDERED = 16  # pictures that a codec lets follow one that is shown after them (H.264 A.3.1, H.265 A.4.1)
FOLLOWING_PACKETS = 8  # so many before a jump and behind it, none of which goes back: the clock did jump
LEAST_PICTURES = 2  # before the last packet without a duration, so that its length shows in them
LEAST_SOUNDS = 8
EVEN_RATIO = 1.01  # by which frames of one length differ in a clock's ticks
MAX_STILL_S = 300.0  # by no more than this: a picture stands, and no other programme begins


@dataclass(slots=True)
class StreamPackets:
    """The packets of one stream in decoding order: end of their bytes, and times in ticks of `tick_s`.

    `dts` is empty where the container carries presentation times alone: a guess of them says nothing of damage.
    """

    kind: str
    tick_s: float
    end_bytes: list[int] = field(default_factory=list)
    dts: list[int] = field(default_factory=list)
    pts: list[int] = field(default_factory=list)
    duration: list[int] = field(default_factory=list)
    is_whole: bool = False  # the stream's last packet is among them
    declared_end_s: float | None = None  # where the stream ends, as the file's index says
    is_key: list[bool] = field(default_factory=list)
    may_reorder: bool = True  # the codec may show packets in another order

    def cut_at_damage(self, reach: Reach | None = None) -> None:
        """Drop everything from the first packet on whose times cannot be right."""
        limits = reach or Reach()
        self.cut(self.first_damage(limits))
        end, longest = limits.end_tick(self), int(MAX_GAP_S / self.tick_s)
        latest = max(self.duration if end is None else map(add, self.pts, self.duration), default=0)
        if latest > (longest if end is None else end):
            self.duration = [
                min(length, longest if end is None else max(0, end - pts))
                for pts, length in zip(self.pts, self.duration, strict=True)
            ]

    def first_damage(self, reach: Reach) -> int:
        """Return the index of the first packet whose times cannot be right; their number where all can."""
        longest = MAX_GAP_S / self.tick_s
        bad = len(self.pts)
        if self.dts:
            # Few distinct values: a set of them is quick to judge.
            leads = set(map(sub, self.pts, self.dts))
            is_in_order = all(map(le, self.dts, islice(self.dts, 1, None)))
            if not is_in_order or min(leads) < 0 or max(leads) > longest:
                bad = self._first_decoding_damage(longest, reach)
        return min(bad, _first_jump(self, reach))

    def _first_decoding_damage(self, longest: float, reach: Reach) -> int:
        before, to_come = self.dts[0], _to_come(self.pts)
        for index, (dts, pts) in enumerate(zip(self.dts, self.pts, strict=True)):
            is_far = pts - dts > longest and not reach.believes(self, index, to_come)
            if pts < dts or dts < before or is_far:
                return index
            before = dts
        return len(self.dts)

    def cut(self, index: int) -> None:
        """Drop the packets from `index` on."""
        if index < len(self.end_bytes):
            self.is_whole = False
            for column in (self.end_bytes, self.dts, self.pts, self.duration, self.is_key):
                del column[index:]

    def first_s(self) -> float:
        """Return the smallest presentation time, seconds."""
        return min(self.pts[:TAIL_PACKETS]) * self.tick_s

    def steady_end_s(self) -> float:
        """Return up to which time the stream goes on without a long jump, seconds."""
        index = self.first_damage(Reach())
        return max(self.pts[:index], default=0) * self.tick_s


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the media of a file go, seconds from its first packet on.

    `declared_s` is what the file says itself: nothing beyond is believed. `announced_s` comes from elsewhere, or from
    the other streams: a jump up to there is believed.
    """

    origin_s: float = 0.0
    declared_s: float | None = None
    announced_s: float | None = None

    def end_tick(self, stream: StreamPackets) -> int | None:
        """Return the last tick that is believed at all."""
        return self._tick(stream, self.declared_s, DECLARED_SLACK_S)

    def believes(self, stream: StreamPackets, index: int, to_come: Sequence[int]) -> bool:
        """Tell whether a packet behind a jump is one of the media's: something says so, or all that follows does."""
        end = self.end_tick(stream)
        believed = end if end is not None else self._tick(stream, self.announced_s, ANNOUNCED_SLACK_S)
        if believed is not None:
            return stream.pts[index] <= believed
        # On either side of it enough that goes on steadily: one packet with a wrong time makes no clock.
        has_sides = FOLLOWING_PACKETS <= index < len(to_come) - FOLLOWING_PACKETS
        before = max(stream.pts[max(0, index - TAIL_PACKETS) : index], default=stream.pts[index])
        is_still = stream.pts[index] - before <= MAX_STILL_S / stream.tick_s
        return has_sides and is_still and stream.pts[index] - to_come[index] <= MAX_GAP_S / stream.tick_s

    def _tick(self, stream: StreamPackets, reach_s: float | None, slack_s: float) -> int | None:
        return None if reach_s is None else int((self.origin_s + reach_s + slack_s) / stream.tick_s)


def _to_come(pts: Sequence[int]) -> list[int]:
    """Return for each packet the smallest presentation time from it on."""
    return list(accumulate(reversed(pts), min))[::-1]


def _first_jump(stream: StreamPackets, reach: Reach) -> int:
    """Return the first packet that is shown where none can be: beyond a long gap, behind the end, or long before."""
    pts, longest, end = stream.pts, MAX_GAP_S / stream.tick_s, reach.end_tick(stream)
    steps = set(map(sub, islice(pts, 1, None), pts))
    if min(steps, default=0) >= 0 and max(steps, default=0) <= longest and (end is None or pts[-1] <= end):
        return len(pts)
    to_come = _to_come(pts)
    top, latest = pts[0], list[int]()
    for index, at in enumerate(pts):
        jumps = at - top > longest or (index == 0 and at - to_come[0] > longest)
        if jumps and not reach.believes(stream, index, to_come):
            return index
        # More pictures wait for this one than a codec can hold: the clock went back.
        if (end is not None and at > end) or (len(latest) > MAX_REORDERED and at < latest[0]):
            return index
        top = max(top, at)
        (heapq.heappushpop if len(latest) > MAX_REORDERED else heapq.heappush)(latest, at)
    return len(pts)


def complete_ticks(stream: StreamPackets) -> list[int]:
    """Return, after each packet, up to which tick nothing is missing.

    After packet i everything before the smallest presentation time still to come is complete, but no more than the
    end of what is there. What lies beyond the last packet of a cut file is bounded by its decoding time, before which
    nothing is shown, or by how many pictures the codec lets wait for one that is shown before them.
    """
    ends = list(map(add, stream.pts, stream.duration))
    tail = _certain_end(stream, max(ends[-TAIL_PACKETS:]))
    if all(map(le, stream.pts, islice(stream.pts, 1, None))):  # no reordering
        starts = [*islice(stream.pts, 1, None), tail]
        return ends if ends == starts else list(map(min, ends, starts))
    to_come = list(accumulate(reversed(stream.pts), min, initial=tail))
    to_come.pop()
    to_come.reverse()
    return list(map(min, accumulate(ends, max), to_come))


def _certain_end(stream: StreamPackets, last_end: int) -> int:
    if stream.is_whole or not stream.may_reorder:
        return last_end
    shown = sorted(zip(stream.pts[-TAIL_PACKETS:], stream.duration[-TAIL_PACKETS:], strict=True))
    if stream.dts:
        end = stream.dts[-1] + stream.duration[-1]
    else:
        # Durations may be steps over pictures that are still to come: none is longer here than the shortest step.
        step = min((after[0] - before[0] for before, after in pairwise(shown) if after[0] > before[0]), default=0)
        shown = [(pts, min(duration, step)) for pts, duration in shown]
        # No picture still to come is shown before more of them than this.
        waiting = _reordered_count(stream.pts)
        end = sum(shown[-1 - waiting]) if len(shown) > waiting else shown[0][0]
    for pts, duration in shown:
        if end - duration // 2 <= pts <= end + duration // 2:
            end = pts + duration
    return end


def _reordered_count(pts: Sequence[int]) -> int:
    """Return how many pictures wait at most for one that is shown before them.

    What the last pictures show counts. A few pictures alone may not show all of it: then twice as many, and two more.
    """
    seen = pts[-TAIL_PACKETS * 2 :]
    count = max(sum(before > at for before in seen[max(0, i - MAX_REORDERED) : i]) for i, at in enumerate(seen))
    return count if len(seen) >= TAIL_PACKETS else min(2 * count + 2, MAX_REORDERED)


def number_packets(stream: StreamPackets, tick_s: float) -> None:
    """Give packets without times of their own the times that follow from their order: a tick each."""
    count = len(stream.pts)
    stream.tick_s = tick_s
    stream.dts, stream.pts, stream.duration = list(range(count)), list(range(count)), [1] * count


def fill_times(stream: StreamPackets, *, has_decoding_times: bool = True) -> None:
    """Fill in what a container leaves out: a decoding time is that of the packet before, a duration the next step.

    Decoding times that run back are none, where a presentation time stands in for each that was left out.
    """
    counts = _join_untimed(stream)
    if not has_decoding_times:
        stream.pts = [dts if pts is None else pts for dts, pts in zip(stream.dts, stream.pts, strict=True)]
        stream.dts = []
    elif None in stream.dts or None in stream.pts:
        # Clocks start anywhere: before the first known time stands that one.
        known = next((dts for dts in stream.dts if dts is not None), None)
        if known is None:
            known = min(pts for pts in stream.pts if pts is not None)
        for index, (dts, pts) in enumerate(zip(stream.dts, stream.pts, strict=True)):
            known = dts if dts is not None else min(pts, known) if pts is not None else known
            stream.dts[index] = known
            stream.pts[index] = known if pts is None else pts
    if not all(stream.duration):
        _fill_durations(stream, counts)


def _join_untimed(stream: StreamPackets) -> list[int]:
    """Count packets without any time to the one before, whose container's packet they share.

    Return how many are in each of those that are left.
    """
    if None not in stream.dts or None not in stream.pts:
        return [1] * len(stream.pts)
    is_timed = list(map(_has_time, stream.dts, stream.pts))
    if all(is_timed):
        return [1] * len(is_timed)
    ends, durations = list(stream.end_bytes), list(stream.duration)
    for index in range(len(is_timed) - 1, 0, -1):
        if not is_timed[index]:
            ends[index - 1] = max(ends[index - 1], ends[index])
            durations[index - 1] = (durations[index - 1] or 0) + (durations[index] or 0)
    stream.end_bytes, stream.duration = list(compress(ends, is_timed)), list(compress(durations, is_timed))
    stream.dts, stream.pts = list(compress(stream.dts, is_timed)), list(compress(stream.pts, is_timed))
    stream.is_key = list(compress(stream.is_key, is_timed))
    starts = [index for index, timed in enumerate(is_timed) if timed]
    return list(map(sub, [*starts[1:], len(is_timed)], starts))


def _has_time(dts: int | None, pts: int | None) -> bool:
    return dts is not None or pts is not None


def _fill_durations(stream: StreamPackets, counts: Sequence[int]) -> None:
    """Put the step to the next packet, as decoded or else as shown, where a duration is not declared."""
    times = stream.dts or stream.pts
    order = sorted(range(len(times)), key=times.__getitem__)
    steps = [times[after] - times[before] for before, after in pairwise(order)]
    steps.append(_last_step(stream, steps, [counts[index] for index in order]))
    durations = list(stream.duration)
    for index, step in zip(order, steps, strict=True):
        durations[index] = durations[index] or step
    stream.duration = durations


def _last_step(stream: StreamPackets, steps: Sequence[int], counts: Sequence[int]) -> int:
    """Return what nothing says, the last packet's duration, so that it never claims too much media.

    That is the shortest of the last steps, or less where fewer frames share the packet. Without enough frames before
    it, or steps where these are uneven, no length shows that holds: sound may be packed as it came.
    """
    late = list(zip(steps[-TAIL_PACKETS:], counts[-TAIL_PACKETS - 1 : -1], strict=True))
    frames = [step / count for step, count in late if step > 0]
    if not frames:
        return 0
    is_even = max(frames) <= min(frames) * EVEN_RATIO
    known = sum(count for _, count in late) if is_even else len(late)
    if known < (LEAST_PICTURES if stream.kind == "video" else LEAST_SOUNDS):
        return 0
    return min(min(step, step * counts[-1] // count) for step, count in late if step > 0)


def start_at_zero(streams: Sequence[StreamPackets]) -> None:
    """Move the times of streams on one clock that begins before 0: it ran over soon after their start."""
    first = min((min(stream.pts) for stream in streams if stream.pts), default=0)
    if first < 0:
        for stream in streams:
            stream.pts = [tick - first for tick in stream.pts]
            stream.dts = [tick - first for tick in stream.dts]


def cut_streams(streams: Sequence[StreamPackets], declared_s: float | None, announced_s: float | None) -> None:
    """Drop from every stream what cannot be right, by what the file declares, what was announced, and one another."""
    timed = [stream for stream in streams if stream.pts]
    if not timed:
        return
    # What is shown before 0 lies before the cut of an edit list: it is decoded and not shown.
    origin_s = max(0.0, min(stream.first_s() for stream in timed))
    if declared_s is not None and announced_s is not None:
        # Recorders and splicers leave headers that say too little.
        declared_s = max(declared_s, announced_s)
    if declared_s is None and announced_s is None:
        # A picture that stands while the sound goes on is no damage.
        ends_s = [stream.steady_end_s() for stream in timed if stream.first_s() <= origin_s + MAX_GAP_S]
        announced_s = max(ends_s) - origin_s if len(timed) > 1 else None
    for stream in timed:
        stream.cut_at_damage(Reach(origin_s, declared_s, announced_s))


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


def _ladder(stream: StreamPackets, origin_s: float) -> _Ladder:
    tick_s, ends = stream.tick_s, stream.end_bytes
    rising = list(ends) if ends == sorted(ends) else list(accumulate(ends, max))
    return rising, [tick * tick_s - origin_s for tick in complete_ticks(stream)]


def _least(first: _Ladder, second: _Ladder) -> _Ladder:
    """Return the lesser of two ladders, at the bytes where it rises."""
    at_bytes, levels, length_a = first[0] + second[0], first[1] + second[1], len(first[0])
    offsets: list[int] = []
    seconds: list[float] = []
    level_a = level_b = 0.0
    reached_s = LEAST_S
    # Of two that rise already, sorting is merging.
    for index in sorted(range(len(at_bytes)), key=at_bytes.__getitem__):
        if index < length_a:
            level_a = levels[index]
        else:
            level_b = levels[index]
        if level_a > reached_s < level_b:
            reached_s = level_a if level_a < level_b else level_b
            offsets.append(at_bytes[index])
            seconds.append(reached_s)
    return offsets, seconds


def _rising(ladder: _Ladder, final_s: float) -> _Ladder:
    """Keep the steps that go up, the last of those at the same byte, up to `final_s`."""
    offsets, seconds = ladder
    if not all(map(lt, chain((LEAST_S,), seconds), seconds)):
        does_rise = list(map(lt, accumulate(seconds, max, initial=LEAST_S), seconds))
        offsets, seconds = list(compress(offsets, does_rise)), list(compress(seconds, does_rise))
    count = bisect_left(seconds, final_s) + 1 if final_s > LEAST_S else 0
    kept_s = seconds[:count]
    if len(kept_s) == count > 0:
        kept_s[-1] = final_s
    steps = dict(zip(offsets[:count], kept_s, strict=True))
    return list(steps), list(steps.values())


def _reaches_end(stream: StreamPackets, complete_s: float) -> bool:
    if stream.is_whole:
        return True
    return stream.declared_end_s is not None and complete_s >= stream.declared_end_s - ROUNDING_S
