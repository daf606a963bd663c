"""The media element over an adaptive player's buffers: start, stalls, freezes and the picture's quality."""

import pytest

from pytomo_scrapy.items import Interval
from pytomo_scrapy.measure.playback.adaptive.adaptive_playhead import AdaptivePlayhead, ElementRule
from pytomo_scrapy.measure.playback.adaptive.media_buffer import MediaBuffer, Piece

RULE = ElementRule(start_lag_s=0.1, resume_lag_s=0.2, video_grace_s=3.0)


def element(rule: ElementRule = RULE) -> AdaptivePlayhead:
    return AdaptivePlayhead(rule, {"video": MediaBuffer(), "audio": MediaBuffer()}, 30.0)


def play(playhead: AdaptivePlayhead, *appended: tuple[float, str, float, float, int]) -> AdaptivePlayhead:
    for at_s, kind, start_s, end_s, rung in appended:
        playhead.advance(at_s)
        playhead.append(kind, Piece(start_s, end_s, rung))
    return playhead


def test_it_starts_when_sound_and_picture_are_there() -> None:
    playhead = play(element(), (1.0, "video", 0, 5, 0), (1.5, "audio", 0, 10, 0))
    shown = playhead.close(3.0)
    assert (shown.started_s, shown.played_s, shown.stalls) == (1.6, pytest.approx(1.4), [])
    assert shown.switches == [(1.6, 0)]


def test_it_waits_for_as_much_as_the_player_wants() -> None:
    rule = ElementRule(0.0, 0.0, 3.0, start_buffer_s=6.0, resume_buffer_s=0.0)
    parts = [(1.0, "audio", 0, 10, 0), (1.0, "video", 0, 5, 0), (2.0, "video", 5, 10, 0)]
    assert play(element(rule), *parts).close(3.0).started_s == 2.0


def test_sound_that_runs_dry_is_a_stall_at_once() -> None:
    parts = [(0.9, "video", 0, 20, 0), (0.9, "audio", 0, 2, 0), (5.0, "audio", 2, 12, 0)]
    shown = play(element(), *parts).close(7.0)
    # Starts at 1.0, plays 2 s, stands from 3.0 until 5.0 and a lag of 0.2 s.
    assert shown.stalls == [Interval(3.0, pytest.approx(2.2))]
    assert shown.freezes == [Interval(3.0, pytest.approx(2.2))], "the picture stands too"


def test_picture_that_runs_dry_freezes_first_and_stalls_after_3_s() -> None:
    parts = [(0.9, "video", 0, 2, 0), (0.9, "audio", 0, 20, 0)]
    shown = play(element(), *parts, (5.0, "video", 0, 5, 1), (5.0, "video", 5, 10, 1)).close(8.0)
    # Starts at 1.0; no picture from 3.0 to 5.0, where that of 4 s of media is there again.
    assert (shown.stalls, shown.freezes) == ([], [Interval(3.0, pytest.approx(2.0))])
    shown = play(element(), *parts, (7.0, "video", 5, 10, 1)).close(9.0)
    assert shown.stalls == [Interval(6.0, pytest.approx(1.2))], "at 5 s of media, after 3 s without picture"


def test_a_stall_at_the_end_is_open_and_the_videos_end_is_none() -> None:
    shown = play(element(), (0.9, "video", 0, 20, 0), (0.9, "audio", 0, 2, 0)).close(5.0)
    assert shown.stalls == [Interval(3.0, pytest.approx(2.0), is_open=True)]
    whole = play(element(), (0.9, "video", 0, 30, 0), (0.9, "audio", 0, 30, 0)).close(60.0)
    assert (whole.end_s, whole.stalls, whole.played_s) == (31.0, [], pytest.approx(30.0))


def test_the_time_at_each_rung_is_kept() -> None:
    parts = [(0.9, "video", 0, 5, 1), (0.9, "audio", 0, 20, 0), (2.0, "video", 5, 10, 3)]
    shown = play(element(), *parts).close(9.0)
    assert shown.switches == [(1.0, 1), (6.0, 3)]
    assert shown.played_by_rung_s == {1: pytest.approx(5.0), 3: pytest.approx(3.0)}
