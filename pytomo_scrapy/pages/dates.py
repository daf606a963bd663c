"""Dates and ages as pages in English print them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAY_FIRST = re.compile(r"(?<![\w.,])(\d{1,2}) ([a-z]{3})[a-z]{0,6}\.? (\d{4})(?!\d)")
_MONTH_FIRST = re.compile(r"(?<![\w.,])([a-z]{3})[a-z]{0,6}\.? (\d{1,2}), (\d{4})(?!\d)")

_AGE = re.compile(r"(?:(?:streamed|premiered) )?(\d{1,4}) (second|minute|hour|day|week|month|year)s? ago")
# Lists round down: "3 weeks ago" is said for four weeks less a second. Edges of strata lie on these units.
_AGE_UNITS: Mapping[str, timedelta] = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}


def listed_age_s(published: str | None, now: datetime) -> float | None:
    """Return how old a video is, in seconds, by what a list says of it `now`; at least, since lists round down.

    "3 weeks ago" is 21 days; a month is 30 days and a year 365. Of a day it is the time since that day began in UTC,
    of an instant the time since then; never below 0. None where the list says neither.
    """
    text = (published or "")[:200].strip()
    if found := _AGE.fullmatch(text.lower()):
        return int(found[1]) * _AGE_UNITS[found[2]].total_seconds()
    uploaded_at = _iso_instant(text) or printed_date(text)
    return None if uploaded_at is None else max(0.0, (now - uploaded_at).total_seconds())


def _iso_instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def printed_date(text: str) -> datetime | None:
    """Read "28 Jan 2015", "Jan 28, 2015" or "Premiered Mar 3, 2021" as the start of that day in UTC.

    None for anything else: "3 years ago" is not a date.
    """
    text = text[:200].lower()
    if found := _DAY_FIRST.search(text):
        day, month, year = found.groups()
    elif found := _MONTH_FIRST.search(text):
        month, day, year = found.groups()
    else:
        return None
    try:
        return datetime.combine(date(int(year), _MONTHS.index(month) + 1, int(day)), time(), UTC)
    except ValueError:
        return None
