"""Counts, figures and lengths of time as a person writes them, in logs, on terminals and in documents."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Write how many there are of something: 1 stall, 2 stalls."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def duration(value_s: float) -> str:
    """Write how long something lasts, in the unit that a person would use."""
    minutes, hours, days = value_s / 60, value_s / 3600, value_s / 86_400
    if minutes < 2:
        return f"{max(0, round(value_s))} s"
    if hours < 2:
        return f"{minutes:.0f} min"
    return f"{hours:.0f} h" if days < 2 else f"{days:.0f} days"


def number(value: float | None, decimals: int = 2) -> str:
    """Write a figure: thousands apart, never more digits than asked for."""
    if value is None:
        return "unknown"
    return f"{value:,.{decimals}f}".replace(",", "\u202f")
