"""Databases as people name them: the name of a file is taken as it is, whatever signs a URL would read in it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from pytomo_scrapy.dashboard.choice import check_is_there, choose_databases
from pytomo_scrapy.failures import AbsentError
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.named_database import file_of, url_of, url_of_file
from pytomo_scrapy.storage.shown_url import database_option
from tests.commands.conftest import Run
from tests.commands.conftest import run as run  # the fixture
from tests.fake_crawler import sqlite_in

NAMES = (
    "x.db",
    "my line.db",
    "50%.db",
    "a%20b.db",
    "what?.db",
    "a#b.db",
    "a;b&c=d.db",
    "C:x.db",
    "me@home.db",
    "täglich.db",
)


@pytest.mark.parametrize("name", NAMES)
def test_url_of_a_file_leads_back_to_that_file_for_us_and_for_what_opens_it(name: str, tmp_path: Path) -> None:
    url = url_of(tmp_path / name)
    assert file_of(url) == tmp_path / name == Path(str(make_url(url).database))
    assert make_url(url).query == {} and url_of(url) == url


def test_file_without_a_folder_is_in_the_folder_of_whoever_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert url_of("x.db") == f"sqlite:///{tmp_path}/x.db"
    assert url_of_file("x.db") == "sqlite:///x.db" and file_of("sqlite:///x.db") == Path("x.db")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////data/x.db", Path("/data/x.db")),
        ("sqlite:////data/x.db?timeout=5", Path("/data/x.db")),
        ("sqlite:///databases/pytomo.db", Path("databases/pytomo.db")),
        ("postgresql://me@host/x", None),
        ("sqlite+pysqlite:////data/x.db", None),
    ],
)
def test_url_that_is_given_stays_and_tells_its_file_where_it_has_one(url: str, path: Path | None) -> None:
    assert url_of(url) == url and file_of(url) == path


@pytest.mark.parametrize("name", NAMES)
def test_option_for_the_next_command_names_the_same_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = make_url(url_of(name)).render_as_string()
    option, given = shlex.split(database_option(shown))
    assert (option, file_of(url_of(given))) == ("--database", tmp_path / name)


@pytest.mark.parametrize("name", ["a%20b.db", "what?.db", "a#b.db"])
def test_commands_make_read_and_tell_the_file_that_was_named_and_no_other(run: Run, tmp_path: Path, name: str) -> None:
    sqlite_in(tmp_path)
    (tmp_path / "x.db").rename(tmp_path / name)
    told = run("db", "revision", "--database", name)
    assert told.exit_code == 0 and not told.output.startswith("none")
    assert run("status", "--database", name).exit_code == 0
    assert run("db", "copy", f"copy {name}", "--database", name).exit_code == 0
    found = {path.name for path in tmp_path.iterdir() if not path.name.endswith(("-wal", "-shm"))}
    assert found == {name, f"copy {name}"}


@pytest.mark.parametrize("name", ["a%20b.db", "what?.db", "a#b.db"])
def test_page_shows_the_file_that_was_named(tmp_path: Path, name: str) -> None:
    sqlite_in(tmp_path)
    path = (tmp_path / "x.db").rename(tmp_path / name)
    for choice in (
        choose_databases("sqlite:///none.db", str(path), None),
        choose_databases(url_of(path), None, None),
        choose_databases("sqlite:///none.db", None, tmp_path),
        choose_databases(url_of(tmp_path / "none.db"), None, tmp_path, is_default=True),
    ):
        assert (file_of(choice.url), choice.directory) == (path, tmp_path)
    check_is_there(url_of(path))
    with pytest.raises(AbsentError, match="There is no database"):
        check_is_there(url_of(tmp_path / "none.db"))
    open_database(choice.url).close()
