"""A run of the suite that is ended early leaves no server behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.conftest import missing
from tests.running import in_memory, postgres
from tests.running.postgres import what_is_missing
from tests.running.sharing import ROOT, VARIABLE

pytestmark = pytest.mark.process

# A test that waits for its turn, starts what tests share, says so, and then never ends.
_TEST = """
import os, pytest, time
from pathlib import Path
from tests.running.commands import run_command
from tests.running.labs import shared_lab
from tests.running.sharing import server_socket

@pytest.fixture(scope="session", autouse=True)
def turn():
    server_socket()
    Path({there!r}).touch()
    while not Path({turn!r}).exists():
        time.sleep(0.05)

def test_shares(postgres_server):
    shared_lab("clean")
    run_command("pytomo", "--version")
    Path({part!r}).write_text(str(os.getpid()))
    Path({part!r}).rename({started!r})
    time.sleep(600)

# A process takes its next file when it begins the last test of one.
def test_after_it(): pass
"""
_NAME = "PYTOMO_TEST_RUN"
_WORKERS = ("a", "b", "c")


def test_no_server_is_left(tmp_path: Path) -> None:
    """One of its processes is ended, then another, each of which had servers of its own, and then the run itself."""
    if (reason := what_is_missing()) is not None:
        missing(reason)
    # A run of its own, also where we are one process of several that share theirs.
    environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    environment[_NAME] = value = str(tmp_path)
    for name in _WORKERS:
        paths = {word: str(tmp_path / f"{name}.{word}") for word in ("there", "turn", "part", "started")}
        (tmp_path / f"test_{name}.py").write_text(_TEST.format(**paths))
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest",
         "--workers", str(len(_WORKERS)), "-c", ROOT / "pyproject.toml", "--rootdir", ROOT, tmp_path],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        # Whoever started us by nohup has it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )  # fmt: skip
    try:
        pids, servers = {}, {}
        _wait_for(lambda: len([*tmp_path.glob("*.there")]) == len(_WORKERS) or run.poll() is not None, 120)
        for name in _WORKERS:
            before, started = _with(value), tmp_path / f"{name}.started"
            (tmp_path / f"{name}.turn").touch()
            _wait_for(lambda started=started: started.exists() or run.poll() is not None, 120)
            assert run.poll() is None
            pids[name] = int(started.read_text())
            servers[name] = _with(value) - before
            assert _has_both(servers[name]), servers[name]
        for name, number in (("a", signal.SIGTERM), ("b", signal.SIGHUP)):
            os.kill(pids[name], number)
            _wait_for(lambda name=name: not _with(value) & servers[name], 60)
            assert not _with(value) & servers[name]
            assert _has_both(servers["c"] & _with(value)) and run.poll() is None, "the others go on"
        # Neither is caught or ignored there, and so ends the run as this does: at once, without a last word.
        assert not {signal.SIGTERM, signal.SIGHUP} & _handled(run.pid)
        run.kill()
        _wait_for(lambda: not _with(value), 60)
        assert not _with(value)
    finally:
        for process in _with(value):
            with suppress(psutil.Error):
                process.kill()
        run.wait(30)


def test_memory_of_a_run_that_was_killed_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait(30)
    for pid in (dead.pid, os.getpid()):
        (tmp_path / f"pytomo-postgres-{pid}-x" / "cluster").mkdir(parents=True)
    monkeypatch.setattr(in_memory, "FOLDER", tmp_path)
    postgres.remove_abandoned()
    assert [one.name for one in tmp_path.iterdir()] == [f"pytomo-postgres-{os.getpid()}-x"]


def _with(value: str) -> set[psutil.Process]:
    """Return the processes whose environment has the mark, but for the dead that nobody has reaped."""
    found = set()
    for process in psutil.process_iter():
        try:
            if process.environ().get(_NAME) == value and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process)
        except psutil.Error:
            continue
    return found


def _has_both(processes: set[psutil.Process]) -> bool:
    """Return whether there is a PostgreSQL among them, and a lab."""
    found = set()
    for process in processes:
        with suppress(psutil.Error):  # it has ended since, as a connection of PostgreSQL does
            found.add("postgres" in process.name())
    return found == {True, False}


def _handled(pid: int) -> set[signal.Signals]:
    """Return the signals that a process catches or ignores."""
    lines = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    masks = int(lines["SigCgt"], 16) | int(lines["SigIgn"], 16)
    return {number for number in signal.Signals if masks >> (number - 1) & 1}


def _wait_for(is_so: Callable[[], bool], longest_s: float) -> None:
    deadline_s = time.monotonic() + longest_s
    while not is_so() and time.monotonic() < deadline_s:
        time.sleep(0.1)
