"""How figures are written for a person. Milliseconds, Mbit/s and MB live only here."""

from __future__ import annotations

from datetime import UTC, datetime

from pytomo_scrapy.items import in_words
from pytomo_scrapy.items.in_words import number as number

NOTHING = "-"


def seconds(value: float | None) -> str:
    """Show seconds."""
    return NOTHING if value is None else f"{value:.2f} s"


def milliseconds(value: float | None) -> str:
    """Show a round trip."""
    return NOTHING if value is None else in_words.milliseconds(value)


def megabytes(value: int | None) -> str:
    """Show a volume."""
    # Powers of ten, as the service, providers' caps and all rates here have them.
    return NOTHING if value is None else f"{value / 1e6:.2f} MB"


def megabits(value: float | None) -> str:
    """Show a rate."""
    return NOTHING if value is None else f"{value / 1e6:.2f} Mbit/s"


def percent(value: float | None) -> str:
    """Show a ratio."""
    return NOTHING if value is None else f"{value * 100:.1f} %"


def instant(value: datetime | str | None) -> str:
    """Write an instant, in UTC."""
    if value is None:
        return "unknown"
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def instant_of(seconds: float | None) -> str:
    """Write an instant given as seconds since 1970, in UTC."""
    return "unknown" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def size(count: float | None) -> str:
    """Write a number of bytes."""
    if count is None:
        return "unknown"
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def readable(word: str) -> str:
    """Write a word of the failure vocabulary."""
    return word.replace("_", " ")
