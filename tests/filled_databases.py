"""A filled database, and a client of the page over it."""

from __future__ import annotations

import fcntl
import importlib.util
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.columnar.sealing import seal_all
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.storage.database import Database, open_database
from tests.running.postgres import PostgresServer

DAYS = 14
ROWS = 1200  # a block of 1024, and what is not packed yet


def load_synthetic() -> ModuleType:
    """Return benchmarks/synthetic.py, which is outside of every package."""
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("synthetic", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    return load_synthetic()


def made_once(folders: pytest.TempPathFactory, name: str, fill: Callable[[Database], object]) -> Path:
    """Return a copy of a file for this process. The first process of a run that asks for the file makes it for all."""
    kept = folders.getbasetemp() / f"made-once-{name}.db"  # of all processes of the run
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            part = kept.with_suffix(".part")
            database = open_database(f"sqlite:///{part}")
            fill(database)
            database.close()
            part.rename(kept)
    return shutil.copyfile(kept, folders.mktemp(name) / "filled.db")


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, synthetic: ModuleType) -> Path:
    """A database of two weeks; nobody may write to it."""

    def fill(database: Database) -> None:
        synthetic.fill(database, ROWS, days=DAYS, videos=300)
        # As after a crawl: what is complete is packed, the newest block is not, and both are asked together.
        assert seal_all(database) == 1

    return made_once(tmp_path_factory, "filled", fill)


@pytest.fixture(scope="session")
def synthetic_file(tmp_path_factory: pytest.TempPathFactory, synthetic: ModuleType) -> Callable[..., Path]:
    """Gives a file of so many rows, filled by `synthetic.fill` once for each choice of options: copy it to write."""

    @cache
    def file(rows: int, **options: int) -> Path:
        name = "-".join(["synthetic", str(rows), *(f"{name}{value}" for name, value in sorted(options.items()))])
        return made_once(tmp_path_factory, name, lambda database: synthetic.fill(database, rows, **options))

    return file


@pytest.fixture(scope="session")
def synthetic_template(
    tmp_path_factory: pytest.TempPathFactory, synthetic: ModuleType, synthetic_file: Callable[..., Path]
) -> Callable[..., str]:
    """Gives the URL of a database as `synthetic_file` has it and `then` left it, made once: copy it to write.

    It is on a server, or a file where that is None.
    """

    @cache
    def template(server: PostgresServer | None, rows: int, then: Callable[[Database], object], **options: int) -> str:
        if server is None:
            own = shutil.copy(synthetic_file(rows, **options), tmp_path_factory.mktemp("template"))
        url = f"sqlite:///{own}" if server is None else server.new_database(server.template())
        database = open_database(url)
        if server is not None:
            synthetic.fill(database, rows, **options)
        then(database)
        database.close()
        return url

    return template


@pytest.fixture(params=["sqlite", "postgres"])
def each_copy(
    request: pytest.FixtureRequest, tmp_path: Path, synthetic_template: Callable[..., str]
) -> Iterator[Callable[..., Database]]:
    """Gives a database of either kind that is a copy of a `synthetic_template`."""

    def copy(rows: int, then: Callable[[Database], object], **options: int) -> Database:
        if request.param == "sqlite":
            file = make_url(synthetic_template(None, rows, then, **options)).database
            url = f"sqlite:///{shutil.copyfile(str(file), tmp_path / 'copy.db')}"
        else:
            server: PostgresServer = request.getfixturevalue("postgres_cluster")
            url = server.new_database(str(make_url(synthetic_template(server, rows, then, **options)).database))
            ended.callback(server.drop, url)
        database = open_database(url)
        ended.callback(database.close)
        return database

    with ExitStack() as ended:
        yield copy


@pytest.fixture(scope="session")
def two_weeks_of_one_method(tmp_path_factory: pytest.TempPathFactory, synthetic_file: Callable[..., Path]) -> Path:
    """Two weeks of three vantage points, measured in one way: to be copied."""
    path = shutil.copy(synthetic_file(1500, days=14, videos=300, traces=0), tmp_path_factory.mktemp("one-method"))
    database = open_database(f"sqlite:///{path}")
    with database.write() as connection:
        connection.execute(text("UPDATE run SET yt_dlp_version = '1'"))
        for table in ("measurement", "figure"):
            connection.execute(text(f"UPDATE {table} SET client = 'WEB'"))
    database.close()
    return Path(path)


@pytest.fixture
def raw(filled: Path) -> Iterator[sqlite3.Connection]:
    """The same database by the driver alone, for independent questions."""
    connection = sqlite3.connect(f"file:{filled}?mode=ro", uri=True)
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def client(filled: Path) -> Iterator[TestClient]:
    app = create_app(DashboardConfig(f"sqlite:///{filled}", filled.parent))
    with TestClient(app, raise_server_exceptions=True) as made:
        yield made
