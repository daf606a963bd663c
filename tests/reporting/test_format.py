"""How figures are written for a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from pytomo_scrapy.reporting import format as written

AT = datetime(2026, 5, 4, 10, 20, 30, 123456, tzinfo=UTC)
THIN = "\u202f"  # between thousands


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (written.seconds, 1.005, "1.00 s"),
        (written.seconds, 12.345, "12.35 s"),
        (written.milliseconds, 0.0123, "12.3 ms"),
        (written.milliseconds, 0.00052, "0.52 ms"),
        (written.milliseconds, 0.00003, "0.03 ms"),
        (written.milliseconds, 0.000004, "0.004 ms"),
        (written.milliseconds, 0.0, "0.0 ms"),
        (written.megabytes, 1_234_567, "1.23 MB"),
        (written.megabits, 2_780_000.0, "2.78 Mbit/s"),
        (written.percent, 0.0864, "8.6 %"),
        (written.number, None, "unknown"),
        (written.number, 0, "0.00"),
        (written.number, 1234567.891, f"1{THIN}234{THIN}567.89"),
        (written.instant, None, "unknown"),
        (written.instant, AT, "2026-05-04 10:20:30"),
        (written.instant, AT.astimezone(timezone(timedelta(hours=2))), "2026-05-04 10:20:30"),
        (written.instant, "2026-05-04T12:20:30+02:00", "2026-05-04 10:20:30"),
        (written.instant_of, None, "unknown"),
        (written.instant_of, AT.timestamp(), "2026-05-04 10:20"),
        (written.size, None, "unknown"),
        (written.size, 0, "0 B"),
        (written.size, 999, "999 B"),
        (written.size, 1000, "1.0 kB"),
        (written.size, 1_250_000, "1.2 MB"),
        (written.size, -2_000_000_000, "-2.0 GB"),
        (written.size, 3.1e12, "3.1 TB"),
        (written.size, 3.1e15, "3100.0 TB"),
        (written.readable, "connection_refused", "connection refused"),
    ],
)
def test_figure_is_written(write: Callable[[Any], str], value: object, text: str) -> None:
    assert write(value) == text


@pytest.mark.parametrize(("decimals", "text"), [(0, f"1{THIN}235"), (1, f"1{THIN}234.6"), (3, f"1{THIN}234.560")])
def test_number_has_the_digits_that_are_asked_for(decimals: int, text: str) -> None:
    assert written.number(1234.56, decimals) == text
