"""Databases to test against: SQLite always, PostgreSQL as a throwaway cluster on loopback where it is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text

from pytomo_scrapy.storage import migrate
from pytomo_scrapy.storage.database import Database, open_database
from tests.conftest import missing


@cache
def _statements_of_a_new_file() -> tuple[str, ...]:
    """What the migrations make of an empty SQLite file, as statements."""
    with tempfile.TemporaryDirectory(prefix="pytomo-schema-") as folder:
        opened = open_database(f"sqlite:///{folder}/new.db")
        with opened.read() as connection:
            made = connection.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"))
            statements = tuple(made.scalars())
        opened.close()
    return (*statements, f"INSERT INTO alembic_version VALUES ('{migrate.HEAD}')")


@pytest.fixture(autouse=True)
def quick_new_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make new SQLite files without running the migrations each time, unless a test is about these (`migrates`)."""
    if request.node.get_closest_marker("migrates") is not None:
        return
    really = migrate.upgrade

    def upgrade(connection: Connection, shown_url: str) -> None:
        if connection.dialect.name == "sqlite" and migrate.revision_of(connection) is None and not _is_making:
            for statement in _new_file():
                connection.exec_driver_sql(statement)
        else:
            really(connection, shown_url)

    monkeypatch.setattr(migrate, "upgrade", upgrade)


_is_making: list[bool] = []


def _new_file() -> tuple[str, ...]:
    _is_making.append(True)
    try:
        return _statements_of_a_new_file()
    finally:
        _is_making.pop()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'pytomo.db'}"


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = open_database(sqlite_url)
    yield opened
    opened.close()


def _postgres_programs() -> Path | None:
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return Path(found).parent if found else next((f for f in folders if (f / "initdb").exists()), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A server of this test run; its URL lacks the database's name."""
    if find_spec("psycopg") is None:
        missing("psycopg is not installed (the extra postgres)")
    programs = _postgres_programs()
    if programs is None:
        missing("PostgreSQL is not installed (apt-get install postgresql)")
    # Not below pytest's own folder: every other run of pytest takes that folder's permissions back.
    folder = Path(tempfile.mkdtemp(prefix="pytomo-postgres-"))
    as_user: dict[str, str] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        try:
            account = pwd.getpwnam("postgres")
        except KeyError:
            missing("running as root without a user postgres")
        as_user = {"user": "postgres"}
        os.chown(folder, account.pw_uid, account.pw_gid)
    port = _free_port()
    cluster = folder / "cluster"
    _run(
        [programs / "initdb", "-D", cluster, "-A", "trust", "-U", "pytomo", "-N", "--no-locale", "-E", "UTF8"], as_user
    )
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off -c max_connections=50"
    control = [programs / "pg_ctl", "-D", cluster, "-w", "-t", "30"]
    _run([*control, "-l", folder / "log", "-o", options, "start"], as_user)
    yield f"postgresql://pytomo@127.0.0.1:{port}"
    _run([*control, "-m", "immediate", "stop"], as_user)
    shutil.rmtree(folder)


def _run(command: list[str | Path], as_user: dict[str, str]) -> None:
    subprocess.run(  # type: ignore[call-overload]
        [str(word) for word in command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        cwd="/",
        **as_user,
    )


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a database on the server that is migrated and empty."""
    with _administration(postgres_server) as connection:
        connection.execute(text("CREATE DATABASE migrated"))
    open_database(f"{postgres_server}/migrated").close()
    return "migrated"


@contextmanager
def _administration(postgres_server: str) -> Iterator[Connection]:
    admin = create_engine(f"{postgres_server}/postgres".replace("postgresql:", "postgresql+psycopg:"))
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection
    admin.dispose()


@pytest.fixture
def postgres_url(postgres_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database on the server: migrated already, or fresh for tests that are about that (`migrates`)."""
    is_fresh = request.node.get_closest_marker("migrates") is not None
    template = "template1" if is_fresh else request.getfixturevalue("postgres_template")
    name = f"t{abs(hash(request.node.nodeid)):x}"
    with _administration(postgres_server) as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE {template}'))
    yield f"{postgres_server}/{name}"
    with _administration(postgres_server) as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture(params=["sqlite", "postgres"])
def each_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of either kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def each_database(each_url: str) -> Iterator[Database]:
    opened = open_database(each_url)
    yield opened
    opened.close()
