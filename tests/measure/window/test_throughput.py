"""Throughput figures against tables computed by hand."""

from __future__ import annotations

import pytest

from pytomo_scrapy.measure.window.throughput import bins, join_arrivals, measure_throughput, quantile

# 125 000 bytes in a second are 1 Mbit/s.
MBIT_S = 125_000


def steady(rate_bytes_per_s: int, seconds: int, start_s: float = 0.0) -> list[tuple[float, int]]:
    """Ten arrivals a second, the first at `start_s`, the last a whole number of seconds later."""
    step = rate_bytes_per_s // 10
    return [(start_s + tenth / 10, step) for tenth in range(seconds * 10 + 1)]


def test_throughput_of_nothing_is_not_measured() -> None:
    figures = measure_throughput([])
    assert (figures.active_s, figures.delivery_bps, figures.bin_max_bps) == (None, None, None)


def test_throughput_mean_counts_from_first_byte_to_last() -> None:
    # 3 arrivals of 100 000 bytes from 1 s to 3 s: 300 000 * 8 / 2 s = 1.2 Mbit/s.
    figures = measure_throughput([(1.0, 100_000), (2.0, 100_000), (3.0, 100_000)])
    assert figures.active_s == pytest.approx(2.0)
    assert figures.delivery_bps == pytest.approx(1_200_000)


def test_throughput_of_one_burst_is_no_ratio() -> None:
    assert measure_throughput([(1.0, 4_000_000)]).delivery_bps is None
    assert measure_throughput([(1.0, 4_000_000), (1.005, 1)]).delivery_bps is None


def test_throughput_after_slow_start_leaves_two_seconds_out() -> None:
    # 2 s at 1 Mbit/s, then 3 s at 9 Mbit/s; after the cut 3 s hold 30 arrivals of 112 500 bytes: 9 Mbit/s.
    arrivals = [(tenth / 10, MBIT_S // 10) for tenth in range(21)]
    arrivals += [(2 + tenth / 10, 9 * MBIT_S // 10) for tenth in range(1, 31)]
    figures = measure_throughput(arrivals)
    assert figures.active_s == pytest.approx(5.0)
    assert figures.delivery_after_2s_bps == pytest.approx(9_000_000)
    # 21 * 12 500 + 30 * 112 500 = 3 637 500 bytes in 5 s: 5.82 Mbit/s.
    assert figures.delivery_bps == pytest.approx(5_820_000)


@pytest.mark.parametrize(("seconds", "expected"), [(2, None), (3, 1_000_000.0)])
def test_throughput_after_slow_start_needs_a_second(seconds: int, expected: float | None) -> None:
    figure = measure_throughput(steady(MBIT_S, seconds)).delivery_after_2s_bps
    assert figure == (None if expected is None else pytest.approx(expected))


def test_bins_are_complete_seconds_from_the_first_arrival() -> None:
    # Seconds from 0.5: [0.5, 1.5) 300 bytes, [1.5, 2.5) 50 bytes, [2.5, 3.5) not reached by the last arrival.
    arrivals = [(0.5, 100), (1.0, 200), (1.5, 50), (2.7, 1000)]
    assert bins(arrivals) == [2400.0, 400.0]


def test_bins_hold_the_silence_in_between() -> None:
    # 1 s of data, 2 s without any, a last byte at 3.0.
    arrivals = [(0.0, 1000), (0.5, 1000), (3.0, 1)]
    figures = measure_throughput(arrivals)
    assert bins(arrivals) == [16_000.0, 0.0, 0.0]
    assert (figures.bin_min_bps, figures.bin_median_bps, figures.bin_max_bps) == (0.0, 0.0, 16_000.0)
    # Ranks 0, 1, 2; 95 % is at rank 1.9: 0 + 0.9 * 16 000.
    assert figures.bin_p95_bps == pytest.approx(14_400.0)


def test_bins_of_less_than_a_second_are_none() -> None:
    figures = measure_throughput([(0.0, 10), (0.9, 10)])
    assert figures.bin_min_bps is figures.bin_median_bps is figures.bin_p95_bps is figures.bin_max_bps is None


def test_bins_where_nothing_was_asked_for_are_left_out() -> None:
    # A request until 1.0, none until 3.0, then one until 4.0: bins 1 and 2 are idle by choice.
    arrivals = [(0.0, 500), (0.9, 500), (3.0, 700), (4.0, 100)]
    no_demand = [(1.0, 3.0)]
    figures = measure_throughput(arrivals, no_demand)
    assert bins(arrivals, no_demand) == [8000.0, 5600.0]
    assert figures.no_demand_s == pytest.approx(2.0)
    # 4 s from first to last, 2 of them idle: 1800 bytes * 8 / 2 s.
    assert figures.active_s == pytest.approx(2.0)
    assert figures.delivery_bps == pytest.approx(7200.0)


def test_no_demand_outside_the_transfer_does_not_shorten_it() -> None:
    figures = measure_throughput([(0.0, 1000), (2.0, 1000)], [(2.0, 5.0)])
    assert figures.active_s == pytest.approx(2.0)
    assert figures.no_demand_s == pytest.approx(3.0)


def test_arrivals_of_two_streams_join_in_order_of_time() -> None:
    video = ([0.1, 0.3], [10, 30])
    audio = ([0.2, 0.4], [5, 6])
    assert join_arrivals([video, audio]) == [(0.1, 10), (0.2, 5), (0.3, 20), (0.4, 1)]


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([7.0], 0.95, 7.0), ([0.0, 10.0], 0.5, 5.0), ([0.0, 10.0, 20.0], 0.95, 19.0), ([1.0, 2.0, 3.0], 1.0, 3.0)],
)
def test_quantile_interpolates_between_ranks(values: list[float], share: float, expected: float) -> None:
    assert quantile(values, share) == pytest.approx(expected)
