"""`scrapy import_legacy`: what it says of each table, and that one bad file does not keep the others out."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.commands.conftest import Run
from tests.e2e.conftest import query

TABLE = "pytomo_crawl_1304688650"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A table of Pytomo 3 with two rows, one without a time, and a column that it never had."""
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE {TABLE} (ID text, Url text, Colour text)")
    rows = [("2011-05-06 15:30:50", "a", "red"), ("2011-05-06 15:31:50", "b", None), ("yesterday", "c", None)]
    connection.executemany(f"INSERT INTO {TABLE} VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return path


def test_import_says_what_became_of_each_table(run: Run, old: Path) -> None:
    ended = run("import-legacy", old, "--database", "x.db")
    assert (ended.exit_code, ended.errors) == (0, "")
    assert ended.output.splitlines() == [
        f"old.db, {TABLE}: 2 new rows, 0 known, 1 unreadable",
        "  1 row: ID is not a time",
        "  columns that are not known and were left out: Colour",
    ]
    again = run("import-legacy", old, "--database", "x.db")
    assert again.output.splitlines()[0] == f"old.db, {TABLE}: 0 new rows, 2 known, 1 unreadable"


def test_import_as_json_is_one_object_for_each_table(run: Run, old: Path) -> None:
    ended = run("import-legacy", "--json", old, "--database", "x.db")
    told = json.loads(ended.output)
    assert (told["file_name"], told["table_name"]) == ("old.db", TABLE)
    assert (told["row_count"], told["known_count"], told["unreadable_count"]) == (2, 0, 1)
    assert told["unreadable"] == {"ID is not a time": 1}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "bad.db is not a file."),
        (b"this is no database" * 100, "bad.db cannot be read as a SQLite database"),
        (b"", "bad.db has no table pytomo_crawl_*"),
    ],
)
def test_import_of_a_bad_file_ends_with_3_and_takes_in_the_others(
    run: Run, old: Path, tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / "bad.db").write_bytes(content)
    ended = run("import-legacy", "bad.db", old, "--database", "x.db")
    assert ended.exit_code == 3
    assert sentence in ended.errors and len(ended.errors.splitlines()) == 1
    assert "2 new rows" in ended.output
    assert query(tmp_path / "x.db", "SELECT COUNT(*) FROM pytomo_crawl") == [(2,)]
