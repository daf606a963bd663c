"""`pytomo serve`, which is `scrapy dashboard`: what it shows, and where."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.dashboard import server
from tests.commands.conftest import Run, refused


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What would be served, instead of a server."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def serve(database_url: str, **options: Any) -> None:
        options.pop("tell")("The web page is at ...")
        asked.append((database_url, options))

    monkeypatch.setattr(server, "serve", serve)
    return asked


PLAIN = {"directory": None, "host": "127.0.0.1", "port": 5555, "token": None, "is_verbose": False}


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
