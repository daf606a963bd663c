"""Databases to test against: SQLite always, PostgreSQL as a throwaway cluster on loopback where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from pytomo_scrapy.storage import migrate
from pytomo_scrapy.storage.database import Database, open_database
from tests.conftest import missing
from tests.running import new_files, shared_statements
from tests.running.postgres import PostgresServer, what_is_missing

shared_statements.use()
# New SQLite files are made without running the migrations each time, unless a test is about these (`migrates`), by
# commands that the tests run too.
new_files.use()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give tests that are marked so the migrations themselves. A fixture of every test would cost each of them."""
    if isinstance(item, pytest.Function) and item.get_closest_marker("migrates") is not None:
        item.fixturenames.insert(0, "real_migrations")


@pytest.fixture
def real_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "upgrade", new_files.really_upgrade)
    monkeypatch.setenv(new_files.VARIABLE, "1")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'pytomo.db'}"


@pytest.fixture
def database(sqlite_url: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    opened = _open_new(sqlite_url, request)
    yield opened
    opened.close()


def _open_new(url: str, request: pytest.FixtureRequest) -> Database:
    path = make_url(url).database
    if url.startswith("sqlite:") and path is not None and request.node.get_closest_marker("migrates") is None:
        new_files.place(Path(path))
    return open_database(url)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresServer]:
    """The server of this test run."""
    if (reason := what_is_missing()) is not None:
        missing(reason)
    server = PostgresServer()
    server.start()
    yield server
    server.stop()
    server.remove()


@pytest.fixture(scope="session")
def postgres_server(postgres_cluster: PostgresServer) -> str:
    """The URL of that server; it lacks the database's name."""
    return postgres_cluster.url


@pytest.fixture(scope="session")
def postgres_template(postgres_cluster: PostgresServer) -> str:
    """The name of a database on that server that is migrated and empty."""
    return postgres_cluster.template()


@pytest.fixture
def postgres_url(postgres_cluster: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database on that server: migrated already, or fresh for tests that are about that (`migrates`)."""
    is_fresh = request.node.get_closest_marker("migrates") is not None
    template = "template1" if is_fresh else request.getfixturevalue("postgres_template")
    url = postgres_cluster.new_database(template)
    yield url
    postgres_cluster.drop(url)


@pytest.fixture(params=["sqlite", "postgres"])
def each_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of either kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def each_database(each_url: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    opened = _open_new(each_url, request)
    yield opened
    opened.close()
