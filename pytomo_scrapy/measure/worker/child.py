"""The child's side of a worker: take a call, run it, send the answer, until the parent has gone."""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Sequence
from multiprocessing.connection import wait

import psutil

from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items.secret_texts import scrub_log
from pytomo_scrapy.measure.worker.confinement import Confinement, confine
from pytomo_scrapy.measure.worker.plain_messages import HEADER, length_of, pack, unpack_call

PR_SET_PDEATHSIG = 1  # Source: prctl(2)
OUT_OF_MEMORY = "out of memory"
THREAD_END_S = 0.5  # which a thread at its end has to be gone, on a busy machine


def serve(channel: socket.socket, preload: Sequence[str], confinement: Confinement) -> None:
    """Answer calls from `channel` until it is closed. The target of the spawned process."""
    _outlive_interrupts()
    # Before all threads, those of imported libraries too, which inherit it.
    confine(confinement)
    _die_with_parent()
    _import(preload)
    _send(channel, pack("ready"))
    own_threads, own_bytes = set(threading.enumerate()), _used_bytes()
    while (call := _receive(channel)) is not None:
        _send(channel, pack("begun"))  # from here on a loss is this call's
        _send(channel, _answer(channel, call))
        # What a call leaves behind, a thread that hangs or memory that does not come back, is not the next one's.
        is_full = _used_bytes() - own_bytes > confinement.memory_bytes / 3
        if is_full or any(_hangs(thread) for thread in set(threading.enumerate()) - own_threads):
            os._exit(0)


def _import(modules: Sequence[str]) -> None:
    """Import them, and keep them out of every collection of garbage: there is none among them.

    To look through them takes a sixth of the start, and stops a window for a moment.
    """
    gc.disable()
    for module in modules:
        importlib.import_module(module)
    gc.freeze()
    gc.enable()


def _used_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def _answer(channel: socket.socket, call: bytes) -> bytes:
    try:
        function, args, wants_progress = unpack_call(call)
        options = {"progress": lambda value: _send(channel, pack("progress", value))} if wants_progress else {}
        return pack("result", function(*args, **options))
    except MeasurementError as error:
        return pack("failed", (error.failure, error.detail, ""))
    except MemoryError:
        return pack("failed", ("worker_died", OUT_OF_MEMORY, ""))
    except Exception as error:  # noqa: BLE001 - the parent logs it and stores it as unknown_failure
        # Scrubbed here, where it arises: an exception may quote a signed URL or a header, and goes to log and row.
        said = scrub_log(repr(error)), scrub_log(traceback.format_exc())
        return pack("failed", ("unknown_failure", *said))


def _hangs(thread: threading.Thread) -> bool:
    thread.join(THREAD_END_S)
    return thread.is_alive()


def _send(channel: socket.socket, message: bytes) -> None:
    channel.sendall(HEADER.pack(len(message)) + message)


def _receive(channel: socket.socket) -> bytes | None:
    header = _read(channel, HEADER.size)
    return None if header is None else _read(channel, length_of(header))


def _read(channel: socket.socket, count: int) -> bytes | None:
    """Read exactly `count` bytes. None when the parent has closed its end."""
    parts = bytearray()
    while len(parts) < count:
        part = channel.recv(min(count - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _outlive_interrupts() -> None:
    # Ctrl-C and a service manager's SIGTERM reach the whole group: the parent decides when a window ends early.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _die_with_parent() -> None:
    """End this process when its parent has gone, killed or not, even in the middle of a call."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    parent = multiprocessing.parent_process()
    if parent is not None:
        # Other systems, and a parent that died before prctl: its sentinel becomes readable.
        threading.Thread(target=_end_after, args=(parent.sentinel,), name="parent-watch", daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(0)
