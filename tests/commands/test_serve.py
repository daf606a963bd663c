"""`pytomo serve`, which is `scrapy dashboard`: what it shows, and where."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.config import GradeConfig
from pytomo_scrapy.dashboard import server
from pytomo_scrapy.dashboard.choice import Choice
from pytomo_scrapy.storage.database import open_database
from tests.commands.conftest import Run, refused


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What would be served, instead of a server."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def serve(choice: Choice, **options: Any) -> None:
        options.pop("tell")("The web page is at ...")
        asked.append((choice.url, options | {"directory": choice.directory, "note": choice.note}))

    monkeypatch.setattr(server, "serve", serve)
    return asked


PLAIN = {
    "directory": None, "note": None, "host": "127.0.0.1", "port": 5555, "token": None, "is_verbose": False,
    "grade": GradeConfig(),
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ((), {}),
        (("8080",), {"port": 8080}),
        (("0", "--host", "0.0.0.0", "--token", "secret", "-v"),
         {"port": 0, "host": "0.0.0.0", "token": "secret", "is_verbose": True}),
    ],
)  # fmt: skip
def test_serve_listens_where_it_is_told(
    run: Run, served: list[tuple[str, dict[str, Any]]], tmp_path: Path, words: tuple[str, ...], changes: dict[str, Any]
) -> None:
    (tmp_path / "x.db").touch()
    ended = run("serve", *words, "--database", "x.db")
    assert (ended.exit_code, ended.output, ended.errors) == (0, "The web page is at ...\n", "")
    assert served == [(f"sqlite:///{tmp_path / 'x.db'}", PLAIN | {"directory": tmp_path.resolve()} | changes)]


def test_serve_shows_the_file_or_url_that_is_named(
    run: Run, served: list[tuple[str, dict[str, Any]]], filled: Path, tmp_path: Path
) -> None:
    run("serve", "-f", "filled.db")
    run("serve", "-f", "postgresql://user@db.example/pytomo")
    assert [url for url, _ in served] == ["sqlite:///filled.db", "postgresql://user@db.example/pytomo"]
    assert [options["directory"] for _, options in served] == [tmp_path.resolve(), None]


def test_serve_of_a_folder_shows_its_newest_database(
    run: Run, served: list[tuple[str, dict[str, Any]]], filled: Path, tmp_path: Path
) -> None:
    run("serve", "-d", tmp_path, "--database", "elsewhere.db")
    ((url, options),) = served
    assert (url, options["directory"]) == (f"sqlite:///{filled}", tmp_path)


@pytest.mark.process
def test_serve_on_a_port_that_is_taken_is_refused(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(run("serve", port), 2, f"The web page cannot listen on 127.0.0.1 port {port}: address already in use.")


@pytest.mark.parametrize("is_there", [False, True])
def test_newest_database_beside_the_default_one_is_shown_where_that_holds_nothing(
    run: Run, served: list[tuple[str, dict[str, Any]]], filled_once: Path, tmp_path: Path, is_there: bool
) -> None:
    folder = tmp_path / "databases"
    folder.mkdir()
    shutil.copy(filled_once, folder / "demo.db")
    (folder / "empty.db").touch()
    os.utime(folder / "demo.db", (0, 0))  # older than what holds nothing
    what = "is not there"
    if is_there:
        open_database(f"sqlite:///{folder / 'pytomo.db'}").close()
        what = "holds no measurement"
    run("serve")
    ((url, options),) = served
    assert url == "sqlite:///databases/demo.db"
    assert options["note"] == (
        f"databases/pytomo.db {what}: the newest database beside it is shown, databases/demo.db."
    )
    # Whoever names a database gets that one.
    run("serve", "-s", "PYTOMO_DATABASE_URL=sqlite:///databases/empty.db")
    assert served[-1][0] == "sqlite:///databases/empty.db"


def test_page_waits_for_the_first_crawl_where_no_database_is_there(
    run: Run, served: list[tuple[str, dict[str, Any]]]
) -> None:
    run("serve")
    assert served[0][0] == "sqlite:///databases/pytomo.db" and served[0][1]["note"] is None


def test_database_that_is_named_and_not_there_is_one_sentence_and_3(run: Run, tmp_path: Path) -> None:
    refused(run("serve", "-f", "nowhere.db"), 3, "-f nowhere.db is not a file.")
    refused(run("serve", "--database", "nowhere.db"), 3, f"There is no database {tmp_path / 'nowhere.db'}.")
    assert not list(tmp_path.iterdir())
