"""Which databases the page shows: the meaning of -f, -d and the setting together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pytomo_scrapy.dashboard.catalogue import holds_measurements, newest_file, newest_filled_file
from pytomo_scrapy.failures import AbsentError, SettingError
from pytomo_scrapy.storage.named_database import file_of, url_of_file

_KNOWN = re.compile(r"(sqlite|postgres|postgresql)(\+\w+)?://")
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d*)?")


@dataclass(frozen=True, slots=True)
class Choice:
    """The URL of the database to show, the folder of the archive, and why it is another one than the default."""

    url: str
    directory: Path | None
    note: str | None = None


def choose_databases(setting: str, database: str | None, directory: Path | None, *, is_default: bool = False) -> Choice:
    """Return what to show.

    With a folder alone its newest database is shown; without one the archive is the folder of the database. Where
    nobody named a database (`is_default`) and the default one is not there or empty, the newest of its folder that
    holds a measurement takes its place. Raises SettingError where the folder is not there or the URL names no database,
    AbsentError where the file is not there.
    """
    if directory is not None and not directory.is_dir():
        raise SettingError(f"-d {directory} is not a folder.")
    if database is not None:
        url = database if "://" in database else url_of_file(database)
        if "://" not in database and not Path(database).is_file():
            raise AbsentError(f"-f {database} is not a file.")
    elif directory is not None:
        newest = newest_file(directory)
        url = url_of_file(newest) if newest is not None else setting
    else:
        url = setting
    _check_url(url)
    note = None
    path = file_of(url)
    if is_default and database is None and directory is None and path is not None:
        url, note = _filled(url, path)
        path = file_of(url)
    if directory is None and path is not None:
        directory = path.resolve().parent
    return Choice(url, directory, note)


def check_is_there(url: str) -> None:
    """Raises AbsentError where the URL names a SQLite file that is not there."""
    path = file_of(url)
    if path is not None and not path.is_file():
        raise AbsentError(f"There is no database {path}.")


def _filled(url: str, path: Path) -> tuple[str, str | None]:
    """Return the database to show in place of the default one, and why."""
    if not path.parent.is_dir() or holds_measurements(path):
        return url, None
    newest = newest_filled_file(path.parent)
    if newest is None:
        return url, None
    what = "holds no measurement" if path.exists() else "is not there"
    return url_of_file(newest), f"{path} {what}: the newest database beside it is shown, {newest}."


def _check_url(url: str) -> None:
    # Not by SQLAlchemy, for which the first answer would wait, nor by urllib, for which a password ends at a `#`.
    authority = re.split("[/?]", url.partition("://")[2].rpartition("@")[2], maxsplit=1)[0]
    if not _KNOWN.match(url) or not _AUTHORITY.fullmatch(authority):
        # Not repeated: it may hold a password.
        raise SettingError(
            "-f or PYTOMO_DATABASE_URL names no database: it must be like sqlite:///databases/pytomo.db or "
            "postgresql://user@host/database."
        )
