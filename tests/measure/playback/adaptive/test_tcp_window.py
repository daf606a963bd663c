"""How a Linux server's window grows and shrinks."""

import pytest

from pytomo_scrapy.measure.playback.adaptive.tcp_window import FIRST_SEGMENTS, NO_THRESHOLD, TcpWindow


def acknowledge(window: TcpWindow, now_s: float, round_trip_s: float, rounds: int) -> float:
    """Let a window be acknowledged so many times over, evenly over each round trip; return when."""
    number = 0
    for _ in range(rounds):
        count = window.segments
        for index in range(count):
            now_s += round_trip_s / count
            window.sample(now_s, round_trip_s, number + index, number + count + index)
            window.grow(now_s, 1)
        number += count
    return now_s


def test_it_doubles_with_each_round_trip_at_first() -> None:
    window = TcpWindow()
    acknowledge(window, 0.0, 10.0, 3)
    assert (window.segments, window.threshold) == (8 * FIRST_SEGMENTS, NO_THRESHOLD)


def test_slow_start_ends_once_answers_take_longer() -> None:
    window = TcpWindow(segments=32)
    for index in range(40):
        window.sample(0.1 * index, 0.1, index, index + 32)
    assert window.is_slow_start
    for index in range(40, 140):
        # An eighth of 100 ms more is at most 16 ms.
        window.sample(0.1 * index, 0.117, index, index + 32)
    assert not window.is_slow_start
    assert window.threshold == 32


def test_slow_start_ends_once_a_train_of_answers_lasts_half_a_round_trip() -> None:
    window = TcpWindow(segments=64)
    for index in range(64):
        window.sample(1.0 + 0.0019 * index, 0.1, index, index + 64)
    assert not window.is_slow_start


def test_a_loss_leaves_seven_tenths_which_grow_back_along_a_cubic() -> None:
    window = TcpWindow(segments=100, threshold=100)
    window.lose()
    assert window.threshold == 70
    window.segments = window.threshold
    now_s = acknowledge(window, 0.0, 0.1, 20)
    assert 85 < window.segments < 100, "fast at first"
    slow = window.segments
    now_s = acknowledge(window, now_s, 0.1, 15)
    assert 0 <= window.segments - slow < 12, "slowly near the window of the loss, K = (30 / 0.4) ** (1 / 3) = 4.2 s"
    acknowledge(window, now_s, 0.1, 40)
    assert window.segments > 110, "and fast beyond it"


def test_a_second_loss_below_the_first_gives_way() -> None:
    window = TcpWindow(segments=100, threshold=100)
    window.lose()
    window.segments = 80
    window.lose()
    assert window.curve.last_most == pytest.approx(80 * (1 + 0.7) / 2, abs=0.1)


def test_only_the_first_of_several_timeouts_lowers_the_threshold() -> None:
    window = TcpWindow(segments=40, threshold=40)
    before = window.copy()
    window.time_out(is_first=True)
    assert (window.segments, window.threshold) == (1, 28)
    window.time_out(is_first=False)
    assert (window.segments, window.threshold) == (1, 28)
    assert (before.segments, before.threshold) == (40, 40)


@pytest.mark.parametrize(("timeouts", "left"), [(0, 80), (1, 40), (2, 20), (3, 10), (9, 10)])
def test_a_pause_halves_it_down_to_the_first_window(timeouts: int, left: int) -> None:
    window = TcpWindow(segments=80, threshold=50)
    window.rest(timeouts)
    assert window.segments == left
