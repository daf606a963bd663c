"""A PostgreSQL server on loopback: a test may stop and start it, and it dies with the process of the tests."""

from __future__ import annotations

import ctypes
import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from pytomo_scrapy.storage.database import open_database
from tests.running import in_memory, sharing

_START_S = 60.0
_MIGRATED = "migrated"
_USUAL = "pytomo"
_NAMED = "pytomo-postgres-"
_PR_SET_PDEATHSIG = 1
# No power cut to survive, and no work in the background. A commit holds when the server is killed: tests do that.
_SETTINGS = ("fsync=off", "full_page_writes=off", "autovacuum=off", "jit=off", "wal_level=minimal",
             "max_wal_senders=0", "max_connections=50",
             # In the folder of the cluster: what it has elsewhere, a server that is killed leaves to the machine.
             "dynamic_shared_memory_type=mmap")  # fmt: skip
# As `pg_ctl stop -m` sends them.
_SIGNALS = {"immediate": signal.SIGQUIT, "fast": signal.SIGINT}


def what_is_missing() -> str | None:
    """Return what this machine lacks for a server. None where it lacks nothing."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed (the extra postgres)"
    if _programs() is None:
        return "PostgreSQL is not installed (apt-get install postgresql)"
    if os.geteuid() == 0 and "postgres" not in {account.pw_name for account in pwd.getpwall()}:
        return "running as root without a user postgres"
    return None


def _programs() -> Path | None:
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return Path(found).parent if found else next((one for one in folders if (one / "initdb").exists()), None)


def remove_abandoned() -> None:
    """Delete clusters in memory whose tests were killed: each holds 40 MB of it until the next start of the machine."""
    for folder in in_memory.FOLDER.glob(f"{_NAMED}*-*"):
        owner = folder.name.removeprefix(_NAMED).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _migrate(url: str) -> None:
    open_database(url).close()


def _copy(source: str, target: str) -> None:
    # With its owner and its permissions, without which PostgreSQL does not start.
    subprocess.run(["cp", "-a", source, target], check=True, timeout=60)


def die_with_us() -> None:
    """Ask the kernel, in a child before it becomes another program, to end it when the process of the tests ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


class PostgresServer:
    """A throwaway cluster whose superuser is `administrator`. Raises CalledProcessError where it cannot be made."""

    def __init__(self, administrator: str = _USUAL) -> None:
        programs = _programs()
        assert programs is not None
        self._program = str(programs / "postgres")
        # PostgreSQL refuses to run as root.
        self._as_user: dict[str, Any] = {"user": "postgres"} if os.geteuid() == 0 else {}
        remove_abandoned()
        # Not below pytest's own folder: every other run of pytest takes that folder's permissions back.
        # Each database is hundreds of files: their making and deleting is most of what a test costs on a disk.
        self._folder = Path(tempfile.mkdtemp(prefix=f"{_NAMED}{os.getpid()}-", dir=in_memory.folder()))
        if self._as_user:
            os.chown(self._folder, pwd.getpwnam("postgres").pw_uid, -1)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"postgresql://{administrator}@127.0.0.1:{self.port}"
        self._cluster = str(self._folder / "cluster")
        self._process: subprocess.Popen[bytes] | None = None
        self._held_port: socket.socket | None = None
        self._names = 0
        # Creates and drops databases: a connection for each would be a process of the server for each.
        self._orders: Any = None
        # A database that is migrated and empty; None until somebody makes one.
        self.migrated: str | None = None
        if sharing.VARIABLE not in os.environ or administrator != _USUAL:
            self._initialise(programs, administrator)
            return
        # The first one of a run is kept, and the others are copies of it.
        kept = Path(os.environ[sharing.VARIABLE]).parent / "cluster"
        with kept.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                self._initialise(programs, administrator)
                self.start()
                _migrate(self.new_database(name=_MIGRATED))
                self.stop("fast")
                _copy(self._cluster, f"{kept}.part")
                Path(f"{kept}.part").rename(kept)
            else:
                _copy(str(kept), self._cluster)
        self.migrated = _MIGRATED

    def _initialise(self, programs: Path, administrator: str) -> None:
        subprocess.run(
            [str(programs / "initdb"), "-D", self._cluster, "-A", "trust", "-U", administrator, "-N", "-E", "UTF8",
             "--no-locale"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, cwd="/", **self._as_user,
        )  # fmt: skip

    def template(self) -> str:
        """Return the name of a database that is migrated and empty."""
        if self.migrated is None:
            _migrate(self.new_database(name=_MIGRATED))
            self.migrated = _MIGRATED
        return self.migrated

    def start(self) -> None:
        """Start it and wait until it answers. Raises RuntimeError where it does not."""
        self._give_port_back()
        words = [self._program, "-D", self._cluster]
        for setting in ("listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self._folder}",
                        *_SETTINGS):  # fmt: skip
            words += ["-c", setting]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", preexec_fn=die_with_us,
                **self._as_user,
            )  # fmt: skip
        deadline_s = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError((self._folder / "log").read_text()[-2000:])
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with self.administration() as connection:
                connection.execute(text("SELECT 1"))
        except OperationalError:
            return False
        return True

    def stop(self, mode: str = "immediate") -> None:
        """Stop as a crash does; `fast` is what a restart of the service does."""
        assert self._process is not None
        self._end_orders()
        self._process.send_signal(_SIGNALS[mode])
        self._process.wait(30)
        # While it is away, whoever asks for any port may be given this one. Bound without listening, it refuses.
        self._held_port = socket.socket()
        self._held_port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held_port.bind(("127.0.0.1", self.port))

    def _give_port_back(self) -> None:
        if self._held_port is not None:
            self._held_port.close()
            self._held_port = None

    def remove(self) -> None:
        """Delete its files."""
        self._give_port_back()
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def administration(self) -> Iterator[Connection]:
        """Give a connection that creates and drops databases."""
        engine = create_engine(f"{self.url}/postgres".replace("postgresql:", "postgresql+psycopg:"))
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                yield connection
        finally:
            engine.dispose()

    def _order(self, words: str) -> None:
        """Create or drop a database, by a connection that stays. Raises OperationalError where the server is away."""
        import psycopg

        for is_last in (False, True):
            try:
                if self._orders is None:
                    self._orders = psycopg.connect(f"{self.url}/postgres", autocommit=True)
                # From 15 on a copy goes through the log, page by page, unless it is told otherwise.
                by_files = " STRATEGY FILE_COPY" if self._orders.info.server_version >= 150_000 else ""
                self._orders.execute(words.replace("BY FILES", by_files))
                return
            except psycopg.OperationalError:
                # The server may have been stopped and started since.
                self._end_orders()
                if is_last:
                    raise

    def _end_orders(self) -> None:
        if self._orders is not None:
            self._orders.close()
            self._orders = None

    def new_database(self, template: str = "template1", name: str | None = None) -> str:
        """Create a database. Returns its URL."""
        self._names += 1
        name = name or f"t{self._names}"
        self._order(f"CREATE DATABASE {name} TEMPLATE {template} BY FILES")
        return f"{self.url}/{name}"

    def drop(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._order(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")
