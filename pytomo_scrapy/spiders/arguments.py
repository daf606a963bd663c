"""The spider arguments that every walk understands, checked at the crawl's start."""

from __future__ import annotations

import locale
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytomo_scrapy.config.values import MOST_WHOLE
from pytomo_scrapy.failures import SettingError

TIME_FRAMES = ("today", "week", "month", "all_time")
# Several crawlers on one database: each video is measured by a single crawler (shared), or by every crawler (own).
VANTAGES = ("shared", "own")


@dataclass(frozen=True, slots=True)
class WalkArguments:
    """The spider's arguments, `-a NAME=VALUE`. `max_rounds` 1 measures the first videos only."""

    time_frame: str = "week"
    max_rounds: int = 10_000
    max_crawled_url: int = 5_000_000
    max_per_url: int = 20
    max_per_page: int = 20
    related: bool = True
    loop: bool = False
    urls: tuple[str, ...] = ()
    input_file: str | None = None
    country: str = "US"
    seed: str = ""
    crawl: str | None = None
    vantage: str = "shared"


def default_country() -> str:
    """Return the country of the machine's locale, else US."""
    name = locale.getlocale()[0] or ""
    country = name.partition("_")[2][:2].upper()
    return country if len(country) == 2 and country.isalpha() else "US"


def _whole(name: str, value: Any) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if not 1 <= number <= MOST_WHOLE:
        most = f" and at most {MOST_WHOLE}" if number > MOST_WHOLE else ""
        raise SettingError(f"Argument {name}={value!r} is not usable: it must be a whole number of at least 1{most}.")
    return number


def _flag(name: str, value: Any) -> bool:
    # What people and scripts write; Scrapy hands every argument over as text.
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    try:
        return words[str(value).strip().lower()]
    except KeyError:
        raise SettingError(f"Argument {name}={value!r} is not usable: it must be 1 or 0.") from None


def of_the_user(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments without those that scrapyd adds, such as `_job`: another one each time."""
    return {name: value for name, value in arguments.items() if not name.startswith("_")}


def parse_arguments(user_arguments: Mapping[str, Any]) -> WalkArguments:
    """Check the `-a` arguments. Raises SettingError with a sentence that names the argument and what would be right."""
    # A misspelt argument would be a crawl of something else, for months.
    known = set(WalkArguments.__dataclass_fields__)
    for name in user_arguments:
        if name not in known:
            raise SettingError(f"Argument {name} is not known: it must be one of {', '.join(sorted(known))}.")
    values: dict[str, Any] = {"country": default_country(), "seed": f"{random.SystemRandom().getrandbits(64):016x}"}
    for name, value in user_arguments.items():
        if name.startswith("max_"):
            values[name] = _whole(name, value)
        elif name in {"related", "loop"}:
            values[name] = _flag(name, value)
        elif name == "urls":
            values[name] = tuple(word.strip() for word in str(value).split(",") if word.strip())
        else:
            values[name] = str(value).strip()
    arguments = WalkArguments(**values)
    if arguments.time_frame not in TIME_FRAMES:
        raise SettingError(
            f"Argument time_frame={arguments.time_frame!r} is not usable: it must be one of {', '.join(TIME_FRAMES)}."
        )
    if arguments.vantage not in VANTAGES:
        raise SettingError(
            f"Argument vantage={arguments.vantage!r} is not usable: it must be one of {', '.join(VANTAGES)}."
        )
    if not (len(arguments.country) == 2 and arguments.country.isalpha()):
        raise SettingError(f"Argument country={arguments.country!r} is not usable: it must be two letters such as GB.")
    return arguments
