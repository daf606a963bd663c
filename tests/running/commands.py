"""How tests run the product's commands: each in a process of its own, forked from a server that is up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.running.labs import close_labs, in_shared_lab

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = {"scrapy": "scrapy.cmdline", "pytomo": "pytomo_scrapy"}
_CLIENT = Path(__file__).with_name("client.py")
_START_S = 60.0

_stack = ExitStack()
_sockets: list[str] = []


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    exit_code: int
    output: str
    errors: str
    elapsed_s: float


def command(name: str, *words: str) -> list[str]:
    """Return what stands for `scrapy WORDS` or `pytomo WORDS`: it can be run, waited for, signalled and killed."""
    return [sys.executable, "-S", "-E", str(_CLIENT), _server_socket(), ENTRIES[name], *words]


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill what was started by `command`, or a process of its own, and wait until it is gone."""
    is_forked = str(_CLIENT) in process.args  # type: ignore[operator]
    process.send_signal(signal.SIGUSR1 if is_forked else signal.SIGKILL)
    process.wait(30)


def run_command(
    name: str, *words: str, cwd: Path = ROOT, environment: Mapping[str, str] | None = None, timeout_s: float = 240
) -> Finished:
    """Run a command to its end, bounded in time, without standard input. `lab ...` takes the lab that is up."""
    started_s = time.monotonic()
    words_there, variables = in_shared_lab(words, os.environ if environment is None else environment)
    done = subprocess.run(
        command(name, *words_there),
        cwd=cwd,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr, time.monotonic() - started_s)


def _server_socket() -> str:
    if not _sockets:
        folder = _stack.enter_context(tempfile.TemporaryDirectory(prefix="pytomo-commands-"))
        path = Path(folder, "socket")
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.running.server", str(path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        _stack.callback(_end, server)
        deadline_s = time.monotonic() + _START_S
        while not path.exists():
            if server.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError(f"the server of commands did not start (exit code {server.poll()})")
            time.sleep(0.02)
        _sockets.append(str(path))
    return _sockets[0]


def _end(server: subprocess.Popen[bytes]) -> None:
    assert server.stdin is not None
    server.stdin.close()
    server.wait(30)


def end_all() -> None:
    """End what the tests of this process shared: its labs, and the server of commands."""
    close_labs()
    _sockets.clear()
    _stack.close()
