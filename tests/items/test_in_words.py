"""Counts and lengths of time in words."""

from __future__ import annotations

import pytest

from pytomo_scrapy.items.in_words import counted, decimals_of, duration, milliseconds, moved, number, short_host


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 stalls"), (1, "1 stall"), (2, "2 stalls"), (1_000_000, "1\u202f000\u202f000 stalls")]
)
def test_one_thing_is_not_written_as_several(count: int, shown: str) -> None:
    assert counted(count, "stall") == shown


@pytest.mark.parametrize(
    ("value_s", "shown"),
    [(-3, "0 s"), (61, "61 s"), (600, "10 min"), (7199, "120 min"), (7201, "2 h"), (172_801, "2 days")],
)
def test_duration_is_written_in_the_unit_that_a_person_would_use(value_s: float, shown: str) -> None:
    assert duration(value_s) == shown


@pytest.mark.parametrize(
    ("value", "decimals", "unit", "shown"),
    [
        (None, 2, "s", "unknown"),
        (0.0, 1, "ms", "0.0"),
        (0.026, 1, "ms", "0.03"),  # a round trip on one machine
        (0.004, 1, "ms", "0.004"),
        (0.52, 1, "ms", "0.52"),
        (12.34, 1, "ms", "12.3"),
        (402.4, 1, "ms", "402"),
        (0.04, 1, "%", "0.04"),
        (0.2, 1, "%", "0.2"),
        (-0.0004, 2, "", "-0.0004"),
        (1e-12, 2, "s", "0.000000"),
        (0.4, 0, "px", "0"),
        (1234567, 0, "", "1\u202f234\u202f567"),
    ],
)
def test_figure_that_is_not_nothing_does_not_read_as_nothing(
    value: float | None, decimals: int, unit: str, shown: str
) -> None:
    assert number(value, decimals, unit) == shown


def test_figure_that_moved_has_a_sign_and_as_many_decimals() -> None:
    assert moved(0.026, 1, "ms") == "+0.03"
    assert moved(-1.5, 1, "%") == "-1.5"
    assert moved(-0.004, 1, "%") == "0"
    assert decimals_of(-0.026, 1, "ms") == 2


def test_round_trip_is_written_in_milliseconds() -> None:
    assert milliseconds(0.0000261) == "0.03 ms"


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("rr4---sn-p5qddn7k.googlevideo.com", "rr4---sn-p5qddn7k"),
        ("proxy-12.sg1.dmcdn.net", "proxy-12.sg1"),
        ("localhost", "localhost"),
        ("media.test", "media.test"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_host_is_shown_without_its_domain(host: str, shown: str) -> None:
    assert short_host(host) == shown
