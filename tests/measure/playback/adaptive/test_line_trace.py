"""What a line carries, read from what downloads on it received."""

import pytest

from pytomo_scrapy.items import MediaTimeline
from pytomo_scrapy.measure.playback.adaptive.line import Curve, LineTrace
from pytomo_scrapy.measure.playback.adaptive.line_trace import QUEUE_LEAST_BYTES, line_trace
from pytomo_scrapy.measure.playback.player_model import LineFacts, StreamTrace


def carried(trace: LineTrace, t_s: float) -> float:
    """Return the bytes that the line had carried by then."""
    return Curve(trace.at_s, trace.total_bytes, trace.total_bytes[-1]).value(t_s)


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
    assert carried(trace, 15.0) - carried(trace, 5.0) == pytest.approx(1_500_000, rel=0.01)
    assert carried(trace, 1.0) == pytest.approx(150_000, rel=0.05), "the beginning counts as what follows it"
    assert trace.queue_bytes == QUEUE_LEAST_BYTES
    assert not trace.unknown_s


def test_a_packet_that_a_slow_line_takes_long_for_is_no_round_trip() -> None:
    # 0.3 Mbit/s: 40 ms for a packet, of which the first came after two round trips of 50 ms.
    packets = [(0.1 + 0.04 * n, 1448 * n) for n in range(1, 400)]
    assert line_trace([stream(packets)], 16.0).round_trip_s == pytest.approx(0.05)


def test_a_block_that_is_read_first_has_come_since_it_was_answered() -> None:
    # 0.5 Mbit/s without delay: the first read brings 16 KiB after 0.26 s, the others one packet each.
    points = [(0.2625, 16_384)] + [(0.2625 + 0.0232 * n, 16_384 + 1448 * n) for n in range(1, 300)]
    trace = line_trace([stream(points)], 7.0, LineFacts(0.001))
    assert carried(trace, 1.0) == pytest.approx(62_500, rel=0.1)


def test_a_gap_as_long_as_a_full_queue_counts_evenly_on_a_slow_line() -> None:
    # 36 kB/s take 1.8 s for a queue of 64 KiB: nothing shows for as long, then twice as much.
    points = [(0.05 * n, 1800 * n) for n in range(1, 100)]
    points += [(6.8 + 0.05 * n, 178_200 + 3600 * n) for n in range(1, 37)]
    points += [(8.6 + 0.05 * n, 307_800 + 1800 * n) for n in range(1, 100)]
    trace = line_trace([stream(points)], 13.0)
    assert carried(trace, 6.3) - carried(trace, 5.3) == pytest.approx(36_000, rel=0.25)
    assert carried(trace, 8.2) - carried(trace, 7.2) == pytest.approx(36_000, rel=0.5)


def test_a_gap_that_ends_in_all_at_once_counts_evenly() -> None:
    points = [(0.1 * n, 10_000 * n) for n in range(1, 51)] + [(7.0, 700_000)]
    points += [(7.0 + 0.1 * n, 700_000 + 10_000 * n) for n in range(1, 31)]
    trace = line_trace([stream(points)], 10.0)
    assert carried(trace, 6.5) - carried(trace, 5.5) == pytest.approx(100_000, rel=0.05)


def test_where_nothing_was_asked_for_the_mean_stands_in_and_is_marked() -> None:
    whole = steady(100_000, 10, is_complete=True)
    trace = line_trace([whole], 20.0)
    assert trace.unknown_s == [(whole.arrival_s[-1], 20.0)]
    assert carried(trace, 19.0) - carried(trace, 12.0) == pytest.approx(700_000, rel=0.05)


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


def test_few_probes_show_nothing_of_the_queue() -> None:
    assert queue_bytes([0.0] * 9) == QUEUE_LEAST_BYTES


def test_probes_while_nothing_is_asked_for_show_nothing_of_the_queue() -> None:
    # All came by 4.6 s: 9 of 30 probes were sent by then.
    assert queue_bytes([0.1] * 9 + [0.0] * 21, whole_s=4.5) == QUEUE_LEAST_BYTES
    assert queue_bytes([0.4] * 19 + [0.0] * 11, whole_s=10.0) == pytest.approx(40_000, rel=0.05)


def lossy(gap_s: float, *, every: int, segments: int = 12) -> StreamTrace:
    """A packet every 5 ms; after each `every` of them nothing for a gap, and then so many at once."""
    points, t_s, count = [], 0.1, 0
    while t_s < 20:
        for _ in range(every):
            t_s, count = t_s + 0.005, count + 1448
            points.append((t_s, count))
        t_s, count = t_s + gap_s, count + segments * 1448
        points.append((t_s, count))
    return stream(points)


def test_gaps_of_a_round_trip_are_losses_of_the_line_itself() -> None:
    trace = line_trace([lossy(0.06, every=100)], 20.0)
    assert trace.loss_share == pytest.approx(1 / 112, rel=0.02)
    rates = [carried(trace, t_s + 1) - carried(trace, t_s) for t_s in (3.0, 9.0, 15.0)]
    assert rates[0] == pytest.approx(rates[1]) == pytest.approx(rates[2]), "what it carries without them"
    assert rates[0] >= 200 * 1448


@pytest.mark.parametrize(
    ("gap_s", "every", "why"),
    [(0.2, 100, "a full queue was waited for"), (0.06, 3, "bytes come in bursts"), (0.06, 1000, "too few to tell")],
)
def test_other_gaps_are_no_losses_of_the_line_itself(gap_s: float, every: int, why: str) -> None:
    assert line_trace([lossy(gap_s, every=every)], 20.0).loss_share == 0.0, why
