"""The line that a trace shows: when the bytes of a player's requests arrive."""

import pytest

from pytomo_scrapy.items import MediaTimeline
from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Transfer
from pytomo_scrapy.measure.playback.adaptive.line import INFINITE, Line, LineTrace
from pytomo_scrapy.measure.playback.adaptive.line_trace import QUEUE_LEAST_BYTES, line_trace
from pytomo_scrapy.measure.playback.player_model import LineFacts, StreamTrace

TICK_S = 0.01
# 100 kB/s for 60 s, 0.1 s of round trip.
STEADY = LineTrace((0.0, 60.0), (0.0, 6_000_000.0), 0.1, 65536.0)


def serve(line: Line, until: int, now_s: float = 0.0) -> float:
    """Run the line until the transfer of that number is whole; return when."""
    for _ in range(100_000):
        next_s = line.next_s(now_s, TICK_S)
        line.advance(now_s, next_s, TICK_S)
        now_s = next_s
        if any(active.transfer.transfer_id == until for active in line.finished(now_s)):
            return now_s
    raise AssertionError("never whole")


def transfer(number: int, size_bytes: int) -> Transfer:
    return Transfer(number, "video", 0, "segment", number, size_bytes)


def test_a_trace_is_even_between_its_points() -> None:
    trace = LineTrace((0.0, 1.0, 3.0), (0.0, 100.0, 500.0), 0.1, 65536.0)
    assert [trace.carried_by(t_s) for t_s in (-1.0, 0.5, 1.0, 2.0, 9.0)] == [0, 50, 100, 300, 500]
    assert [trace.time_of(count) for count in (50, 300, 501)] == [0.5, 2.0, INFINITE]


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


def test_two_requests_share_the_line() -> None:
    line = Line(STEADY)
    line.start(transfer(1, 20_000), 0.0)
    line.start(transfer(2, 20_000), 0.0)
    assert serve(line, 2) == pytest.approx(0.2 + 0.4, abs=0.03)


def test_a_fast_line_is_not_filled_at_once() -> None:
    fast = LineTrace((0.0, 60.0), (0.0, 600_000_000.0), 0.1, 1e6)
    line = Line(fast)
    line.start(transfer(1, 200_000), 0.0)
    # 10 MB/s would take 0.02 s; windows of 14, 29, 58 and 116 kB take about three round trips.
    assert 0.4 < serve(line, 1) < 0.6


def test_what_is_on_its_way_of_an_aborted_request_comes_first() -> None:
    line = Line(STEADY)
    line.start(transfer(1, 5_000_000), 0.0)
    now_s = 0.0
    while now_s < 0.5:
        next_s = line.next_s(now_s, TICK_S)
        line.advance(now_s, next_s, TICK_S)
        now_s = next_s
    window = line.active[0].connection.window_bytes
    line.abort(line.active[0].transfer, now_s)
    assert not line.active
    line.start(transfer(2, 1000), now_s)
    # Two round trips, after the window has drained at 100 kB/s; what lies within a round trip is no queue.
    assert serve(line, 2, now_s) - now_s == pytest.approx(0.2 + window / 100_000, abs=0.15)


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


def test_what_lay_before_a_lost_piece_is_of_use_and_what_follows_waits() -> None:
    line = Line(LineTrace((0.0, 60.0), (0.0, 6_000_000.0), 0.1, 20_000.0))
    line.start(transfer(1, 400_000), 0.0)
    active, now_s, full_s, held = line.active[0], 0.0, None, list[float]()
    while not held or active.usable_bytes < active.received_bytes:
        next_s = line.next_s(now_s, TICK_S)
        line.advance(now_s, next_s, TICK_S)
        now_s = next_s
        if full_s is None and active.hole_from_s < INFINITE:
            full_s = now_s
        if active.usable_bytes < active.received_bytes:
            held.append(now_s)
    # The queue of 20 kB is carried in 0.2 s; the piece comes again behind 0.7 of such a queue, and a round trip later.
    assert full_s is not None
    assert held[0] == pytest.approx(full_s + 0.2, abs=0.03)
    assert now_s == pytest.approx(full_s + 0.2 + 0.7 * 0.2 + 0.1, abs=0.03)


def stream(points: list[tuple[float, int]], *, is_complete: bool = False) -> StreamTrace:
    return StreamTrace(
        tuple(t_s for t_s, _ in points),
        tuple(count for _, count in points),
        MediaTimeline("video", "segments"),
        is_complete,
    )


