"""The URL of a database as people and files may have it."""

from __future__ import annotations

from sqlalchemy.engine import URL

from pytomo_scrapy.storage.scrub import is_secret


def shown(url: URL) -> str:
    """Return the URL without the password, wherever it stands: before the host, or in the query as libpq takes it."""
    query = {name: "***" if is_secret(name) else value for name, value in url.query.items()}
    return url.set(query=query).render_as_string(hide_password=True)
