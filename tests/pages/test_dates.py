"""Dates as pages print them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pytomo_scrapy.pages.dates import printed_date


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("28 Jan 2015", (2015, 1, 28)),
        ("Jan 28, 2015", (2015, 1, 28)),
        ("Premiered Mar 3, 2021", (2021, 3, 3)),
        ("Streamed live on 1 September 2023", (2023, 9, 1)),
        ("3 years ago", None),
        ("31 Feb 2020", None),
        ("12 Foo 2020", None),
        ("", None),
        ("9" * 100_000, None),
    ],
)
def test_printed_date_is_read_or_refused(text: str, expected: tuple[int, int, int] | None) -> None:
    assert printed_date(text) == (None if expected is None else datetime(*expected, tzinfo=UTC))
