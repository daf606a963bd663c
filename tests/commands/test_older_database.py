"""Commands that only read, of a database that an older version wrote: it is read as it is, and stays as it was."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from pytomo_scrapy.storage import migrate, reading
from pytomo_scrapy.storage.named_database import url_of_file
from tests.commands.conftest import Run, refused
from tests.storage.test_stalls_as_defined import scripts_until, store_before

OLDER = "0003"
READING = (
    ("report", "--json"),
    ("report", "--pdf", "x.pdf"),
    ("status",),
    ("export", "out"),
    ("lines",),
    ("replay", "--dry-run"),
)


@pytest.fixture(scope="module")
def made_older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with measurements of the third schema."""
    folder = tmp_path_factory.mktemp("older")
    path = folder / "older.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        migrate.apply_scripts(connection, scripts_until(OLDER, folder / "scripts"))
        store_before(connection)
    engine.dispose()
    return path


@pytest.fixture
def older(made_older: Path, tmp_path: Path) -> Path:
    """A copy of it, for one test."""
    return shutil.copyfile(made_older, tmp_path / "older.db")


def revision_of(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("words", READING)
def test_older_database_is_read_and_not_brought_up_to_date(run: Run, words: tuple[str, ...], older: Path) -> None:
    before = older.read_bytes()
    ended = run(*words, "--database", older)
    assert ended.exit_code == 0, ended.errors
    assert older.read_bytes() == before and revision_of(older) == OLDER
    assert not list(older.parent.glob("older.db-*"))


def test_older_database_is_read_by_a_name_with_a_question_mark(older: Path) -> None:
    asked = older.rename(older.with_name("what?.db"))
    database = reading.open_for_reading(url_of_file(asked))
    database.close()
    assert revision_of(asked) == OLDER


@pytest.mark.slow
def test_report_counts_what_the_older_version_measured(run: Run, older: Path) -> None:
    connection = sqlite3.connect(older)
    count = connection.execute("SELECT count(*) FROM measurement").fetchone()[0]
    connection.close()
    assert count > 0
    ended = run("report", "--json", "--database", older)
    assert json.loads(ended.output)["attempted_count"] == count
    assert str(older) in run("report", "--database", older).output


@pytest.mark.parametrize("words", READING)
def test_older_database_that_is_too_large_to_copy_is_one_sentence(
    run: Run, words: tuple[str, ...], older: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_COPY_BYTES", 0)
    refused(run(*words, "--database", older), 3, "`pytomo db upgrade` brings it up to date.")
    assert revision_of(older) == OLDER


def test_copy_goes_with_its_reader(older: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    database = reading.open_for_reading(f"sqlite:///{older}")
    assert len(list(folder.iterdir())) == 1
    database.close()
    assert list(folder.iterdir()) == []
