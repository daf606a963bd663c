"""Databases by what people write: the name of a file, which is taken as it is, or a URL."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

_SQLITE = "sqlite:///"


def url_of(named: object) -> str:
    """Return the URL of a database that is named by its file or its URL."""
    text = str(named)
    return text if "://" in text else url_of_file(Path(text).absolute())


def url_of_file(path: object) -> str:
    """Return the URL of a SQLite file. A path that is relative stays so."""
    # In a URL a `?` would begin its options, and a `%` stand for another sign.
    return _SQLITE + str(path).replace("%", "%25").replace("?", "%3F")


def file_of(url: str) -> Path | None:
    """Return the file of a SQLite database's URL. None for any other database."""
    return Path(unquote(url.removeprefix(_SQLITE).partition("?")[0])) if url.startswith(_SQLITE) else None
