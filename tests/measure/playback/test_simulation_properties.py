"""What holds for every player and every trace."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytomo_scrapy.items import PlaybackResult
from pytomo_scrapy.measure.playback.simulation import MIN_STALL_S, PLAYERS, StreamTrace, simulate_playback
from tests.measure.playback.playback_streams import make_segmented, make_stream

HORIZON_S = 40.0
BUFFERED = ("classic", "progressive")
EXACT = {"progressive": {"block_bytes": 1.0}}

# (time to the next arrival, media seconds that it brings)
gaps = st.lists(
    st.tuples(st.floats(0.001, 6.0, allow_nan=False), st.floats(0.001, 8.0, allow_nan=False)), min_size=1, max_size=25
)


def trace(steps: Sequence[tuple[float, float]], kind: str = "muxed", *, is_complete: bool = False) -> StreamTrace:
    t_s = complete_s = 0.0
    rows = []
    for gap_s, media_s in steps:
        t_s, complete_s = t_s + gap_s, complete_s + media_s
        rows.append((t_s, complete_s))
    if kind == "muxed":
        return make_stream(rows, is_complete=is_complete)
    return make_segmented(
        kind, [(t, round(complete * 1000)) for t, complete in rows], segment_s=3.0, segment_bytes=3000
    )


def simulate(player: str, steps: Sequence[tuple[float, float]], *, is_complete: bool = False) -> PlaybackResult:
    if player in BUFFERED:
        streams = [trace(steps, is_complete=is_complete)]
    else:
        streams = [trace(steps, "video"), trace(steps, "audio")]
    return simulate_playback(streams, player, EXACT.get(player), horizon_s=HORIZON_S)


@pytest.mark.slow
@pytest.mark.parametrize("player", PLAYERS)
@given(steps=gaps, is_complete=st.booleans())
@settings(max_examples=12, deadline=None)
def test_what_is_shown_adds_up_goes_forward_and_comes_again(
    player: str, steps: list[tuple[float, float]], is_complete: bool
) -> None:
    result = simulate(player, steps, is_complete=is_complete)
    assert_time_is_spent_once(result)
    assert_times_never_run_backwards(result)
    assert simulate(player, steps, is_complete=is_complete) == result


def assert_time_is_spent_once(result: PlaybackResult) -> None:
    """Startup, playing, stalls and halts too short to count fill the window, or the time to the video's end."""
    if not result.is_started:
        assert result.startup_delay_s is None and result.horizon_s == HORIZON_S
        return
    assert result.startup_delay_s is not None and result.played_s is not None and result.stalled_s is not None
    short_s = sum(stall.duration_s for stall in result.stalls if stall.duration_s < MIN_STALL_S)
    spent_s = result.startup_delay_s + result.played_s + result.stalled_s + short_s
    if result.is_ended:
        assert spent_s <= HORIZON_S + 1e-6
    else:
        assert spent_s == pytest.approx(HORIZON_S, abs=1e-6)


def assert_times_never_run_backwards(result: PlaybackResult) -> None:
    """Each interval lies within the playback, behind the one before; only the last one may be open."""
    for intervals in (result.stalls, result.freezes or ()):
        for interval in intervals:
            assert interval.duration_s >= 0
            assert interval.start_s >= (result.startup_delay_s or 0)
            assert interval.start_s + interval.duration_s <= HORIZON_S + 1e-6
        for before, after in pairwise(intervals):
            assert before.start_s + before.duration_s <= after.start_s + 1e-6
        assert not any(interval.is_open for interval in intervals[:-1])
    assert (result.buffer_end_s or 0) >= 0


