"""The service's own player: hand-computed schedules, the arithmetic beside each, and what it reads of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytomo_scrapy.items import PlaybackResult
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.playback.players.youtube_player import PARAMETERS, TABLE, declared_parameters
from pytomo_scrapy.measure.playback.simulation import StreamTrace, player_parameters, simulate_playback
from tests.measure.playback.playback_streams import make_segmented, make_stream, steady

PROMPT = {"request_gap_s": 0.0, "start_lag_s": 0.0, "resume_lag_s": 0.0, "picture_lag_s": 0.0}
Arrivals = Sequence[tuple[float, int]]


def make_streams(arrivals: Arrivals, *, segment_s: float = 1.0, count: int = 200) -> list[StreamTrace]:
    """Build video and sound of 500 bytes a media second each: what arrives, 1000 bytes a second of both, counts once.

    Both ask at the same time for segments of the same size, so that each pair of segments is whole in one moment.
    """
    segment_bytes = round(500 * segment_s)
    given = {"segment_s": segment_s, "segment_bytes": segment_bytes, "count": count}
    return [make_segmented("video", arrivals, **given), make_segmented("audio", [], **given)]


def play(arrivals: Arrivals, horizon_s: float, *, segment_s: float = 1.0, **changes: float) -> PlaybackResult:
    """Play such streams without lags, so that the arithmetic is that of the thresholds."""
    streams = make_streams(arrivals, segment_s=segment_s)
    return simulate_playback(streams, "youtube", PROMPT | changes, horizon_s=horizon_s)


def burst(from_s: float, media_s: int, before: int = 0) -> list[tuple[float, int]]:
    """Return 1 s of both streams in each 0.01 s: what a line brings that is a hundred times as fast as playing."""
    return [(from_s + 0.01 * second, before + 1000 * second) for second in range(1, media_s + 1)]


def stalls_of(result: PlaybackResult) -> list[tuple[float, float]]:
    return [(stall.start_s, stall.duration_s) for stall in result.stalls]


@pytest.mark.parametrize(
    ("segment_s", "start_s", "started_s", "buffered_s"),
    [
        # 1000 bytes a second are 1 s of both in 1 s. Segments of 1 s are whole at 1.0 and 2.0: 1.0 < 1.5 <= 2.0.
        (1.0, 1.5, 2.0, 2.0),
        (1.0, 2.0, 2.0, 2.0),  # as much as the threshold is enough
        (1.0, 2.5, 3.0, 3.0),
        # Segments of 5 s: at 1.5 s as much is there, but of no whole segment; the first is whole at 5.0.
        (5.0, 1.5, 5.0, 5.0),
        (0.5, 1.5, 1.5, 1.5),
    ],
)
def test_start_waits_for_whole_segments_up_to_the_threshold(
    segment_s: float, start_s: float, started_s: float, buffered_s: float
) -> None:
    result = play(steady(1000, 10), 10.0, segment_s=segment_s, start_buffer_s=start_s)
    assert (result.startup_delay_s, result.initial_buffer_s) == (pytest.approx(started_s), pytest.approx(buffered_s))


def test_stall_begins_when_nothing_is_left_and_ends_with_six_seconds_ahead() -> None:
    # 4 s of both by 4.0, then nothing until 10.0, then 1 s of both in each second.
    # Start at 2.0 (2 segments >= 1.5 s). It plays the 4 s and stands at 2.0 + 4.0 = 6.0.
    # 6 s ahead of 4.0 are segments 5 to 10: six of them, 1 s each from 10.0 on, so at 16.0: 10.0 s of stall.
    # From then on the line keeps up: to 20.0 it plays 4 s more, 8 s in all, and 6 s are still ahead.
    line = [*steady(1000, 4), *((10.0 + t_s, 4000 + count) for t_s, count in steady(1000, 20))]
    result = play(line, 20.0)
    assert result.startup_delay_s == pytest.approx(2.0)
    assert stalls_of(result) == [(pytest.approx(6.0), pytest.approx(10.0))]
    assert result.played_s == pytest.approx(8.0) and result.buffer_end_s == pytest.approx(6.0)


def test_resumption_with_segments_of_five_seconds_has_two_of_them_ahead() -> None:
    # One segment of both at 1.0: start, 5 s >= 1.5 s. It is played at 6.0: stall. The second at 8.0 is 5 s ahead, too
    # few; the third at 12.0 makes 10 s. 12.0 - 6.0 = 6.0 s of stall.
    line = [(1.0, 5000), (8.0, 10_000), (12.0, 15_000)]
    assert stalls_of(play(line, 14.0, segment_s=5.0)) == [(pytest.approx(6.0), pytest.approx(6.0))]


def test_start_and_resumption_take_their_lags_beside() -> None:
    # As above with the lags of dash.js in Chromium: the start at 1.0 + 0.3, dry at 6.3, resumed at 12.0 + 0.2. The
    # second request leaves 0.12 s after the first segment, which no byte of this line falls into.
    streams = make_streams([(1.0, 5000), (8.0, 10_000), (12.0, 15_000)], segment_s=5.0)
    result = simulate_playback(streams, "youtube", horizon_s=14.0)
    assert result.startup_delay_s == pytest.approx(1.3)
    assert stalls_of(result) == [(pytest.approx(6.3), pytest.approx(5.9))]


def test_picture_that_runs_dry_alone_is_a_freeze_before_it_is_a_stall() -> None:
    # 5 s of video and 20 s of sound, 2500 and 1000 bytes, by 1.0: start. The picture ends at 6.0, sound plays on for
    # the 3 s of Chromium, and the clock stands at 9.0, at 8 s of media. 6 s ahead of it are 14 s: the third segment of
    # video, at 13.0. The second one, at 12.0, is not enough: freeze 6.0 to 13.0, stall 9.0 to 13.0.
    video = make_segmented("video", [(1.0, 3500), (12.0, 7000), (13.0, 9500)], segment_bytes=2500)
    audio = make_segmented("audio", [], segment_s=20.0, segment_bytes=1000)
    result = simulate_playback([video, audio], "youtube", PROMPT, horizon_s=14.0)
    assert stalls_of(result) == [(pytest.approx(9.0), pytest.approx(4.0))]
    assert result.freezes is not None
    assert [(one.start_s, one.duration_s) for one in result.freezes] == [(pytest.approx(6.0), pytest.approx(7.0))]


# Growing readahead. The line brings 1 s of both in 0.01 s, so that a session starts at 0.02, with 2 s, and has played
# t - 0.02 at t. What is ahead then is the readahead, less what was played since the last look (0.1 s, in which the
# readahead grows as much), plus the segment that was asked for just below it (1 s).
FAST = burst(0.0, 12_000)


@pytest.mark.parametrize(
    ("at_s", "client", "readahead_s"),
    [
        (1.02, "VISIONOS", 16.0),  # 15 + 1 x 1
        (10.02, "VISIONOS", 25.0),  # 15 + 1 x 10
        (30.02, "VISIONOS", 45.0),  # 15 + 1 x 30
        (45.02, "VISIONOS", 60.0),  # 15 + 1 x 45, the most
        (90.02, "VISIONOS", 60.0),
        (10.02, "ANDROID", 18.0),  # 15 + 0.3 x 10
        (90.02, "ANDROID", 42.0),  # 15 + 0.3 x 90, of 160 at the most
        (10.02, "WEB", 15.0),  # the server sends no more than its target
        (90.02, "WEB", 15.0),
        (10.02, "IOS", 25.0),  # not in the table: as the default client
    ],
)
def test_readahead_grows_with_every_second_played(at_s: float, client: str, readahead_s: float) -> None:
    declared = DeclaredVideo(client=client)
    result = simulate_playback(make_streams(FAST), "youtube", PROMPT, horizon_s=at_s, declared=declared)
    assert result.played_s == pytest.approx(at_s - 0.02) and result.stalls == ()
    assert result.buffer_end_s is not None and readahead_s - 0.21 <= result.buffer_end_s < readahead_s + 1.0


def test_readahead_does_not_grow_while_it_stalls() -> None:
    # 15 s of both by 0.15, the readahead at first; start at 0.02, so they are played at 15.02. Nothing comes before
    # 40.0, then 1 s in each 0.01 s: 6 s are ahead at 40.06, which makes a stall of 25.04 s. 15 s were played, so at
    # 40.4 it has fetched up to 15 + 1 x 15.34 = 30.34 s ahead, and not up to 15 + 1 x 40.38 = 55.38.
    result = play([*burst(0.0, 15), *burst(40.0, 100, before=15_000)], 40.4)
    assert stalls_of(result) == [(pytest.approx(15.02), pytest.approx(25.04))]
    assert result.buffer_end_s is not None and 30.14 <= result.buffer_end_s <= 31.34


def test_threshold_above_the_readahead_is_fetched_all_the_same() -> None:
    # With a readahead of 2 s alone it could never resume with 6 s. 2 s of both by 0.02: start; dry at 2.02. Nothing
    # before 5.0, then 6 s by 5.06: resumed after 3.04 s.
    result = play([*burst(0.0, 2), *burst(5.0, 100, before=2000)], 6.0, readahead_max_s=2.0)
    assert stalls_of(result) == [(pytest.approx(2.02), pytest.approx(3.04))]


def test_video_plays_to_its_end_below_the_threshold() -> None:
    # 3 s of media in all, 2 s by 2.0: start; dry at 4.0. The last segment comes at 7.0: 1 s ahead is all there is.
    line = [*steady(1000, 2), (7.0, 3000)]
    streams = make_streams(line, count=3)
    result = simulate_playback(streams, "youtube", PROMPT, horizon_s=20.0)
    assert stalls_of(result) == [(pytest.approx(4.0), pytest.approx(3.0))]
    assert result.is_ended and result.played_s == pytest.approx(3.0)


def test_muxed_file_is_played_in_segments_of_the_usual_length() -> None:
    # 1 s of media in each second, without an index: cut into 5 s. The first is whole at 5.0.
    stream = make_stream([(float(second), float(second)) for second in range(1, 11)])
    assert simulate_playback([stream], "youtube", PROMPT, horizon_s=10.0).startup_delay_s == pytest.approx(5.0)


def test_rows_are_never_marked_as_validated() -> None:
    streams = [
        replace(stream, timeline=replace(stream.timeline, bitrate_bps=4000.0))
        for stream in make_streams(steady(1000, 10))
    ]
    marked = {name: simulate_playback(streams, name, horizon_s=10.0).is_validated for name in ("dashjs", "youtube")}
    assert marked == {"dashjs": True, "youtube": False}


# Thirty sessions of the service's web player of 2018 (Requet: Gutterman et al., MMSys 2019): it began with 1.1 to 7.7 s
# buffered, stalled with 0.05 s left, resumed with 6.08 s, and its buffer grew to 61 to 125 s. Another player in another
# year, on other lines: these are ranges to stay within, and no validation.


@pytest.mark.parametrize("segment_s", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("rate_bytes_per_s", [1000, 2000, 20_000])
def test_sessions_of_2018_began_with_as_much_as_it_does(segment_s: float, rate_bytes_per_s: int) -> None:
    result = play(steady(rate_bytes_per_s, 12), 12.0, segment_s=segment_s)
    assert result.initial_buffer_s is not None and 1.1 <= result.initial_buffer_s <= 7.7


@pytest.mark.parametrize(("segment_s", "most_s"), [(0.5, 6.5), (1.0, 7.0), (2.0, 8.0)])
def test_session_of_2018_resumed_with_as_much_as_it_does(segment_s: float, most_s: float) -> None:
    # 6.08 s was read of one stall. Here it is the threshold, or up to a segment more: a stall at 4 s of media resumes
    # where a segment ends at 10 s or beyond, and the horizon is just behind that.
    line = [*steady(1000, 4), *((10.0 + t_s, 4000 + count) for t_s, count in steady(1000, 20))]
    result = play(line, 16.0 + 1e-3, segment_s=segment_s)
    assert len(result.stalls) == 1 and not result.stalls[0].is_open
    assert result.buffer_end_s is not None and 6.0 - 0.01 <= result.buffer_end_s <= most_s


@pytest.mark.parametrize(("readahead_max_s", "at_s"), [(60.0, 60.0), (120.0, 119.0)])
def test_buffers_of_2018_grew_as_far_as_its_readahead(readahead_max_s: float, at_s: float) -> None:
    # Segments of 5 s are asked for below the readahead, so up to 5 s above it: 60 to 65 s with what visionOS declares
    # after 45 s played, and 120 to 125 s with the 120 s that web players had, after 105 s played.
    result = play(FAST, at_s, segment_s=5.0, readahead_max_s=readahead_max_s)
    assert result.buffer_end_s is not None
    assert readahead_max_s - 0.21 <= result.buffer_end_s <= readahead_max_s + 5.0 <= 125.0


def declare(**common: Any) -> dict[str, Any]:
    return {"mediaCommonConfig": common}


def start_policy(**policy: Any) -> dict[str, Any]:
    return declare(serverPlaybackStartConfig={"enable": True, "playbackStartPolicy": policy})


@pytest.mark.parametrize(
    ("config", "found"),
    [
        (None, {}),
        ({}, {}),
        ({"exoPlayerConfig": {"minDurationForPlaybackStartMs": 900}}, {}),  # `exo` plays by that
        ({"mediaCommonConfig": "on"}, {}),
        (declare(serverPlaybackStartConfig=[], dynamicReadaheadConfig=7, serverReadaheadConfig=None), {}),
        (start_policy(startMinReadaheadPolicy=[{"minReadaheadMs": 1500}]), {"start_buffer_s": 1.5}),
        # As part 47 of a SABR stream says it.
        (
            start_policy(
                startMinReadaheadPolicy=[{"minReadaheadMs": 1200}], resumeMinReadaheadPolicy=[{"minReadaheadMs": 6000}]
            ),
            {"start_buffer_s": 1.2, "resume_buffer_s": 6.0},
        ),
        # Less is enough on a faster line: the most is enough on every one.
        (
            start_policy(
                startMinReadaheadPolicy=[
                    {"minReadaheadMs": 1000, "minBandwidthBytesPerSec": 500_000},
                    {"minReadaheadMs": 3000},
                    "two",
                    {},
                ]
            ),
            {"start_buffer_s": 3.0},
        ),
        (start_policy(startMinReadaheadPolicy={"minReadaheadMs": 1}, resumeMinReadaheadPolicy=[]), {}),
        (
            declare(
                serverPlaybackStartConfig={
                    "enable": False,
                    "playbackStartPolicy": {"startMinReadaheadPolicy": [{"minReadaheadMs": 1500}]},
                }
            ),
            {},
        ),
        (
            declare(
                dynamicReadaheadConfig={
                    "minReadAheadMediaTimeMs": 15000,
                    "maxReadAheadMediaTimeMs": 160000,
                    "readAheadGrowthRateMs": 300,
                }
            ),
            {"readahead_min_s": 15.0, "readahead_max_s": 160.0, "readahead_growth": 0.3},
        ),
        (
            declare(
                serverReadaheadConfig={
                    "nextRequestPolicy": {"targetAudioReadaheadMs": 20000, "targetVideoReadaheadMs": 15000}
                }
            ),
            {"readahead_target_s": 15.0},
        ),
        (
            declare(
                dynamicReadaheadConfig={
                    "minReadAheadMediaTimeMs": -1,
                    "maxReadAheadMediaTimeMs": float("inf"),
                    "readAheadGrowthRateMs": True,
                },
                serverReadaheadConfig={"nextRequestPolicy": {"targetAudioReadaheadMs": 10**400}},
            ),
            {},  # nothing that a player could play by
        ),
    ],
)
def test_declared_parameters_are_those_of_the_answer(config: dict[str, Any] | None, found: dict[str, float]) -> None:
    assert declared_parameters(config) == found


def test_what_an_answer_left_out_is_that_of_its_client() -> None:
    declared = DeclaredVideo(
        client="ANDROID", player_config=start_policy(startMinReadaheadPolicy=[{"minReadaheadMs": 1}])
    )
    chosen = player_parameters("youtube", {"resume_buffer_s": 3.0}, declared)
    assert (chosen["start_buffer_s"], chosen["readahead_growth"]) == (0.001, 0.3), "declared, and of the client"
    assert (chosen["resume_buffer_s"], chosen["readahead_min_s"]) == (3.0, 15.0), "set by the user, and the default"


def test_table_names_only_parameters_and_begins_with_the_defaults() -> None:
    assert all(known.values.keys() <= PARAMETERS.keys() for known in TABLE.values())
    defaults = {name: parameter.default for name, parameter in PARAMETERS.items()}
    assert defaults | TABLE["VISIONOS"].values == defaults


@pytest.mark.parametrize(
    ("player", "config", "source"),
    [
        ("youtube", None, "table"),
        ("youtube", start_policy(startMinReadaheadPolicy=[{"minReadaheadMs": 1}]), "declared"),
        ("exo", {"exoPlayerConfig": {"lowWatermarkMs": 1}}, "declared"),
        ("exo", start_policy(startMinReadaheadPolicy=[{"minReadaheadMs": 1}]), "table"),
        ("dashjs", start_policy(startMinReadaheadPolicy=[{"minReadaheadMs": 1}]), None),
        ("classic", None, None),
    ],
)
def test_result_says_where_its_parameters_come_from(
    player: str, config: dict[str, Any] | None, source: str | None
) -> None:
    declared = DeclaredVideo(player_config=config)
    result = simulate_playback(make_streams(FAST), player, horizon_s=1.0, declared=declared)
    assert result.parameters_source == source
