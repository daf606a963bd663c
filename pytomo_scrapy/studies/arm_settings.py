"""Which settings an arm may have: those of a measurement, not those of the crawl around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from pytomo_scrapy import config
from pytomo_scrapy.config import Config, NetworkConfig, StageConfigs
from pytomo_scrapy.config.table import settings_of
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.studies.study_plan import Arm, StudyPlan

# The cap counts all arms together, and one finder of networks serves them all.
_OF_THE_CRAWL = {"PYTOMO_DATA_CAP_BYTES_PER_DAY", *(setting.name for setting in settings_of(NetworkConfig))}
ARM_SETTINGS = frozenset(setting.name for setting in settings_of(StageConfigs)) - _OF_THE_CRAWL
# "both" measures a pair inside one measurement, of which only one is the session's.
PAIRED = frozenset({"PYTOMO_IP_FAMILY", "PYTOMO_TRANSPORT"})


def config_of_arm(get: Callable[[str], Any], plan: StudyPlan, arm: Arm) -> Config:
    """Return the settings that an arm is measured with: its own, then the plan's, then those of the crawl.

    Raises SettingError.
    """
    # The settings of the crawl come last: what the plan is silent about is as this machine measures otherwise.
    own = plan.settings_of(arm)
    found = config.load(lambda name: own[name] if name in own else get(name))
    for name in sorted(PAIRED):
        if value_of(found, name) == "both":
            raise SettingError(f"{name}=both is a comparison of its own: a study needs one of the two in each arm.")
    return found


def value_of(of: Any, name: str) -> Any:
    """Return what a setting is in a configuration, as its parser made it. Raises LookupError."""
    for field in fields(of):
        if "setting" in field.metadata and field.metadata["setting"].name == name:
            return getattr(of, field.name)
        if "part" in field.metadata:
            try:
                return value_of(getattr(of, field.name), name)
            except LookupError:
                continue
    raise LookupError(name)


def effective_settings(of: Config, names: Mapping[str, Any] | frozenset[str] = ARM_SETTINGS) -> dict[str, str]:
    """Return the settings of a configuration by name, in words."""
    return {name: str(value_of(of, name)) for name in sorted(names)}
