"""When a player asks for more: the server's policy, the simulated playhead, and what each pause between answers was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum

from pytomo_scrapy.measure.playback.players.playhead import Playhead, SegmentRule, Track
from pytomo_scrapy.measure.sabr.messages import NextRequestPolicy, PlaybackStartPolicy, ReadaheadPolicy
from pytomo_scrapy.measure.sabr.segments import TrackIntake

ROUNDING_S = 1e-6  # of sums of media times: a threshold is reached by exactly as much
DEFAULT_READAHEAD_S = 15.0  # of web, mweb and tv, where nothing is declared
DEFAULT_LONGEST_PAUSE_S = 60.0
# A larger number of milliseconds is none that a player would wait for.
MAX_S = 3600.0


class Pause(Enum):
    """Why nothing is asked for."""

    FULL = "enough is ahead of the playhead"
    AD = "an advertisement is on: its media come another way"
    ORDERED = "the server ordered a wait, though media are due"


class Demand:
    """The playhead of the `youtube` player, moved by the window's clock, and what it wants.

    While an advertisement is on the content's clock stands still: the playhead does not move, and nothing stalls.
    """

    def __init__(self, tracks: Mapping[str, TrackIntake], player: Mapping[str, float]) -> None:
        self.readahead_s = dict.fromkeys(tracks, player.get("readahead_target_s", DEFAULT_READAHEAD_S))
        self.is_readahead_told = False  # by the server, not by the player's declaration
        self.start_s: float | None = None  # as the server said
        self.resume_s: float | None = None
        self.cookie: bytes | None = None
        self.longest_ahead_s = 0.0
        self.backoff_s = 0.0  # that this answer ordered
        self.pauses: dict[Pause, list[tuple[float, float]]] = {pause: [] for pause in Pause}
        self._tracks = tracks
        self._played = {kind: Track(kind, (), 0.0) for kind in tracks}
        self._playhead = Playhead(_rule(player), list(self._played.values()))
        self._longest_pause_s = DEFAULT_LONGEST_PAUSE_S
        self._asked_s = 0.0
        self._ready_s = 0.0
        self._pause: Pause | None = None
        self._paused_s = 0.0
        self._ad_s = 0.0  # of advertisements that are over

    @property
    def playhead_s(self) -> float:
        """The playhead's position when it was last looked at."""
        return self._playhead.playhead_s

    def take_policy(self, policy: NextRequestPolicy) -> None:
        """Take how far ahead the server sends, and how long it wants to be left alone."""
        targets = {"audio": policy.target_audio_readahead_ms, "video": policy.target_video_readahead_ms}
        for kind, target_ms in targets.items():
            if kind in self.readahead_s and target_ms:
                self.readahead_s[kind] = min(target_ms / 1000, MAX_S)
                self.is_readahead_told = True
        if policy.max_time_since_last_request_ms:
            self._longest_pause_s = min(policy.max_time_since_last_request_ms / 1000, MAX_S)
        self.backoff_s = min((policy.backoff_time_ms or 0) / 1000, MAX_S)
        self.cookie = policy.playback_cookie or self.cookie

    def take_start_policy(self, policy: PlaybackStartPolicy) -> None:
        """Take the player's thresholds."""
        self.start_s, self.resume_s = _longest_s(policy.start, self.start_s), _longest_s(policy.resume, self.resume_s)
        rule = self._playhead.rule
        if self.start_s is not None:
            rule = replace(rule, start_buffer_s=max(0.0, self.start_s - ROUNDING_S))
        if self.resume_s is not None:
            rule = replace(rule, resume_buffer_s=max(0.0, self.resume_s - ROUNDING_S))
        self._playhead.rule = rule

    def appended(self, now_s: float) -> None:
        """Take note that a segment is whole."""
        self.look(now_s)
        playhead, ends = self._playhead, []
        for kind, track in self._tracks.items():
            end_s, current = track.end_s, track.current
            self._played[kind].end_s = end_s
            if end_s - playhead.playhead_s > self.longest_ahead_s:
                self.longest_ahead_s = end_s - playhead.playhead_s
            if current is not None and current.end_ms:
                ends.append(current.end_ms)
        if len(ends) == len(self._tracks):
            playhead.length_s = min(ends) / 1000
        playhead.appended()

    def look(self, now_s: float) -> None:
        """Move the playhead on."""
        paused_s = now_s - self._paused_s if self._pause is Pause.AD else 0.0
        self._playhead.advance(max(self._playhead.t_s, now_s - self._ad_s - paused_s))

    def is_due(self, now_s: float) -> bool:
        """Tell whether less is ahead of the playhead than the server would send."""
        self.look(now_s)
        return any(
            not track.is_over and track.end_s - self.playhead_s < self.readahead_s[kind]
            for kind, track in self._tracks.items()
        )

    def wants(self, now_s: float) -> bool:
        """Tell whether it is time to ask."""
        if all(track.is_over for track in self._tracks.values()) or now_s < self._ready_s:
            return False
        return self.is_due(now_s) or now_s >= self._asked_s + self._longest_pause_s

    def asked(self, now_s: float) -> None:
        """Take note of a request: a pause is over."""
        self.look(now_s)
        self._end_pause(now_s)
        self._asked_s, self.backoff_s = now_s, 0.0

    def answered(self, now_s: float, *, is_ad: bool) -> None:
        """Take note that an answer is over: a pause begins where nothing is asked for at once."""
        # Without a wait it is ready at once, by whichever clock reading it is asked.
        self._ready_s = now_s + self.backoff_s if self.backoff_s else 0.0
        if is_ad and self.backoff_s:
            self._pause = Pause.AD
        elif not self.is_due(now_s):
            self._pause = Pause.FULL
        else:
            self._pause = Pause.ORDERED if self.backoff_s else None
        self._paused_s = now_s

    def idle_until(self, now_s: float) -> list[tuple[float, float]]:
        """Return the times in which the player wanted nothing, one that goes on included.

        Enough was ahead, or an advertisement was on: neither says anything of the line. A wait that the server ordered
        while media were due is a part of how it delivers.
        """
        is_open = self._pause in {Pause.FULL, Pause.AD} and now_s > self._paused_s
        idle = sorted([*self.pauses[Pause.FULL], *self.pauses[Pause.AD]])
        return [*idle, (self._paused_s, now_s)] if is_open else idle

    def close(self, now_s: float) -> None:
        """Take note that the window is over."""
        self.look(now_s)
        self._end_pause(now_s)

    def _end_pause(self, now_s: float) -> None:
        if self._pause is not None and now_s > self._paused_s:
            self.pauses[self._pause].append((self._paused_s, now_s))
            self._ad_s += now_s - self._paused_s if self._pause is Pause.AD else 0.0
        self._pause = None


def _rule(player: Mapping[str, float]) -> SegmentRule:
    return SegmentRule(
        wait_s=lambda track, tracks, playhead_s: 0.0,  # the server sends as it likes
        request_gap_s=0.0,
        start_lag_s=player.get("start_lag_s", 0.0),
        resume_lag_s=player.get("resume_lag_s", 0.0),
        picture_lag_s=player.get("picture_lag_s", 0.0),
        video_grace_s=player.get("video_grace_s", 0.0),
        start_buffer_s=max(0.0, player.get("start_buffer_s", 0.0) - ROUNDING_S),
        resume_buffer_s=max(0.0, player.get("resume_buffer_s", 0.0) - ROUNDING_S),
    )


def _longest_s(steps: list[ReadaheadPolicy], before_s: float | None) -> float | None:
    """Return the media that must be ahead, of steps by bandwidth: the most of them, enough on every line."""
    waits = [min(step.readahead_ms / 1000, MAX_S) for step in steps if step.readahead_ms is not None]
    return max(waits, default=before_s)
