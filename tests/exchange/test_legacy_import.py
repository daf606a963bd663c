"""Databases of Pytomo 3: written by its own code, or by its documented schema."""

# ruff: noqa: E501
from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from pytomo_scrapy.exchange.legacy_import import Imported, import_legacy
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.schema.legacy_table import OLD_COLUMNS, legacy_source
from tests.conftest import missing
from tests.exchange import forerunner

TABLE = "pytomo_crawl_1304688650"
NAMES = [name for name, _ in OLD_COLUMNS]
SHAPE = ", ".join(f"{name} {kind}" for name, kind in OLD_COLUMNS)
ROW: dict[str, Any] = dict(
    zip(
        NAMES,
        ("2011-05-06 15:30:50.103775", "Youtube", "http://www.youtube.com/watch?v=RcmKbTR--iA", "http://v15.lscache3.c.youtube.com",
         0.31, "173.194.20.56", "default_10.193.225.12", 0.02, 15169, 8.1, 9.2, 11.0, 8.9944229125976562, "mp4", 225.0, 115012833.0,
         511168.14666666667, 9575411, 0, 1024.0, 100.0, 0.99954795837402344, 7.9875903129577637, 35.0, 11.722306421319782, 0.2,
         1192528.8804511931, "http://www.youtube.com/fake_redirect", 200),
        strict=True,
    )
)  # fmt: skip


def make_file(path: Path, rows: Iterable[dict[str, Any]], shape: str = SHAPE, table: str = TABLE) -> Path:
    connection = sqlite3.connect(path)
    connection.execute(f'CREATE TABLE "{table}" ({shape})')
    for row in rows:
        marks = ", ".join("?" * len(row))
        connection.execute(f'INSERT INTO "{table}" ({", ".join(row)}) VALUES ({marks})', tuple(row.values()))
    connection.commit()
    connection.close()
    return path


def imported(database: Database, path: Path) -> Imported:
    (table,) = import_legacy(database, path)
    return table


def view(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT * FROM pytomo_crawl ORDER BY ID"))]


@pytest.mark.slow
def test_row_comes_back_with_all_29_values(each_database: Database, tmp_path: Path) -> None:
    result = imported(each_database, make_file(tmp_path / "old.db", [ROW]))
    assert (result.row_count, result.known_count, result.unreadable_count) == (1, 0, 0)
    assert view(each_database) == [tuple(ROW.values())]


@pytest.mark.slow
def test_row_of_nulls_keeps_them(each_database: Database, tmp_path: Path) -> None:
    bare = dict.fromkeys(NAMES) | {"ID": "2011-05-06 15:30:50", "Url": "u"}
    imported(each_database, make_file(tmp_path / "old.db", [bare]))
    assert view(each_database) == [tuple(bare.values())]


@pytest.mark.slow
def test_second_import_brings_nothing(each_database: Database, tmp_path: Path) -> None:
    # The same row twice within a table is two rows, however often the file is imported.
    path = make_file(tmp_path / "old.db", [ROW, ROW, ROW | {"Url": "other"}])
    assert imported(each_database, path).row_count == 3
    again = imported(each_database, path)
    assert (again.row_count, again.known_count) == (0, 3)
    assert len(view(each_database)) == 3
    with each_database.read() as connection:
        assert connection.execute(select(func.count()).select_from(legacy_source)).scalar() == 1


@pytest.mark.slow
def test_file_that_grew_brings_what_is_new(each_database: Database, tmp_path: Path) -> None:
    path = make_file(tmp_path / "old.db", [ROW])
    imported(each_database, path)
    connection = sqlite3.connect(path)
    connection.execute(f"INSERT INTO {TABLE} (ID, Url) VALUES ('2011-05-06 16:00:00', 'new')")
    connection.commit()
    connection.close()
    again = imported(each_database, path)
    assert (again.row_count, again.known_count) == (1, 1)


@pytest.mark.slow
def test_older_table_lacks_columns_and_they_are_null(each_database: Database, tmp_path: Path) -> None:
    # 24 columns of the version that the forerunner's own documentation shows.
    absent = {"CacheServerDelay", "ResolveTime", "ASNumber", "TimeTogetFirstByte", "StatusCode"}
    shape = ", ".join(f"{name} {kind}" for name, kind in OLD_COLUMNS if name not in absent)
    old = {name: value for name, value in ROW.items() if name not in absent}
    imported(each_database, make_file(tmp_path / "old.db", [old], shape))
    assert view(each_database) == [tuple(None if name in absent else ROW[name] for name in NAMES)]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ID": "yesterday"}, "ID is not a time"),
        ({"ID": None}, "ID is not a time"),
        ({"Url": None}, "Url is missing"),
        ({"PingMin": "fast"}, "PingMin is not a number"),
        ({"PingMin": float("inf")}, "PingMin is not a finite number"),
        ({"StatusCode": 200.5}, "StatusCode is not a whole number"),
        ({"Service": b"\x00\x01"}, "Service is not a text"),
    ],
)
def test_row_that_cannot_be_kept_is_counted_with_its_reason(
    database: Database, tmp_path: Path, changed: dict[str, Any], reason: str
) -> None:
    result = imported(database, make_file(tmp_path / "old.db", [ROW, ROW | changed, ROW | changed]))
    assert (result.row_count, dict(result.unreadable)) == (1, {reason: 2})
    with database.read() as connection:
        assert connection.execute(select(legacy_source.c.unreadable)).scalar() == {reason: 2}


