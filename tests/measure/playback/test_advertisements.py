"""Waits for advertisements are no part of the content's clock: neither of its startup nor of its stalls."""

from __future__ import annotations

import pytest

from pytomo_scrapy.items import Interval, StreamDownload
from pytomo_scrapy.measure.playback.window_replay import content_s, horizon_s, on_windows_clock, window_traces
from tests.factories import make_download, make_playback, make_timeline

ADS = ((2.0, 5.0), (10.0, 11.0))


@pytest.mark.parametrize(
    ("t_s", "content"),
    [(0.0, 0.0), (2.0, 2.0), (3.5, 2.0), (5.0, 2.0), (9.0, 6.0), (10.5, 7.0), (20.0, 16.0)],
)
def test_content_clock_stands_still_in_an_advertisement(t_s: float, content: float) -> None:
    assert content_s(t_s, ADS) == content


def test_traces_and_horizon_leave_advertisements_out() -> None:
    stream = StreamDownload(
        "video", "134", arrival_s=(1.0, 6.0), arrival_bytes=(10, 20), no_demand=((1.5, 2.0), (6.0, 10.0))
    )
    window = make_download(streams=(stream,), ad_waits=ADS, window_s=30.0)
    (trace,) = window_traces(window, [make_timeline()])
    assert trace.arrival_s == (1.0, 3.0)
    assert trace.no_demand_s == ((1.5, 2.0), (3.0, 7.0))
    assert horizon_s(window) == 26.0
    assert horizon_s(make_download(ad_waits=ADS, gated_at_s=9.0)) == 6.0


def test_window_without_advertisements_is_left_as_it_is() -> None:
    stream = StreamDownload("video", "134", arrival_s=(1.0, 6.0), arrival_bytes=(10, 20))
    (trace,) = window_traces(make_download(streams=(stream,)), [make_timeline()])
    assert trace.arrival_s is stream.arrival_s


def test_stalls_are_told_at_their_time_on_the_windows_clock() -> None:
    played = make_playback(stalls=(Interval(1.0, 0.5), Interval(4.0, 2.0), Interval(8.0, 1.0)))
    moved = on_windows_clock(played, ADS)
    # Before both; three seconds after the first; behind both.
    assert [stall.start_s for stall in moved.stalls] == [1.0, 7.0, 12.0]
    assert moved.startup_delay_s == played.startup_delay_s
