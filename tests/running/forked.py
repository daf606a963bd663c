"""Stands for the processes that the product starts (measuring process, lab, a measurement of its own): each forked from
the server of commands.

A spawned process imports for most of a second what it needs; the server has done so once. Tests of the spawning itself
start the product as a Python of its own, or call `running_lab` without this.
"""

from __future__ import annotations

import io
import marshal
import multiprocessing
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import _ParentProcess  # type: ignore[attr-defined] - what a spawned child is told
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pytomo_scrapy.commands import doctor
from pytomo_scrapy.face import measuring
from pytomo_scrapy.lab import launcher
from pytomo_scrapy.measure.worker import worker
from tests.running.client import HEAD_BYTES

# Stands for a command, with the server's socket, the module and the words after it.
CLIENT = (sys.executable, "-S", "-E", str(Path(__file__).with_name("client.py")))
_RUN_COMMAND = launcher.run_command


class _Pickler(pickle.Pickler):
    """Pickles a call; what is open in it goes along as a descriptor."""

    def __init__(self, file: io.BytesIO, descriptors: list[int]) -> None:
        super().__init__(file)
        self._descriptors = descriptors

    def persistent_id(self, obj: Any) -> tuple[type, int] | None:
        if not isinstance(obj, socket.socket | Connection):
            return None
        self._descriptors.append(obj.fileno())
        return type(obj), len(self._descriptors) - 1


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, descriptors: list[int]) -> None:
        super().__init__(file)
        self._descriptors = descriptors

    def persistent_load(self, pid: tuple[type, int]) -> Any:
        kind, index = pid
        return Connection(self._descriptors[index]) if kind is Connection else kind(fileno=self._descriptors[index])


def call(packed: str, descriptors: list[int]) -> None:
    """Be the spawned process, in a child of the server: its first descriptor can be read when the parent has gone."""
    parent_pid, function, args = _Unpickler(io.BytesIO(bytes.fromhex(packed)), descriptors).load()
    multiprocessing.process._parent_process = _ParentProcess("MainProcess", parent_pid, descriptors[0])  # type: ignore[attr-defined]
    function(*args)


class ForkedProcess:
    """What the product uses of multiprocessing.Process."""

    def __init__(self, path: str, function: Callable[..., object], args: tuple[object, ...]) -> None:
        self._path = path
        self._function, self._args = function, args
        self._asking = socket.socket(socket.AF_UNIX)
        self._answers = self._asking.makefile()
        self.pid: int | None = None
        self._exit_code: int | None = None
        self._held = -1  # the child sees it close when we end

    def start(self) -> None:
        """Have the server fork it."""
        is_over, self._held = os.pipe()
        descriptors, packed = [0, 1, 2, is_over], io.BytesIO()
        # The child counts its own from the fourth on.
        theirs = descriptors[3:]
        _Pickler(packed, theirs).dump((os.getpid(), self._function, self._args))
        request = marshal.dumps(("", [packed.getvalue().hex()], os.getcwd(), dict(os.environ)))  # noqa: PTH109
        self._asking.connect(self._path)
        socket.send_fds(self._asking, [len(request).to_bytes(HEAD_BYTES, "big")], [*descriptors[:3], *theirs])
        self._asking.sendall(request)
        os.close(is_over)
        self.pid = int(self._answers.readline())

    @property
    def sentinel(self) -> int:
        """Ready to read once it has ended."""
        return self._asking.fileno()

    @property
    def exitcode(self) -> int | None:
        """How it ended. None while it runs."""
        self.join(0)
        return self._exit_code

    def is_alive(self) -> bool:
        """Say whether it runs."""
        return self.exitcode is None

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        if self._exit_code is None and wait([self._asking], timeout):
            self._exit_code = int(self._answers.readline() or -signal.SIGKILL)

    def kill(self) -> None:
        """Kill it."""
        if self.pid is not None and self.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let go of what it needed here."""
        self._answers.close()
        self._asking.close()
        if self._held >= 0:
            os.close(self._held)
        self._held = -1

    def __del__(self) -> None:
        self.close()


def use(path: str) -> None:
    """Have this process start its lab and its measuring process through the server at `path`, from now on.

    A command in that lab is asked for there too.
    """
    context = SimpleNamespace(
        Pipe=multiprocessing.Pipe,
        Process=lambda target, args, name, daemon: ForkedProcess(path, target, args),
    )
    stand_in = SimpleNamespace(get_context=lambda _: context)
    for module in (launcher, worker):
        module.multiprocessing = stand_in  # type: ignore[assignment]

    def there(words: Sequence[str]) -> list[str]:
        assert tuple(words[:2]) == (sys.executable, "-m")
        return [*CLIENT, path, *words[2:]]

    def run_command(words: Sequence[str], environment: Mapping[str, str]) -> int:
        return _RUN_COMMAND(there(words), environment)

    launcher.run_command = run_command

    started = SimpleNamespace(
        PIPE=subprocess.PIPE,
        Popen=lambda words, **options: subprocess.Popen(there(words), **options),
        run=lambda words, **options: subprocess.run(there(words), **options),
    )
    for starting in (doctor, measuring):
        starting.subprocess = started  # type: ignore[assignment]


@contextmanager
def in_use(path: str) -> Iterator[None]:
    """Do so while the block lasts."""
    use(path)
    try:
        yield
    finally:
        for module in (launcher, worker):
            module.multiprocessing = multiprocessing
        launcher.run_command = _RUN_COMMAND
        for starting in (doctor, measuring):
            starting.subprocess = subprocess
