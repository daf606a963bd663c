"""A process of its own for work that may crash or hang: its caller loses one call, never the crawl."""

from __future__ import annotations

import asyncio
import atexit
import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar, cast

import psutil

from pytomo_scrapy.failures import FAILURES, MeasurementError
from pytomo_scrapy.items.codec import CodecError
from pytomo_scrapy.measure.window.pauses import PauseWatch
from pytomo_scrapy.measure.worker.child import OUT_OF_MEMORY, serve
from pytomo_scrapy.measure.worker.confinement import Confinement
from pytomo_scrapy.measure.worker.plain_messages import (
    HEADER,
    BrokenMessage,
    length_of,
    pack_call,
    progress_type,
    read_as,
    result_type,
    unpack,
)
from pytomo_scrapy.measure.worker.spawning import bare_environment, no_main_module

logger = logging.getLogger(__name__)

# No pause does this to a process.
_CRASHES = {f"exit code {-number}" for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)}

Result = TypeVar("Result")
ProgressCallback = Callable[[Any], None]

START_TIMEOUT_S = 30.0  # importing our modules on a slow probe with a cold disk
OWN_END_S = 2.0  # a crash closes the channel a little before the exit code is there
JOIN_TIMEOUT_S = 5.0  # a killed process is gone at once, unless it hangs in the kernel
LOOK_S = 0.1  # how often a child is looked at; a process gains 200 MB at most in it
LONG_PAUSE_S = 1.0  # between two looks: this machine stood still, which is no time of the child's


