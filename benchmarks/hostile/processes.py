"""Watches a tree of processes: what each of them had in memory at most."""

from __future__ import annotations

import contextlib
import threading
from types import TracebackType

import psutil

LOOK_S = 0.25


class MemoryWatch:
    """The most memory of any process of a tree while the block lasts, and of which."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak_mb = 0.0
        self.peak_of = ""

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def processes(self) -> list[psutil.Process]:
        """Return the tree as it is now. Raises psutil.Error where its root has ended."""
        return [self._root, *self._root.children(recursive=True)]

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_S):
            with contextlib.suppress(psutil.Error):
                for process in self.processes():
                    self._look_at(process)

    def _look_at(self, process: psutil.Process) -> None:
        with contextlib.suppress(psutil.Error):
            memory_mb = process.memory_info().rss / 1e6
            if memory_mb > self.peak_mb:
                self.peak_mb, self.peak_of = memory_mb, " ".join(process.cmdline())[-120:]
