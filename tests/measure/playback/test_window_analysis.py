"""One window after its end: until when it is played, by whom, and what a lost process leaves."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.failures import Attribution, MeasurementError, attribution_of
from pytomo_scrapy.items import DownloadResult, MediaTimeline, PlaybackResult, StreamDownload
from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.outcome import headline
from pytomo_scrapy.measure.playback import window_analysis
from pytomo_scrapy.measure.playback.declared_video import NOTHING_DECLARED, DeclaredVideo
from pytomo_scrapy.measure.playback.simulation import StreamTrace
from pytomo_scrapy.measure.playback.window_replay import gated_at_media_s, replay_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.planning import add_window, failed_window
from tests.factories import (
    HOST,
    make_dns,
    make_download,
    make_format,
    make_item,
    make_playback,
    make_resolve,
    make_timeline,
)
from tests.measure.playback.playback_streams import make_stream

SETTINGS = config.load({}.get)


def test_times_without_demand_reach_the_players(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def simulate(traces: Sequence[StreamTrace], *_: object, **__: object) -> PlaybackResult:
        seen.extend(trace.no_demand_s for trace in traces)
        return make_playback()

    monkeypatch.setattr(window_analysis, "simulate_playback", simulate)
    stream = StreamDownload("muxed", "18", arrival_s=(0.1,), arrival_bytes=(9,), no_demand=((1.0, 2.5),))
    window_analysis.simulate_window(
        make_download(streams=(stream,)), (make_timeline(),), NOTHING_DECLARED, SETTINGS.playback
    )
    assert seen == [((1.0, 2.5),)] * 2, "classic, and the player that fits"


def test_playback_of_a_window_whose_process_died_is_not_told_and_never_counts_as_no_start() -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns())
    plan = WindowPlan((make_format(),), {HOST: "192.0.2.1"})
    window = failed_window(plan, MeasurementError("worker_died", "exit code -11"), 30.0)
    add_window(item, window)
    session.add_playbacks(item, *window_analysis.analyse_window(window, NOTHING_DECLARED, SETTINGS.playback))
    assert [(playback.player, playback.failure) for playback in item.playbacks] == [
        ("classic", "skipped_after_download"), ("dashjs", "skipped_after_download"),
    ]  # fmt: skip
    assert (item.failure, headline(item)) == ("worker_died", None)


def gated_window() -> tuple[DownloadResult, tuple[MediaTimeline, ...]]:
    """Return a window of 30 s that was refused at 8.0 s: 4 s of media had come at 1 s, and 9 s of media at 4 s."""
    trace = make_stream([(1.0, 4.0), (4.0, 9.0)])
    audio = StreamDownload("audio", "140", received_bytes=20_000, arrival_s=(0.5,), arrival_bytes=(20_000,))
    video = StreamDownload(
        "video", "135", received_bytes=9000, arrival_s=trace.arrival_s, arrival_bytes=trace.arrival_bytes,
        failure="media_gated",
    )  # fmt: skip
    window = make_download(
        streams=(audio, video), failure="media_gated", elapsed_s=8.01, gated_at_s=8.0, gated_at_bytes=9000
    )
    timeline = make_timeline(kind="audio", offset_bytes=(20_000,), complete_s=(20.0,))
    return window, (timeline, trace.timeline)


def test_silence_after_the_gate_is_no_stall() -> None:
    window, timelines = gated_window()
    # Starts at 1.0 s; its 9 s of media would last until 10.0 s, the window until 30.0 s: without the gate a stall.
    played = {
        one.player: one
        for one in window_analysis.simulate_window(window, timelines, NOTHING_DECLARED, SETTINGS.playback)
    }
    classic = played["classic"]
    assert (classic.horizon_s, classic.startup_delay_s, classic.played_s) == (8.0, 1.0, pytest.approx(7.0))
    assert (classic.stall_count, classic.stalled_s, classic.buffer_end_s) == (0, 0.0, pytest.approx(2.0))
    ungated = dataclasses.replace(window, gated_at_s=None)
    assert window_analysis.simulate_window(ungated, timelines, NOTHING_DECLARED, SETTINGS.playback)[0].stall_count == 1


def test_replay_of_a_gated_window_ends_at_the_gate_too() -> None:
    window, timelines = gated_window()
    again = replay_window(window, timelines, "classic", {}, "classic")
    assert again == window_analysis.simulate_window(window, timelines, NOTHING_DECLARED, SETTINGS.playback)[0]


def test_media_that_had_come_before_the_gate_are_those_of_the_refused_stream() -> None:
    window, timelines = gated_window()
    assert gated_at_media_s(window, timelines) == 9.0
    item = make_item(resolve=make_resolve(), dns=make_dns())
    add_window(item, window)
    add_window(item, make_download(place=1))
    session.add_playbacks(item, timelines, ())
    session.add_playbacks(item, (make_timeline(),), ())
    assert [one.gated_at_media_s for one in item.downloads] == [9.0, None]
    assert (item.failure, attribution_of(item.failure)) == ("media_gated", Attribution.SERVICE)


def test_media_before_the_gate_are_not_known_where_nothing_can_be_read() -> None:
    window, timelines = gated_window()
    assert gated_at_media_s(window, (timelines[0], make_timeline(failure="no_media_data"))) is None
    assert gated_at_media_s(dataclasses.replace(window, gated_at_s=None), timelines) is None


@pytest.mark.parametrize(("ended_by", "expected_s"), [("deadline", 30.0), ("complete", 30.0), ("byte_cap", 4.0)])
def test_playback_is_told_to_the_windows_end_or_to_our_own_cap(ended_by: str, expected_s: float) -> None:
    assert window_analysis.horizon_s(make_download(ended_by=ended_by, elapsed_s=4.0)) == expected_s


def played_by(declared: DeclaredVideo, **window: object) -> list[tuple[str, str | None]]:
    """Return the players of a window with the source of their parameters."""
    stream = StreamDownload("muxed", "18", arrival_s=(0.1,), arrival_bytes=(9,))
    download = make_download(streams=(stream,), **window)
    played = window_analysis.simulate_window(download, (make_timeline(),), declared, SETTINGS.playback)
    return [(one.player, one.parameters_source) for one in played]


def test_window_of_the_service_is_played_by_its_own_player_too() -> None:
    start = {"playbackStartPolicy": {"startMinReadaheadPolicy": [{"minReadaheadMs": 1700}]}}
    declaring = {"mediaCommonConfig": {"serverPlaybackStartConfig": start}}
    usual = [("classic", None), ("progressive", None)]
    assert played_by(DeclaredVideo(extractor="youtube", client="WEB")) == [*usual, ("youtube", "table")]
    assert played_by(DeclaredVideo(extractor="youtube", player_config=declaring)) == [*usual, ("youtube", "declared")]
    assert played_by(DeclaredVideo(extractor="dailymotion", player_config=declaring)) == usual
    assert played_by(NOTHING_DECLARED) == usual
    lost = played_by(DeclaredVideo(extractor="youtube"), received_bytes=None)
    assert lost == [*usual, ("youtube", None)], "a lost process says nothing of any player"


def stream_on_disk(folder: Path, bytes_there: int | None, **overrides: object) -> StreamDownload:
    """A stream of which 100 bytes were kept, and so many of them are still there."""
    path = folder / "window.media"
    if bytes_there is not None:
        path.write_bytes(bytes(bytes_there))
    kept = StreamDownload("muxed", "18", arrival_s=(0.1,), arrival_bytes=(100,), received_bytes=100, spooled_bytes=100)
    return dataclasses.replace(kept, **{"spool_path": str(path), **overrides})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bytes_there", "overrides"),
    [
        (50, {"spooled_bytes": 50, "spool_lost_bytes": 50}),  # the disk was full in the middle
        (None, {"spooled_bytes": 0, "spool_lost_bytes": 100, "spool_path": None}),  # from the first byte on
        (None, {}),  # somebody cleaned the folder up
        (60, {}),
    ],
)
def test_session_whose_media_the_disk_did_not_keep_is_the_tools_and_never_counts_as_no_start(
    tmp_path: Path, bytes_there: int | None, overrides: dict[str, object]
) -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns())
    window = make_download(streams=(stream_on_disk(tmp_path, bytes_there, **overrides),))
    add_window(item, window)
    session.add_playbacks(item, *window_analysis.analyse_window(window, NOTHING_DECLARED, SETTINGS.playback))
    assert (item.failure, attribution_of(item.failure)) == ("spool_lost", Attribution.TOOL)
    assert {playback.failure for playback in item.playbacks} == {"spool_lost"}
    assert headline(item) is None
