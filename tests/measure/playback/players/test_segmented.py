"""dash.js, Shaka Player and ExoPlayer: hand-computed schedules, the arithmetic beside each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytomo_scrapy.measure.playback.players.exo import declared_parameters
from pytomo_scrapy.measure.playback.simulation import default_player, simulate_playback
from tests.measure.playback.playback_streams import make_segmented, steady

PROMPT = {"request_gap_s": 0.0, "start_lag_s": 0.0, "resume_lag_s": 0.0, "picture_lag_s": 0.0}


def test_dashjs_starts_when_both_streams_have_their_first_segment() -> None:
    # The line gives 1000 bytes a second in all. Video needs 5000, audio 1000, sharing evenly: audio is whole at 2.0,
    # video has 1000 then and the line alone: 4000 more by 6.0.
    video = make_segmented("video", steady(1000, 10, share=0.5))
    audio = make_segmented("audio", steady(1000, 10, share=0.5), segment_bytes=1000)
    result = simulate_playback([video, audio], "dashjs", PROMPT, horizon_s=10.0)
    assert result.startup_delay_s == pytest.approx(6.0, abs=0.11)


@pytest.mark.parametrize(
    ("first_s", "later_s", "startup_s"), [(2.0433, 2.0433, 7.0), (2.0437, 2.0437, 6.0), (2.0437, 2.1, 6.0)]
)
def test_dashjs_asks_for_a_second_sound_where_the_length_of_the_first_rounds_down(
    first_s: float, later_s: float, startup_s: float
) -> None:
    # As above; sound is whole at 2.0. dash.js compares a level in whole milliseconds with the exact length of the first
    # segment: 2.043 is less than 2.0433, so that it asks again and shares the line until 4.0; video, with 2000 then,
    # has the other 3000 at 7.0. 2.044 is not less than 2.0437.
    video = make_segmented("video", steady(1000, 10, share=0.5))
    audio = make_segmented("audio", steady(1000, 10, share=0.5), segment_bytes=1000, segment_s=later_s)
    first = replace(audio.timeline.segments[0], duration_s=first_s)
    audio = replace(audio, timeline=replace(audio.timeline, segments=(first, *audio.timeline.segments[1:])))
    result = simulate_playback([video, audio], "dashjs", PROMPT, horizon_s=10.0)
    assert result.startup_delay_s == pytest.approx(startup_s, abs=0.11)


def test_dashjs_fetches_video_from_the_sum_of_both_downloads() -> None:
    # The video file alone got nothing at all, yet the player would have used the line for it.
    video = make_segmented("video", [])
    audio = make_segmented("audio", steady(6000, 4), segment_bytes=1000)
    result = simulate_playback([video, audio], "dashjs", PROMPT, horizon_s=4.0)
    assert result.startup_delay_s == pytest.approx(1.0, abs=0.11)


def test_dashjs_without_video_plays_sound_on_for_the_grace_then_stalls() -> None:
    # One segment of each (5 s) by 1.0, then the line is dead until 12.0; a second audio segment comes with the first
    # bytes of all (audio: 10 s). Picture ends at 6.0: freeze. Clock stops 3 s later, at 9.0: stall, until 12.1.
    arrivals = [(0.5, 5000), (1.0, 7000), (12.1, 14000)]
    video = make_segmented("video", arrivals)
    audio = make_segmented("audio", [], segment_s=10.0, segment_bytes=2000, count=6)
    result = simulate_playback([video, audio], "dashjs", PROMPT, horizon_s=13.0)
    assert result.startup_delay_s == pytest.approx(1.0)
    assert result.freezes is not None
    assert [(freeze.start_s, freeze.duration_s) for freeze in result.freezes] == [
        (pytest.approx(6.0), pytest.approx(6.1))
    ]
    assert [(stall.start_s, stall.duration_s) for stall in result.stalls] == [(pytest.approx(9.0), pytest.approx(3.1))]
    assert result.played_s == pytest.approx(8.9)


def test_dashjs_short_video_gap_is_a_freeze_and_no_stall() -> None:
    arrivals = [(0.5, 5000), (1.0, 7000), (8.0, 14000)]
    video = make_segmented("video", arrivals)
    audio = make_segmented("audio", [], segment_s=10.0, segment_bytes=2000, count=6)
    result = simulate_playback([video, audio], "dashjs", PROMPT, horizon_s=9.0)
    assert result.stalls == ()
    assert result.freezes is not None and [round(freeze.duration_s, 2) for freeze in result.freezes] == [2.0]


def test_dashjs_stops_at_its_buffer_goal_and_shaka_at_a_smaller_one() -> None:
    # Segments come at once. dash.js asks while level + segment is below 30 s, Shaka while its level is below 10 s.
    streams = [make_segmented(kind, steady(100_000, 1, step_s=0.01), count=100) for kind in ("video", "audio")]
    dashjs = simulate_playback(streams, "dashjs", PROMPT, horizon_s=1.0)
    shaka = simulate_playback(streams, "shaka", PROMPT, horizon_s=1.0)
    assert 20.0 <= (dashjs.buffer_end_s or 0) < 30.0
    assert 9.0 <= (shaka.buffer_end_s or 0) < 15.0


def test_shaka_shares_the_line_and_freezes_before_it_stalls() -> None:
    # 1000 bytes a second. Video 5000 bytes for 5 s, audio 2000 for 10 s, the longest of both.
    # Both ask at 0: audio whole at 4.0, video (2000 there) at 7.0: start. Audio, 10 s ahead of video, looks at 5, 6, 7.
    # Both ask at 7.0: audio whole at 11.0, video at 14.0; picture ended at 12.0. Audio has 16 s, above its goal.
    # Video alone: whole at 19.0; picture ended at 17.0. Audio has 9.5 s at 17.5, but is 10 ahead of video: it looks
    # at 18.5 and asks at 19.5. Video has 500 then; audio whole at 23.5, video at 26.0. Picture ended at 22.0, the clock
    # at 25.0.
    video = make_segmented("video", steady(1000, 30))
    audio = make_segmented("audio", [], segment_s=10.0, segment_bytes=2000, count=6)
    result = simulate_playback([video, audio], "shaka", PROMPT, horizon_s=27.0)
    assert result.startup_delay_s == pytest.approx(7.0)
    assert result.freezes is not None
    assert [(freeze.start_s, freeze.duration_s) for freeze in result.freezes] == [
        (pytest.approx(12.0), pytest.approx(2.0)),
        (pytest.approx(17.0), pytest.approx(2.0)),
        (pytest.approx(22.0), pytest.approx(4.0)),
    ]
    assert [(stall.start_s, stall.duration_s) for stall in result.stalls] == [(pytest.approx(25.0), pytest.approx(1.0))]
    assert result.played_s == pytest.approx(19.0)


def test_shaka_stream_a_longest_segment_ahead_waits_for_its_next_look() -> None:
    # 1000 bytes a second. Video 500 bytes for 5 s: whole at 1.0 and 2.0, then as far ahead as audio's 10 s segment
    # is long: it looks 20 s later. Audio, 2300 bytes: 1000 by 2.0, whole at 3.3: start. Video ends at 13.3, the clock
    # 3 s later; at 22.0 video asks and has the line to itself: 500 bytes by 22.5.
    video = make_segmented("video", steady(1000, 30), segment_bytes=500)
    audio = make_segmented("audio", [], segment_s=10.0, segment_bytes=2300, count=6)
    result = simulate_playback(
        [video, audio], "shaka", PROMPT | {"catch_up_poll_s": 20.0, "buffer_goal_s": 40.0}, horizon_s=24.0
    )
    assert result.startup_delay_s == pytest.approx(3.3)
    assert [(stall.start_s, stall.duration_s) for stall in result.stalls] == [(pytest.approx(16.3), pytest.approx(6.2))]
    soon = simulate_playback([video, audio], "shaka", PROMPT, horizon_s=24.0)
    assert soon.stalls == (), "with its own second it asks at 4.0"


def test_picture_stays_frozen_while_the_clock_waits_for_sound() -> None:
    # 5 s of both by 1.0: both end at 6.0. Video is there again at 8.0, sound only at 10.0.
    arrivals = [(1.0, 10_000), (8.0, 15_000), (10.0, 30_000)]
    video = make_segmented("video", arrivals)
    audio = make_segmented("audio", [], segment_bytes=5000)
    result = simulate_playback([video, audio], "dashjs", PROMPT, horizon_s=12.0)
    assert [(stall.start_s, stall.duration_s) for stall in result.stalls] == [(pytest.approx(6.0), pytest.approx(4.0))]
    assert result.freezes is not None
    assert [(freeze.start_s, freeze.duration_s) for freeze in result.freezes] == [
        (pytest.approx(6.0), pytest.approx(4.0))
    ]


def test_segment_players_play_to_the_end_of_the_video() -> None:
    streams = [make_segmented(kind, steady(10_000, 2), count=2, is_complete=True) for kind in ("video", "audio")]
    for player in ("dashjs", "shaka", "exo"):
        result = simulate_playback(streams, player, PROMPT, horizon_s=30.0)
        assert result.is_ended and result.played_s == pytest.approx(10.0), player
        assert result.stalls == (), player


def test_replay_that_needs_bytes_after_the_files_were_whole_is_not_identifiable() -> None:
    # All 60 s of both arrive within 6 s. Shaka, 10 s ahead at most, would still be fetching later.
    arrivals = steady(10_000, 6)
    streams = [make_segmented(kind, arrivals, is_complete=True) for kind in ("video", "audio")]
    result = simulate_playback(streams, "shaka", horizon_s=40.0)
    assert not result.is_identifiable
    assert result.stalls == ()


def test_replay_that_needs_bytes_in_a_pause_of_the_window_is_not_identifiable() -> None:
    streams = [make_segmented(kind, steady(1000, 20)) for kind in ("video", "audio")]
    paused = [
        type(stream)(stream.arrival_s, stream.arrival_bytes, stream.timeline, False, ((2.0, 3.0),))
        for stream in streams
    ]
    assert simulate_playback(streams, "dashjs", horizon_s=20.0).is_identifiable
    assert not simulate_playback(paused, "dashjs", horizon_s=20.0).is_identifiable


def test_replay_in_a_pause_of_one_stream_alone_is_identifiable() -> None:
    video, audio = (make_segmented(kind, steady(1000, 20)) for kind in ("video", "audio"))
    paused = type(audio)(audio.arrival_s, audio.arrival_bytes, audio.timeline, False, ((2.0, 3.0),))
    result = simulate_playback([video, paused], "dashjs", horizon_s=20.0)
    assert result.is_identifiable, "video had the whole line meanwhile, and its bytes are known"


def test_replay_in_a_long_pause_of_the_window_stalls_no_more_than_without_it() -> None:
    # All that arrives does so in the first 2 s: 20 s of media. The window then pauses, as it had enough ahead.
    arrivals = [(0.1 * (step + 1), 1000 * (step + 1)) for step in range(20)]
    streams = [make_segmented(kind, arrivals) for kind in ("video", "audio")]
    paused = [
        type(stream)(stream.arrival_s, stream.arrival_bytes, stream.timeline, False, ((2.0, 30.0),))
        for stream in streams
    ]
    result = simulate_playback(paused, "dashjs", horizon_s=30.0)
    assert (result.is_started, result.stalls, result.is_identifiable) == (True, (), False)


def test_exo_starts_on_part_of_a_segment_and_resumes_above_its_restart_buffer() -> None:
    # 1000 bytes a second for 1 s of media (500 of each): 1.6 s of both are there at 1.6 s, long before a whole segment.
    streams = [make_segmented(kind, steady(500, 30), segment_bytes=2500) for kind in ("video", "audio")]
    result = simulate_playback(streams, "exo", PROMPT, horizon_s=20.0)
    assert result.startup_delay_s == pytest.approx(1.6, abs=0.21)
    assert not result.is_validated


def test_exo_takes_what_the_service_declares() -> None:
    declared = declared_parameters(
        {"exoPlayerConfig": {"minDurationForPlaybackStartMs": 1600, "highWatermarkMs": 30000, "lowWatermarkMs": True}}
    )
    assert declared == {"start_buffer_s": 1.6, "high_watermark_s": 30.0}
    assert declared_parameters(None) == {}


def test_segment_players_without_segments_cut_their_own() -> None:
    stream = make_segmented("muxed", steady(1000, 20))
    bare = type(stream.timeline)(
        kind="muxed", method="linear", offset_bytes=(10_000, 20_000), complete_s=(10.0, 20.0), duration_s=60.0
    )
    result = simulate_playback([type(stream)(stream.arrival_s, stream.arrival_bytes, bare)], "dashjs", horizon_s=20.0)
    assert result.is_started and result.timeline_method == "linear" and not result.is_validated


def test_default_player_fits_the_streams() -> None:
    assert default_player(["muxed"]) == "progressive"
    assert default_player(["video", "audio"]) == "dashjs"
