"""A database file that is deleted or replaced under a crawl: nothing more is stored in a file without a name."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.crawl.crawl_storage import CrawlStorage
from pytomo_scrapy.crawl.gate import Gate
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.database import open_database
from tests.fake_crawler import sqlite_in
from tests.storage.factories import begin, make_item


def delete(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def replace_by_empty(path: Path) -> None:
    delete(path)
    open_database(f"sqlite:///{path}").close()


def replace_by_copy(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").rename(path)


def move_away(path: Path) -> None:
    path.rename(path.with_name("moved"))


@pytest.mark.parametrize("change", [delete, replace_by_empty, replace_by_copy, move_away])
def test_measurement_is_not_stored_in_a_file_that_is_gone(change: Callable[[Path], None], tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    repository, run = begin(database)
    repository.save(make_item(), run)
    change(tmp_path / "x.db")
    with pytest.raises(StorageError, match="was deleted or replaced while it was open"):
        repository.save(make_item(), run)
    database.close()


def test_file_that_is_put_back_takes_measurements_again(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    repository, run = begin(database)
    move_away(tmp_path / "x.db")
    item = make_item()
    with pytest.raises(StorageError):
        repository.save(item, run)
    (tmp_path / "moved").rename(tmp_path / "x.db")
    repository.save(item, run)
    assert [row["uuid"] for row in repository.measurements()] == [item.uuid]
    database.close()


def storage_in(folder: Path) -> CrawlStorage:
    given = {
        "PYTOMO_DATABASE_URL": sqlite_in(folder),
        "PYTOMO_DATABASE_PATIENCE_S": 0,
        "PYTOMO_UNSTORED_DIRECTORY": str(folder / "kept"),
    }
    return CrawlStorage(config.load(given.get), Gate(is_quiet=True), {})


@pytest.mark.slow
def test_crawl_keeps_its_measurement_and_the_next_one_takes_it_for_no_other_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    arguments = {"crawl": "c", "max_crawled_url": 10}
    storage = storage_in(tmp_path)
    storage.begin("youtube", {}, arguments)
    replace_by_empty(tmp_path / "x.db")
    with pytest.raises(StorageError, match="deleted or replaced"):
        asyncio.run(storage.opened.store(make_item()))
    (kept,) = (tmp_path / "kept").iterdir()
    storage.database.close()
    after = storage_in(tmp_path)
    assert after.begin("youtube", {}, arguments).run.id == 1, "the number of the run that is gone"
    assert kept.exists() and "Its run is not in this database" in caplog.text
    assert after.repository.measurements() == []
    after.database.close()
