"""The playhead of a segment player: its tracks, and when it starts, freezes, stalls and resumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pytomo_scrapy.items import Interval, MediaSegment
from pytomo_scrapy.measure.playback.player_model import INFINITE, PlaybackTrace


@dataclass(slots=True)
class Track:
    """One stream of a segment player: what is buffered, what is in flight, and when it looks for more."""

    kind: str
    segments: Sequence[MediaSegment]
    longest_s: float
    next_segment: int = 0  # index of the segment to ask for next
    missing_bytes: float = 0.0  # of the request in flight
    is_in_flight: bool = False
    look_s: float = 0.0  # when it next looks whether to ask
    end_s: float = 0.0  # media seconds buffered, from the video's start

    def is_over(self) -> bool:
        """Tell whether every segment has been asked for."""
        return self.next_segment >= len(self.segments)

    def level_s(self, playhead_s: float) -> float:
        """Return the media seconds ahead of the playhead."""
        return max(0.0, self.end_s - playhead_s)


# Says how long a track waits before it looks again, 0 where it may ask for its next segment now:
# (track, all tracks, playhead).
FetchRule = Callable[[Track, Sequence[Track], float], float]
LEAST_WAIT_S = 0.01  # a shorter one would let a player look without end


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """Who may fetch when, and how long things take, seconds."""

    wait_s: FetchRule
    request_gap_s: float  # from a segment's last byte to the next request's first
    start_lag_s: float
    resume_lag_s: float
    picture_lag_s: float  # from a video segment to its first picture, where the picture stood still
    video_grace_s: float  # how long sound plays on without video before the playhead stops
    start_buffer_s: float = 0.0
    resume_buffer_s: float = 0.0
    video_segments_per_fetch: int = 1  # asked for in one request, without a gap
    is_partial: bool = False  # plays what has arrived of a segment, not only whole ones


@dataclass(slots=True)
class Playhead:
    """The playhead: waiting, playing or stalled, moved forward from event to event."""

    rule: SegmentRule
    tracks: Sequence[Track]
    trace: PlaybackTrace = field(default_factory=PlaybackTrace)
    length_s: float = INFINITE
    t_s: float = 0.0
    playhead_s: float = 0.0
    is_playing: bool = False
    stalled_at_s: float = 0.0
    ready_s: float = INFINITE  # when the lag of a start or resume ends
    frozen_at_s: float | None = None
    freezes: list[Interval] = field(default_factory=list)

    def advance(self, until_s: float) -> None:
        """Move to `until_s`; nothing is appended in between."""
        while self.t_s < until_s and self.trace.end_s is None:
            if not self.is_playing:
                if self.ready_s > until_s:
                    break
                self._begin(self.ready_s)
            else:
                self._play(until_s)
        self.t_s = until_s

    def appended(self) -> None:
        """Take note of a new segment: a start, a resume or a picture may follow."""
        self._see_picture()
        if not self.is_playing and self.ready_s == INFINITE and self._has_enough():
            lag_s = self.rule.start_lag_s if self.trace.started_s is None else self.rule.resume_lag_s
            self.ready_s = self.t_s + lag_s

    def _has_enough(self) -> bool:
        wanted_s = self.rule.start_buffer_s if self.trace.started_s is None else self.rule.resume_buffer_s
        return all(
            track.end_s > self.playhead_s + min(wanted_s, self.length_s - self.playhead_s - 1e-6)
            for track in self.tracks
        )

    def _begin(self, t_s: float) -> None:
        if self.trace.started_s is None:
            self.trace.started_s = t_s
            self.trace.initial_buffer_s = min(track.end_s for track in self.tracks)
        else:
            self.trace.stalls.append(Interval(self.stalled_at_s, t_s - self.stalled_at_s))
        self.t_s, self.is_playing, self.ready_s = t_s, True, INFINITE
        self._see_picture()

    def _see_picture(self) -> None:
        """End a freeze where video is there again; while the clock waits for sound, the picture does too."""
        if self.frozen_at_s is None or self.tracks[0].end_s <= self.playhead_s:
            return
        if self.is_playing or self._has_enough():
            self.freezes.append(Interval(self.frozen_at_s, self.t_s + self.rule.picture_lag_s - self.frozen_at_s))
            self.frozen_at_s = None

    def _play(self, until_s: float) -> None:
        """Play to the next thing that happens: the video's end, sound or picture running dry, or `until_s`."""
        video = self.tracks[0]
        sound_end_s = min((track.end_s for track in self.tracks[1:]), default=INFINITE)
        picture_end_s = min(video.end_s, self.length_s)
        limit_s = min(self.length_s, sound_end_s, video.end_s + self._grace_s(sound_end_s))
        stop_s = picture_end_s if self.playhead_s < picture_end_s < limit_s else limit_s
        step_s = min(until_s - self.t_s, stop_s - self.playhead_s)
        if step_s > 0:
            self.playhead_s = stop_s if step_s == stop_s - self.playhead_s else self.playhead_s + step_s
            self.t_s = self.t_s + step_s
            self.trace.played_s += step_s
        if self.playhead_s < stop_s:
            return
        if self.playhead_s >= self.length_s:
            self.trace.end_s = self.t_s
            return
        if self.frozen_at_s is None and self.playhead_s >= picture_end_s:
            self.frozen_at_s = self.t_s
        if self.playhead_s >= limit_s:
            if self.frozen_at_s is None:
                self.frozen_at_s = self.t_s
            self.is_playing, self.stalled_at_s, self.ready_s = False, self.t_s, INFINITE

    def _grace_s(self, sound_end_s: float) -> float:
        return self.rule.video_grace_s if sound_end_s < INFINITE else 0.0
