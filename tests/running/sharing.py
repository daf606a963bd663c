"""The server of commands (`server.py`) of a run of the tests: one for all processes of pytest that share the run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where a run of several processes has its server, for these.
VARIABLE = "PYTOMO_TEST_COMMANDS"
_START_S = 180.0  # where the lab's clips are still to be encoded
# Made before there is a collection of garbage: Python's own 700 took a twentieth of the tests' time, and found little.
MANY_OBJECTS = 20_000

_stack = ExitStack()
_sockets: list[str] = []
# What a process holds for its parent only.
_not_ours: list[ExitStack] = []
_started: list[subprocess.Popen[bytes]] = []


def start_server() -> str:
    """Start the server of this process, which ends with it, and return its socket. It may not be there yet."""
    folder = _stack.enter_context(tempfile.TemporaryDirectory(prefix="pytomo-commands-"))
    path = f"{folder}/socket"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.running.server", path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    _started.append(server)
    _stack.callback(_end, server)
    return path


def server_socket() -> str:
    """Return the socket of the server of this run. Starts it where this process is all of the run."""
    if not _sockets:
        path = os.environ.get(VARIABLE) or start_server()
        _sockets.append(path)
        deadline_s = time.monotonic() + _START_S
        while not Path(path).exists() and time.monotonic() < deadline_s:
            time.sleep(0.02)
    if not Path(_sockets[0]).exists():
        raise RuntimeError("the server of commands did not start, or has died")
    return _sockets[0]


def _end(server: subprocess.Popen[bytes]) -> None:
    assert server.stdin is not None
    server.stdin.close()
    server.wait(30)


def leave_to_parent() -> None:
    """In a process that was forked: use the server, and let the parent end it."""
    _not_ours.append(_stack.pop_all())
    for server in _started:
        # It ends when nobody holds this any more.
        assert server.stdin is not None
        server.stdin.close()


def end_server() -> None:
    """End the server that this process started."""
    _sockets.clear()
    _stack.close()
