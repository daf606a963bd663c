"""Starts the lab in a process of its own and runs commands inside it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType

from pytomo_scrapy.lab.servers import LabEndpoints, LabError, LabOptions, make_world, serve_lab
from pytomo_scrapy.measure.worker.spawning import no_main_module

# The first start encodes the clips, which takes a slow machine a while.
START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 5.0
# Whose `sitecustomize` keeps every Python process of the lab to this machine.
CLOSED = Path(__file__).parent / "closed"

# `timeout` signals a process and then its whole group: two within this time are one.
_SAME_SIGNAL_S = 0.3

# Runs the servers, tells over the connection where they are, and keeps its files in the directory.
Serve = Callable[[LabOptions, Connection, str], None]
SCRAPY_COMMAND = (sys.executable, "-m", "scrapy.cmdline")

# Variables that would lead a client past the lab.
_VARIABLES_OUT_OF_PLACE = ("ALL_PROXY", "all_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")
# Settings that would: empty, not just absent. The file of a project may set them, and the environment precedes it.
_EMPTY_SETTINGS = ("PYTOMO_HTTP_PROXY", "PYTOMO_HTTP_PROXY_IPV6", "PYTOMO_SOURCE_ADDRESS")


@dataclass(frozen=True, slots=True)
class Lab:
    """A running lab."""

    endpoints: LabEndpoints
    sentinel: int  # ready to read once the servers have ended

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return `base`, pointed to the lab. Rows measured in it name the lab as their provider unless `base` does."""
        from_base = {name: value for name, value in base.items() if name not in _VARIABLES_OUT_OF_PLACE}
        # One machine stands for many in the lab: crawlers that share a database there do not exclude each other. Its
        # service is never tired of being asked: nobody waits for an hour after a refusal that was made for them.
        defaults = {
            "PYTOMO_PROVIDER": "offline lab",
            "PYTOMO_LINE": "off",
            "PYTOMO_BACKOFF_RETRY_S": "1",
            "PYTOMO_BACKOFF_PAUSE_S": "0",
        }
        paths = [str(CLOSED), *filter(None, [base.get("PYTHONPATH")])]
        closed = {**dict.fromkeys(_EMPTY_SETTINGS, ""), "PYTHONPATH": os.pathsep.join(paths)}
        return {**defaults, **from_base, **closed, **self.endpoints.environment()}

    def wait_until_it_ends(self) -> None:
        """Block until the servers end."""
        wait([self.sentinel])


@contextlib.contextmanager
def running_lab(options: LabOptions, serve: Serve = serve_lab) -> Iterator[Lab]:
    """Run a lab while the block lasts. Raises LabError if it cannot start. `serve` may stand for its servers.

    The servers end with the block, and within a second of this process's death by whatever cause.
    """
    make_world(options)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory(prefix="pytomo-lab-", ignore_cleanup_errors=True) as directory:
        process = context.Process(target=serve, args=(options, theirs, directory), name="lab", daemon=True)
        # Until it has a session of its own, Ctrl-C would reach it too: it starts with the signal blocked. The resource
        # tracker comes first, because its start unblocks the signal.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        with no_main_module():
            process.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()
        try:
            if not ours.poll(START_TIMEOUT_S):
                raise LabError(f"The lab's servers did not start within {START_TIMEOUT_S:g} s.")
            try:
                message = ours.recv()
            except (EOFError, ConnectionError):
                process.join(STOP_TIMEOUT_S)
                raise LabError(f"The lab's servers died at their start (exit code {process.exitcode}).") from None
            if not isinstance(message, LabEndpoints):
                raise LabError(str(message))
            yield Lab(message, process.sentinel)
        finally:
            ours.close()
            process.join(STOP_TIMEOUT_S)
            if process.is_alive():
                process.kill()
                process.join(STOP_TIMEOUT_S)


def run_command(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command to its end and return its exit code, 128 + n where signal n ended it.

    It gets each SIGINT, SIGTERM and SIGHUP exactly once, whether it was sent to us, to our group or by a terminal.
    """
    # On a terminal the command shares our group, so that it can read from it and Ctrl-C reaches it directly.
    is_on_terminal = sys.stdin is not None and sys.stdin.isatty()
    with _forwarded_signals(is_on_terminal) as children:
        child = subprocess.Popen(words, env=dict(environment), process_group=None if is_on_terminal else 0)
        children.append(child)
        exit_code = child.wait()
    return exit_code if exit_code >= 0 else 128 - exit_code


@contextlib.contextmanager
def _forwarded_signals(is_on_terminal: bool) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Hand signals on to the processes of the yielded list while the block lasts."""
    children: list[subprocess.Popen[bytes]] = []
    last_s: dict[int, float] = {}

    def forward(number: int, _: FrameType | None) -> None:
        now_s = time.monotonic()
        is_repeated = now_s - last_s.get(number, float("-inf")) < _SAME_SIGNAL_S
        last_s[number] = now_s
        if is_repeated or (is_on_terminal and number == signal.SIGINT):
            return
        for child in children:
            child.send_signal(number)

    # Handlers, not SIG_IGN: an ignored signal stays ignored in the command, a handled one does not.
    old = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield children
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def run_in_lab(options: LabOptions, words: Sequence[str], entry: Sequence[str] = SCRAPY_COMMAND) -> int:
    """Run `entry` with `words` inside a lab of its own and return its exit code. Raises LabError."""
    with running_lab(options) as lab:
        return run_command([*entry, *words], lab.environment(os.environ))
