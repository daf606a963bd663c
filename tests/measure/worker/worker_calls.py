"""What the worker's tests run in its child; a module of its own, because the child must be able to import it."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from pytomo_scrapy.failures import MeasurementError


def add(left: int, right: int) -> int:
    return left + right


def own_pid() -> int:
    return os.getpid()


def crash() -> None:
    ctypes.string_at(0)


def leave() -> None:
    os._exit(7)


def hang() -> None:
    time.sleep(60)


def fail_with_class() -> None:
    raise MeasurementError("bad_response", "as told")


def fail_unforeseen() -> None:
    raise ValueError("not foreseen")


def give_unpicklable() -> Callable[[], int]:
    return lambda: 1


def give_many_bytes(count: int) -> bytes:
    return bytes(count)


def count_up(limit: int, *, progress: Callable[[int], None]) -> str:
    for number in range(limit):
        progress(number)
    return "done"


def interrupt_self() -> str:
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    return "still here"


def hang_with_file(directory: str) -> None:
    Path(directory, "spool").write_bytes(b"half of a body")
    time.sleep(60)


def fail_with_text(text: str) -> None:
    raise ValueError(text)


def fail_to_encode(text: str) -> None:
    text.encode("ascii")
