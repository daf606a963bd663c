"""Which rows lie inside the conditions of the recorded sessions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytomo_scrapy.items import Interval, Ladder, MediaTimeline, MediaTrack, TrackSegment
from pytomo_scrapy.measure.playback.player_model import PlaybackTrace, StreamTrace
from pytomo_scrapy.measure.playback.validated import is_adaptive_validated, is_fixed_validated


def stream(delivery_bps: float, media_bps: float | None, method: str = "packets") -> StreamTrace:
    return StreamTrace(
        (1.0, 10.0), (1, int(delivery_bps * 10 / 8)), MediaTimeline("video", method, bitrate_bps=media_bps)
    )


@pytest.mark.parametrize(
    ("delivery_bps", "media_bps", "round_trip_s", "stalls", "is_validated"),
    [
        (3e6, 0.8e6, None, 2, True),  # as the slow links, which stalled
        (3e6, 0.8e6, 0.2, 2, False),  # no recording has such a round trip
        (3e6, 3e6, 0.05, 0, True),  # as 720p on faster links, which never stalled
        (3e6, 3e6, 0.05, 1, False),
        (92e6, 3e6, 0.02, 0, True),  # the fastest that was recorded
        (100e6, 3e6, 0.001, 0, False),
        (90e6, 8e6, 0.001, 0, False),  # no recording has such media
        (30e6, 0.8e6, 0.05, 0, True),
        (30e6, 0.8e6, 0.05, 1, False),
        (3e6, None, 0.05, 0, False),
    ],
)
def test_fixed_quality_is_validated_where_recordings_reach(
    delivery_bps: float, media_bps: float | None, round_trip_s: float | None, stalls: int, is_validated: bool
) -> None:
    trace = PlaybackTrace(stalls=[Interval(5.0, 1.0)] * stalls)
    assert is_fixed_validated([stream(delivery_bps, media_bps)], trace, 30.0, round_trip_s) is is_validated
    assert not is_fixed_validated([stream(delivery_bps, media_bps)], trace, 60.0, round_trip_s), "too long a window"


def test_the_linear_model_and_an_index_behind_the_media_are_never_validated() -> None:
    assert not is_fixed_validated([stream(1e6, 5e5, "linear")], PlaybackTrace(), 30.0, None)
    last = stream(1e6, 5e5)
    last = replace(last, timeline=replace(last.timeline, is_index_last=True))
    assert not is_fixed_validated([last], PlaybackTrace(), 30.0, None)


def track(kind: str, bitrate_bps: float, source: str = "index") -> MediaTrack:
    return MediaTrack(kind, kind, bitrate_bps, (TrackSegment(0.0, 5.0, 1000, 0),), source)


LADDER = Ladder((track("video", 1e5), track("video", 4e6)), (track("audio", 1.3e5),))


@pytest.mark.parametrize(
    ("ladder", "delivery_bps", "window_s", "round_trip_s", "is_validated"),
    [
        (LADDER, 19e6, 45.0, 0.1, True),
        (LADDER, 30e6, 45.0, 0.1, False),
        (LADDER, 19e6, 60.0, 0.1, False),
        (LADDER, 19e6, 45.0, 0.15, False),
        (replace(LADDER, video=LADDER.video[:1]), 19e6, 45.0, 0.1, False),
        (replace(LADDER, audio=()), 19e6, 45.0, 0.1, False),
        (replace(LADDER, video=(LADDER.video[0], track("video", 4e6, "declared"))), 19e6, 45.0, 0.1, False),
        (replace(LADDER, video=(LADDER.video[0], track("video", 8e6))), 19e6, 45.0, 0.1, False),
    ],
)
def test_adaptive_players_are_validated_where_recordings_reach(
    ladder: Ladder, delivery_bps: float, window_s: float, round_trip_s: float, is_validated: bool
) -> None:
    assert is_adaptive_validated([stream(delivery_bps, 1e6)], ladder, window_s, round_trip_s) is is_validated
