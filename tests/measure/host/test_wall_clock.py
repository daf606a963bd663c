"""The clock's offset from the servers' dates."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest

from pytomo_scrapy.measure.host.wall_clock import ClockBounds, is_clock_synchronised
from pytomo_scrapy.measure.window.head import ResponseHead

STARTED = datetime(2026, 5, 4, 10, 0, 0, 500_000, tzinfo=UTC)


def bounds_of(offset_s: float, answers: list[tuple[float, float]]) -> ClockBounds:
    """Answers of servers whose clock is `offset_s` behind ours, stamped half way between question and answer."""
    bounds = ClockBounds(STARTED)
    for asked_s, answered_s in answers:
        theirs = STARTED + timedelta(seconds=(asked_s + answered_s) / 2 - offset_s)
        bounds.add(asked_s, answered_s, theirs.replace(microsecond=0))
    return bounds


def test_one_answer_bounds_the_offset_to_a_second_and_its_round_trip() -> None:
    found = bounds_of(0.0, [(0.0, 0.1)]).result()
    # Asked at .5, answered at .6, dated .0: the offset lies in (-0.5, 0.6].
    assert found is not None
    assert (found.offset_s, found.error_s) == (pytest.approx(0.05), pytest.approx(0.55))


@pytest.mark.parametrize("offset_s", [0.0, 0.3, -7.25, 3600.0])
def test_several_answers_bound_it_closer_and_hold_the_truth(offset_s: float) -> None:
    found = bounds_of(offset_s, [(index * 1.1, index * 1.1 + 0.02) for index in range(10)]).result()
    assert found is not None
    assert abs(found.offset_s - offset_s) <= found.error_s
    assert found.error_s <= 0.12


def test_no_answer_and_contradicting_servers_give_nothing() -> None:
    assert ClockBounds(STARTED).result() is None
    bounds = bounds_of(0.0, [(0.0, 0.1)])
    bounds.add(0.2, 0.3, STARTED + timedelta(seconds=30))
    assert bounds.result() is None


@pytest.mark.parametrize(
    ("lines", "is_usable"),
    [
        (["Date: Mon, 04 May 2026 10:00:00 GMT"], True),
        (["Date: Mon, 04 May 2026 10:00:00 GMT", "Age: 0"], True),
        (["Date: Mon, 04 May 2026 10:00:00 GMT", "Age: 17"], False),
        (["Date: yesterday"], False),
        ([], False),
    ],
)
def test_date_counts_where_no_cache_kept_it(lines: list[str], is_usable: bool) -> None:
    head = ResponseHead()
    for line in ["HTTP/1.1 206 Partial Content", *lines, ""]:
        head.feed(line.encode() + b"\r\n")
    assert head.date == (datetime(2026, 5, 4, 10, tzinfo=UTC) if is_usable else None)


def test_kernel_tells_of_its_clock_on_linux() -> None:
    assert (is_clock_synchronised() in {True, False}) == sys.platform.startswith("linux")
