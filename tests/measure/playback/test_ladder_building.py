"""A ladder out of what was fetched, of heads, and of what was declared."""

from __future__ import annotations

from pytomo_scrapy.items import (
    DownloadResult,
    Ladder,
    MediaSegment,
    MediaTimeline,
    MediaTrack,
    StreamDownload,
    TrackSegment,
)
from pytomo_scrapy.measure.playback.ladder_building import DeclaredRung, KnownLadder, build_ladder, ladder_source

SEGMENTS = (MediaSegment(1000, 51_000, 0.0, 5.0), MediaSegment(51_000, 91_000, 5.0, 5.0))
VIDEO = MediaTimeline(
    "video", "packets", (91_000,), (10.0,), SEGMENTS, 1000, height_px=720, bitrate_bps=72_800.0, duration_s=10.0
)
WINDOW = DownloadResult(window_s=30.0, streams=(StreamDownload("video", "136"),))


def test_the_fetched_rung_has_its_own_segments_and_the_others_are_scaled() -> None:
    rungs = (
        DeclaredRung("video", "134", 36_400.0, 360, size_bytes=45_500),
        DeclaredRung("video", "136", 72_800.0, 720, size_bytes=91_000),
        DeclaredRung("video", "137", 145_600.0, 1080),
    )
    ladder = build_ladder(rungs, WINDOW, (VIDEO,))
    assert ladder is not None and ladder_source(ladder) == "declared"
    assert [(track.height_px, track.source) for track in ladder.video] == [
        (360, "declared"),
        (720, "index"),
        (1080, "declared"),
    ]
    # By sizes half of 50 000 and 40 000 bytes; by rates twice as many.
    assert [segment.size_bytes for segment in ladder.video[0].segments] == [25_000, 20_000]
    assert [segment.size_bytes for segment in ladder.video[1].segments] == [50_000, 40_000]
    assert [segment.size_bytes for segment in ladder.video[2].segments] == [100_000, 80_000]
    assert ladder.video[0].segments[0].start_byte is None and ladder.video[1].segments[0].start_byte == 1000


def test_a_rung_that_was_read_after_the_window_has_its_own_segments() -> None:
    read = MediaTrack(
        "video", "134", 36_400.0, (TrackSegment(0.0, 5.0, 30_000, 700), TrackSegment(5.0, 5.0, 20_000, 30_700))
    )
    rungs = (DeclaredRung("video", "134", 36_400.0, 360), DeclaredRung("video", "136", 72_800.0, 720))
    ladder = build_ladder(rungs, WINDOW, (VIDEO,), KnownLadder(Ladder((read,)), 4096, 1))
    assert ladder is not None and ladder_source(ladder) == "index"
    assert ladder.video[0] == read
    assert [track.format_id for track in ladder.video] == ["134", "136"]


def test_rates_are_compared_as_they_were_declared() -> None:
    # What arrived of the file has 72.8 kbit/s, as its header says; it was declared with 100.
    rungs = (DeclaredRung("video", "136", 100_000.0, 720), DeclaredRung("video", "137", 80_000.0, 1080))
    ladder = build_ladder(rungs, WINDOW, (VIDEO,))
    assert ladder is not None
    assert [(track.height_px, track.bitrate_bps) for track in ladder.video] == [(1080, 80_000.0), (720, 100_000.0)]
    assert [segment.size_bytes for segment in ladder.video[0].segments] == [40_000, 32_000], "0.8 of what was fetched"


def test_without_declared_rungs_the_fetched_one_is_the_ladder() -> None:
    ladder = build_ladder((), WINDOW, (VIDEO,))
    assert ladder is not None and [track.format_id for track in ladder.video] == ["136"]
    assert ladder.video[0].height_px == 720


def test_without_media_time_there_is_no_ladder() -> None:
    failed = MediaTimeline("video", "packets", failure="no_media_data")
    assert build_ladder((), WINDOW, (failed,)) is None
    assert build_ladder((), DownloadResult(), ()) is None