def test_text_that_is_not_utf8_is_kept(database: Database, tmp_path: Path) -> None:
    path = make_file(tmp_path / "old.db", [ROW])
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE {TABLE} SET Resolver = CAST(x'e9' AS TEXT)")
    connection.commit()
    connection.close()
    imported(database, path)
    assert view(database)[0][NAMES.index("Resolver")] == "\u00e9"


def test_damaged_file_gives_what_can_be_read_and_counts_the_rest(database: Database, tmp_path: Path) -> None:
    path = make_file(tmp_path / "old.db", [ROW | {"Url": f"u{number}" * 40} for number in range(500)])
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    result = imported(database, path)
    assert 0 < result.row_count < 500
    ((reason, count),) = result.unreadable.items()
    assert reason.startswith("the file is damaged (") and count == 500 - result.row_count


def test_unknown_columns_are_told_and_the_rest_is_kept(database: Database, tmp_path: Path) -> None:
    result = imported(database, make_file(tmp_path / "old.db", [ROW | {"Extra": 1}], SHAPE + ", Extra int"))
    assert (result.row_count, result.ignored_columns) == (1, ("Extra",))


def test_every_table_of_a_file_is_imported(database: Database, tmp_path: Path) -> None:
    path = make_file(tmp_path / "old.db", [ROW])
    make_file(path, [ROW | {"Url": "other"}], table="pytomo_crawl_2")
    make_file(path, [], "a int", table="something_else")
    assert [(table.table_name, table.row_count) for table in import_legacy(database, path)] == [
        (TABLE, 1),
        ("pytomo_crawl_2", 1),
    ]


@pytest.mark.parametrize("content", [None, b"this is a text file\n" * 100, b""])
def test_file_of_something_else_is_refused_in_a_sentence(
    database: Database, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "some.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StorageError, match=r"some\.db (is not a file|cannot be read|has no table)"):
        list(import_legacy(database, path))


def test_source_file_is_never_written(database: Database, tmp_path: Path) -> None:
    path = make_file(tmp_path / "old.db", [ROW])
    before = path.read_bytes()
    path.chmod(0o444)
    imported(database, path)
    assert path.read_bytes() == before


def forerunners_rows(path: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    rows = connection.execute(f"SELECT * FROM {forerunner.TABLE} ORDER BY ID").fetchall()
    connection.close()
    assert len(rows) == forerunner.ROW_COUNT and len(rows[0]) == 29
    return rows


@pytest.mark.slow
def test_database_of_the_forerunners_own_code_imports_completely(each_database: Database) -> None:
    result = imported(each_database, forerunner.KEPT)
    assert (result.row_count, result.unreadable_count, result.ignored_columns) == (forerunner.ROW_COUNT, 0, ())
    assert view(each_database) == forerunners_rows(forerunner.KEPT)
    assert imported(each_database, forerunner.KEPT).row_count == 0


@pytest.mark.process
def test_forerunners_own_code_still_writes_what_is_kept_of_it(database: Database, tmp_path: Path) -> None:
    python = forerunner.find_python2()
    if python is None:
        pytest.skip(
            "there is no Python 2.7, which Pytomo 3.0.4 needs; the database that it wrote is imported all the same"
        )
    package = forerunner.fetch_package(python, tmp_path)
    if package is None:
        missing("PyPI's Pytomo 3.0.4 cannot be fetched")
    path = tmp_path / "old.db"
    forerunner.write_database(python, Path(str(package)), path)
    assert forerunners_rows(path) == forerunners_rows(forerunner.KEPT)
    assert imported(database, path).row_count == forerunner.ROW_COUNT
    assert view(database) == forerunners_rows(path)
