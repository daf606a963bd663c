"""What templates write besides figures: instants, hosts, addresses of a period, and the conditions as chips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from pytomo_scrapy.analysis.figures import Dimension
from pytomo_scrapy.dashboard.query import PageQuery
from pytomo_scrapy.reporting.format import instant, instant_of


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition as a reader sees it, and the change of the address that takes it back."""

    title: str
    value: str
    without: Mapping[str, None]


def marked_instant(value: datetime | str | None) -> str:
    """Write an instant to the second, in UTC; the page's script adds the reader's own time on demand."""
    if value is None:
        return instant(value)
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return _marked(at.timestamp(), instant(at))


def marked_seconds(seconds: float | None) -> str:
    """Write seconds since 1970 to the minute, as `marked_instant` does."""
    return instant_of(seconds) if seconds is None else _marked(seconds, instant_of(seconds))


def _marked(seconds: float, text: str) -> Markup:
    machine = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Markup('<time datetime="{}">{}</time>').format(machine, text)


def stamp(seconds: int | None) -> str:
    """Write an instant as the addresses of the page take it; nothing where there is none."""
    if seconds is None:
        return ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}".removesuffix(":00")


def conditions(
    query: PageQuery, choices: Mapping[str, Sequence[tuple[str, str]]], dimensions: Mapping[str, Dimension]
) -> list[Chip]:
    """Return what narrows or widens the figures beyond the default, in the order of the filter."""
    found = []
    if query.from_s is not None:
        found.append(Chip("From", stamp(query.from_s).replace("T", " "), {"from": None}))
    if query.to_s is not None:
        found.append(Chip("To", stamp(query.to_s).replace("T", " "), {"to": None}))
    for name, dimension in dimensions.items():
        if name in query.equals:
            value = str(query.equals[name])
            found.append(Chip(dimension.title, dict(choices[name]).get(value, value), {name: None}))
    if not query.is_valid_only:
        found.append(Chip("Rows", "all", {"rows": None}))
    if query.is_across_breaks:
        found.append(Chip("Changes of method", "averaged across", {"eras": None}))
    if query.has_ad_hoc:
        found.append(Chip("Single measurements", "counted", {"ad_hoc": None}))
    return found
