"""Chromium's plain <video>: hand-computed, the arithmetic beside each."""

from __future__ import annotations

import pytest

from pytomo_scrapy.measure.playback.simulation import simulate_playback
from tests.measure.playback.playback_streams import make_stream

EXACT = {"block_bytes": 1.0}


def test_progressive_starts_above_its_buffer_after_its_lag() -> None:
    # 0.2 s at 1.0 is too little, 0.5 s at 2.0 is enough: first picture at 2.0 + 0.15.
    result = simulate_playback([make_stream([(1.0, 0.2), (2.0, 0.5), (2.1, 9.0)])], "progressive", EXACT, horizon_s=5.0)
    assert result.startup_delay_s == pytest.approx(2.15)
    assert result.initial_buffer_s == pytest.approx(9.0)
    assert result.stalls == () and result.freezes == ()


def test_progressive_resume_buffer_doubles_after_every_stall() -> None:
    # Start at 1.15 with 1.0 s: dry at 2.15. Resume above 1.4 s of media: 1.3 does not do, 1.5 at 4.0 does.
    # Dry again at 4.0 + 0.5 = 4.5. Now 0.8 must be ahead: 2.2 (0.7 ahead) does not do, 2.4 at 6.0 does. Dry at 6.9.
    stream = make_stream([(1.0, 1.0), (3.0, 1.3), (4.0, 1.5), (5.0, 2.2), (6.0, 2.4)])
    result = simulate_playback([stream], "progressive", EXACT, horizon_s=8.0)
    assert [(stall.start_s, stall.duration_s, stall.is_open) for stall in result.stalls] == [
        (pytest.approx(2.15), pytest.approx(1.85), False),
        (pytest.approx(4.5), pytest.approx(1.5), False),
        (pytest.approx(6.9), pytest.approx(1.1), True),
    ]


def test_progressive_resume_buffer_has_a_ceiling() -> None:
    # After 0.4, 0.8, 1.6 the fourth and every later stall ask for 3.0 s, not for 3.2.
    steps = [(1.0, 1.0), (10.0, 1.5), (20.0, 2.4), (30.0, 4.1), (40.0, 7.15)]
    result = simulate_playback([make_stream(steps)], "progressive", EXACT, horizon_s=50.0)
    assert [stall.start_s + stall.duration_s for stall in result.stalls[:4]] == pytest.approx([10.0, 20.0, 30.0, 40.0])


def test_progressive_counts_bytes_in_whole_blocks() -> None:
    # 0.9 blocks hold 0.5 s, but no whole block is there; the file's last bytes count without being a block.
    stream = make_stream([(1.0, 0.5), (2.0, 0.6)], bytes_per_s=60_000)
    cut = simulate_playback([stream], "progressive", horizon_s=5.0)
    assert cut.startup_delay_s == pytest.approx(2.15)  # 36 000 bytes are one block of 32 768
    whole = simulate_playback(
        [make_stream([(1.0, 0.5)], bytes_per_s=60_000, is_complete=True)], "progressive", horizon_s=5
    )
    assert whole.startup_delay_s == pytest.approx(1.15)
