"""Times as they are kept: rounded, thinned, and never a byte too early."""

from __future__ import annotations

from pytomo_scrapy.items.precision import MAX_TRACE_POINTS, round_trace
from tests.storage.measurements.test_blobs import make_window, random_arrivals


def test_trace_times_are_rounded_to_a_tenth_of_a_millisecond() -> None:
    rounded = round_trace(make_window((0.12344, 0.12346, 1.0), (10, 20, 30))).streams[0]
    # 0.12344 -> 0.1234 and 0.12346 -> 0.1235; 1.0 stays.
    assert rounded.arrival_s == (0.1234, 0.1235, 1.0)
    assert rounded.arrival_bytes == (10, 20, 30)


def test_arrivals_of_one_tick_are_joined_at_their_sum() -> None:
    rounded = round_trace(make_window((0.50001, 0.50002, 0.7), (10, 20, 30))).streams[0]
    assert (rounded.arrival_s, rounded.arrival_bytes) == ((0.5, 0.7), (20, 30))


def test_long_trace_is_thinned_without_a_byte_too_early() -> None:
    arrival_s, arrival_bytes = random_arrivals(30_000)
    stream = round_trace(make_window(arrival_s, arrival_bytes)).streams[0]
    assert len(stream.arrival_s) <= MAX_TRACE_POINTS
    assert stream.arrival_bytes[-1] == arrival_bytes[-1]
    true_s = dict(zip(arrival_bytes, arrival_s, strict=True))
    late_s = [seconds - true_s[total] for seconds, total in zip(stream.arrival_s, stream.arrival_bytes, strict=True)]
    assert max(abs(late) for late in late_s) <= 0.00005 + 1e-9
    gaps = [b - a for a, b in zip(stream.arrival_s, stream.arrival_s[1:], strict=False)]
    assert min(gaps) > 0
