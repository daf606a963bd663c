"""Shaka Player 5 with its default manager, as a machine of events: who fetches what, and when.

One segment a kind at a time, the header of a new rung beside it. A switch gives up what is on its way of that kind, and
fetches the new rung's index before anything else. Source: Shaka Player 5.2.12 `StreamingEngine`, `SegmentPrefetch`,
and the recorded sessions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytomo_scrapy.items import Ladder, MediaTrack
from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Abort, Command, Held, Transfer
from pytomo_scrapy.measure.playback.adaptive.adaptive_playhead import AdaptivePlayhead, element_rule
from pytomo_scrapy.measure.playback.adaptive.media_buffer import MediaBuffer, Piece
from pytomo_scrapy.measure.playback.adaptive.shaka_rules import ShakaRules, Variant
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback

INFINITE = float("inf")
ROUNDING_S = 1e-3  # of times in a ladder


@dataclass(slots=True)
class ShakaStream:
    """What Shaka knows of one kind."""

    kind: str
    tracks: Sequence[MediaTrack]
    rung: int
    timer_s: float
    last_end_s: float | None = None  # of the segment that was appended last
    indexed_rung: int | None = None
    initialised_rung: int | None = None
    running: list[Transfer] = field(default_factory=list)
    held: list[Transfer] = field(default_factory=list)  # of one file: the browser's cache asks one after the other
    unanswered: set[int] = field(default_factory=set)
    segment: Transfer | None = None  # whole, but its header is not yet
    appends: tuple[float, Transfer] | None = None

    @property
    def track(self) -> MediaTrack:
        """Return the track that is fetched."""
        return self.tracks[self.rung]


@dataclass(slots=True)
class Progress:
    """How far a request was when it was looked at last."""

    at_s: float
    received_bytes: int = 0


class ShakaPlayer:
    """Shaka over a ladder; see `AdaptivePlayer` for how it is driven."""

    def __init__(self, ladder: Ladder, parameters: Mapping[str, float]) -> None:
        self._parameters = parameters
        self._rules = ShakaRules(ladder, parameters)
        buffers = {kind: MediaBuffer() for kind in ladder.kinds}
        self.playhead = AdaptivePlayhead(element_rule(parameters), buffers, ladder.duration_s)
        start_s = parameters["prepare_s"]
        first = self._rules.first(start_s)
        # Sound looks first, but of the first indexes that of video is asked for first (`Player.load_`).
        self._streams = {
            kind: ShakaStream(kind, ladder.rungs(kind), first.rungs[kind], INFINITE) for kind in sorted(ladder.kinds)
        }
        self._load_s = start_s
        self._is_set_up = False
        self._progress: dict[int, Progress] = {}
        self._commands: list[Command] = []
        self._next_id = 0
        self._requested_bytes = 0

    def wake_s(self) -> float:
        """Return when it wants to be woken at the latest."""
        times = [self.playhead.ready_s, self._load_s]
        for stream in self._streams.values():
            times += [stream.timer_s, stream.appends[0] if stream.appends else INFINITE]
        return min(times)

    def wake(self, now_s: float) -> Sequence[Command]:
        """Append what arrived, and let each kind whose time has come ask."""
        self.playhead.advance(now_s)
        if self._load_s <= now_s:
            self._load(now_s)
        for stream in self._streams.values():
            if stream.appends is not None and stream.appends[0] <= now_s:
                self._append(stream, stream.appends[1], now_s)
            if stream.timer_s <= now_s:
                stream.timer_s = INFINITE
                self._update(stream, now_s)
        commands, self._commands = self._commands, []
        return commands

    def _load(self, now_s: float) -> None:
        """Ask for the indexes of the first variant. Nothing else is asked for before all of them are there."""
        self._load_s = INFINITE
        for kind in sorted(self._streams, reverse=True):
            self._ask_index(self._streams[kind], now_s)

    def first_byte(self, transfer: Transfer, now_s: float) -> None:
        """Take note of nothing: the time from the request on counts."""

    def progressed(self, transfer: Transfer, received_bytes: int, now_s: float) -> bool:
        """Take a sample every 0.1 s, if enough came."""
        seen = self._progress.get(transfer.transfer_id)
        if seen is None or received_bytes - seen.received_bytes < self._parameters["least_sample_bytes"]:
            return False
        if _on_clock_s(now_s) - _on_clock_s(seen.at_s) <= self._parameters["progress_s"] + ROUNDING_S / 2:
            return False
        self._sample(transfer, received_bytes, now_s)
        return bool(self._commands)

    def completed(self, transfer: Transfer, received_bytes: int, now_s: float) -> None:
        """Take the last sample; a segment is appended a little later, once its header is there."""
        self.playhead.advance(now_s)
        stream = self._streams[transfer.kind]
        if transfer not in stream.running:
            return
        stream.running.remove(transfer)
        self._answered(stream, transfer)
        self._requested_bytes += received_bytes
        is_current = transfer.rung == stream.rung
        if is_current and transfer.part == "index":
            if not any(other.part == "index" for other in stream.running):
                self._take_index(stream, now_s)
        elif is_current and transfer.part == "init":
            stream.initialised_rung = transfer.rung
        elif is_current:
            stream.segment = transfer
        if stream.segment is not None and stream.initialised_rung == stream.segment.rung:
            stream.appends = (now_s + self._parameters["append_s"], stream.segment)
            stream.segment = None
        self._sample(transfer, received_bytes, now_s)
        self._progress.pop(transfer.transfer_id, None)

    def _take_index(self, stream: ShakaStream, now_s: float) -> None:
        """Go on with the new rung; at the beginning only once every kind has its index."""
        stream.indexed_rung = stream.rung
        if self._is_set_up:
            stream.timer_s = now_s + self._parameters["schedule_s"]
        elif all(other.indexed_rung is not None for other in self._streams.values()):
            self._is_set_up = True
            for other in self._streams.values():
                other.timer_s = now_s + self._parameters["setup_s"]

    def close(self, now_s: float) -> AdaptivePlayback:
        """End at `now_s`."""
        shown = self.playhead.close(now_s)
        shown.requested_bytes = self._requested_bytes
        return shown

    def _sample(self, transfer: Transfer, received_bytes: int, now_s: float) -> None:
        seen = self._progress[transfer.transfer_id]
        self._rules.add_sample(received_bytes - seen.received_bytes, _on_clock_s(now_s) - _on_clock_s(seen.at_s))
        seen.at_s, seen.received_bytes = now_s, received_bytes
        variant = self._rules.suggest(now_s)
        if variant is not None:
            self._switch(variant, now_s)

    def _switch(self, variant: Variant, now_s: float) -> None:
        for stream in self._streams.values():
            rung = variant.rungs[stream.kind]
            if rung == stream.rung:
                continue
            stream.rung, stream.indexed_rung = rung, None
            was_running = bool(stream.running) or stream.segment is not None
            for transfer in stream.running:
                self._requested_bytes += self._progress[transfer.transfer_id].received_bytes
                self._commands.append(Abort(transfer))
            stream.running, stream.segment, stream.held = [], None, []
            stream.unanswered.clear()
            if was_running:
                # Two look for the index at once: the one that weighs the abort, and the next update.
                self._ask_index(stream, now_s)
                stream.timer_s = now_s

    def _append(self, stream: ShakaStream, transfer: Transfer, now_s: float) -> None:
        stream.appends = None
        assert transfer.number is not None
        segment = stream.tracks[transfer.rung].segments[transfer.number]
        self.playhead.append(stream.kind, Piece(segment.start_s, segment.end_s, transfer.rung))
        stream.last_end_s = segment.end_s
        stream.timer_s = now_s + self._parameters["schedule_s"]

    def _update(self, stream: ShakaStream, now_s: float) -> None:
        if stream.indexed_rung != stream.rung:
            self._ask_index(stream, now_s)
            return
        media_s = self.playhead.media_s
        needed_s = self._needed_s(stream)
        if needed_s >= self.playhead.length_s - ROUNDING_S:
            return
        if self.playhead.level_s(stream.kind) >= self._parameters["buffer_goal_s"]:
            stream.timer_s = now_s + self._parameters["poll_s"]
            return
        longest_s = max(other.track.longest_s for other in self._streams.values())
        ahead_s = needed_s - min(self._needed_s(other) for other in self._streams.values())
        most_s = max(longest_s * self._parameters["run_ahead_segments"], self._parameters["run_ahead_least_s"])
        if ahead_s >= most_s - ROUNDING_S:
            stream.timer_s = now_s + self._parameters["catch_up_poll_s"]
            return
        number = stream.track.number_at(needed_s + ROUNDING_S if stream.last_end_s is not None else media_s)
        if number is None:
            return
        if stream.initialised_rung != stream.rung:
            self._ask(stream, "init", None, stream.track.init_bytes, now_s)
        self._ask(stream, "segment", number, stream.track.segment_bytes(number), now_s)

    def _needed_s(self, stream: ShakaStream) -> float:
        return self.playhead.media_s if stream.last_end_s is None else stream.last_end_s

    def _ask_index(self, stream: ShakaStream, now_s: float) -> None:
        if stream.track.index_bytes:
            self._ask(stream, "index", None, stream.track.index_bytes, now_s)
        else:
            self._take_index(stream, now_s)

    def _ask(self, stream: ShakaStream, part: str, number: int | None, size: int, now_s: float) -> None:
        self._next_id += 1
        transfer = Transfer(self._next_id, stream.kind, stream.rung, part, number, max(1, size))
        stream.running.append(transfer)
        self._progress[transfer.transfer_id] = Progress(now_s)
        if stream.unanswered and stream.track.is_one_file:
            stream.held.append(transfer)
            self._commands.append(Held(transfer))
        else:
            stream.unanswered.add(transfer.transfer_id)
            self._commands.append(transfer)

    def _answered(self, stream: ShakaStream, transfer: Transfer) -> None:
        stream.unanswered.discard(transfer.transfer_id)
        if stream.held and not stream.unanswered:
            following = stream.held.pop(0)
            stream.unanswered.add(following.transfer_id)
            self._commands.append(following)


def _on_clock_s(t_s: float) -> float:
    """Return what Shaka's clock shows, which counts whole milliseconds (`Date.now`)."""
    return math.floor(t_s * 1000 + ROUNDING_S) / 1000
