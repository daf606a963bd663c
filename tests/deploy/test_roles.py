"""The roles of a shared PostgreSQL: crawlers own one database and nothing else, readers read."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.reading import open_for_reading
from tests.conftest import missing
from tests.running.postgres import PostgresServer, what_is_missing

COMPOSE = Path(__file__).resolve().parents[2] / "deploy" / "compose"
SCRIPT = COMPOSE / "roles.sql"
POWERS = ("rolsuper", "rolcreatedb", "rolcreaterole", "rolreplication", "rolbypassrls")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server on which an administrator ran the script."""
    if (reason := what_is_missing()) is not None:
        missing(reason)
    psql = shutil.which("psql")
    if psql is None:
        missing("psql is not installed (apt-get install postgresql-client)")
    made = PostgresServer("postgres")
    made.start()
    try:
        environment = os.environ | {"PYTOMO_PASSWORD": "crawler's own", "PYTOMO_READER_PASSWORD": 'a "reader"'}
        done = subprocess.run(
            [str(psql), "--no-psqlrc", "--file", str(SCRIPT), f"{made.url}/postgres"],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        made.stop()
        made.remove()


def url_of(server: PostgresServer, role: str, database: str = "pytomo") -> str:
    return f"{server.url.replace('//postgres@', f'//{role}@')}/{database}"


def refused(url: str, statement: str) -> bool:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
    except ProgrammingError as error:
        return "permission denied" in str(error) or "must be" in str(error)
    finally:
        engine.dispose()
    return False


@pytest.mark.process
def test_crawler_makes_its_tables_and_is_nothing_else_on_the_server(server: PostgresServer) -> None:
    with closing(open_database(url_of(server, "pytomo"))) as database, database.write() as connection:
        connection.execute(text("INSERT INTO vantage (name, provider) VALUES ('here', '')"))
        row = connection.execute(text(f"SELECT {', '.join(POWERS)} FROM pg_roles WHERE rolname = 'pytomo'")).one()
        assert not any(row)
    assert refused(url_of(server, "pytomo"), "CREATE ROLE another SUPERUSER")
    assert refused(url_of(server, "pytomo"), "CREATE DATABASE another")
    assert refused(url_of(server, "pytomo"), "COPY vantage TO PROGRAM 'cat'")
    assert refused(url_of(server, "pytomo"), "SELECT pg_read_file('/etc/passwd')")


@pytest.mark.process
def test_reader_reads_what_crawlers_made_and_writes_nothing(server: PostgresServer) -> None:
    open_database(url_of(server, "pytomo")).close()
    url = url_of(server, "pytomo_reader")
    with closing(open_for_reading(url)) as database, database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM measurement")).scalar() == 0
    assert refused(url, "INSERT INTO vantage (name, provider) VALUES ('there', '')")
    assert refused(url, "DELETE FROM measurement")
    assert refused(url, "CREATE TABLE mine (x int)")


@pytest.mark.process
def test_passwords_are_those_of_the_environment(server: PostgresServer) -> None:
    with server.administration() as connection:
        stored = connection.execute(text("SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'pytomo%'"))
        assert {name: str(secret).startswith("SCRAM-SHA-256$") for name, secret in stored} == {
            "pytomo": True, "pytomo_reader": True,
        }  # fmt: skip


def test_compose_makes_the_roles_and_crawls_as_the_one_that_is_no_superuser() -> None:
    services = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))["services"]
    database, crawler = services["database"], services["crawler"]
    assert "./roles.sql:/docker-entrypoint-initdb.d/roles.sql:ro" in database["volumes"]
    wanted = {"POSTGRES_PASSWORD", "PYTOMO_PASSWORD", "PYTOMO_READER_PASSWORD"}
    assert set(database["environment"]) == wanted, "the image's superuser is no crawler's user"
    assert all(":?" in value for value in database["environment"].values()), "each must be set"
    assert crawler["environment"]["PYTOMO_DATABASE_URL"].startswith("postgresql://pytomo:${PYTOMO_PASSWORD}@")
    assert "PYTOMO_ADMIN_PASSWORD" not in str(crawler)
