"""The line that a trace shows: when the bytes of a player's requests arrive."""

from itertools import pairwise

import pytest

from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Transfer
from pytomo_scrapy.measure.playback.adaptive.line import INFINITE, Curve, Line, LineTrace
from pytomo_scrapy.measure.playback.adaptive.tcp_packet import SEGMENT_BYTES

STEPS = 200_000
# 100 kB/s for 60 s, 0.1 s of round trip.
STEADY = LineTrace((0.0, 60.0), (0.0, 6_000_000.0), 0.1, 65536.0)


def serve(line: Line, until: int, now_s: float = 0.0) -> float:
    """Run the line until the transfer of that number is whole; return when."""
    for _ in range(STEPS):
        now_s = line.advance(now_s, now_s + 1.0)
        active = line.news
        if active is not None and active.is_whole:
            line.finish(active, now_s)
            if active.transfer.transfer_id == until:
                return now_s
    raise AssertionError("never whole")


def run(line: Line, now_s: float, until_s: float) -> list[tuple[float, int, int]]:
    """Run the line up to a time; return what came: (time, number, usable bytes)."""
    came = []
    while now_s < until_s:
        now_s = line.advance(now_s, until_s)
        active = line.news
        if active is not None:
            came.append((now_s, active.transfer.transfer_id, active.usable_bytes))
            if active.is_whole:
                line.finish(active, now_s)
    return came


def transfer(number: int, size_bytes: int) -> Transfer:
    return Transfer(number, "video", 0, "segment", number, size_bytes)


def test_a_curve_is_even_between_its_points() -> None:
    curve = Curve((0.0, 1.0, 1.0, 3.0), (0.0, 100.0, 100.0, 500.0), 500.0)
    assert [curve.value(place) for place in (-1.0, 0.5, 1.0, 2.0, 9.0)] == [0, 50, 100, 300, 500]
    times = Curve((0.0, 100.0, 500.0), (0.0, 1.0, 3.0), INFINITE)
    assert [times.value(place) for place in (50, 300, 501)] == [0.5, 2.0, INFINITE]


def test_a_first_request_waits_for_two_round_trips_and_takes_the_line() -> None:
    line = Line(STEADY)
    line.start(transfer(1, 50_000), 0.0)
    # 0.2 s to the first byte; the first window of 14 480 bytes fills a line of 10 000 bytes a round trip.
    assert serve(line, 1) == pytest.approx(0.2 + 0.5, abs=0.02)


def test_the_next_request_on_that_connection_waits_for_one() -> None:
    line = Line(STEADY)
    line.start(transfer(1, 50_000), 0.0)
    now_s = serve(line, 1)
    line.start(transfer(2, 50_000), now_s)
    assert serve(line, 2, now_s) - now_s == pytest.approx(0.1 + 0.5, abs=0.02)


def test_of_two_first_windows_the_second_waits_behind_the_first() -> None:
    line = Line(STEADY)
    line.start(transfer(1, 12_000), 0.0)
    line.start(transfer(2, 12_000), 0.0)
    first = {number: t_s for t_s, number, _ in reversed(run(line, 0.0, 0.6))}
    assert first[1] == pytest.approx(0.2, abs=0.01)
    assert first[2] == pytest.approx(0.2 + 0.12, abs=0.01)


def test_a_fast_line_is_not_filled_at_once() -> None:
    line = Line(LineTrace((0.0, 60.0), (0.0, 600_000_000.0), 0.1, 1e6))
    line.start(transfer(1, 200_000), 0.0)
    # 10 MB/s would take 0.02 s; windows of 14, 29, 58 and 116 kB take about three round trips.
    assert 0.4 < serve(line, 1) < 0.6


def test_a_line_that_shows_no_more_serves_nothing_more() -> None:
    line = Line(LineTrace((0.0, 1.0), (0.0, 100_000.0), 0.05, 65536.0))
    line.start(transfer(1, 200_000), 0.0)
    came = run(line, 0.0, 5.0)
    assert came[-1][0] <= 1.0
    assert came[-1][2] < 100_000


def test_what_is_on_its_way_of_an_aborted_request_comes_first() -> None:
    line = Line(STEADY)
    line.start(transfer(1, 5_000_000), 0.0)
    came = run(line, 0.0, 0.6)
    line.abort(transfer(1, 5_000_000), 0.6)
    assert not line.active
    line.start(transfer(2, 1000), 0.6)
    # Two round trips on a new connection would be 0.8 s. What the queue holds of three windows, and what the server
    # sends before it hears of the end, takes longer.
    assert came[-1][2] > 30_000
    assert 0.85 < serve(line, 2, 0.6) < 0.6 + 0.2 + 65536 / 100_000


def test_a_connection_that_was_opened_ahead_saves_a_round_trip() -> None:
    line = Line(STEADY)
    line.open_ahead(0.0)
    line.start(transfer(1, 1000), 1.0)
    assert serve(line, 1, 1.0) == pytest.approx(1.0 + 0.1 + 0.01, abs=0.01)


def test_a_connection_that_is_still_being_opened_is_waited_for() -> None:
    line = Line(STEADY)
    line.open_ahead(0.0)
    line.start(transfer(1, 1000), 0.04)
    assert serve(line, 1, 0.04) == pytest.approx(0.1 + 0.1 + 0.01, abs=0.01)


def test_what_follows_a_lost_packet_is_of_use_once_that_came_again() -> None:
    line = Line(LineTrace((0.0, 60.0), (0.0, 6_000_000.0), 0.1, 40_000.0))
    line.start(transfer(1, 400_000), 0.0)
    came = run(line, 0.0, 10.0)
    gaps = [(after[0] - before[0], after[2] - before[2]) for before, after in pairwise(came)]
    longest_s, at_once = max(gaps)
    # A queue of 40 kB is carried in 0.4 s, and a lost packet comes again behind what then waits, a round trip later.
    assert 0.3 < longest_s < 0.7
    assert at_once > 10 * SEGMENT_BYTES
    assert came[-1][2] == 400_000
    assert came[-1][0] < 0.2 + 4.0 + 0.5, "the line goes on meanwhile"


