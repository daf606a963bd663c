"""The query of a page, checked: every parameter is known and has a usable value, or the answer is 4xx."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.requests import Request

from pytomo_scrapy.analysis.figures import BY_FORERUNNER, DIMENSIONS, PARAMETERS, Figure
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.dashboard.bad_request import BadRequestError
from pytomo_scrapy.dashboard.catalogue import Catalogue
from pytomo_scrapy.storage.read_only import ReadDatabase

PERIODS = {
    "1h": ("Hour", 3600),
    "6h": ("6 hours", 6 * 3600),
    "1d": ("Day", 86400),
    "7d": ("7 days", 7 * 86400),
    "30d": ("30 days", 30 * 86400),
    "90d": ("90 days", 90 * 86400),
    "365d": ("Year", 365 * 86400),
    "all": ("All", None),
}
DEFAULT_PERIOD = "7d"
LEAST_DEFAULT_S = 60
COMMON = frozenset({"db", "period", "from", "to", "rows", "eras", "ad_hoc", *DIMENSIONS})
_MAX_TEXT = 200
_MAX_S = 4_102_444_800  # the year 2100
_EPOCH = re.compile(r"\d{1,10}")
_WHOLE = re.compile(r"\d{1,18}")


@dataclass(frozen=True, slots=True)
class PageQuery:
    """A checked request: which database, which period and which conditions."""

    database_id: str
    database: ReadDatabase
    values: Mapping[str, str]  # the parameters as they were given, for links to other pages
    period: str | None  # None: from `from` to `to`
    from_s: int | None
    to_s: int | None
    equals: Mapping[str, str | int]
    is_valid_only: bool
    is_across_breaks: bool
    has_ad_hoc: bool

    def selection(self, measured: tuple[int, int] | None) -> Selection:
        """Return the selected rows. A period without `to` ends with the newest measurement.

        Where none was asked for, it is the span of the measurements, and DEFAULT_PERIOD at most: a first crawl is a
        picture, not one vertical line in an empty week.
        """
        first, last = measured or (0, 0)
        end_s = self.to_s if self.to_s is not None else last + 1
        length_s = PERIODS[self.period or DEFAULT_PERIOD][1]
        if self.from_s is not None:
            start_s = self.from_s
        else:
            start_s = min(first, end_s - 1) if length_s is None else end_s - length_s
            if "period" not in self.values and self.to_s is None:
                start_s = max(start_s, min(first, end_s - LEAST_DEFAULT_S))
        if start_s >= end_s:
            raise BadRequestError("The period is empty: `from` must lie before `to`.")
        return Selection(start_s, end_s, self.equals, self.is_valid_only, self.is_across_breaks, self.has_ad_hoc)

    def link(self, path: str, **changes: str | int | None) -> str:
        """Return an address with the same conditions, except for `changes`; None removes a parameter."""
        values = {**self.values, **{name: str(value) for name, value in changes.items() if value is not None}}
        remaining = {name: value for name, value in values.items() if name not in changes or changes[name] is not None}
        return f"{path}?{urlencode(remaining)}" if remaining else path


def read_query(request: Request, catalogue: Catalogue, *, more: Iterable[str] = ()) -> PageQuery:
    """Check a request's parameters. `more` names those that this page takes besides the common ones."""
    values = _values(request, COMMON | set(more))
    found = catalogue.database(values.get("db"))
    if found is None:
        raise BadRequestError("There is no database with this id: choose one from the archive.", 404)
    period = values.get("period")
    if period is not None and period not in PERIODS:
        raise BadRequestError(f"`period` must be one of {', '.join(PERIODS)}.")
    from_s, to_s = _instant(values, "from"), _instant(values, "to")
    return PageQuery(
        database_id=found[0],
        database=found[1],
        values={name: value for name, value in values.items() if name in COMMON},
        period=None if from_s is not None else period or DEFAULT_PERIOD,
        from_s=from_s,
        to_s=to_s,
        equals=_conditions(values),
        is_valid_only=choice(values, "rows", ("valid", "all")) == "valid",
        is_across_breaks=choice(values, "eras", ("last", "all")) == "all",
        has_ad_hoc=choice(values, "ad_hoc", ("without", "with")) == "with",
    )


def _values(request: Request, known: Iterable[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        # Not passed over: a filter that is misspelt would leave a figure of everything that says it is of one line.
        if name not in known:
            raise BadRequestError(f"There is no parameter {name[:40]!r} here; known are {', '.join(sorted(known))}.")
        # Which of both holds would be anybody's guess.
        if name in values:
            raise BadRequestError(f"`{name}` is given twice: give it once.")
        if len(value) > _MAX_TEXT or "\x00" in value:
            raise BadRequestError(f"`{name}` must be a text of at most {_MAX_TEXT} characters.")
        # Half of a pair, from an address that was cut: no database takes it.
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise BadRequestError(f"`{name}` is not valid text.")
        if value:
            values[name] = value
    return values


def _instant(values: Mapping[str, str], name: str) -> int | None:
    text = values.get(name)
    if text is None:
        return None
    try:
        seconds = float(text) if _EPOCH.fullmatch(text) else _aware(datetime.fromisoformat(text)).timestamp()
    except (ValueError, OverflowError):
        raise BadRequestError(f"`{name}` must be a date such as 2026-11-20 or 2026-11-20T18:00, in UTC.") from None
    if not 0 <= seconds <= _MAX_S:
        raise BadRequestError(f"`{name}` must lie between 1970 and 2100.")
    return int(seconds)


def _aware(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _conditions(values: Mapping[str, str]) -> dict[str, str | int]:
    equals: dict[str, str | int] = {}
    for name, dimension in DIMENSIONS.items():
        if name not in values:
            continue
        if dimension.is_number and not _WHOLE.fullmatch(values[name]):
            raise BadRequestError(f"`{name}` must be a whole number.")
        number = int(values[name]) if dimension.is_number else None
        if name == "family" and number not in {4, 6}:
            raise BadRequestError("`family` must be 4 or 6.")
        equals[name] = values[name] if number is None else number
    return equals


def choice(values: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    """Return the chosen word; the first word if none is chosen."""
    word = values.get(name, words[0])
    if word not in words:
        raise BadRequestError(f"`{name}` must be one of {', '.join(words)}.")
    return word


def whole(values: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """Return a whole number within its limits."""
    text = values.get(name)
    if not text:
        return default
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise BadRequestError(f"`{name}` must be a whole number from {least} to {most}.")
    return int(text)


def parameter_of(name: str | None) -> Figure:
    """Return the parameter with that name, which may be its name in Pytomo 3."""
    found = PARAMETERS.get(name or "") or BY_FORERUNNER.get(name or "")
    if found is None:
        raise BadRequestError("There is no such parameter: /api/parameters lists them all.", 404)
    return found


def compare_of(values: Mapping[str, str], parameter: Figure) -> str | None:
    """Return the dimension to compare by. Raises BadRequestError where the comparison would mean nothing."""
    name = values.get("compare")
    if not name or name == "none":
        return None
    if name not in DIMENSIONS:
        raise BadRequestError(f"`compare` must be one of none, {', '.join(DIMENSIONS)}.")
    # The media came from the first resolver's answer whatever the others said.
    if name == "resolver" and parameter.name != "dns_elapsed_s":
        raise BadRequestError(
            "Only the name look-up can be compared by resolver: one resolver's answer was downloaded from."
        )
    if name == "player" and not parameter.is_playback:
        raise BadRequestError(f"{parameter.title} does not depend on the player.")
    return name
