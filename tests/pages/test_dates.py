"""Dates as pages print them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pytomo_scrapy.pages.dates import listed_age_s, printed_date


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


NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("published", "age"),
    [
        ("30 seconds ago", timedelta(seconds=30)),
        ("1 minute ago", timedelta(minutes=1)),
        ("23 hours ago", timedelta(hours=23)),
        ("1 day ago", timedelta(days=1)),
        ("Streamed 3 weeks ago", timedelta(days=21)),
        ("Premiered 2 months ago", timedelta(days=60)),
        ("16 years ago", timedelta(days=16 * 365)),
        # A day begins at midnight UTC; an instant is one.
        ("2026-11-19", timedelta(days=1, hours=12)),
        ("Nov 19, 2026", timedelta(days=1, hours=12)),
        ("2026-11-20T11:00:00Z", timedelta(hours=1)),
        ("2026-11-20T13:00:00+02:00", timedelta(hours=1)),
        ("2026-11-21", timedelta(0)),  # it has begun where the page was made
        ("99999 years ago", None),
        ("Updated today", None),
        ("", None),
        (None, None),
    ],
)
def test_listed_age_is_read_or_refused(published: str | None, age: timedelta | None) -> None:
    assert listed_age_s(published, NOW) == (None if age is None else age.total_seconds())
