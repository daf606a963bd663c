"""The open window as the web page sees it: noted while it is open, gone afterwards, at no cost to the window."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from pytomo_scrapy.crawl import live_window as live_module
from pytomo_scrapy.crawl.live_window import LiveWindow
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.measure.window.plan import WindowProgress
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.measurements.open_windows import note_window
from pytomo_scrapy.storage.measurements.repository import Repository, VantageFacts
from tests.factories import make_item


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_database(f"sqlite:///{tmp_path / 'x.db'}")


def rows(database: Database) -> list[tuple[str, float, int]]:
    with database.read() as connection:
        found = connection.execute(text("SELECT video_id, elapsed_s, received_bytes FROM open_window"))
        return [(row[0], row[1], row[2]) for row in found]


def begin(database: Database) -> int:
    vantage = VantageFacts("here")
    return Repository(database).begin_run(spider="youtube", arguments={}, settings={}, vantage=vantage).id


def test_window_is_noted_once_a_second_and_taken_away(database: Database) -> None:
    async def run() -> None:
        now = [100.0]
        live = LiveWindow(database, begin(database), make_item(), 30.0, clock=lambda: now[0])
        await live.__aenter__()
        assert rows(database) == [("abcdefghijk", 0.0, 0)]
        now[0] += 0.5
        live.progress(WindowProgress(0.5, 50))  # too early
        assert live._writing is None
        now[0] += 0.6
        live.progress(WindowProgress(1.1, 110))
        assert live._writing is not None
        await live._writing
        assert rows(database) == [("abcdefghijk", 1.1, 110)]
        await live.__aexit__(None, None, None)
        assert rows(database) == []

    asyncio.run(run())
    database.close()


def test_window_over_a_database_elsewhere_is_silent_while_it_is_open(database: Database) -> None:
    async def run() -> None:
        live = LiveWindow(database, begin(database), make_item(), 30.0, clock=lambda: 0.0)
        live._is_local = False
        await live.__aenter__()
        live._noted_s = float("-inf")
        live.progress(WindowProgress(5.0, 500))
        assert live._writing is None
        await live.__aexit__(None, None, None)

    asyncio.run(run())
    database.close()


def test_database_that_went_away_does_not_disturb_the_window(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise StorageError("The database is away.")

    monkeypatch.setattr(live_module, "note_window", gone)
    monkeypatch.setattr(live_module, "clear_window", gone)

    async def run() -> None:
        async with LiveWindow(database, begin(database), make_item(), 30.0):
            pass

    asyncio.run(run())
    database.close()


def test_window_of_a_run_that_the_database_does_not_have_is_measured_without_notes(database: Database) -> None:
    async def run() -> None:
        async with LiveWindow(database, 99, make_item(), 30.0) as progress:
            progress(WindowProgress(1.0, 10))

    asyncio.run(run())
    assert rows(database) == []
    with pytest.raises(StorageError, match="The run 99 is not in the database"):
        note_window(database, 99, service="youtube", video_id="x")
