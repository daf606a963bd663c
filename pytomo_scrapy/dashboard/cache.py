"""The newest answers, kept so that the same page is not computed twice. Bounded in number and bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

MAX_ANSWERS = 300
MAX_BYTES = 16_000_000


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
        made = make()
        with self._lock:
            if key not in self._answers:
                self._answers[key] = made
                self._bytes += len(made)
            while self._answers and (len(self._answers) > MAX_ANSWERS or self._bytes > MAX_BYTES):
                self._bytes -= len(self._answers.popitem(last=False)[1])
        return made
