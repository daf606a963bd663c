"""A database copied into another of either kind: every row with its number, or none."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pytomo_scrapy.exchange import database_copy
from pytomo_scrapy.exchange.database_copy import copy_database
from pytomo_scrapy.failures import SettingError, StorageError
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.schema.columns import metadata
from tests.storage.factories import begin, make_item

ROWS = 20


@pytest.fixture
def source(tmp_path: Path, synthetic_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    # Several batches of some tables, with few rows.
    monkeypatch.setattr(database_copy, "BATCH_ROWS", 16)
    path = shutil.copyfile(synthetic_file(ROWS, days=3, videos=8, traces=4), tmp_path / "source.db")
    with closing(open_database(f"sqlite:///{path}")) as database:
        yield database


@pytest.fixture
def back(tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(f"sqlite:///{tmp_path / 'back.db'}")) as database:
        yield database


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table but the packed ones, which are made of the others."""
    with database.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in metadata.sorted_tables
            if table.name not in {"figure_block", "figure_column", "figure_strip", "page_change"}
        }


def test_copy_and_the_copy_of_it_hold_the_same_rows(source: Database, each_database: Database, back: Database) -> None:
    told: list[tuple[str, int]] = []
    counts = copy_database(source, each_database, lambda name, rows: told.append((name, rows)))
    copy_database(each_database, back)
    original = everything(source)
    assert everything(each_database) == original == everything(back)
    assert counts == {name: len(rows) for name, rows in original.items()} == dict(told)
    assert counts["measurement"] == ROWS and counts["arrival_trace"] > 0


def test_crawl_goes_on_in_the_copy_with_numbers_of_its_own(source: Database, each_database: Database) -> None:
    copy_database(source, each_database)
    repository, run = begin(each_database)
    saved = repository.save(make_item(), run)
    assert saved.measurement_id > ROWS and saved.is_new


def test_what_fails_on_the_way_leaves_the_target_empty_and_the_same_call_copies_all(
    source: Database, each_database: Database
) -> None:
    def die(name: str, rows: int) -> None:
        if name == "download":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        copy_database(source, each_database, die)
    assert not any(everything(each_database).values())
    assert copy_database(source, each_database)["measurement"] == ROWS


def test_target_with_rows_or_the_source_itself_is_refused(source: Database, back: Database) -> None:
    copy_database(source, back)
    with pytest.raises(SettingError, match="holds rows already"):
        copy_database(source, back)
    with pytest.raises(SettingError, match="is the database itself"):
        copy_database(source, source)


def test_table_that_counts_wrong_in_the_copy_is_an_error_and_copies_nothing(
    source: Database, back: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_table = database_copy._copy_table
    monkeypatch.setattr(
        database_copy, "_copy_table", lambda reading, writing, table: copy_table(reading, writing, table) + 1
    )
    with pytest.raises(StorageError, match=r"has 1 rows, not 2: nothing was copied"):
        copy_database(source, back)
    assert not any(everything(back).values())
