"""Which databases the page shows: what -f, -d and the setting together mean."""

from __future__ import annotations

from pathlib import Path

from pytomo_scrapy.dashboard.catalogue import newest_file
from pytomo_scrapy.failures import SettingError

_SQLITE = "sqlite:///"


def choose_databases(setting: str, database: str | None, directory: Path | None) -> tuple[str, Path | None]:
    """Return the URL of the database to show and the folder of the archive.

    With a folder alone its newest database is shown; without one the archive is the folder of the database.
    Raises SettingError where the folder or file is not there.
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
    if directory is None and url.startswith(_SQLITE):
        directory = Path(url.removeprefix(_SQLITE)).resolve().parent
    return url, directory
