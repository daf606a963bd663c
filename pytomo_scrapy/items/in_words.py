"""Counts, figures, lengths of time and hosts as a person writes them, in logs, on terminals, pages and in documents."""

from __future__ import annotations

import ipaddress
import math

_MOST_DECIMALS = 6
_DOMAIN_LABELS = 2  # of googlevideo.com


def counted(count: int, noun: str) -> str:
    """Write how many there are of something, thousands apart: 1 stall, 2 stalls."""
    return f"{number(count, 0)} {noun}" if count == 1 else f"{number(count, 0)} {noun}s"


def duration(value_s: float) -> str:
    """Write how long something lasts, in the unit that a person would use."""
    minutes, hours, days = value_s / 60, value_s / 3600, value_s / 86_400
    if minutes < 2:
        return f"{max(0, round(value_s))} s"
    if hours < 2:
        return f"{minutes:.0f} min"
    return f"{hours:.0f} h" if days < 2 else f"{days:.0f} days"


def number(value: float | None, decimals: int = 2, unit: str = "") -> str:
    """Write a figure in its unit, which is not written: thousands apart, with as many decimals as the figure is worth.

    What is not 0 does not read as 0, and milliseconds below 1 have two decimals: on one machine a round trip takes
    hundredths of one.
    """
    if value is None:
        return "unknown"
    return f"{value:,.{decimals_of(value, decimals, unit)}f}".replace(",", "\u202f")


def moved(value: float, decimals: int = 2, unit: str = "") -> str:
    """Write by how much a figure moved, with a sign. What rounds to nothing has moved by 0."""
    if unit == "ms":
        decimals = decimals_of(value, decimals, unit)
    return f"{value:+.{decimals}f}" if round(value, decimals) else "0"


def decimals_of(value: float, decimals: int, unit: str = "") -> int:
    """Return how many decimals a figure is written with, where its kind usually has `decimals`."""
    size = abs(value)
    if unit == "ms":
        decimals = 0 if size >= 100 else max(decimals, 2) if 0 < size < 1 else decimals
    if decimals and 0 < size < 0.5 * 10**-decimals:
        return min(_MOST_DECIMALS, -math.floor(math.log10(size)))
    return decimals


def milliseconds(value_s: float) -> str:
    """Write a round trip."""
    return f"{number(value_s * 1e3, 1, 'ms')} ms"


def short_host(host: str) -> str:
    """Return a host without its service's domain: rr4---sn-abc of rr4---sn-abc.googlevideo.com. Addresses stay."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        return ".".join(labels[:-_DOMAIN_LABELS]) if len(labels) > _DOMAIN_LABELS else host
    return host
