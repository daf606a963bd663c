"""The time zone of this machine, by its IANA name: a viewer's evening is told by it."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo

_LOCALTIME = Path("/etc/localtime")
_FOLDER = "zoneinfo/"


def time_zone() -> str | None:
    """Return the name that `TZ` or the system's link gives, such as Europe/Berlin. None where neither names one."""
    named = os.environ.get("TZ", "").lstrip(":")
    if not named:
        try:
            named = str(_LOCALTIME.resolve(strict=True)).rpartition(_FOLDER)[2]
        except OSError:
            return None
    return named if is_time_zone(named) else None


def is_time_zone(name: str) -> bool:
    """Return whether this machine knows a time zone of that name."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a folder, a path, a name that is not there
        return False
    return True
