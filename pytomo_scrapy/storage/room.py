"""Memory that the answers of one process share: who finds none reads again what it might have kept."""

from __future__ import annotations

import threading

MOST_BYTES = 100_000_000  # a year of a million rows takes nearly as much


class Room:
    """Bytes that several may hold together. Thread-safe."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._left = most_bytes
        self._lock = threading.Lock()

    def take(self, count: int) -> bool:
        """Take so many bytes. False, and none taken, where as many are not left."""
        with self._lock:
            is_there = count <= self._left
            self._left -= count if is_there else 0
            return is_there

    def give_back(self, held: list[int]) -> None:
        """Take back all that was held, and empty the list of it."""
        with self._lock:
            self._left += sum(held)
            held.clear()
