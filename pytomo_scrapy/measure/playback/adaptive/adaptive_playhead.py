"""The playhead of Chromium's media element over buffers that an adaptive player fills.

It starts when every kind has media at the playhead, stops at once where sound runs dry, and plays on without picture
for up to 3 s where only video does. Source: Chromium `RendererImpl` (`video_underflow_threshold_`), and recorded
sessions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytomo_scrapy.items import Interval
from pytomo_scrapy.measure.playback.adaptive.media_buffer import MediaBuffer, Piece
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback

LEAST_FREEZE_S = 0.25  # a picture that stands still for less is not seen as frozen (as the recorded sessions count)
ROUNDING_S = 1e-9
INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class ElementRule:
    """How long the media element takes, and how much it wants to have ahead, seconds."""

    start_lag_s: float
    resume_lag_s: float
    video_grace_s: float
    start_buffer_s: float = 0.0
    resume_buffer_s: float = 0.0


def element_rule(parameters: Mapping[str, float]) -> ElementRule:
    """Build the rule from a player's named parameters."""
    return ElementRule(
        parameters["start_lag_s"],
        parameters["resume_lag_s"],
        parameters["video_grace_s"],
        parameters.get("start_buffer_s", 0.0),
        parameters.get("resume_buffer_s", 0.0),
    )


@dataclass(slots=True)
class AdaptivePlayhead:
    """Waiting, playing or stalled; moved forward from event to event."""

    rule: ElementRule
    buffers: Mapping[str, MediaBuffer]
    length_s: float
    shown: AdaptivePlayback = field(default_factory=AdaptivePlayback)
    t_s: float = 0.0
    media_s: float = 0.0
    is_playing: bool = False
    stalled_at_s: float = 0.0
    ready_s: float = INFINITE
    frozen_at_s: float | None = None

    def advance(self, until_s: float) -> None:
        """Move to `until_s`; nothing is appended in between."""
        while self.t_s < until_s and self.shown.end_s is None:
            if self.is_playing:
                self._play(until_s)
            elif self.ready_s <= until_s:
                self._begin(self.ready_s)
            else:
                break
        self.t_s = max(self.t_s, until_s)

    def append(self, kind: str, piece: Piece) -> None:
        """Take new media: a start, a resume or a picture may follow."""
        self.buffers[kind].append(piece, self.media_s if self.shown.started_s is not None else None)
        if not self.is_playing and self.ready_s == INFINITE and self._has_enough():
            is_first = self.shown.started_s is None
            self.ready_s = self.t_s + (self.rule.start_lag_s if is_first else self.rule.resume_lag_s)
        self._see_picture()

    def level_s(self, kind: str) -> float:
        """Return the media seconds of a kind ahead of the playhead."""
        return self.buffers[kind].level_s(self.media_s)

    def close(self, now_s: float) -> AdaptivePlayback:
        """End the playback at `now_s`."""
        self.advance(now_s)
        shown = self.shown
        if shown.started_s is not None and shown.end_s is None:
            if not self.is_playing and now_s > self.stalled_at_s:
                shown.stalls.append(Interval(self.stalled_at_s, now_s - self.stalled_at_s, is_open=True))
            self._end_freeze(now_s, is_open=True)
        shown.buffer_end_s = min((self.level_s(kind) for kind in self.buffers), default=0.0)
        return shown

    def _has_enough(self) -> bool:
        if self.media_s >= self.length_s:
            return False
        wanted_s = self.rule.start_buffer_s if self.shown.started_s is None else self.rule.resume_buffer_s
        least_s = max(ROUNDING_S, min(wanted_s, self.length_s - self.media_s) - ROUNDING_S)
        return all(buffer.level_s(self.media_s) > least_s for buffer in self.buffers.values())

    def _begin(self, t_s: float) -> None:
        if self.shown.started_s is None:
            self.shown.started_s = t_s
        elif t_s > self.stalled_at_s:
            self.shown.stalls.append(Interval(self.stalled_at_s, t_s - self.stalled_at_s))
        self.t_s, self.is_playing, self.ready_s = t_s, True, INFINITE
        self._see_picture()

    def _see_picture(self) -> None:
        """Note the rung on the screen, and end a freeze, where video is there and the clock runs."""
        rung = self.buffers["video"].rung_at(self.media_s)
        if not self.is_playing or rung is None:
            return
        self._end_freeze(self.t_s)
        if not self.shown.switches or self.shown.switches[-1][1] != rung:
            self.shown.switches.append((self.t_s, rung))

    def _end_freeze(self, t_s: float, *, is_open: bool = False) -> None:
        if self.frozen_at_s is not None and t_s - self.frozen_at_s >= LEAST_FREEZE_S:
            self.shown.freezes.append(Interval(self.frozen_at_s, t_s - self.frozen_at_s, is_open=is_open))
        self.frozen_at_s = None

    def _play(self, until_s: float) -> None:
        """Play to the next thing that happens: a change of rung, sound or picture running dry, or `until_s`."""
        video = self.buffers["video"]
        sound_end_s = min(
            (buffer.end_from(self.media_s) for kind, buffer in self.buffers.items() if kind != "video"),
            default=INFINITE,
        )
        picture_end_s = self.media_s if self.frozen_at_s is not None else video.end_from(self.media_s)
        grace_s = self.rule.video_grace_s if sound_end_s < INFINITE else 0.0
        frozen_s = 0.0 if self.frozen_at_s is None else self.t_s - self.frozen_at_s
        limit_s = min(self.length_s, sound_end_s, picture_end_s + max(0.0, grace_s - frozen_s))
        stop_s = limit_s
        if self.frozen_at_s is None:
            stop_s = min(limit_s, picture_end_s, video.change_after(self.media_s))
        self._move(min(until_s - self.t_s, max(0.0, stop_s - self.media_s)), stop_s)
        if self.media_s < stop_s - ROUNDING_S:
            return
        if self.media_s >= self.length_s - ROUNDING_S:
            self.shown.end_s = self.t_s
            return
        if self.frozen_at_s is None and video.level_s(self.media_s) <= ROUNDING_S:
            self.frozen_at_s = self.t_s
        self._see_picture()
        if self.media_s >= limit_s - ROUNDING_S:
            self._stall()

    def _move(self, step_s: float, stop_s: float) -> None:
        if step_s <= 0:
            return
        # A frozen picture still counts for the rung that it was of.
        rung = self.shown.switches[-1][1] if self.shown.switches else 0
        self.shown.played_by_rung_s[rung] = self.shown.played_by_rung_s.get(rung, 0.0) + step_s
        self.shown.played_s += step_s
        is_there = self.media_s + step_s >= stop_s - ROUNDING_S
        self.media_s = stop_s if is_there else self.media_s + step_s
        self.t_s += step_s

    def _stall(self) -> None:
        if self.frozen_at_s is None:
            self.frozen_at_s = self.t_s
        self.is_playing, self.stalled_at_s, self.ready_s = False, self.t_s, INFINITE
        if self._has_enough():
            self.ready_s = self.t_s + self.rule.resume_lag_s
