"""When a paced window asks for what: whole segments, at most a buffer goal ahead of a simulated playhead.

The playhead here only decides about demand; playback figures come from the players, after the window. It starts and
resumes as the classic player does, with `START_S` and `RESUME_S` of media in every stream.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytomo_scrapy.items import MediaSegment
from pytomo_scrapy.measure.media.boxes import is_empty, read_layout
from pytomo_scrapy.measure.window.part_queue import MAX_PART_BYTES, PartQueue
from pytomo_scrapy.measure.window.stream import Stream

START_S = 2.0
RESUME_S = 1.0
# One request is at least this long, where the file's own segments are shorter: else the window would measure the
# round trips of its requests, not the line.
LEAST_REQUEST_S = 2.0
# And at most this long, in media time and in bytes.
MAX_REQUEST_S = 12.0
MAX_REQUEST_BYTES = 10 * 1024 * 1024
# The header and index of a stream are asked for in steps, the first of this size and each as long as all before it.
HEAD_BYTES = 32 * 1024
STEP_S = 5.0  # asked for at once where there is no index
MAX_HEAD_BYTES = 1024 * 1024


@dataclass(slots=True)
class StreamPace:
    """How the bytes of one stream map to its media time, as far as the window knows: by its index, else linearly."""

    duration_s: float | None
    buffer_goal_s: float
    segments: tuple[MediaSegment, ...] = ()
    is_head_read: bool = False
    _steps: tuple[MediaSegment, ...] = ()  # stand in for segments where there is no index
    _ends: list[int] = field(default_factory=list)

    def read_head(self, path: str, received_bytes: int, size_bytes: int | None) -> None:
        """Look for the index among the bytes received so far."""
        if self.is_head_read:
            return
        try:
            with Path(path).open("rb") as file:
                layout = read_layout(file, received_bytes, size_bytes)
        except (OSError, ValueError, OverflowError):
            # A hostile file, or no room for the spool: paced without an index.
            self.is_head_read = True
            return
        # An index of the first fragments alone says nothing of those that follow, whose bytes are still to come.
        self.segments = () if layout.is_index_partial else layout.segments
        self._ends = [segment.end_byte for segment in self.segments]
        # Once media is seen, an index that comes first will not come any more. An empty box of media is none.
        is_media_seen = bool(layout.fragments) or any(
            kind == b"moof" or (kind == b"mdat" and not is_empty(start, end)) for kind, start, end in layout.boxes
        )
        is_other = layout.container not in {"mp4", "webm"}
        self.is_head_read = bool(self.segments) or is_media_seen or is_other or received_bytes >= MAX_HEAD_BYTES

    def media_s(self, received_bytes: int, size_bytes: int | None) -> float:
        """Return the media seconds that are complete: whole segments, or a share of the duration without an index."""
        if self.segments:
            count = bisect_right(self._ends, received_bytes)
            return self.segments[count - 1].start_s + self.segments[count - 1].duration_s if count else 0.0
        if self.duration_s and size_bytes:
            return self.duration_s * min(1.0, received_bytes / size_bytes)
        return 0.0

    def next_range(self, received_bytes: int, size_bytes: int | None, playhead_s: float) -> tuple[int, int] | None:
        """Return the first and last byte to ask for now. None while there is enough ahead of the playhead."""
        if not self.is_head_read:
            return received_bytes, received_bytes + max(HEAD_BYTES, received_bytes) - 1
        if not self.segments and not (self.duration_s and size_bytes):
            # The media time is not known: fetch like a bulk window, in pieces.
            return received_bytes, received_bytes + MAX_REQUEST_BYTES - 1
        horizon_s = playhead_s + self.buffer_goal_s
        if self.media_s(received_bytes, size_bytes) >= horizon_s:
            return None
        if not self._ends:
            self._steps = _equal_steps(self.duration_s or 0.0, size_bytes or 0)
            self._ends = [segment.end_byte for segment in self._steps]
        return self._whole_segments(received_bytes, size_bytes, horizon_s)

    def _whole_segments(self, received_bytes: int, size_bytes: int | None, horizon_s: float) -> tuple[int, int]:
        """Take one segment at least, then more while they begin before the horizon and the request stays short."""
        steps = self.segments or self._steps
        first = min(bisect_right(self._ends, received_bytes), len(steps) - 1)
        last = first
        for position in range(first + 1, len(steps)):
            segment = steps[position]
            length_s = segment.start_s + segment.duration_s - steps[first].start_s
            is_long_enough = segment.start_s - steps[first].start_s >= LEAST_REQUEST_S
            if (segment.start_s >= horizon_s and is_long_enough) or length_s > MAX_REQUEST_S:
                break
            if segment.end_byte - received_bytes > MAX_REQUEST_BYTES:
                break
            last = position
        end_byte = steps[last].end_byte
        # What lies behind the last segment is asked for at once; the server cuts a range that goes beyond the end.
        if end_byte <= received_bytes:
            return received_bytes, received_bytes + MAX_REQUEST_BYTES - 1
        # It comes with that segment as a rule: a request for a few bytes would be measured as a round trip.
        if last == len(steps) - 1 and (size_bytes or 0) <= received_bytes + MAX_REQUEST_BYTES:
            end_byte = max(end_byte, size_bytes or 0)
        return received_bytes, end_byte - 1


@dataclass(slots=True)
class PartPace:
    """The pace of a stream that is delivered in segments: one after the other, as the list of them says."""

    parts: PartQueue
    buffer_goal_s: float

    def media_s(self, received_bytes: int, size_bytes: int | None) -> float:
        """Return the media seconds of the whole segments."""
        return self.parts.media_s

    def next_range(self, received_bytes: int, size_bytes: int | None, playhead_s: float) -> tuple[int, int] | None:
        """Return the first and last byte of the next part's resource. None while there is enough ahead."""
        if self.parts.media_s >= playhead_s + self.buffer_goal_s:
            return None
        return self.parts.range() or (0, MAX_PART_BYTES - 1)


