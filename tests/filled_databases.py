"""A filled database, and a client of the page over it."""

from __future__ import annotations

import importlib.util
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.columnar.blocks import seal_all
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.storage.database import open_database

DAYS = 14
ROWS = 2000


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


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, synthetic: ModuleType) -> Path:
    """A database of two weeks; nobody may write to it."""
    path = tmp_path_factory.mktemp("filled") / "filled.db"
    database = open_database(f"sqlite:///{path}")
    synthetic.fill(database, ROWS, days=DAYS, videos=300)
    # As after a crawl: what is complete is packed, the newest block is not, and both are asked together.
    assert seal_all(database) == 1
    database.close()
    return path


@pytest.fixture(scope="session")
def synthetic_file(tmp_path_factory: pytest.TempPathFactory, synthetic: ModuleType) -> Callable[..., Path]:
    """Gives a file of so many rows, filled by `synthetic.fill` once for each choice of options: copy it to write."""

    @cache
    def file(rows: int, **options: int) -> Path:
        path = tmp_path_factory.mktemp("synthetic") / "filled.db"
        database = open_database(f"sqlite:///{path}")
        synthetic.fill(database, rows, **options)
        database.close()
        return path

    return file


@pytest.fixture(scope="session")
def two_weeks_of_one_method(tmp_path_factory: pytest.TempPathFactory, synthetic_file: Callable[..., Path]) -> Path:
    """Two weeks of three vantage points, measured in one way: to be copied."""
    path = tmp_path_factory.mktemp("one-method") / "filled.db"
    shutil.copy(synthetic_file(1500, days=14, videos=300, traces=0), path)
    database = open_database(f"sqlite:///{path}")
    with database.write() as connection:
        connection.execute(text("UPDATE run SET yt_dlp_version = '1'"))
        for table in ("measurement", "figure"):
            connection.execute(text(f"UPDATE {table} SET client = 'WEB'"))
    database.close()
    return path


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
