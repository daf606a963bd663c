"""The parts of a stream that is delivered in segments: which comes next, and where each lies among what was received.

What arrives is laid end to end, as in a file: arrival trace, spool and analysis need not know that it came in parts.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytomo_scrapy.items import MediaPart, StreamPart

MAX_PART_BYTES = 1 << 40  # stands for the end of a part whose length nobody has told


class PartQueue:
    """The parts that are to come, in their order."""

    def __init__(self, parts: Sequence[MediaPart]) -> None:
        self._parts = parts
        self._ends: list[int] = []  # of the whole parts, in bytes of the stream
        self._given_up: set[int] = set()

    @property
    def index(self) -> int:
        """Place of the part that is asked for now or next."""
        return len(self._ends)

    @property
    def current(self) -> MediaPart | None:
        """The part that is asked for now or next. None behind the last."""
        return self._parts[self.index] if self.index < len(self._parts) else None

    @property
    def is_over(self) -> bool:
        """Whether nothing comes behind the parts that are whole."""
        return self.current is None

    @property
    def rung(self) -> int | None:
        """Place on a ladder of the part that is asked for now, 1 the lowest. None where nobody chooses."""
        return None

    @property
    def first_byte(self) -> int:
        """Where in its resource the current part begins."""
        return (self.current.start_byte or 0) if self.current else 0

    @property
    def media_s(self) -> float:
        """Media seconds of the whole parts, from the first one's start."""
        if self.current is not None:
            return self.current.start_s - self._parts[0].start_s
        last = self._parts[-1]
        return last.start_s + (last.duration_s or 0.0) - self._parts[0].start_s

    def range(self) -> tuple[int, int] | None:
        """Return the first and last byte to ask for of the current part's resource. None to ask for all of it."""
        part = self.current
        if part is None or part.start_byte is None or part.end_byte is None:
            return None
        return part.start_byte, part.end_byte - 1

    def length_failure(self, received_bytes: int) -> tuple[str, str] | None:
        """Say that the current part has another length than its list says. None where it is right or unknown."""
        span = self.range()
        if span is None or received_bytes == span[1] - span[0] + 1:
            return None
        return "wrong_length", f"{received_bytes} bytes, listed {span[1] - span[0] + 1}"

    def finish(self, received_bytes: int) -> None:
        """Take note that the current part is whole, with which `received_bytes` of the stream have come."""
        self._ends.append(received_bytes)

    def give_up(self, received_bytes: int) -> None:
        """Take note that no more of the current part will come."""
        self._given_up.add(self.index)
        self.finish(received_bytes)

    def close(self, received_bytes: int) -> tuple[StreamPart, ...]:
        """Return all parts: those that are whole, the one that came in part, and those that did not come.

        What came of one that was given up is no media that anybody plays.
        """
        closed, start_byte = [], 0
        for place, part in enumerate(self._parts):
            is_whole = place < len(self._ends)
            end_byte = self._ends[place] if is_whole else received_bytes
            if place in self._given_up:
                closed.append(StreamPart(start_byte, end_byte, part.start_s, None, part.run))
            else:
                closed.append(StreamPart(start_byte, end_byte, part.start_s, part.duration_s, part.run, is_whole))
            start_byte = end_byte
        return tuple(closed)
