"""The best quality that plays: what a window shows of every rung, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytomo_scrapy.config import PlaybackConfig
from pytomo_scrapy.items import (
    DownloadResult,
    Ladder,
    LadderResult,
    MediaTimeline,
    MediaTrack,
    StreamDownload,
    TrackSegment,
)
from pytomo_scrapy.measure.playback.best_quality import judge_ladder, replay_rungs
from pytomo_scrapy.measure.playback.player_model import StreamTrace

CONFIG = PlaybackConfig()
# Segments of 5 s: 62.5, 312.5 and 1250 kB.
RATES = {360: 100_000, 720: 500_000, 1080: 2_000_000}


def track(height_px: int, bitrate_bps: int) -> MediaTrack:
    segments = tuple(TrackSegment(5.0 * n, 5.0, bitrate_bps * 5 // 8, 1000) for n in range(20))
    return MediaTrack("video", str(height_px), float(bitrate_bps), segments, height_px=height_px, init_bytes=1000)


LADDER = Ladder(tuple(track(*rung) for rung in RATES.items()))


def trace(rate_bps: int, until_s: float = 30.0, *, is_complete: bool = False) -> StreamTrace:
    at_s = tuple(0.05 * n for n in range(1, int(until_s / 0.05) + 1))
    counts = tuple(int(rate_bps / 8 * t_s) for t_s in at_s)
    return StreamTrace(at_s, counts, MediaTimeline("video", "segments"), is_complete)


def judge(stream: StreamTrace, config: PlaybackConfig = CONFIG, ladder: Ladder | None = LADDER) -> LadderResult:
    download = DownloadResult(window_s=30.0, streams=(StreamDownload("video", "360", received_bytes=1),))
    return judge_ladder(LadderResult(ladder=ladder), download, [stream], 30.0, config)


# The first segment and its header are there after their bytes at the line's rate, and 0.3 s of lag: 720p at 600 kbit/s
# takes 313.5 kB / 75 kB/s = 4.2 s, at 500 kbit/s 5.0 s. Then every segment must come in less than 5 s.
@pytest.mark.parametrize(
    ("rate_bps", "best_px", "fails_px"),
    [
        (90_000, 0, 360),
        (130_000, 360, 720),
        (500_000, 360, 720),
        (600_000, 720, 1080),
        (1_900_000, 720, 1080),
        (2_500_000, 1080, None),
    ],
)
def test_best_quality_is_the_highest_rung_that_starts_in_time_and_does_not_stall(
    rate_bps: int, best_px: int, fails_px: int | None
) -> None:
    result = judge(trace(rate_bps))
    assert (result.best_height_px, result.best_unknown) == (best_px, None)
    assert (result.plays_height_px, result.fails_height_px) == (best_px, fails_px)
    assert result.best_bitrate_bps == (RATES[best_px] if best_px else 0.0)


def test_settings_say_how_late_a_start_and_how_long_a_stall_may_be() -> None:
    assert judge(trace(500_000)).best_height_px == 360
    patient = replace(CONFIG, best_quality_startup_s=10.0)
    assert judge(trace(520_000), patient).best_height_px == 720
    # 1080p at 1.9 Mbit/s: 5.26 s a segment, so that the picture stands for 0.26 s every 5 s.
    lenient = replace(CONFIG, best_quality_startup_s=10.0, best_quality_stall_s=1.0)
    assert judge(trace(1_900_000), lenient).best_height_px == 1080


def test_what_was_not_asked_for_is_not_guessed() -> None:
    # 156 kB in 5 s, and then nothing was asked for: two segments of 360p, and half of the first one of 720p.
    result = judge(trace(250_000, 5.0, is_complete=True))
    assert (result.best_height_px, result.best_unknown) == (None, "demand_limited")
    assert (result.plays_height_px, result.fails_height_px) == (0, 720), "720p had not started in time"


def test_what_plays_without_more_plays_for_certain() -> None:
    # 30 s of 720p are 1875 kB, and 2500 kB came in 5 s.
    stream = trace(4_000_000, 5.0, is_complete=True)
    result = judge(stream, ladder=Ladder(LADDER.video[:2]))
    assert (result.best_height_px, result.best_unknown) == (720, None), "the top plays whatever comes"
    result = judge(stream)
    assert (result.best_unknown, result.plays_height_px) == ("demand_limited", 720), "1080p may play, or not"


def test_a_paced_window_on_a_fast_line_says_that_its_own_quality_plays() -> None:
    # Of 720p 25 s ahead at once, then a segment of 312.5 kB every 5 s, each within 0.1 s.
    at_s, counts, no_demand = [0.1], [1000], []
    for number in range(10):
        start_s = 0.1 if number < 5 else 5.0 * (number - 4)
        at_s += [start_s + 0.01 * (number + 1), start_s + 0.01 * (number + 1) + 0.005]
        counts += [1000 + 312_500 * number + 150_000, 1000 + 312_500 * (number + 1)]
    ends_s = [at_s[10], *[at_s[index] for index in range(12, 22, 2)]]
    no_demand = [(end_s, 5.0 * (index + 1)) for index, end_s in enumerate(ends_s)]
    stream = StreamTrace(tuple(at_s), tuple(counts), MediaTimeline("video", "segments"), no_demand_s=no_demand)
    result = judge(stream)
    assert (result.plays_height_px, result.best_height_px, result.best_unknown) == (720, None, "demand_limited")


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (judge(trace(1_000_000), ladder=None), "no_ladder"),
        (judge(StreamTrace((), (), MediaTimeline("video", "segments"))), "no_bytes"),
        (judge(trace(1_000_000), ladder=Ladder((replace(LADDER.video[0], height_px=None),))), "no_height"),
    ],
)
def test_a_window_that_cannot_tell_says_why(result: LadderResult, why: str) -> None:
    assert (result.best_height_px, result.best_unknown, result.plays_height_px) == (None, why, None)


def test_a_window_that_a_failure_ended_says_so() -> None:
    download = DownloadResult(window_s=30.0, ended_by="failure", failure="http_5xx")
    result = judge_ladder(LadderResult(ladder=LADDER), download, [trace(1_000_000)], 30.0, CONFIG)
    assert result.best_unknown == "failed"


def test_rungs_are_judged_one_by_one() -> None:
    rungs = replay_rungs([trace(600_000)], LADDER, None, 30.0, CONFIG)
    assert [(one.rung, one.plays) for one in rungs] == [(0, True), (1, True), (2, False)]
