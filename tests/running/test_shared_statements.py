"""Databases of one process share compiled statements, and nothing else."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.schema.crawl_tables import measurement, video
from tests.storage.factories import begin, make_item


def stored(path: Path, video_id: str) -> Database:
    database = open_database(f"sqlite:///{path}")
    repository, run = begin(database)
    repository.save(make_item(video_id=video_id), run)
    return database


def test_statement_is_compiled_once_and_asked_of_each_database(tmp_path: Path) -> None:
    first, second = stored(tmp_path / "1.db", "first"), stored(tmp_path / "2.db", "second")
    asked = select(measurement.c.id + 0, video.c.video_id).join(video, video.c.id == measurement.c.video_row_id)
    found, counts = [], []
    for database in (first, second):
        with database.read() as connection:
            found.append([row.video_id for row in connection.execute(asked)])
        cache = database.engine._compiled_cache
        assert cache is not None
        counts.append(len(cache))
        database.close()
    assert found == [["first"], ["second"]]
    assert first.engine is not second.engine and first.engine._compiled_cache is second.engine._compiled_cache
    assert counts[0] == counts[1]
