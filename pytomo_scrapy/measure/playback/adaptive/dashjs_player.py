"""dash.js 5 with its default adaptation, as a machine of events: who fetches what, and when.

One request a kind at a time. After a switch the header of the new rung is fetched first; after a switch up the segment
under the playhead is fetched again, where it was last fetched in a lower rung, and what follows it. Source: dash.js
5.2.1 `ScheduleController`, `StreamProcessor`, `AbrController`, and the recorded sessions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytomo_scrapy.items import Ladder, MediaTrack
from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Abort, Command, Transfer
from pytomo_scrapy.measure.playback.adaptive.adaptive_playhead import AdaptivePlayhead, element_rule
from pytomo_scrapy.measure.playback.adaptive.dashjs_rules import (
    AbandonWatch,
    DashRules,
    DashSituation,
    highest_rung,
)
from pytomo_scrapy.measure.playback.adaptive.media_buffer import MediaBuffer, Piece
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback

INFINITE = float("inf")
RESPONSE_HEAD_BYTES = 300  # the browser counts an answer's header too


@dataclass(slots=True)
class KindState:
    """What dash.js knows of one kind."""

    kind: str
    tracks: Sequence[MediaTrack]
    rules: DashRules
    rung: int
    timer_s: float  # when it looks again; infinite while a request runs
    initialised_rung: int | None = None
    next_number: int = 0
    is_quality_checked: bool = True  # before the next request
    wait_s: float = 0.0  # that BOLA orders before the next request of a segment
    level_s: float = 0.0  # as it was seen last
    is_loaded: bool = False
    is_empty: bool = False
    running: Transfer | None = None
    requested_s: float = 0.0
    starts_s: float = INFINITE  # when a request that is held back goes out
    watch: AbandonWatch | None = None
    begun_s: float = 0.0
    arrived: tuple[float, Transfer] | None = None  # whole, to be appended at that time
    abandoned: set[int] = field(default_factory=set)
    abandoning_until_s: float = 0.0
    fetched: list[tuple[float, float, int]] = field(default_factory=list)  # (start, end, rung), newest last
    timings: dict[tuple[int, int], tuple[int, float]] = field(default_factory=dict)  # (rung, number): bytes, seconds

    @property
    def track(self) -> MediaTrack:
        """Return the track that is fetched."""
        return self.tracks[self.rung]

    def fetched_rung_at(self, media_s: float) -> int | None:
        """Return the rung that was fetched last for a media time."""
        return next((rung for start_s, end_s, rung in reversed(self.fetched) if start_s <= media_s < end_s), None)


class DashPlayer:
    """dash.js over a ladder; see `AdaptivePlayer` for how it is driven."""

    def __init__(self, ladder: Ladder, parameters: Mapping[str, float]) -> None:
        self._parameters = parameters
        buffers = {kind: MediaBuffer() for kind in ladder.kinds}
        self.playhead = AdaptivePlayhead(element_rule(parameters), buffers, ladder.duration_s)
        # Both ask at once on connections of their own: which is answered first is a race.
        kinds = sorted(ladder.kinds, reverse=not parameters.get("is_sound_first"))
        self._kinds = {kind: self._state(kind, ladder.rungs(kind)) for kind in kinds}
        self._next_id = 0
        self._see_s = INFINITE
        self._requested_bytes = 0

    def _state(self, kind: str, tracks: Sequence[MediaTrack]) -> KindState:
        bitrates = [track.bitrate_bps for track in tracks]
        rules = DashRules(bitrates, self._parameters)
        first = highest_rung(bitrates, self._parameters[f"first_{kind}_bps"])
        return KindState(kind, tracks, rules, first, self._parameters["prepare_s"])

    # --- driven from outside

    def wake_s(self) -> float:
        """Return when it wants to be woken at the latest."""
        times = [self._see_s, self.playhead.ready_s]
        for state in self._kinds.values():
            times += [state.timer_s, state.starts_s, state.arrived[0] if state.arrived else INFINITE]
        return min(times)

    def wake(self, now_s: float) -> Sequence[Command]:
        """Append what arrived, look at the buffer, and let each kind whose time has come ask."""
        self._advance(now_s)
        commands: list[Command] = []
        for state in self._kinds.values():
            if state.arrived is not None and state.arrived[0] <= now_s:
                self._append(state, state.arrived[1], now_s)
            if state.starts_s <= now_s and state.running is not None:
                state.starts_s, state.requested_s = INFINITE, now_s
                commands.append(state.running)
            if state.timer_s <= now_s:
                state.timer_s = INFINITE
                commands += self._schedule(state, now_s)
        for state in self._kinds.values():
            if state.watch is not None and (abort := self._abandon(state, now_s)) is not None:
                commands.append(abort)
        return commands

    def first_byte(self, transfer: Transfer, now_s: float) -> None:
        """Take note that the answer to a request has begun."""
        self._kinds[transfer.kind].begun_s = now_s

    def progressed(self, transfer: Transfer, received_bytes: int, now_s: float) -> bool:
        """Watch a segment that comes slowly."""
        state = self._kinds[transfer.kind]
        if transfer.number is None or transfer is not state.running:
            return False
        if state.watch is None and transfer.number not in state.abandoned:
            state.watch = AbandonWatch(state.begun_s)
        if state.watch is not None:
            state.watch.received_bytes = received_bytes
        return state.watch is not None and state.watch.is_due(now_s, self._parameters["progress_s"])

    def completed(self, transfer: Transfer, received_bytes: int, now_s: float) -> None:
        """Take a sample of the throughput; the bytes are appended a little later."""
        self._advance(now_s)
        state = self._kinds[transfer.kind]
        if transfer != state.running:
            return
        self._requested_bytes += received_bytes
        state.running, state.watch = None, None
        if transfer.number is not None:
            segment = state.tracks[transfer.rung].segments[transfer.number]
            # Of a segment that is fetched again the browser's list of requests still has the first answer in front, and
            # dash.js takes that (`HTTPLoader._addResourceTimingValues`).
            timing = (received_bytes + RESPONSE_HEAD_BYTES, now_s - state.begun_s)
            state.rules.add_sample(*state.timings.setdefault((transfer.rung, transfer.number), timing))
            state.fetched.append((segment.start_s, segment.end_s, transfer.rung))
            if state.rules.bola is not None:
                span_s = (state.requested_s, now_s)
                state.rules.bola.loaded(segment.start_s, segment.duration_s, transfer.rung, span_s, state.level_s)
        state.arrived = (now_s + self._parameters["append_s"], transfer)

    def close(self, now_s: float) -> AdaptivePlayback:
        """End at `now_s`."""
        shown = self.playhead.close(now_s)
        shown.requested_bytes = self._requested_bytes
        return shown

    # --- what it does

    def _advance(self, now_s: float) -> None:
        self.playhead.advance(now_s)
        if self._see_s == INFINITE and self.playhead.shown.started_s is not None:
            self._see_s = now_s + self._parameters["time_update_s"]
        if self._see_s <= now_s:
            self._see_s = now_s + self._parameters["time_update_s"]
            for state in self._kinds.values():
                self._see_level(state)

    def _see_level(self, state: KindState) -> None:
        state.level_s = round(self.playhead.level_s(state.kind), 3)
        state.rules.see_level(state.level_s)
        is_over = self.playhead.buffers[state.kind].end_from(self.playhead.media_s) >= self.playhead.length_s
        was_empty = state.is_empty
        state.is_loaded = state.level_s > self._parameters["stall_threshold_s"] or is_over
        state.is_empty = not state.is_loaded and (state.is_empty or self.playhead.media_s > 0)
        if state.is_empty and not was_empty:
            for other in self._kinds.values():
                # Sound that runs dry resets nothing (`BolaRule`, by the way it loops over its states).
                if state.kind == "video" and other.rules.bola is not None:
                    other.rules.bola.emptied()

    def _append(self, state: KindState, transfer: Transfer, now_s: float) -> None:
        state.arrived = None
        if transfer.number is None:
            state.initialised_rung = transfer.rung
        else:
            segment = state.tracks[transfer.rung].segments[transfer.number]
            self.playhead.append(state.kind, Piece(segment.start_s, segment.end_s, transfer.rung))
            state.rules.appended += 1
            self._see_level(state)
        state.timer_s = now_s + self._parameters["schedule_s"]

    def _schedule(self, state: KindState, now_s: float) -> list[Command]:
        if state.initialised_rung is not None and not self._wants_more(state):
            state.timer_s = now_s + self._parameters["poll_s"]
            return []
        if state.is_quality_checked and self._changes_rung(state, now_s):
            state.is_quality_checked = False
            state.timer_s = now_s + self._parameters["switch_s"]
            return []
        if state.initialised_rung != state.rung:
            state.is_quality_checked = False
            return self._ask(state, "init", None, state.track.init_bytes, now_s)
        if state.next_number >= len(state.track.segments):
            return []
        number = state.next_number
        state.next_number += 1
        state.is_quality_checked = True
        wait_s, state.wait_s = state.wait_s, 0.0
        return self._ask(state, "segment", number, state.track.segment_bytes(number), now_s + wait_s)

    def _ask(self, state: KindState, part: str, number: int | None, size: int, at_s: float) -> list[Command]:
        self._next_id += 1
        state.running = Transfer(self._next_id, state.kind, state.rung, part, number, max(1, size))
        state.starts_s = at_s
        return []

    def _wants_more(self, state: KindState) -> bool:
        if state.kind == "audio" and "video" in self._kinds:
            video_s = self._kinds["video"].level_s
            own_s = state.track.segments[0].duration_s  # its `fragmentDuration`
            return state.level_s < max(video_s + self._parameters["audio_lead_s"], own_s)
        is_top = state.rung == len(state.tracks) - 1
        goal_s = self._parameters["buffer_goal_top_s" if is_top else "buffer_goal_s"]
        own_s = state.track.longest_s if state.track.longest_s < goal_s else 0.0
        return state.level_s + own_s < goal_s

    def _changes_rung(self, state: KindState, now_s: float) -> bool:
        is_abandoning = now_s < state.abandoning_until_s
        decision = state.rules.decide(
            DashSituation(
                now_s,
                state.rung,
                state.level_s,
                state.track.longest_s,
                state.is_loaded,
                state.is_empty,
                is_abandoning,
            )
        )
        state.wait_s = decision.wait_s
        new_rung = decision.rung
        if new_rung is None or new_rung == state.rung or (is_abandoning and new_rung > state.rung):
            return False
        self._switch(state, new_rung)
        media_s = self.playhead.media_s
        under = state.fetched_rung_at(media_s)
        if under is not None and under < new_rung and not is_abandoning:
            # The margin that should keep what is played next is 0 (`_prepareForFastQualitySwitch`).
            state.next_number = state.track.number_at(media_s) or 0
        return True

    def _pause_switches(self, state: KindState, now_s: float) -> None:
        """Allow no switch up for a while. All kinds share one timer: another one that waits for it waits for ever.

        `AbrController._onSegmentDownloadShouldBeAbandoned` clears `abandonmentTimeout` whichever kind has set it.
        """
        for other in self._kinds.values():
            if now_s < other.abandoning_until_s:
                other.abandoning_until_s = INFINITE
        state.abandoning_until_s = now_s + self._parameters["abandon_pause_s"]

    def _switch(self, state: KindState, rung: int) -> None:
        state.rung = rung
        if state.rules.bola is not None:
            state.rules.bola.rung = rung

    def _abandon(self, state: KindState, now_s: float) -> Abort | None:
        transfer, watch = state.running, state.watch
        if transfer is None or watch is None or transfer.number is None:
            return None
        if state.level_s > self._parameters["buffer_goal_s"]:
            return None
        segment_s = state.tracks[transfer.rung].segments[transfer.number].duration_s
        received = (now_s, watch.received_bytes, transfer.size_bytes)
        rung = watch.better_rung(received, segment_s, transfer.rung, state.rules.bitrates, self._parameters)
        if rung is None:
            return None
        self._requested_bytes += watch.received_bytes
        state.abandoned.add(transfer.number)
        self._pause_switches(state, now_s)
        state.rules.history.entries.clear()
        if watch.first_trace is not None:
            state.rules.add_rate(round(watch.rate_bps / 1000), now_s - watch.first_trace[0])
        self._switch(state, rung)
        if state.rules.bola is not None:
            state.rules.bola.abandoned(state.level_s)
        state.running, state.watch, state.next_number = None, None, transfer.number
        state.is_quality_checked = False
        state.timer_s = now_s + self._parameters["switch_s"]
        return Abort(transfer)
