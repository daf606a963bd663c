"""A run of the suite that is ended early leaves no server behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.conftest import missing
from tests.running import in_memory, postgres
from tests.running.postgres import what_is_missing
from tests.running.sharing import ROOT, VARIABLE

pytestmark = pytest.mark.process

# A test that starts what tests share, says so, and then never ends.
_TEST = """
import time
from pathlib import Path
from tests.running.commands import run_command
from tests.running.labs import shared_lab

def test_shares(postgres_server, tmp_path):
    shared_lab("clean")
    run_command("pytomo", "--version")
    Path({started!r}).touch()
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_server_is_left(tmp_path: Path, number: signal.Signals) -> None:
    if (reason := what_is_missing()) is not None:
        missing(reason)
    # A run of its own, also where we are one process of several that share theirs.
    environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    started, name, value = tmp_path / "started", "PYTOMO_TEST_RUN", f"{tmp_path}"
    (tmp_path / "test_shares.py").write_text(_TEST.format(started=str(started)))
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest",
         "-c", ROOT / "pyproject.toml", "--rootdir", ROOT, tmp_path / "test_shares.py"],
        cwd=ROOT, env={**environment, name: value}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        # Whoever started us by nohup has it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )  # fmt: skip
    try:
        _wait_for(lambda: started.exists() or run.poll() is not None, 120)
        assert run.poll() is None
        theirs = _with(name, value)
        assert len(theirs) >= 4, theirs  # pytest, the lab, the server of commands, PostgreSQL's processes
        run.send_signal(number)
        _wait_for(lambda: not [one for one in _with(name, value) if one.pid != run.pid], 30)
        assert [one for one in _with(name, value) if one.pid != run.pid] == []
    finally:
        for process in _with(name, value):
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


def _with(name: str, value: str) -> list[psutil.Process]:
    """Return the processes whose environment has the mark, but for the dead that nobody has reaped."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(name) == value and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def _wait_for(is_so: Callable[[], bool], longest_s: float) -> None:
    deadline_s = time.monotonic() + longest_s
    while not is_so() and time.monotonic() < deadline_s:
        time.sleep(0.1)
