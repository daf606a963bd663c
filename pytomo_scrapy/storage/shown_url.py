"""The URL of a database as people and files may have it."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path

from sqlalchemy.engine import URL

from pytomo_scrapy.config import BY_NAME
from pytomo_scrapy.storage.named_database import file_of
from pytomo_scrapy.storage.scrub import is_secret


def shown(url: URL) -> str:
    """Return the URL without the password, wherever it stands: before the host, or in the query as libpq takes it."""
    query = {name: "***" if is_secret(name) else value for name, value in url.query.items()}
    return url.set(query=query).render_as_string(hide_password=True)


def database_option(shown_url: str) -> str:
    """Return what names that database on the command line of `pytomo`, with a blank ahead. Empty for the default.

    A server's address is shown without its password, so that it would be no use in a command: it is left to the reader.
    """
    path = file_of(shown_url)
    if shown_url == BY_NAME["PYTOMO_DATABASE_URL"].default or path is None:
        return ""
    with contextlib.suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return f" --database {shlex.quote(str(path))}"
