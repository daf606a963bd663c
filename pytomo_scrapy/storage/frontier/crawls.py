"""Crawls by name: an unfinished one is resumed, a finished one starts anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.schema.crawl_tables import crawl
from pytomo_scrapy.storage.schema.study_tables import study
from pytomo_scrapy.storage.scrub import without_secrets


@dataclass(frozen=True, slots=True)
class OpenCrawl:
    """A crawl that is under way."""

    id: int
    name: str
    is_resumed: bool
    pass_number: int


def name_crawl(spider: str, arguments: Mapping[str, Any]) -> str:
    """Derive a crawl's name from what it was asked to do: the same command resumes it."""
    # Sorted: in which order `-a` arguments are written makes no other crawl.
    canonical = json.dumps({str(name): str(value) for name, value in arguments.items()}, sort_keys=True)
    return f"{spider}-{hashlib.sha256(canonical.encode()).hexdigest()[:12]}"


def find_or_create(
    database: Database, spider: str, arguments: Mapping[str, Any], name: str, max_crawled_url: int, vantage: str
) -> OpenCrawl:
    """Return the unfinished crawl of that name, or a new one. Raises StorageError where it is another spider's."""
    values = {
        "name": name,
        "vantage_name": vantage,
        "spider": spider,
        "arguments": without_secrets(arguments),
        "max_crawled_url": max_crawled_url,
    }
    try:
        with database.write() as connection:
            return _resume(connection, values) or _create(connection, values)
    except IntegrityError:
        # Another machine created it between our look and our insert: then it is there to be resumed.
        with database.write() as connection:
            resumed = _resume(connection, values)
        if resumed is None:
            raise
        return resumed


def reopen_rounds(database: Database, name: str, vantage: str, rounds: int) -> bool:
    """Let a finished crawl of rounds go on where more are wanted. False where as many are done already."""
    with database.write() as connection:
        own = select(crawl).where(crawl.c.name == name, crawl.c.vantage_name == vantage).order_by(crawl.c.id.desc())
        row = connection.execute(own.limit(1)).one_or_none()
        # Not begun, or under way: opening it does what is needed.
        if row is None or row.finished_at is None:
            return True
        if row.pass_number >= rounds:
            return False
        connection.execute(update(crawl).where(crawl.c.id == row.id).values(finished_at=None))
    return True


def hold_alone(database: Database, study_id: int, name: str, vantage: str) -> list[str]:
    """Make the crawl of a study that one measuring point alone may measure, where none is there yet.

    Returns the other points that have one, in the order of their names: then none is made. Of two that ask at once, one
    has it. Raises StorageError.
    """
    with database.write() as connection:
        # Of two points that see no crawl both would make one: the unique index allows one for each point.
        connection.execute(select(study.c.id).where(study.c.id == study_id).with_for_update())
        names = set(connection.execute(select(crawl.c.vantage_name).where(crawl.c.name == name)).scalars())
        if not names:
            # The limit is set when the crawl is opened, like that of any crawl which is resumed.
            values = {"name": name, "vantage_name": vantage, "spider": "study", "arguments": {}, "max_crawled_url": 0}
            _create(connection, values)
    return sorted(names - {vantage})


def _resume(connection: Connection, values: Mapping[str, Any]) -> OpenCrawl | None:
    unfinished = select(crawl).where(
        crawl.c.name == values["name"],
        crawl.c.vantage_name == values["vantage_name"],
        crawl.c.finished_at.is_(None),
    )
    row = connection.execute(unfinished).one_or_none()
    if row is None:
        return None
    if row.spider != values["spider"]:
        raise StorageError(
            f"The unfinished crawl {row.name!r} belongs to the spider {row.spider!r}: choose another name for this one."
        )
    # The limit may be raised or lowered from one run to the next; what is admitted stays admitted.
    connection.execute(
        update(crawl)
        .where(crawl.c.id == row.id)
        .values(max_crawled_url=values["max_crawled_url"], arguments=values["arguments"])
    )
    return OpenCrawl(row.id, row.name, True, row.pass_number)


def _create(connection: Connection, values: Mapping[str, Any]) -> OpenCrawl:
    start = {"pass_number": 1, "admitted_count": 0, "done_count": 0, "listed_position": 0, "is_listed_end": False}
    created = insert(crawl).values({**values, **start, "created_at": datetime.now(UTC)}).returning(crawl.c.id)
    return OpenCrawl(int(connection.execute(created).scalar_one()), values["name"], False, 1)