def steady(rate: int, until_s: float, *, is_complete: bool = False) -> StreamTrace:
    steps = int(until_s / 0.01)
    return stream([(0.1 + 0.01 * n, rate * n // 100) for n in range(1, steps)], is_complete=is_complete)


def test_the_line_carries_what_all_streams_received() -> None:
    trace = line_trace([steady(100_000, 20), steady(50_000, 20)], 20.0)
    assert trace.round_trip_s == pytest.approx(0.05), "half of the time to the first byte, without its packet's own"
    assert trace.carried_by(15.0) - trace.carried_by(5.0) == pytest.approx(1_500_000, rel=0.01)
    assert trace.carried_by(1.0) == pytest.approx(150_000, rel=0.05), "the beginning counts as what follows it"
    assert trace.queue_bytes == QUEUE_LEAST_BYTES
    assert not trace.unknown_s


def test_a_packet_that_a_slow_line_takes_long_for_is_no_round_trip() -> None:
    # 0.3 Mbit/s: 40 ms for a packet, of which the first came after two round trips of 50 ms.
    packets = [(0.1 + 0.04 * n, 1448 * n) for n in range(1, 400)]
    assert line_trace([stream(packets)], 16.0).round_trip_s == pytest.approx(0.05)


def test_a_gap_as_long_as_a_full_queue_counts_evenly_on_a_slow_line() -> None:
    # 36 kB/s take 1.8 s for a queue of 64 KiB: nothing shows for as long, then twice as much.
    points = [(0.05 * n, 1800 * n) for n in range(1, 100)]
    points += [(6.8 + 0.05 * n, 178_200 + 3600 * n) for n in range(1, 37)]
    points += [(8.6 + 0.05 * n, 307_800 + 1800 * n) for n in range(1, 100)]
    trace = line_trace([stream(points)], 13.0)
    assert trace.carried_by(6.3) - trace.carried_by(5.3) == pytest.approx(36_000, rel=0.25)
    assert trace.carried_by(8.2) - trace.carried_by(7.2) == pytest.approx(36_000, rel=0.5)


def test_a_gap_that_ends_in_all_at_once_counts_evenly() -> None:
    points = [(0.1 * n, 10_000 * n) for n in range(1, 51)] + [(7.0, 700_000)]
    points += [(7.0 + 0.1 * n, 700_000 + 10_000 * n) for n in range(1, 31)]
    trace = line_trace([stream(points)], 10.0)
    assert trace.carried_by(6.5) - trace.carried_by(5.5) == pytest.approx(100_000, rel=0.05)


def test_where_nothing_was_asked_for_the_mean_stands_in_and_is_marked() -> None:
    whole = steady(100_000, 10, is_complete=True)
    trace = line_trace([whole], 20.0)
    assert trace.unknown_s == [(whole.arrival_s[-1], 20.0)]
    assert trace.carried_by(19.0) - trace.carried_by(12.0) == pytest.approx(700_000, rel=0.05)
    line = Line(trace)
    line.start(transfer(1, 100_000), 1.0)
    serve(line, 1, 1.0)
    assert not line.touched_unknown
    line.start(transfer(2, 100_000), 11.0)
    serve(line, 2, 11.0)
    assert line.touched_unknown


def queue_bytes(waits_s: list[float], *, rate: int = 100_000, whole_s: float | None = None) -> float:
    """Return what waits before a line of this rate, of which a probe every 0.5 s waited as long; 50 ms without load."""
    probes = [(0.5 + 0.5 * n, 0.05 + wait_s) for n, wait_s in enumerate(waits_s)]
    arrivals = steady(rate, whole_s or 20.0, is_complete=whole_s is not None)
    return line_trace([arrivals], 20.0, LineFacts(0.05, probes)).queue_bytes


def test_probes_show_how_much_waits_before_the_line() -> None:
    # A queue that is full before each loss, 0.4 s of 100 kB/s, and 0.7 of that afterwards.
    assert queue_bytes([0.28, 0.32, 0.36, 0.4] * 8) == pytest.approx(40_000, rel=0.05)
    # Three of 32 that waited longer for another reason do not count.
    assert queue_bytes([0.28, 0.32, 0.36, 0.4] * 7 + [0.4, 0.9, 0.9, 0.9]) == pytest.approx(40_000, rel=0.05)


def test_where_no_probe_waits_the_queue_keeps_the_line_full_and_no_more() -> None:
    # The trace shows a full line in spite of windows that shrink to 0.7: (1 / 0.7 - 1) of what is on its way in 50 ms.
    assert queue_bytes([0.0] * 30) == pytest.approx(0.43 * 5_000, rel=0.05)
    assert queue_bytes([0.0] * 30, rate=5_000_000) == pytest.approx(0.43 * 250_000, rel=0.05)


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


def test_few_probes_show_nothing_of_the_queue() -> None:
    assert queue_bytes([0.0] * 9) == QUEUE_LEAST_BYTES


def test_probes_while_nothing_is_asked_for_show_nothing_of_the_queue() -> None:
    # All came by 4.6 s: 9 of 30 probes were sent by then.
    assert queue_bytes([0.1] * 9 + [0.0] * 21, whole_s=4.5) == QUEUE_LEAST_BYTES
    assert queue_bytes([0.4] * 19 + [0.0] * 11, whole_s=10.0) == pytest.approx(40_000, rel=0.05)


@pytest.mark.parametrize("queue", [0.0, 3000.0, 8000.0, 20_000.0])
def test_a_short_queue_that_is_full_again_and_again_holds_nothing_up_for_long(queue: float) -> None:
    # 100 kB/s: a queue of 20 kB is carried in 0.2 s, and what was lost from it comes 0.7 of that later.
    line = Line(LineTrace((0.0, 60.0), (0.0, 6_000_000.0), 0.001, queue))
    line.start(transfer(1, 200_000), 0.0)
    line.start(transfer(2, 200_000), 0.0)
    now_s, seen, longest_s = 0.0, (0.0, 0.0), 0.0
    while line.active and now_s < 10.0:
        next_s = line.next_s(now_s, TICK_S)
        line.advance(now_s, next_s, TICK_S)
        now_s = next_s
        line.finished(now_s)
        usable = sum(active.usable_bytes for active in line.active)
        if usable != seen[1]:
            seen = (now_s, usable)
        longest_s = max(longest_s, now_s - seen[0])
    assert now_s == pytest.approx(4.0, abs=0.4), "the line carries all the same"
    assert longest_s < 0.5
