"""One window after its end: until when it is played, by whom, and what a lost process leaves."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import PlaybackResult, StreamDownload
from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.outcome import headline
from pytomo_scrapy.measure.playback import window_analysis
from pytomo_scrapy.measure.playback.declared_video import NOTHING_DECLARED, DeclaredVideo
from pytomo_scrapy.measure.playback.simulation import StreamTrace
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
