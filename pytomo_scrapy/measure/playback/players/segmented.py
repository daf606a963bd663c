"""The rule that `dashjs`, `shaka` and `exo` share: a player that fetches segments, replayed over the summed bytes.

Two whole-file downloads share the line as no player would, so only the *sum* of what they received counts here: the
requests of the player are laid over it again, those in flight at the same time sharing it evenly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytomo_scrapy.items import Interval
from pytomo_scrapy.measure.playback.player_model import INFINITE, PlaybackTrace, StreamTrace
from pytomo_scrapy.measure.playback.players.playhead import LEAST_WAIT_S, FetchRule, Playhead, SegmentRule, Track
from pytomo_scrapy.measure.playback.supply import Supply, known_segments, summed_supply

PARTIAL_STEP_S = 0.1  # how often a player that plays parts of segments looks at them
AMPLE_STEP_S = 0.5  # and how often while it plays with more than that ahead: nothing can run dry in between


def replay(streams: Sequence[StreamTrace], rule: SegmentRule, horizon_s: float) -> PlaybackTrace:
    """Lay the requests of `rule` over the summed arrivals and play what they bring.

    Numbered as one turn of the loop: 1 let idle tracks ask, 2 find what happens next, 3 go there, 4 hand out the bytes
    that arrived meanwhile. What no request wants is lost, as on the line.
    """
    init_bytes = sum(stream.timeline.init_bytes for stream in streams)
    return replay_tracks(
        [_track(stream) for stream in streams], init_bytes, summed_supply(streams, horizon_s), rule, horizon_s
    )


def replay_tracks(
    tracks: Sequence[Track], init_bytes: int, supply: Supply, rule: SegmentRule, horizon_s: float
) -> PlaybackTrace:
    """Lay the requests for these tracks over a supply; see `replay`. `init_bytes` are their headers and indexes."""
    if not all(track.segments for track in tracks):
        return PlaybackTrace(freezes=[], buffer_end_s=0.0)
    playhead = Playhead(
        rule, tracks, length_s=min(track.segments[-1].start_s + track.segments[-1].duration_s for track in tracks)
    )
    # Headers and indexes of all streams come before any segment.
    used_bytes = float(init_bytes)
    while playhead.t_s < horizon_s:
        if not any(track.is_in_flight for track in tracks):
            used_bytes = max(used_bytes, supply.bytes_at(playhead.t_s))
        _ask(playhead, rule)  # 1
        active = [track for track in tracks if track.is_in_flight]
        until_s = min(_next_s(playhead, rule, supply, used_bytes), horizon_s)  # 2
        if active and supply.unknown_s and supply.is_unknown(playhead.t_s, until_s):
            playhead.trace.is_identifiable = False
        playhead.advance(until_s)  # 3
        if active:
            arrived = max(0.0, supply.bytes_at(until_s) - used_bytes)
            used_bytes += _hand_out(playhead, rule, active, arrived)  # 4
    return _closed(playhead, horizon_s)


def _track(stream: StreamTrace) -> Track:
    segments = known_segments(stream.timeline)
    return Track(stream.timeline.kind, segments, max((segment.duration_s for segment in segments), default=0.0))


def _ask(playhead: Playhead, rule: SegmentRule) -> None:
    """Let the idle tracks whose time has come ask for their next segment, or look again later."""
    for track in playhead.tracks:
        if track.is_in_flight or track.is_over() or track.look_s > playhead.t_s:
            continue
        wait_s = rule.wait_s(track, playhead.tracks, playhead.playhead_s)
        if wait_s > 0:
            track.look_s = playhead.t_s + max(wait_s, LEAST_WAIT_S)
        else:
            segment = track.segments[track.next_segment]
            track.is_in_flight, track.missing_bytes = True, float(segment.end_byte - segment.start_byte)


def _next_s(playhead: Playhead, rule: SegmentRule, supply: Supply, used_bytes: float) -> float:
    """Return when the next segment is whole or the next idle track looks, whichever comes first."""
    looks = [track.look_s for track in playhead.tracks if not track.is_in_flight and not track.is_over()]
    next_s = min(looks, default=INFINITE)
    missing = [track.missing_bytes for track in playhead.tracks if track.is_in_flight]
    if missing:
        # Bytes that came in one go with the last ones count from now on, never from before.
        next_s = min(next_s, max(playhead.t_s, supply.time_of(used_bytes + min(missing) * len(missing))))
        if rule.is_partial:
            next_s = min(next_s, playhead.t_s + _partial_step_s(playhead))
    return next_s


def _partial_step_s(playhead: Playhead) -> float:
    is_ample = (
        playhead.is_playing and min(track.end_s for track in playhead.tracks) - playhead.playhead_s > AMPLE_STEP_S + 0.1
    )
    return AMPLE_STEP_S if is_ample else PARTIAL_STEP_S


def _hand_out(playhead: Playhead, rule: SegmentRule, active: Sequence[Track], arrived: float) -> float:
    """Share what arrived evenly, up to the end of the shortest request. Return the bytes used."""
    share = min(arrived / len(active), min(track.missing_bytes for track in active))
    for track in active:
        segment = track.segments[track.next_segment]
        track.missing_bytes -= share
        is_whole = track.missing_bytes <= 1e-6
        if is_whole:
            track.is_in_flight = False
            track.next_segment += 1
            is_fetch_over = track.kind == "audio" or track.next_segment % rule.video_segments_per_fetch == 0
            track.look_s = playhead.t_s + (rule.request_gap_s if is_fetch_over else 0.0)
        if is_whole or rule.is_partial:
            there = 1.0 - max(0.0, track.missing_bytes) / (segment.end_byte - segment.start_byte)
            track.end_s = segment.start_s + segment.duration_s * (1.0 if is_whole else there)
            playhead.appended()
    return share * len(active)


def _closed(playhead: Playhead, horizon_s: float) -> PlaybackTrace:
    trace = playhead.trace
    if trace.started_s is not None and trace.end_s is None:
        if not playhead.is_playing and horizon_s > playhead.stalled_at_s:
            trace.stalls.append(Interval(playhead.stalled_at_s, horizon_s - playhead.stalled_at_s, is_open=True))
        if playhead.frozen_at_s is not None and horizon_s > playhead.frozen_at_s:
            playhead.freezes.append(Interval(playhead.frozen_at_s, horizon_s - playhead.frozen_at_s, is_open=True))
    trace.freezes = _apart(playhead.freezes, horizon_s)
    trace.buffer_end_s = min(track.level_s(playhead.playhead_s) for track in playhead.tracks)
    return trace


def _apart(freezes: Sequence[Interval], horizon_s: float) -> list[Interval]:
    """Join freezes that a picture's own lag lets overlap, and end them with the window."""
    joined: list[Interval] = []
    for freeze in freezes:
        end_s = min(freeze.start_s + freeze.duration_s, horizon_s)
        start_s = freeze.start_s
        if joined and start_s <= joined[-1].start_s + joined[-1].duration_s:
            start_s = joined.pop().start_s
        if end_s > start_s:
            joined.append(Interval(start_s, end_s - start_s, freeze.is_open))
    return joined


def segment_parameters(parameters: Mapping[str, float], wait_s: FetchRule, *, is_partial: bool = False) -> SegmentRule:
    """Build the rule from a player's named parameters. `is_partial`: it plays what has arrived of a segment."""
    return SegmentRule(
        wait_s,
        parameters["request_gap_s"],
        parameters["start_lag_s"],
        parameters["resume_lag_s"],
        parameters["picture_lag_s"],
        parameters["video_grace_s"],
        start_buffer_s=parameters.get("start_buffer_s", 0.0),
        resume_buffer_s=parameters.get("resume_buffer_s", 0.0),
        video_segments_per_fetch=max(1, int(parameters.get("video_segments_per_fetch", 1))),
        is_partial=is_partial,
    )
