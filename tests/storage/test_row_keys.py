"""Rows as people name them: what is a number that a row can have, and which row a key means."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from pytomo_scrapy.analysis.daily.run_deletion import delete_run
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.differential_store import read_test
from pytomo_scrapy.storage.measurements.repository import Repository
from pytomo_scrapy.storage.row_keys import is_named, row_number
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from tests.fake_crawler import sqlite_in
from tests.storage.factories import begin, make_item

LARGEST = 9_223_372_036_854_775_807  # 2 to the 63rd, less 1
NO_ROWS = (LARGEST + 1, str(LARGEST + 1), "9" * 5000, "-1", "1.0", " 1", "", "²", "١", "0x1", "first")


@pytest.mark.parametrize(
    ("key", "number"), [(1, 1), ("1", 1), ("007", 7), (0, 0), (LARGEST, LARGEST), (str(LARGEST), LARGEST)]
)
def test_digits_up_to_what_a_database_holds_are_the_number_of_a_row(key: int | str, number: int) -> None:
    assert row_number(key) == number


@pytest.mark.parametrize("key", NO_ROWS)
def test_anything_else_is_none(key: int | str) -> None:
    assert row_number(key) is None


def test_no_key_is_more_than_a_database_takes(tmp_path: Path) -> None:
    database = open_database(sqlite_in(tmp_path))
    repository, run = begin(database)
    repository.save(make_item(uuid="12ab"), run)
    try:
        with database.read() as connection:

            def found(key: int | str) -> int | None:
                return connection.execute(select(measurement.c.id).where(is_named(measurement, key))).scalar()

            assert [found(key) for key in (1, "1", "12ab", "12AB", 2)] == [1, 1, 1, None, None]
            assert {found(key) for key in NO_ROWS} == {None}
            assert {read_test(connection, number) for number in (-1, 0, LARGEST + 1)} == {None}
        assert {str(Repository(database).measurement(key)) for key in NO_ROWS} == {"None"}
        for key in ("²", str(LARGEST + 1), run.uuid[:-1]):
            with pytest.raises(SettingError, match=r"There is no run .*: the newest are 1 \("):
                delete_run(database, key)
        assert delete_run(database, run.uuid, is_dry_run=True) == {"measurement": 1}
    finally:
        database.close()
