"""Dates as pages in English print them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAY_FIRST = re.compile(r"(?<![\w.,])(\d{1,2}) ([a-z]{3})[a-z]{0,6}\.? (\d{4})(?!\d)")
_MONTH_FIRST = re.compile(r"(?<![\w.,])([a-z]{3})[a-z]{0,6}\.? (\d{1,2}), (\d{4})(?!\d)")


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