def _equal_steps(duration_s: float, size_bytes: int) -> tuple[MediaSegment, ...]:
    count = max(1, round(duration_s / STEP_S))
    ends = [size_bytes * (position + 1) // count for position in range(count)]
    return tuple(
        MediaSegment(start, end, duration_s * position / count, duration_s / count)
        for position, (start, end) in enumerate(zip([0, *ends], ends, strict=False))
    )


@dataclass(slots=True)
class Playhead:
    """A player that plays in real time what every stream has, from the window's t0."""

    position_s: float = 0.0
    is_playing: bool = False
    has_started: bool = False
    _last_s: float = 0.0

    def advance(self, now_s: float, buffered_s: float, *, is_all_there: bool) -> float:
        """Play until `now_s` with media up to `buffered_s`, and return the position."""
        if self.is_playing:
            self.position_s = min(buffered_s, self.position_s + now_s - self._last_s)
            self.is_playing = self.position_s < buffered_s
        if not self.is_playing:
            needed_s = RESUME_S if self.has_started else START_S
            if buffered_s - self.position_s >= needed_s or (is_all_there and buffered_s > self.position_s):
                self.is_playing = self.has_started = True
        self._last_s = now_s
        return self.position_s


class Pacing:
    """The demand of a paced window: what each stream asks for next, and when it asked for nothing."""

    def __init__(self, streams: Sequence[Stream], duration_s: float | None, buffer_goal_s: float) -> None:
        self._streams = streams
        self._paces = [
            StreamPace(duration_s, buffer_goal_s) if stream.parts is None else PartPace(stream.parts, buffer_goal_s)
            for stream in streams
        ]
        self._playhead = Playhead()
        self._idle_from_s: list[float | None] = [None] * len(streams)
        self._idle: list[list[tuple[float, float]]] = [[] for _ in streams]

    def next_range(self, stream: Stream, now_s: float) -> tuple[int, int] | None:
        """Return what `stream` asks for at `now_s`. None while it has enough."""
        pace = self._paces[stream.stream_index]
        if isinstance(pace, StreamPace) and not pace.is_head_read and stream.received_bytes:
            stream.spool.flush()
            pace.read_head(stream.spool.path, stream.received_bytes, stream.size_bytes)
        position_s = self._advance(now_s)
        wanted = pace.next_range(stream.received_bytes, _size(stream), position_s)
        idle_from_s = self._idle_from_s[stream.stream_index]
        if wanted is None and idle_from_s is None:
            self._idle_from_s[stream.stream_index] = now_s
        elif wanted is not None and idle_from_s is not None:
            self._idle[stream.stream_index].append((idle_from_s, now_s))
            self._idle_from_s[stream.stream_index] = None
        return wanted

    def finish(self, now_s: float) -> list[list[tuple[float, float]]]:
        """Return for each stream the (start, end) times in which it asked for nothing, though it was not complete."""
        for stream_index, idle_from_s in enumerate(self._idle_from_s):
            if idle_from_s is not None:
                self._idle[stream_index].append((idle_from_s, now_s))
                self._idle_from_s[stream_index] = None
        return self._idle

    def idle_until(self, now_s: float) -> list[list[tuple[float, float]]]:
        """Return the same times so far, while the window is open."""
        return [
            [*spans, *([(open_s, now_s)] if open_s is not None else [])]
            for spans, open_s in zip(self._idle, self._idle_from_s, strict=True)
        ]

    def _advance(self, now_s: float) -> float:
        buffered_s = [
            pace.media_s(stream.received_bytes, _size(stream))
            for pace, stream in zip(self._paces, self._streams, strict=True)
            if not stream.is_complete
        ]
        # What is complete holds nothing up; when all is, the position no longer matters.
        ahead_s = min(buffered_s, default=self._playhead.position_s)
        return self._playhead.advance(now_s, ahead_s, is_all_there=not buffered_s)


def _size(stream: Stream) -> int | None:
    return stream.size_bytes or stream.media.declared_size_bytes


def common_spans(spans: Sequence[Sequence[tuple[float, float]]]) -> list[tuple[float, float]]:
    """Return the times that lie in every one of the lists of (start, end), each list in order."""
    if not spans:
        return []
    common = list(spans[0])
    for other in spans[1:]:
        common = [
            (max(left[0], right[0]), min(left[1], right[1]))
            for left in common
            for right in other
            if max(left[0], right[0]) < min(left[1], right[1])
        ]
    return common
