"""From a file to the plan of a study. Everything is checked at once, and what is wrong is said in one sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from pytomo_scrapy.config import BY_NAME, read_setting
from pytomo_scrapy.config.values import BadValue, choice, number, text, whole
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.pages import BadLine, parse_video_url, read_video_list
from pytomo_scrapy.studies.arm_settings import ARM_SETTINGS, PAIRED
from pytomo_scrapy.studies.exclusions import EXCLUSIONS
from pytomo_scrapy.studies.study_plan import OUTCOMES, STRATA, Arm, Outcome, Panel, Schedule, StudyPlan

Value = TypeVar("Value")

MAX_NAME_CHARS = 60
MOST_VIDEOS = 100_000
_MOST_ROUNDS = 100_000
# What is not in the file.
_NO_WORDS: tuple[str, ...] = ()
_NO_BOUNDS: tuple[float, ...] = ()
_NO_LOOKS: tuple[int, ...] = ()
_NO_SETTINGS: Mapping[str, str] = {}


def read_plan(path: str) -> tuple[StudyPlan, str]:
    """Return the plan that a TOML file holds, and its text.

    Raises SettingError with one sentence for what is not usable, OSError for a file that cannot be read.
    """
    try:
        written = Path(path).read_text(encoding="utf-8")
    except UnicodeError:
        raise SettingError(f"The plan {path} cannot be read: it is not UTF-8.") from None
    try:
        values = tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"The plan {path} is no TOML: {str(error).rstrip('.')}.") from None
    try:
        return _plan(_Section(values, ""), Path(path).parent), written
    except BadValue as error:
        raise SettingError(f"The plan {path} is not usable: {error}.") from None


class _Section:
    """The values of one table of the file; each is taken once, and what is left over is unknown."""

    def __init__(self, values: Any, where: str) -> None:
        if not isinstance(values, Mapping):
            raise _Said(f"{where} must be a table")
        self._values = dict(values)
        self._where = f"{where}." if where else ""
        self._known: list[str] = []

    def take(self, name: str, parse: Callable[[Any], Value], default: Value | None = None) -> Value:
        """Return a value. Raises BadValue where it is missing without a default, or not usable."""
        self._known.append(name)
        if name not in self._values:
            if default is None:
                raise _Said(f"{self._where}{name} is missing")
            return default
        value = self._values.pop(name)
        try:
            # True is the number 1 to Python, and would pass for a count.
            if isinstance(value, bool) and parse is not _settings:
                raise BadValue("something else than true or false")
            return parse(value)
        except _Said:
            raise
        except BadValue as error:
            raise _Said(f"{self._where}{name} = {value!r} must be {error}") from None

    def section(self, name: str) -> _Section:
        """Return a table of this one, empty where the file has none."""
        self._known.append(name)
        return _Section(self._values.pop(name, {}), f"{self._where}{name}")

    def end(self) -> None:
        """Raises BadValue where the file holds a value that nothing has asked for."""
        if self._values:
            raise _Said(f"{self._where}{min(self._values)} is not known: it must be one of {', '.join(self._known)}")


class _Said(BadValue):
    """A sentence that names its value already."""


def _plan(file: _Section, folder: Path) -> StudyPlan:
    name = file.take("name", _name)
    question = file.take("question", text)
    arms = file.take("arms", _arms)
    panel = _panel(file.section("panel"), folder)
    schedule = _schedule(file.section("schedule"))
    outcome = _outcome(file.section("outcome"))
    exclusions = file.take("exclusions", _exclusions, _NO_WORDS)
    looks = _looks(file.section("stopping"), schedule.rounds)
    settings = file.take("settings", _settings, _NO_SETTINGS)
    file.end()
    plan = StudyPlan(name, question, arms, panel, schedule, outcome, exclusions, looks, settings)
    _check_arms(plan)
    return plan


def _name(value: Any) -> str:
    found = text(value)
    if len(found) > MAX_NAME_CHARS or not all(sign.isalnum() or sign in "-_. " for sign in found):
        raise BadValue(f"at most {MAX_NAME_CHARS} letters, digits, blanks, dots, dashes and underscores")
    return found


def _arms(value: Any) -> tuple[Arm, ...]:
    if not isinstance(value, list):
        raise BadValue("a list of tables, [[arms]]")
    arms = []
    for position, one in enumerate(value):
        section = _Section(one, f"arms[{position}]")
        arms.append(
            Arm(
                section.take("name", _name),
                section.take("settings", _settings, _NO_SETTINGS),
                section.take("vantage", text, "") or None,
                section.take("provider", text, "") or None,
            )
        )
        section.end()
    if len(arms) < 2:
        raise _Said(f"a study compares at least two arms, and this one has {len(arms)}")
    names = [arm.name for arm in arms]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise _Said(f"two arms have the name {twice!r}")
    return tuple(arms)


def _settings(value: Any) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise BadValue('a table of settings, such as { PYTOMO_IP_FAMILY = "6" }')
    found: dict[str, str] = {}
    for name, given in value.items():
        if name not in ARM_SETTINGS:
            why = "is no setting" if name not in BY_NAME else "is a setting of the whole crawl, not of a measurement"
            raise _Said(f"{name} {why}: `pytomo settings` lists them, docs/studies.md says which an arm may have")
        # As a setting is written: to Python it would be "True".
        written = given if isinstance(given, str) else str(given).lower() if isinstance(given, bool) else str(given)
        try:
            read_setting(name, written)
        except SettingError as error:
            raise _Said(str(error).rstrip(".")) from None
        if name in PAIRED and written.strip().lower() == "both":
            raise _Said(f"{name}=both is a comparison of its own: give each arm one of the two")
        if "PROXY" in name and "@" in written:
            raise _Said(f"{name} holds a password, and a plan is stored and published: a proxy without one is needed")
        found[str(name)] = written
    return found


def _check_arms(plan: StudyPlan) -> None:
    with_vantage = [arm.name for arm in plan.arms if arm.vantage]
    # An arm without a place is measured by every machine, also by those that others have to themselves.
    if with_vantage and len(with_vantage) < len(plan.arms):
        raise BadValue(f"{with_vantage[0]!r} has a vantage and others have none: give each arm one, or none")
    # By the settings as written and the place: two arms that differ in the name alone would compare a line with
    # itself.
    ways: dict[object, str] = {}
    for arm in plan.arms:
        way = (tuple(sorted(plan.settings_of(arm).items())), arm.vantage)
        if way in ways:
            raise BadValue(
                f"the arms {ways[way]!r} and {arm.name!r} measure in the same way: there is nothing to compare"
            )
        ways[way] = arm.name


def _panel(section: _Section, folder: Path) -> Panel:
    videos = section.take("videos", _videos, _NO_WORDS)
    if file := section.take("file", text, ""):
        videos = (*videos, *_listed(folder / file))
    count = section.take("count", whole(1, MOST_VIDEOS), 0)
    bounds = section.section("strata")
    strata = {name: bounds.take(name, _bounds, _NO_BOUNDS) for name in STRATA}
    bounds.end()
    section.end()
    strata = {name: values for name, values in strata.items() if values}
    if not videos and not count:
        raise BadValue("it has no panel: give panel.videos, panel.file or panel.count")
    if videos and (count or strata):
        raise BadValue("panel has a list of videos and count or strata: it must be one of them")
    # A link and an id may name the same video: it is one of the panel.
    return Panel(tuple(dict.fromkeys(videos)), count, strata)


def _videos(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadValue("a list of links or ids")
    try:
        return tuple(parse_video_url(one).url for one in value)
    except ValueError as error:
        raise _Said(f"panel.videos: {str(error).rstrip('.')}") from None


def _listed(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise BadValue(f"panel.file {path} cannot be read ({error.strerror})") from None
    found = []
    for line_number, entry in read_video_list(lines):
        if isinstance(entry, BadLine):
            raise BadValue(f"panel.file {path}, line {line_number}: {entry.reason.rstrip('.')}")
        found.append(entry.url)
    return tuple(found)


def _bounds(value: Any) -> tuple[float, ...]:
    rising = "numbers that rise, each the bound between two strata, such as [1e6, 3e6]"
    if not isinstance(value, list) or not value:
        raise BadValue(rising)
    try:
        bounds = tuple(number(0)(bound) for bound in value)
    except BadValue:
        raise BadValue(rising) from None
    if any(low >= high for low, high in pairwise(bounds)):
        raise BadValue(rising)
    return bounds


def _schedule(section: _Section) -> Schedule:
    rounds = section.take("rounds", whole(1, _MOST_ROUNDS))
    every_h = section.take("every_h", number(0, 24 * 366), 0.0)
    seed = section.take("seed", lambda value: text(str(value)), "0")
    section.end()
    return Schedule(rounds, every_h * 3600, seed)


def _outcome(section: _Section) -> Outcome:
    figure = section.take("figure", choice(*OUTCOMES), "with_stalls")
    effect = section.take("smallest_effect", _effect)
    power = section.take("power", number(0.5, 0.99), 0.8)
    section.end()
    return Outcome(figure, effect, power)


def _effect(value: Any) -> float:
    found = number(-0.99, 10)(value)
    # The number of sessions that are needed grows beyond all bounds towards 0.
    if found == 0:
        raise BadValue("the least relative difference worth knowing, such as 0.2 for a fifth more; no study can find 0")
    return found


def _exclusions(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not set(map(str, value)) <= set(EXCLUSIONS):
        raise BadValue(f"a list of {', '.join(EXCLUSIONS)}")
    # In the order of the table, so that the hash does not depend on the order in the file.
    return tuple(name for name in EXCLUSIONS if name in value)


def _looks(section: _Section, rounds: int) -> tuple[int, ...]:
    looks = section.take("looks", _look_list, _NO_LOOKS)
    section.end()
    # After the last round is looked in any case.
    if any(look >= rounds for look in looks):
        raise BadValue(f"stopping.looks = {list(looks)} must be rounds before the last, which is {rounds}")
    return looks


def _look_list(value: Any) -> tuple[int, ...]:
    what = "rounds after which the outcome is looked at, such as [7, 14]"
    if not isinstance(value, list):
        raise BadValue(what)
    try:
        found: Sequence[int] = [whole(1)(look) for look in value]
    except BadValue:
        raise BadValue(what) from None
    return tuple(sorted(set(found)))
