"""Which databases the page shows: the meaning of -f, -d and the setting together."""

from __future__ import annotations

import re
from pathlib import Path

from pytomo_scrapy.dashboard.catalogue import newest_file
from pytomo_scrapy.failures import SettingError

_SQLITE = "sqlite:///"
_KNOWN = re.compile(r"(sqlite|postgres|postgresql)(\+\w+)?://")
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d*)?")


def choose_databases(setting: str, database: str | None, directory: Path | None) -> tuple[str, Path | None]:
    """Return the URL of the database to show and the folder of the archive.

    With a folder alone its newest database is shown; without one the archive is the folder of the database.
    Raises SettingError where the folder or file is not there, or the URL names no database.
    """
    if directory is not None and not directory.is_dir():
        raise SettingError(f"-d {directory} is not a folder.")
    if database is not None:
        url = database if "://" in database else f"{_SQLITE}{database}"
        if "://" not in database and not Path(database).is_file():
            raise SettingError(f"-f {database} is not a file.")
    elif directory is not None:
        newest = newest_file(directory)
        url = f"{_SQLITE}{newest}" if newest is not None else setting
    else:
        url = setting
    _check_url(url)
    if directory is None and url.startswith(_SQLITE):
        directory = Path(url.removeprefix(_SQLITE)).resolve().parent
    return url, directory


def _check_url(url: str) -> None:
    # Not by SQLAlchemy, for which the first answer would wait, nor by urllib, for which a password ends at a `#`.
    authority = re.split("[/?]", url.partition("://")[2].rpartition("@")[2], maxsplit=1)[0]
    if not _KNOWN.match(url) or not _AUTHORITY.fullmatch(authority):
        # Not repeated: it may hold a password.
        raise SettingError(
            "-f or PYTOMO_DATABASE_URL names no database: it must be like sqlite:///databases/pytomo.db or "
            "postgresql://user@host/database."
        )
