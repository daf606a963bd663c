"""Starts the lab in a process of its own and runs commands inside it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path

from pytomo_scrapy.lab.relay import run_command as run_command
from pytomo_scrapy.lab.servers import LabEndpoints, LabError, LabOptions, make_world, serve_lab
from pytomo_scrapy.measure.worker.spawning import no_main_module

# The first start encodes the clips, which takes a slow machine a while.
START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 5.0
# Whose `sitecustomize` keeps every Python process of the lab to this machine.
CLOSED = Path(__file__).parent / "closed"

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


def run_in_lab(options: LabOptions, words: Sequence[str], entry: Sequence[str] = SCRAPY_COMMAND) -> int:
    """Run `entry` with `words` inside a lab of its own and return its exit code. Raises LabError."""
    with running_lab(options) as lab:
        return run_command([*entry, *words], lab.environment(os.environ))