class Worker:
    """One child process that runs top-level functions, one at a time, under a deadline that its parent enforces.

    The child is started ahead of its first call and again after each loss, and imports `preload` before it is ready, so
    that a call pays neither for the start nor for imports.
    Nothing here blocks the event loop but the start of the process itself, a few milliseconds.
    """

    def __init__(
        self,
        name: str = "pytomo-worker",
        *,
        start_timeout_s: float = START_TIMEOUT_S,
        preload: Sequence[str] = ("pytomo_scrapy.measure.window.loop",),
        confinement: Confinement = Confinement.ONLINE,
    ) -> None:
        self._name = name
        self._start_timeout_s = start_timeout_s
        self._preload = tuple(preload)
        self._confinement = confinement
        self._process: SpawnProcess | None = None
        self._watched: psutil.Process | None = None
        self._at_exit: Callable[[], None] = lambda: None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._is_ready = False
        self._is_abandoned = False
        self._is_closed = False
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The child's process id. None when no child runs."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start the child if none runs. Does not wait until it is ready: the first call does."""
        if self._process is not None or self._is_closed:
            return
        ours, theirs = socket.socketpair()
        process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(theirs, self._preload, self._confinement), name=self._name, daemon=True
        )
        # In this thread, not in an executor's: PR_SET_PDEATHSIG fires when the starting *thread* ends.
        try:
            with _interrupts_held_back(), no_main_module(), bare_environment():
                process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        # The child ignores SIGTERM, which is how multiprocessing's own exit handler would try to end it.
        self._at_exit = partial(_kill, process)
        atexit.register(self._at_exit)
        self._process = process
        with suppress(psutil.Error):
            self._watched = psutil.Process(process.pid)
        self._is_ready = self._is_abandoned = False
        self._reader, self._writer = await asyncio.open_connection(sock=ours)

    async def run(
        self,
        function: Callable[..., Result],
        *args: object,
        deadline_s: float,
        on_progress: ProgressCallback | None = None,
    ) -> Result:
        """Run `function(*args)` in the child and return what it returns, within `deadline_s` of its start.

        With `on_progress` the function is also given `progress=`, a callable whose argument reaches `on_progress` here.
        Arguments, result and progress are read as the types that the function's annotations say. Raises
        MeasurementError "deadline" (the child was killed), "worker_died" (with its exit code, or what is wrong with a
        message), "probe_paused" in place of either where the machine or the child stood still, the function's own
        MeasurementError, or "unknown_failure" for any other exception, whose traceback is logged here.
        """
        # What cannot be sent shows before the child is touched.
        try:
            message = pack_call(function, args, wants_progress=on_progress is not None)
        except CodecError as error:
            raise MeasurementError("worker_died", f"it cannot be told what to do: {error}") from None
        async with self._turn:
            if self._is_closed:
                raise MeasurementError("worker_died", "the worker was closed")
            await self._make_ready()
            pauses = PauseWatch()
            try:
                result = await self._within_bounds(self._result(message, function, on_progress), deadline_s, pauses)
            except TimeoutError:
                is_stopped = self._is_stopped()
                await self._replace()
                raise _lost("deadline", f"ended after {deadline_s:g} s", pauses, is_stopped) from None
            except (EOFError, OSError):
                raise _lost("worker_died", await self._replace(OWN_END_S), pauses) from None
            except BrokenMessage as error:
                await self._replace()
                raise MeasurementError("worker_died", f"its answer cannot be used: {error}") from None
            except MeasurementError:
                raise  # the function's own: the child is free again
            except BaseException:
                # Cancelled: the child is busy with a call that is of no more use.
                self._abandon()
                raise
        return cast(Result, result)

    async def close(self) -> None:
        """End the child. Returns within a few seconds, whatever the child does; a call under way fails."""
        self._is_closed = True
        await self._reap()

    async def replace(self) -> None:
        """End the child, whatever it is still busy with, and start the next."""
        async with self._turn:
            if not self._is_closed:
                await self._replace()

    async def _make_ready(self) -> None:
        if self._is_lost():
            await self._reap()  # it died between two calls, which costs no row
        await self.start()
        if self._is_ready:
            return
        pauses = PauseWatch()
        try:
            await self._within_bounds(self._receive(), self._start_timeout_s, pauses)
        except TimeoutError:
            is_stopped = self._is_stopped()
            await self._replace()
            raise _lost("worker_died", f"not ready after {self._start_timeout_s:g} s", pauses, is_stopped) from None
        except (EOFError, OSError, BrokenMessage):
            # No replacement yet: a child that cannot even start would be started for ever.
            raise MeasurementError("worker_died", f"at its start, {await self._reap(OWN_END_S)}") from None
        self._is_ready = True

    async def _result(
        self, message: bytes, function: Callable[..., object], on_progress: ProgressCallback | None
    ) -> Any:
        await self._begin(message)
        return await self._answer(function, on_progress)

    async def _within_bounds(self, work: Coroutine[Any, Any, Any], deadline_s: float, pauses: PauseWatch) -> Any:
        """Await what the child sends. Raises TimeoutError, or MeasurementError "worker_died" (out of memory: killed).

        Time in which this machine stood still does not count.
        """
        task, left_s = asyncio.create_task(work), deadline_s
        try:
            while not (await asyncio.wait({task}, timeout=min(LOOK_S, left_s)))[0]:
                gap_s = pauses.look()
                left_s -= gap_s if gap_s < LONG_PAUSE_S else LOOK_S
                if left_s <= 0 or self._used_bytes() > self._confinement.memory_bytes:
                    break
        except BaseException:
            await _cancelled(task)
            raise
        pauses.look()
        if task.done():
            return task.result()
        await _cancelled(task)
        if left_s <= 0:
            raise TimeoutError
        await self._replace()
        raise MeasurementError("worker_died", OUT_OF_MEMORY)

    def _used_bytes(self) -> int:
        if self._watched is None or self._confinement is not Confinement.RESOLVING:
            return 0
        with suppress(psutil.Error):
            return int(self._watched.memory_info().rss)
        return 0

    def _is_stopped(self) -> bool:
        """Tell whether the child alone was told to stand still."""
        with suppress(psutil.Error):
            return self._watched is not None and self._watched.status() == psutil.STATUS_STOPPED
        return False

    async def _begin(self, message: bytes) -> None:
        """Hand the call over. A child that died before it took the call costs nothing: the next one gets it."""
        try:
            await self._send(message)
            await self._receive()
        except (EOFError, OSError):
            await self._replace()
            await self._make_ready()
            await self._send(message)
            await self._receive()

    def _is_lost(self) -> bool:
        if self._process is None or self._reader is None:
            return False
        return self._is_abandoned or self._reader.at_eof() or not self._process.is_alive()

    async def _send(self, message: bytes) -> None:
        if self._writer is None:
            raise EOFError
        self._writer.write(HEADER.pack(len(message)) + message)
        await self._writer.drain()

    async def _receive(self) -> tuple[str, Any]:
        if self._reader is None:
            raise EOFError
        length = length_of(await self._reader.readexactly(HEADER.size))
        return unpack(await self._reader.readexactly(length))

    async def _answer(self, function: Callable[..., object], on_progress: ProgressCallback | None) -> Any:
        shown = progress_type(function)
        while True:
            kind, value = await self._receive()
            if kind == "result":
                return read_as(result_type(function), value)
            if kind == "failed":
                raise self._failure(value)
            if kind != "progress":
                raise BrokenMessage(f"{kind} in the middle of a call")
            if on_progress is not None:
                on_progress(read_as(shown, value))

    def _failure(self, value: Any) -> MeasurementError:
        failure, detail, traceback_text = read_as(tuple[str, str, str], value)
        if failure not in FAILURES:
            raise BrokenMessage(f"an unknown class of failure: {failure[:40]!r}")
        if traceback_text:
            logger.error("%s: %s\n%s", self._name, detail, traceback_text)
        return MeasurementError(failure, detail)

    async def _replace(self, own_end_s: float = 0.0) -> str:
        """Remove the child, start the next, and return how the old one ended."""
        ending = await self._reap(own_end_s)
        await self.start()
        return ending

    def _abandon(self) -> None:
        self._is_abandoned = True
        if self._process is not None:
            _kill(self._process)

    async def _reap(self, own_end_s: float = 0.0) -> str:
        process, writer = self._process, self._writer
        self._process = self._watched = self._reader = self._writer = None
        if process is None:
            return "the worker was closed"
        atexit.unregister(self._at_exit)
        ending = await asyncio.shield(asyncio.to_thread(_end, process, own_end_s))
        if writer is not None:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        return ending


