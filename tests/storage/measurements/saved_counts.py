"""A claim to save a measurement of, and how many rows there are."""

from __future__ import annotations

from sqlalchemy import func, select

from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.frontier import Claim, FoundVideo, Frontier, open_crawl
from pytomo_scrapy.storage.schema import measurement_tables


def claimed(database: Database, video_id: str = "abcdefghijk") -> tuple[Frontier, Claim]:
    frontier = open_crawl(database, "youtube", {})
    frontier.add_sources([("charts", {})])
    source = frontier.claim()
    assert source is not None
    frontier.finish_source(source, [FoundVideo("youtube", video_id)])
    claim = frontier.claim()
    assert claim is not None
    return frontier, claim


def count_rows(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in measurement_tables.metadata.tables.items()
        }
