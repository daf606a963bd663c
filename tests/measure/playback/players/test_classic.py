"""The classic player: hand-computed tables, the arithmetic beside each."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items import MediaTimeline
from pytomo_scrapy.measure.playback.simulation import MIN_STALL_S, StreamTrace, simulate_playback
from tests.measure.playback.playback_streams import make_stream


def test_classic_above_initial_buffer_starts_and_keeps_the_books() -> None:
    # 2.5 s are there at 1.0: start. They last, down to the minimum of 0.1, until 1.0 + 2.4 = 3.4: stall.
    # At 5.0 there are 4.0 s: 1.6 ahead of the playhead (2.4) is above 1.0: resume, dry at 5.0 + 1.5 = 6.5, to the end.
    stream = make_stream([(0.5, 1.0), (1.0, 2.5), (4.0, 3.0), (5.0, 4.0)])
    result = simulate_playback([stream], "classic", horizon_s=10.0)
    assert result.startup_delay_s == pytest.approx(1.0)
    assert [(stall.start_s, stall.duration_s, stall.is_open) for stall in result.stalls] == [
        (pytest.approx(3.4), pytest.approx(1.6), False),
        (pytest.approx(6.5), pytest.approx(3.5), True),
    ]
    assert result.played_s == pytest.approx(3.9)
    assert result.stalled_s == pytest.approx(5.1)
    assert result.stall_count == 2 and result.stall_1s_count == 2
    assert result.stall_ratio == pytest.approx(5.1 / 9.0)
    assert result.initial_buffer_s == pytest.approx(2.5)
    assert result.initial_buffer_bytes == 2500
    assert result.initial_rate_bps == pytest.approx(20000)
    assert result.buffer_end_s == pytest.approx(0.1)
    assert result.media_received_s == pytest.approx(4.0)


def test_halt_too_short_to_count_is_no_stalled_time_either() -> None:
    # As above, but more comes at 3.45: a halt of 0.05 s, which docs/metrics.md does not count.
    said = Path(__file__).parents[4].joinpath("docs", "metrics.md").read_text()
    assert "| `stalled_s` | the sum of the counted stalls" in said and f"At least {MIN_STALL_S:g} s counts" in said
    result = simulate_playback([make_stream([(1.0, 2.5), (3.45, 9.0)])], "classic", horizon_s=5.0)
    assert [stall.duration_s for stall in result.stalls] == [pytest.approx(0.05)]
    assert (result.stall_count, result.stalled_s, result.stall_ratio) == (0, 0.0, 0.0)
    # At 3.55 it is 0.15 s, and counts.
    result = simulate_playback([make_stream([(1.0, 2.5), (3.55, 9.0)])], "classic", horizon_s=5.0)
    assert (result.stall_count, result.stalled_s) == (1, pytest.approx(0.15))


def test_classic_exactly_at_initial_buffer_does_not_start() -> None:
    result = simulate_playback([make_stream([(1.0, 2.0)])], "classic", horizon_s=5.0)
    assert not result.is_started
    assert result.startup_delay_s is None and result.stall_count is None and result.horizon_s == 5.0


def test_classic_short_video_plays_to_its_end_without_a_stall() -> None:
    # The whole video (1.5 s) is there at 0.5: nothing more will come, so it starts below the initial buffer.
    result = simulate_playback([make_stream([(0.5, 1.5)], is_complete=True)], "classic", horizon_s=5.0)
    assert result.is_ended and result.stalls == ()
    assert result.startup_delay_s == pytest.approx(0.5)
    assert result.played_s == pytest.approx(1.5)


def test_classic_window_over_before_the_video_is_has_not_reached_its_end() -> None:
    # All 20 s are there at 0.5, but the window shows only 0.5 to 5.0 of them: 4.5 s played, 15.5 s left over.
    result = simulate_playback([make_stream([(0.5, 20.0)], is_complete=True)], "classic", horizon_s=5.0)
    assert not result.is_ended
    assert result.played_s == pytest.approx(4.5)
    assert result.buffer_end_s == pytest.approx(15.5)


def test_classic_separate_streams_wait_for_the_slower_one() -> None:
    video = make_stream([(1.0, 10.0)])
    audio = make_stream([(1.0, 1.0), (3.0, 10.0)])
    result = simulate_playback([video, audio], "classic", horizon_s=5.0)
    assert result.startup_delay_s == pytest.approx(3.0)


def test_classic_with_other_parameters_uses_them() -> None:
    result = simulate_playback([make_stream([(1.0, 0.6)])], "classic", {"initial_buffer_s": 0.5}, horizon_s=5.0)
    assert result.startup_delay_s == pytest.approx(1.0)
    assert result.parameters == {"initial_buffer_s": 0.5, "min_buffer_s": 0.1, "restart_buffer_s": 1.0}


@pytest.mark.parametrize(
    ("player", "parameters", "word"),
    [
        ("flash", {}, "flash"),
        ("classic", {"speed": 1.0}, "speed"),
        ("classic", {"initial_buffer_s": -1.0}, "initial_buffer_s"),
        ("classic", {"initial_buffer_s": float("nan")}, "initial_buffer_s"),
    ],
)
def test_playback_bad_player_or_parameter_is_named(player: str, parameters: dict[str, float], word: str) -> None:
    with pytest.raises(SettingError, match=word):
        simulate_playback([make_stream([(1.0, 1.0)])], player, parameters, horizon_s=1.0)


def test_playback_unreadable_media_carries_its_failure() -> None:
    timeline = MediaTimeline(kind="muxed", method="packets", failure="wrong_content", failure_detail="html")
    result = simulate_playback([StreamTrace((1.0,), (10,), timeline)], "classic", horizon_s=1.0)
    assert result.failure == "wrong_content" and result.is_started is False
