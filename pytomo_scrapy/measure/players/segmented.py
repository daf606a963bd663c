"""The rule that `dashjs`, `shaka` and `exo` share: a player that fetches segments, replayed over the summed bytes.

Two whole-file downloads share the line as no player would, so only the *sum* of what they received counts here: the
requests of the player are laid over it again, those in flight at the same time sharing it evenly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pytomo_scrapy.items import Interval, MediaSegment, MediaTimeline
from pytomo_scrapy.measure.players.model import INFINITE, Session, StreamTrace

MAX_SEGMENTS = 20_000
ASSUMED_SEGMENT_S = 5.0  # where a file tells no segments: what the service's own streams have
STAND_IN_STEP_S = 0.01  # steps of the supply that is assumed after the last file was whole


@dataclass(slots=True)
class Track:
    """One stream of a segment player: what is buffered, what is in flight, and when it looks for more."""

    kind: str
    segments: Sequence[MediaSegment]
    longest_s: float
    place: int = 0  # next segment to ask for
    missing_bytes: float = 0.0  # of the request in flight
    is_in_flight: bool = False
    look_s: float = 0.0  # when it next looks whether to ask
    end_s: float = 0.0  # media seconds buffered, from the video's start

    def is_over(self) -> bool:
        """Tell whether every segment has been asked for."""
        return self.place >= len(self.segments)

    def level_s(self, playhead_s: float) -> float:
        """Return the media seconds ahead of the playhead."""
        return max(0.0, self.end_s - playhead_s)


# Says whether a track may ask for its next segment: (track, all tracks, playhead).
FetchRule = Callable[[Track, Sequence[Track], float], bool]


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """Who may fetch when, and how long things take, seconds."""

    may_fetch: FetchRule
    poll_s: float  # between two looks of a track that may not fetch
    request_gap_s: float  # from a segment's last byte to the next request's first
    start_lag_s: float
    resume_lag_s: float
    picture_lag_s: float  # from a video segment to its first picture, where the picture stood still
    video_grace_s: float  # without video, sound plays on for so long before the clock stops
    start_buffer_s: float = 0.0
    resume_buffer_s: float = 0.0
    video_segments_per_fetch: int = 1  # asked for in one request, without a gap
    is_partial: bool = False  # plays what has arrived of a segment, not only whole ones


@dataclass(slots=True)
class Clock:
    """The playhead: waiting, playing or stalled, moved forward from event to event."""

    rule: SegmentRule
    tracks: Sequence[Track]
    session: Session = field(default_factory=Session)
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
        while self.t_s < until_s and self.session.end_s is None:
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
            lag_s = self.rule.start_lag_s if self.session.started_s is None else self.rule.resume_lag_s
            self.ready_s = self.t_s + lag_s

    def _has_enough(self) -> bool:
        wanted_s = self.rule.start_buffer_s if self.session.started_s is None else self.rule.resume_buffer_s
        return all(
            track.end_s > self.playhead_s + min(wanted_s, self.length_s - self.playhead_s - 1e-6)
            for track in self.tracks
        )

    def _begin(self, t_s: float) -> None:
        if self.session.started_s is None:
            self.session.started_s = t_s
            self.session.initial_buffer_s = min(track.end_s for track in self.tracks)
        else:
            self.session.stalls.append(Interval(self.stalled_at_s, t_s - self.stalled_at_s))
        self.t_s, self.is_playing, self.ready_s = t_s, True, INFINITE
        self._see_picture()

    def _see_picture(self) -> None:
        """End a freeze where video is there again."""
        if self.frozen_at_s is not None and self.tracks[0].end_s > self.playhead_s:
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
            self.session.played_s += step_s
        if self.playhead_s < stop_s:
            return
        if self.playhead_s >= self.length_s:
            self.session.end_s = self.t_s
            return
        if self.frozen_at_s is None and self.playhead_s >= picture_end_s:
            self.frozen_at_s = self.t_s
        if self.playhead_s >= limit_s:
            if self.frozen_at_s is None:
                self.frozen_at_s = self.t_s
            self.is_playing, self.stalled_at_s, self.ready_s = False, self.t_s, INFINITE

    def _grace_s(self, sound_end_s: float) -> float:
        return self.rule.video_grace_s if sound_end_s < INFINITE else 0.0


def replay(streams: Sequence[StreamTrace], rule: SegmentRule, horizon_s: float) -> Session:
    """Lay the requests of `rule` over the summed arrivals and play what they bring."""
    tracks = [_track(stream) for stream in streams]
    clock = Clock(rule, tracks, length_s=min(_length_s(stream) for stream in streams))
    headers = float(sum(stream.timeline.init_bytes for stream in streams))
    arrivals = summed_arrivals(streams, horizon_s)
    unknown = _unknown_supply(streams, arrivals, horizon_s)
    for t_s, count in arrivals + _stand_in(unknown, arrivals, streams):
        _look(clock, rule, t_s)
        clock.advance(t_s)
        if any(track.is_in_flight for track in tracks) and any(start < t_s <= end for start, end in unknown):
            clock.session.is_identifiable = False
        used = min(headers, count)  # headers and indexes come first, for all streams
        headers -= used
        _deliver(clock, rule, count - used)
    _look(clock, rule, horizon_s)
    clock.advance(horizon_s)
    return _closed(clock, horizon_s)


def _track(stream: StreamTrace) -> Track:
    segments = known_segments(stream.timeline)
    return Track(stream.timeline.kind, segments, max((segment.duration_s for segment in segments), default=0.0))


def _length_s(stream: StreamTrace) -> float:
    last = known_segments(stream.timeline)[-1]
    return last.start_s + last.duration_s


def known_segments(timeline: MediaTimeline) -> Sequence[MediaSegment]:
    """Return the segments of a stream up to its end.

    A file without an index tells only what arrived: what follows is assumed to go on in the same size, to the declared
    duration. Where even that is missing, segments of ASSUMED_SEGMENT_S are cut from the timeline.
    """
    segments = list(timeline.segments) or _cut_segments(timeline)
    if not segments:
        return segments
    last = segments[-1]
    step_s, step_bytes = segments[0].duration_s, segments[0].end_byte - segments[0].start_byte
    end_s = timeline.duration_s or 0.0
    while last.start_s + last.duration_s < end_s - 0.5 * step_s and len(segments) < MAX_SEGMENTS:
        start_s = last.start_s + last.duration_s
        last = MediaSegment(last.end_byte, last.end_byte + step_bytes, start_s, min(step_s, end_s - start_s))
        segments.append(last)
    return segments


def _cut_segments(timeline: MediaTimeline) -> list[MediaSegment]:
    segments: list[MediaSegment] = []
    start_byte, start_s = timeline.init_bytes, 0.0
    for offset, complete_s in zip(timeline.offset_bytes, timeline.complete_s, strict=True):
        if complete_s >= start_s + ASSUMED_SEGMENT_S or offset == timeline.offset_bytes[-1]:
            if offset > start_byte and complete_s > start_s:
                segments.append(MediaSegment(start_byte, offset, start_s, complete_s - start_s))
            start_byte, start_s = offset, complete_s
    return segments


def _look(clock: Clock, rule: SegmentRule, until_s: float) -> None:
    """Let idle tracks look for their next segment, in the order of their times, up to `until_s`."""
    while True:
        idle = [track for track in clock.tracks if not track.is_in_flight and not track.is_over()]
        track = min(idle, key=lambda one: one.look_s, default=None)
        if track is None or track.look_s > until_s:
            return
        clock.advance(max(track.look_s, clock.t_s))
        if rule.may_fetch(track, clock.tracks, clock.playhead_s):
            segment = track.segments[track.place]
            track.is_in_flight, track.missing_bytes = True, float(segment.end_byte - segment.start_byte)
        else:
            track.look_s += rule.poll_s


def _deliver(clock: Clock, rule: SegmentRule, count: float) -> None:
    """Share `count` bytes evenly among the requests in flight; what no request wants is lost, as on the line."""
    while count > 1e-6:
        active = [track for track in clock.tracks if track.is_in_flight]
        if not active:
            return
        share = min(count / len(active), min(track.missing_bytes for track in active))
        count -= share * len(active)
        for track in active:
            segment = track.segments[track.place]
            track.missing_bytes -= share
            is_whole = track.missing_bytes <= 1e-6
            if is_whole:
                track.is_in_flight = False
                track.place += 1
                is_fetch_over = track.kind == "audio" or track.place % rule.video_segments_per_fetch == 0
                track.look_s = clock.t_s + (rule.request_gap_s if is_fetch_over else 0.0)
            if is_whole or rule.is_partial:
                there = 1.0 - max(0.0, track.missing_bytes) / (segment.end_byte - segment.start_byte)
                track.end_s = segment.start_s + segment.duration_s * (1.0 if is_whole else there)
                clock.appended()


def _closed(clock: Clock, horizon_s: float) -> Session:
    session = clock.session
    if session.started_s is not None and session.end_s is None:
        if not clock.is_playing and horizon_s > clock.stalled_at_s:
            session.stalls.append(Interval(clock.stalled_at_s, horizon_s - clock.stalled_at_s, is_open=True))
        if clock.frozen_at_s is not None and horizon_s > clock.frozen_at_s:
            clock.freezes.append(Interval(clock.frozen_at_s, horizon_s - clock.frozen_at_s, is_open=True))
    session.freezes = clock.freezes
    session.buffer_end_s = min(track.level_s(clock.playhead_s) for track in clock.tracks)
    return session


def summed_arrivals(streams: Sequence[StreamTrace], horizon_s: float) -> list[tuple[float, float]]:
    """Return (time, bytes) of what arrived of all streams together, up to `horizon_s`."""
    events: list[tuple[float, float]] = []
    for stream in streams:
        before = 0
        for t_s, count in zip(stream.arrival_s, stream.arrival_bytes, strict=True):
            if t_s > horizon_s:
                break
            events.append((t_s, float(count - before)))
            before = count
    events.sort()
    return events


def _unknown_supply(
    streams: Sequence[StreamTrace], arrivals: Sequence[tuple[float, float]], horizon_s: float
) -> list[tuple[float, float]]:
    """Return the times in which nothing was asked for, so that nobody knows what the line would have given."""
    unknown = [gap for stream in streams for gap in stream.no_demand_s]
    if arrivals and all(stream.is_complete for stream in streams):
        unknown.append((arrivals[-1][0], horizon_s))
    return unknown


def _stand_in(
    unknown: Sequence[tuple[float, float]], arrivals: Sequence[tuple[float, float]], streams: Sequence[StreamTrace]
) -> list[tuple[float, float]]:
    """Let the mean rate so far go on after the last file was whole: a player that had waited would still fetch then."""
    if not arrivals or not unknown or not all(stream.is_complete for stream in streams):
        return []
    first_s, last_s = arrivals[0][0], arrivals[-1][0]
    step = sum(count for _, count in arrivals) / max(last_s - first_s, STAND_IN_STEP_S) * STAND_IN_STEP_S
    steps = int((unknown[-1][1] - last_s) / STAND_IN_STEP_S)
    return [(last_s + STAND_IN_STEP_S * (index + 1), step) for index in range(steps)]


def segment_parameters(parameters: Mapping[str, float], may_fetch: FetchRule) -> SegmentRule:
    """Build the rule from a player's named parameters."""
    return SegmentRule(
        may_fetch,
        max(parameters["poll_s"], 0.01),
        parameters["request_gap_s"],
        parameters["start_lag_s"],
        parameters["resume_lag_s"],
        parameters["picture_lag_s"],
        parameters["video_grace_s"],
        start_buffer_s=parameters.get("start_buffer_s", 0.0),
        resume_buffer_s=parameters.get("resume_buffer_s", 0.0),
        video_segments_per_fetch=max(1, int(parameters.get("video_segments_per_fetch", 1))),
        is_partial="video_segments_per_fetch" in parameters,
    )
