"""How tests run the product's commands: each in a process of its own, forked from a server that is up."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.running.forked import CLIENT
from tests.running.labs import close_labs, in_shared_lab
from tests.running.sharing import ROOT, end_server, server_socket

ENTRIES = {"scrapy": "scrapy.cmdline", "pytomo": "pytomo_scrapy"}


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    exit_code: int
    output: str
    errors: str
    elapsed_s: float


def command(name: str, *words: str) -> list[str]:
    """Return what stands for `scrapy WORDS`, `pytomo WORDS` or a module: it can be run, signalled and killed."""
    return [*CLIENT, server_socket(), ENTRIES.get(name, name), *words]


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill what was started by `command`, or a process of its own, and wait until it is gone."""
    is_forked = CLIENT[-1] in process.args  # type: ignore[operator]
    process.send_signal(signal.SIGUSR1 if is_forked else signal.SIGKILL)
    process.wait(30)


def writers_of(path: Path) -> list[int]:
    """Return the processes that have this file as their standard output: a command, its stand-in, and its workers."""
    found = []
    for output in Path("/proc").glob("[0-9]*/fd/1"):
        with suppress(OSError):
            if output.readlink() == path:
                found.append(int(output.parts[2]))
    return found


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


def end_all() -> None:
    """End what the tests of this process shared: its labs, and the server of commands if it started that."""
    close_labs()
    end_server()
