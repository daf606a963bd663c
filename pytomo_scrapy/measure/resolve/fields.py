"""Single fields of yt-dlp's answer, which extractors fill with anything: what cannot be is None, and costs no more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pytomo_scrapy.items.foreign_numbers import length_s

# The largest that both databases keep.
_MAX_WHOLE = 2**63 - 1
# Milliseconds taken for seconds lie far behind this, and no video does.
_LAST_YEAR = 2100
_MAX_NUMBER_CHARS = 40
# In whatever unit a rate or a length is told. Far outside, sums of it run over.
_LEAST, _MOST = 1e-6, 1e12


def positive(value: Any) -> float | None:
    """Return a rate or a length above 0. None where there is none, and for what cannot be one."""
    number = _number(value)
    return number if number is not None and _LEAST <= number <= _MOST else None


def video_length_s(value: Any) -> float | None:
    """Return the length of a video in seconds. None where there is none, and for what no video lasts."""
    return length_s(positive(value))


def whole(value: Any) -> int | None:
    """Return a whole number from 0 on. None where there is none, or where no column could hold it."""
    number = value if isinstance(value, int) and not isinstance(value, bool) else _number(value)
    return int(number) if number is not None and 0 <= number <= _MAX_WHOLE else None


def moment(value: Any) -> datetime | None:
    """Return seconds since 1970 as a time. None for what no calendar has, and for 0, which stands for unknown."""
    number = _number(value)
    try:
        found = datetime.fromtimestamp(number, UTC) if number else None
    except (ValueError, OverflowError, OSError):
        return None
    return found if found is not None and found.year <= _LAST_YEAR else None


def day(value: Any) -> datetime | None:
    """Return "20231231" as the beginning of that day. None for what no calendar has."""
    try:
        found = datetime.strptime(str(value), "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if found.year <= _LAST_YEAR else None


def word(value: Any) -> str | None:
    """Return a text that is not empty. None for anything else."""
    return value or None if isinstance(value, str) else None


def mapping(value: Any) -> Mapping[Any, Any]:
    """Return a mapping. An empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > _MAX_NUMBER_CHARS:
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
