"""The tables of docs/settings.md: every PYTOMO_* setting, one region for each section."""

from __future__ import annotations

from docs.generators.markdown import table
from pytomo_scrapy import config

# The first setting of each section, in the order of the table.
_SECTIONS = {
    "PYTOMO_DATABASE_URL": "results",
    "PYTOMO_HTTP_PROXY": "path",
    "PYTOMO_YOUTUBE_API_KEY": "pages",
    "PYTOMO_LEASE_S": "long crawls",
    "PYTOMO_FORMAT": "resolution",
    "PYTOMO_DNS_RESOLVERS": "DNS",
    "PYTOMO_PING_PACKETS": "ping",
    "PYTOMO_DOWNLOAD_WINDOW_S": "window",
    "PYTOMO_PLAYBACK_INITIAL_BUFFER_S": "playback",
    "PYTOMO_PROGRESS": "display",
}


def shown_default(setting: config.Setting) -> str:
    """Return a default as a user would type it."""
    default = setting.default
    return "none" if default is None else str(int(default)) if isinstance(default, bool) else str(default)


def regions() -> dict[str, str]:
    """Return the table of each section by the name of its region."""
    sections: dict[str, list[config.Setting]] = {}
    for setting in config.SETTINGS:
        if setting.name in _SECTIONS:
            rows = sections.setdefault(_SECTIONS[setting.name], [])
        rows.append(setting)
    head = ("setting", "default", "unit", "meaning")
    return {
        f"settings {section}": table(
            head, [(f"`{one.name}`", f"`{shown_default(one)}`", one.unit, one.help) for one in settings]
        )
        for section, settings in sections.items()
    }
