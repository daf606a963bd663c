"""The one table of PYTOMO_* settings, collected from the fields of the configurations, and what fills them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from pytomo_scrapy.config.crawl_configs import Config
from pytomo_scrapy.config.setting import Setting
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items.near_words import did_you_mean

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Kind = TypeVar("Kind", bound="DataclassInstance")


def settings_of(kind: type[DataclassInstance]) -> Iterator[Setting]:
    """Yield the settings of a configuration and of those within it, in the order of their fields."""
    for field in fields(kind):
        if "setting" in field.metadata:
            yield field.metadata["setting"]
        elif "part" in field.metadata:
            yield from settings_of(field.metadata["part"])


# Variables of the environment that look like settings: of the executable and the web page, of deploy/, of the tests.
_NO_SETTINGS = (
    *("PYTOMO_YT_DLP", "PYTOMO_DASHBOARD_TOKEN", "PYTOMO_GRAFANA_", "PYTOMO_TEST_"),
    # of deploy/compose
    *("PYTOMO_PASSWORD", "PYTOMO_READER_PASSWORD", "PYTOMO_ADMIN_PASSWORD"),
)

# Some configurations, such as the path, are part of several.
BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in settings_of(Config)}
SETTINGS: tuple[Setting, ...] = tuple(BY_NAME.values())


def read_setting(name: str, value: Any) -> Any:
    """Check one value. Raises SettingError with a sentence that names the setting and says what would be right."""
    return BY_NAME[name].read(value)


def load(get: Callable[[str], Any]) -> Config:
    """Read every setting through `get` (name to raw value; None: its default). Raises SettingError at a bad one."""
    return _filled(Config, get)


def _filled(kind: type[Kind], get: Callable[[str], Any]) -> Kind:
    values: dict[str, Any] = {}
    for field in fields(kind):
        if "setting" in field.metadata:
            setting: Setting = field.metadata["setting"]
            raw = get(setting.name)
            values[field.name] = field.default if raw is None else setting.read(raw)
        elif "part" in field.metadata:
            values[field.name] = _filled(field.metadata["part"], get)
    return kind(**values)


def environment(prefix: str = "PYTOMO_") -> dict[str, str]:
    """Return the settings that the process environment overrides, known names only."""
    return {name: os.environ[name] for name in BY_NAME if name in os.environ and name.startswith(prefix)}


def check_names(names: Iterable[str]) -> None:
    """Look for settings that do not exist. Raises SettingError that names all: each would leave its default in force.

    Names that do not begin with PYTOMO_ are others' business.
    """
    wrong = [name for name in sorted(names) if _is_meant_for_us(name) and name not in BY_NAME]
    if wrong:
        raise SettingError(f"{' '.join(map(_refusal, wrong))} `pytomo settings` lists them.")


def _is_meant_for_us(name: str) -> bool:
    return name.startswith("PYTOMO_") and not name.startswith(_NO_SETTINGS)


def _refusal(name: str) -> str:
    meant = did_you_mean(name, BY_NAME, cutoff=0.75)
    return f"{name} is no setting: {meant}" if meant else f"{name} is no setting."