def _lost(failure: str, detail: str, pauses: PauseWatch, is_stopped: bool = False) -> MeasurementError:
    """Return the failure of a call that brought nothing: the pause's, where there was one."""
    if is_stopped:
        return MeasurementError("probe_paused", f"the measuring process was stopped; {failure}, {detail}")
    if pauses.longest_s >= LONG_PAUSE_S and detail not in _CRASHES:
        return MeasurementError("probe_paused", f"nothing ran for {pauses.longest_s:.2f} s; {failure}, {detail}")
    return MeasurementError(failure, detail)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task and await its end, whatever that is."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


def _kill(process: SpawnProcess) -> None:
    """Kill the child, and the programs that it started, which are in the group that it leads."""
    if process.pid is not None and process.is_alive() and hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _end(process: SpawnProcess, own_end_s: float) -> str:
    """Wait for the child's own end, then kill it. Its exit code tells a crash (-11) from a kill (-9)."""
    process.join(own_end_s)
    if process.is_alive():
        _kill(process)
    process.join(JOIN_TIMEOUT_S)
    ending = f"exit code {process.exitcode}"
    with suppress(ValueError):  # still alive: it hangs in the kernel, and the system will reap it
        process.close()
    return ending


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Start a child with SIGINT blocked: a Ctrl-C before it can ignore the signal would end it with a traceback."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # it unblocks SIGINT when it starts, so it has to run before
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