# Packets in order at every quarter of a second after the first two headers were asked for: two requests at once, of 162
# and 1804 kB, on connections that had brought an index and a header each. A Linux 6.18 kernel's cubic on a link of
# 0.8 Mbit/s, 64 KiB of queue and 40 ms; twice the same.
KERNEL_SOUND = (9, 17, 29, 30, 43, 43, 43, 55, 80, 90, 105, 105, 111, 111, 111, 111)
KERNEL_VIDEO = (0, 9, 14, 29, 30, 30, 30, 30, 63, 69, 71, 88, 98, 115, 132, 148)


def test_two_requests_on_a_slow_line_come_as_a_kernel_sent_them() -> None:
    line = Line(LineTrace((0.0, 60.0), (0.0, 6_000_000.0 * 0.9653), 0.04, 65536.0))
    line.start(transfer(1, 136), 0.0)
    line.start(transfer(2, 232), 0.0)
    begun_s = run(line, 0.0, 0.3)[-1][0] + 0.011
    line.start(transfer(3, 733), begun_s)
    line.start(transfer(4, 802), begun_s)
    counts: dict[int, list[int]] = {5: [], 6: []}
    sizes, usable, now_s = {5: 162_056, 6: 1_803_905}, {5: 0, 6: 0}, begun_s
    for quarter in range(1, 17):
        until_s = begun_s + quarter / 4
        while now_s < until_s:
            now_s = line.advance(now_s, until_s)
            active = line.news
            if active is not None:
                number = active.transfer.transfer_id
                usable[number] = active.usable_bytes
                if active.is_whole:
                    line.finish(active, now_s)
                    if number + 2 in sizes:
                        line.start(transfer(number + 2, sizes[number + 2]), now_s)
        for number, found in counts.items():
            found.append(usable[number] // SEGMENT_BYTES)
    for found, kernel in ((counts[5], KERNEL_SOUND), (counts[6], KERNEL_VIDEO)):
        differences = [abs(one - other) for one, other in zip(found, kernel, strict=True)]
        assert sum(differences) <= 2 * len(kernel), (found, kernel)


def test_where_the_window_asked_for_nothing_a_replay_touches_what_is_unknown() -> None:
    line = Line(LineTrace((0.0, 60.0), (0.0, 6_000_000.0), 0.1, 65536.0, [(10.0, 60.0)]))
    line.start(transfer(1, 100_000), 1.0)
    serve(line, 1, 1.0)
    assert not line.touched_unknown
    line.start(transfer(2, 100_000), 11.0)
    serve(line, 2, 11.0)
    assert line.touched_unknown


def test_without_a_queue_nobody_waits_behind_another_or_what_was_given_up() -> None:
    # 100 kB/s, next to no round trip: requests take turns, as behind a fair queue.
    line = Line(LineTrace((0.0, 60.0), (0.0, 6_000_000.0), 0.001, 0.0))
    line.start(transfer(1, 300_000), 0.0)
    line.start(transfer(2, 50_000), 0.0)
    whole_s = serve(line, 2)
    assert whole_s == pytest.approx(1.0, abs=0.1), "half of the line"
    line.abort(transfer(1, 300_000), whole_s)
    line.start(transfer(3, 50_000), whole_s)
    assert serve(line, 3, whole_s) - whole_s == pytest.approx(0.5, abs=0.1), "all of it, at once"


@pytest.mark.parametrize("queue", [0.0, 3000.0, 8000.0, 20_000.0])
def test_a_short_queue_that_is_full_again_and_again_holds_nothing_up_for_long(queue: float) -> None:
    # 100 kB/s: a queue of 20 kB is carried in 0.2 s.
    line = Line(LineTrace((0.0, 60.0), (0.0, 6_000_000.0), 0.001, queue))
    line.start(transfer(1, 200_000), 0.0)
    line.start(transfer(2, 200_000), 0.0)
    times = [0.0, *(t_s for t_s, _, _ in run(line, 0.0, 10.0))]
    assert times[-1] == pytest.approx(4.0, abs=0.4), "the line carries all the same"
    assert max(after - before for before, after in pairwise(times)) < 0.5


def test_a_line_that_loses_by_itself_carries_less_and_as_its_seed_says() -> None:
    def whole_s(loss_share: float, seed: int) -> float:
        trace = LineTrace((0.0, 60.0), (0.0, 60_000_000.0), 0.06, 1e6, loss_share=loss_share, seed=seed)
        line = Line(trace)
        line.start(transfer(1, 2_000_000), 0.0)
        return serve(line, 1)

    lossy = [whole_s(0.01, seed) for seed in range(4)]
    assert min(lossy) >= whole_s(0.0, 0)
    assert sum(lossy) > 6 * whole_s(0.0, 0), (
        "a window of about 1.2 / sqrt(0.01) segments a round trip, once it has lost"
    )
    assert len(set(lossy)) == 4
    assert lossy == [whole_s(0.01, seed) for seed in range(4)]


def test_a_line_of_a_hundred_megabits_takes_few_packets() -> None:
    line = Line(LineTrace((0.0, 60.0), (0.0, 750_000_000.0), 0.02, 625_000.0))
    line.start(transfer(1, 12_500_000), 0.0)
    came = run(line, 0.0, 5.0)
    assert came[-1][2] == 12_500_000
    assert 1.0 < came[-1][0] < 1.6
    assert len(came) < 3000
