"""A PostgreSQL server on loopback that a test may stop and start."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.conftest import missing


class PostgresServer:
    """A throwaway cluster. Raises CalledProcessError where it does not start."""

    def __init__(self, programs: Path, as_user: dict[str, str]) -> None:
        self._as_user = as_user
        self._folder = Path(tempfile.mkdtemp(prefix="pytomo-postgres-"))
        if as_user:
            os.chown(self._folder, pwd.getpwnam("postgres").pw_uid, -1)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        cluster = self._folder / "cluster"
        self._control = [str(programs / "pg_ctl"), "-D", str(cluster), "-w", "-t", "30"]
        self._run(str(programs / "initdb"), "-D", str(cluster), "-A", "trust", "-U", "pytomo", "-N", "-E", "UTF8",
                  "--no-locale")  # fmt: skip
        self._names = 0

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self._folder} -c max_connections=30"
        self._run(*self._control, "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop as a crash does; `fast` is what a restart of the service does."""
        self._run(*self._control, "-m", mode, "stop")

    def new_database(self) -> str:
        """Create an empty database. Returns its URL."""
        self._names += 1
        name = f"t{self._names}"
        admin = create_engine(f"postgresql+psycopg://pytomo@127.0.0.1:{self.port}/postgres")
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        admin.dispose()
        return f"postgresql://pytomo@127.0.0.1:{self.port}/{name}"

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, *command: str) -> None:
        subprocess.run(  # type: ignore[call-overload]
            command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, cwd="/",
            **self._as_user,
        )  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    if find_spec("psycopg") is None:
        missing("psycopg is not installed (the extra postgres)")
    folders = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists()]
    if not folders:
        missing("PostgreSQL is not installed (apt-get install postgresql)")
    as_user = {"user": "postgres"} if os.geteuid() == 0 else {}  # it refuses to run as root
    one = PostgresServer(max(folders), as_user)
    one.start()
    yield one
    one.stop()
    one.remove()
