"""The newest answers, kept so that the same page is not computed twice. Bounded in number and bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

MAX_ANSWERS = 300
MAX_BYTES = 16_000_000
MAX_KEPT = 100

Found = TypeVar("Found")


class Recent:
    """Answers by key; the oldest go first. Thread-safe. A key must change with everything its answer depends on."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def answer(self, key: str, make: Callable[[], bytes]) -> bytes:
        """Return the answer kept under `key`, or make it."""
        with self._lock:
            answer = self._answers.get(key)
            if answer is not None:
                self._answers.move_to_end(key)
                return answer
        # Outside of the lock: a slow answer holds up nobody else. Two may then make the same, which is harmless.
        made = make()
        with self._lock:
            if key not in self._answers:
                self._answers[key] = made
                self._bytes += len(made)
            # An answer above MAX_BYTES goes at once, itself: it must not push out all others for good.
            while self._answers and (len(self._answers) > MAX_ANSWERS or self._bytes > MAX_BYTES):
                self._bytes -= len(self._answers.popitem(last=False)[1])
        return made


class Kept(Generic[Found]):
    """The newest of what is looked for by several answers of one page; the oldest go first. Thread-safe."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, Found] = OrderedDict()
        self._lock = threading.Lock()

    def found(self, key: str, look: Callable[[], Found]) -> Found:
        """Return what is kept under `key`, or look for it. A key must change with everything that it depends on."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        found = look()
        with self._lock:
            self._found[key] = found
            while len(self._found) > MAX_KEPT:
                self._found.popitem(last=False)
        return found
