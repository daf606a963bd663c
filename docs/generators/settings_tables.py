"""The tables of docs/settings.md: every PYTOMO_* setting, one region for each section."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from docs.generators.markdown import table
from pytomo_scrapy import config

# What each section shows: single settings, and configurations for all of theirs that no section names.
_SECTIONS: dict[str, tuple[Any, ...]] = {
    "results": (
        "PYTOMO_DATABASE_URL",
        "PYTOMO_PROVIDER",
        "PYTOMO_VANTAGE",
        "PYTOMO_ACCESS_TECHNOLOGY",
        "PYTOMO_CONTRACT_BPS",
        "PYTOMO_STORE_PUBLIC_IP",
        "PYTOMO_AD_HOC",
    ),
    "path": (config.PathConfig, "PYTOMO_LINE"),
    "pages": (
        config.SourceConfig,
        "PYTOMO_PAGE_TIMEOUT_S",
        "PYTOMO_PAGE_MAX_BYTES",
        "PYTOMO_FRONTIER_AHEAD",
        "PYTOMO_PACE_S",
    ),
    "long crawls": (config.EnduranceConfig,),
    "alerts": (config.AlertConfig,),
    "grade": (config.GradeConfig,),
    "resolution": (config.ResolveConfig,),
    "DNS": (config.DnsConfig, config.NetworkConfig),
    "ping": (config.PingConfig,),
    "window": (config.DownloadConfig, "PYTOMO_QUIET_WINDOW"),
    "playback": (config.PlaybackConfig,),
    "display": ("PYTOMO_PROGRESS",),
}


def shown_default(setting: config.Setting) -> str:
    """Return a default as a user would type it."""
    default = setting.default
    return "none" if default is None else str(int(default)) if isinstance(default, bool) else str(default)


def sections() -> dict[str, list[config.Setting]]:
    """Return the settings of each section, each setting once. Raises ValueError if a setting is in no section."""
    left = dict(config.BY_NAME)
    for name in [part for parts in _SECTIONS.values() for part in parts if isinstance(part, str)]:
        left.pop(name)
    found: dict[str, list[config.Setting]] = {}
    for section, parts in _SECTIONS.items():
        rows = found.setdefault(section, [])
        for part in parts:
            if isinstance(part, str):
                rows.append(config.BY_NAME[part])
            else:
                rows += [left.pop(one.name) for one in config.settings_of(part) if one.name in left]
    # A configuration that no section names has one of its own, as a new stage's.
    for field in fields(config.Config):
        if "part" in field.metadata:
            rows = [left.pop(one.name) for one in config.settings_of(field.metadata["part"]) if one.name in left]
            found |= {field.name: rows} if rows else {}
    if left:
        raise ValueError(f"no section of docs/settings.md shows {', '.join(left)}: see {__name__}")
    return found


def regions() -> dict[str, str]:
    """Return the table of each section by the name of its region."""
    head = ("setting", "default", "unit", "meaning")
    return {
        f"settings {section}": table(
            head, [(f"`{one.name}`", f"`{shown_default(one)}`", one.unit, one.help) for one in settings]
        )
        for section, settings in sections().items()
    }