@pytest.mark.slow
@pytest.mark.parametrize("player", BUFFERED)
@given(steps=gaps, sooner=st.lists(st.floats(0.0, 1.0), min_size=25, max_size=25))
@settings(max_examples=12, deadline=None)
def test_more_bytes_earlier_never_give_a_later_start(
    player: str, steps: list[tuple[float, float]], sooner: list[float]
) -> None:
    hurried = [(gap_s * factor + 1e-4, media_s) for (gap_s, media_s), factor in zip(steps, sooner, strict=False)]
    usual_s = simulate(player, [(gap_s + 1e-4, media_s) for gap_s, media_s in steps]).startup_delay_s
    hurried_s = simulate(player, hurried).startup_delay_s
    if usual_s is not None:
        assert hurried_s is not None and hurried_s <= usual_s + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("player", BUFFERED)
@given(steps=gaps, sooner=st.lists(st.floats(0.0, 1.0), min_size=25, max_size=25))
@settings(max_examples=12, deadline=None)
def test_after_the_same_start_more_bytes_earlier_never_make_the_first_stall_sooner(
    player: str, steps: list[tuple[float, float]], sooner: list[float]
) -> None:
    """Between two starts at the same moment, what arrives earlier can only help.

    Over a whole session no such law exists for a player with thresholds: one that starts sooner on little can stall
    where a later start would not have (docs/playback.md).
    """
    first = (1.0, 3.0)
    usual = simulate(player, [first, *steps])
    hurried = simulate(
        player, [first, *((gap_s * factor, media_s) for (gap_s, media_s), factor in zip(steps, sooner, strict=False))]
    )
    assert usual.startup_delay_s == pytest.approx(hurried.startup_delay_s)
    if hurried.stalls:
        assert usual.stalls and usual.stalls[0].start_s <= hurried.stalls[0].start_s + 1e-9


@pytest.mark.slow
@given(steps=gaps, sooner=st.lists(st.floats(0.0, 1.0), min_size=25, max_size=25))
@settings(max_examples=25, deadline=None)
def test_without_thresholds_more_bytes_earlier_never_give_more_waiting(
    steps: list[tuple[float, float]], sooner: list[float]
) -> None:
    """Startup and stalls together: the playhead of a player that waits only for data never falls behind."""
    eager = {"initial_buffer_s": 0.0, "min_buffer_s": 0.0, "restart_buffer_s": 0.0}
    hurried = [(gap_s * factor, media_s) for (gap_s, media_s), factor in zip(steps, sooner, strict=False)]
    played = [
        simulate_playback([trace(rows)], "classic", eager, horizon_s=HORIZON_S).played_s or 0.0
        for rows in (steps, hurried)
    ]
    assert played[1] >= played[0] - 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(("player", "most_s"), [("classic", 2.0), ("progressive", 3.0 + 0.15)])
@given(steps=gaps, sooner=st.lists(st.floats(0.0, 1.0), min_size=25, max_size=25))
@settings(max_examples=25, deadline=None)
def test_more_bytes_earlier_never_cost_more_waiting_than_the_largest_threshold(
    player: str, most_s: float, steps: list[tuple[float, float]], sooner: list[float]
) -> None:
    """While such a player waits, less than its threshold is ahead: that much, and its lag, is all it can lose."""
    hurried = [(gap_s * factor, media_s) for (gap_s, media_s), factor in zip(steps, sooner, strict=False)]
    usual_s, hurried_s = (simulate(player, rows).played_s or 0.0 for rows in (steps, hurried))
    assert hurried_s >= usual_s - most_s - 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("player", PLAYERS)
@given(steps=gaps, shift_s=st.floats(0.0, 5.0))
@settings(max_examples=12, deadline=None)
def test_a_whole_trace_earlier_moves_the_start_by_as_much(
    player: str, steps: list[tuple[float, float]], shift_s: float
) -> None:
    """A line that only answers later delays the start, and no stall begins before it did."""
    soon = simulate(player, steps)
    late = simulate(player, [(steps[0][0] + shift_s, steps[0][1]), *steps[1:]])
    if late.startup_delay_s is not None:
        assert soon.startup_delay_s is not None
        assert soon.startup_delay_s <= late.startup_delay_s + 1e-6
