"""`scrapy db`: which schema a database has, and how it gets this version's."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from pytomo_scrapy.storage import migrate
from pytomo_scrapy.storage.database import open_database
from tests.commands.conftest import Run, refused
from tests.storage.factories import begin, make_item


def test_revision_of_no_database_creates_none(run: Run, tmp_path: Path) -> None:
    ended = run("db", "revision", "--database", "x.db")
    assert (ended.exit_code, ended.output) == (0, f"none (this version's is {migrate.HEAD})\n")
    assert not list(tmp_path.iterdir())


def test_upgrade_creates_a_database_and_leaves_one_of_this_version_alone(run: Run, tmp_path: Path) -> None:
    shown = f"sqlite:///{tmp_path / 'x.db'}"
    first = run("db", "upgrade", "--database", "x.db")
    assert (first.exit_code, first.output) == (0, f"{shown}: schema none -> {migrate.HEAD}\n")
    again = run("db", "upgrade", "--database", shown)
    assert (again.exit_code, again.output) == (0, f"{shown}: schema {migrate.HEAD} -> {migrate.HEAD}\n")
    ended = run("db", "revision", "--database", shown)
    assert ended.output == f"{migrate.HEAD} (this version's is {migrate.HEAD})\n"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://x.example/y", "names the database 'mysql'"),
        (
            "postgresql://127.0.0.1:9/away",
            "The database server of postgresql+psycopg://127.0.0.1:9/away cannot be used",
        ),
        ("postgres://127.0.0.1:9/away", "The database server of postgresql+psycopg://127.0.0.1:9/away cannot be used"),
        ("nonsense://", "names the database 'nonsense'"),
    ],
)
@pytest.mark.parametrize("word", ["revision", "upgrade"])
def test_revision_of_a_database_that_cannot_be_asked_is_not_said_to_be_none(
    run: Run, word: str, url: str, sentence: str
) -> None:
    refused(run("db", word, "--database", url), 3, sentence)


def test_revision_of_a_file_that_is_no_database_is_none(run: Run, not_a_database: Path) -> None:
    assert run("db", "revision", "--database", not_a_database).output.startswith("none ")


def test_upgrade_leaves_the_database_of_something_else_alone(run: Run, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute("CREATE TABLE recipe (name TEXT)")
    connection.close()
    ended = run("db", "upgrade", "--database", "x.db")
    assert (ended.exit_code, ended.output) == (3, "")
    assert "holds tables of something else" in ended.errors
    connection = sqlite3.connect(tmp_path / "x.db")
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("recipe",)]
    connection.close()


def test_copy_fills_a_new_database_and_says_how_many_rows_it_counted(run: Run, tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    repository, begun = begin(database)
    repository.save(make_item(), begun)
    database.close()
    ended = run("db", "copy", "y.db", "--database", "x.db")
    assert (ended.exit_code, ended.errors) == (0, "")
    lines = ended.output.splitlines()
    assert "measurement: 1 row" in lines and lines[-1].startswith(f"sqlite:///{tmp_path / 'y.db'} holds ")
    again = run("db", "copy", "y.db", "--database", "x.db")
    assert (again.exit_code, again.output) == (2, "") and "holds rows already" in again.errors
    told = json.loads(run("db", "copy", "z.db", "--json", "--database", "y.db").output)
    assert told["row_counts"]["measurement"] == 1 and told["to"].endswith("z.db")


def test_copy_of_a_database_that_is_not_there_makes_neither(run: Run, tmp_path: Path) -> None:
    ended = run("db", "copy", "y.db", "--database", "x.db")
    assert ended.exit_code == 3 and "There is no database" in ended.errors
    assert not (tmp_path / "x.db").exists()
