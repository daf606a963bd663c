"""Bring a database to the schema of this version, with the scripts of the package, zipped or not."""

from __future__ import annotations

import tempfile
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from pytomo_scrapy.failures import StorageError

# The last schema before the first release, whose revisions became one: nobody has a database of it to keep.
UNRELEASED = "0010"


def _versions() -> Traversable:
    return resources.files("pytomo_scrapy.storage").joinpath("migrations", "versions")


# The newest revision: a name begins with its number. Alembic would say it too, but costs 0.1 s.
HEAD = max(entry.name.partition("_")[0] for entry in _versions().iterdir() if entry.name.endswith(".py"))


def revision_of(connection: Connection) -> str | None:
    """Return the schema revision of the database. None where it has none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


def outdated(revision: str | None, shown_url: str) -> str:
    """Say in one sentence why a database of another schema is not read, and what makes it readable."""
    if revision is None:
        return f"The database {shown_url} holds nothing of pytomo-scrapy yet: a crawl makes its tables."
    if revision > HEAD and revision != UNRELEASED:
        return f"The database {shown_url} was written by a newer pytomo-scrapy ({revision}): upgrade pytomo-scrapy."
    return (
        f"The database {shown_url} has the schema {revision} and this version reads {HEAD}: `pytomo db upgrade` "
        "brings it up to date."
    )


def upgrade(connection: Connection, shown_url: str) -> None:
    """Apply what is missing, inside the connection's transaction. Raises StorageError for a schema it does not know."""
    # Imported late: Alembic is needed for an old or a new database only, and costs 0.1 s.
    from alembic.script import ScriptDirectory

    with tempfile.TemporaryDirectory(prefix="pytomo-migrations-") as folder:
        # as_file() on a folder fails in a zipped egg on Python 3.11, so every script is copied out by itself.
        _copy_scripts(resources.files("pytomo_scrapy.storage").joinpath("migrations"), Path(folder))
        known = {script.revision for script in ScriptDirectory(folder).walk_revisions()}
        revision = revision_of(connection)
        if revision == UNRELEASED:
            raise StorageError(
                f"The database {shown_url} was written by a pytomo-scrapy before its first release, and its schema "
                f"({revision}) is not read any more: choose another PYTOMO_DATABASE_URL."
            )
        if revision is not None and revision not in known:
            raise StorageError(
                f"The database {shown_url} was written by a newer pytomo-scrapy (its schema is {revision}, "
                f"this version knows {HEAD}): upgrade pytomo-scrapy."
            )
        apply_scripts(connection, folder)


def apply_scripts(connection: Connection, folder: str) -> None:
    """Apply the migrations of a folder that the database lacks."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", folder)
    command.upgrade(config, "head")


def _copy_scripts(source: Traversable, target: Path) -> None:
    for entry in source.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            (target / entry.name).mkdir()
            _copy_scripts(entry, target / entry.name)
        elif entry.name.endswith((".py", ".mako")):
            (target / entry.name).write_bytes(entry.read_bytes())
