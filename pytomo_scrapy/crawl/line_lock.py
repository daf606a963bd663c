"""One crawler a line: processes of one machine that would measure over the same line exclude each other.

Two windows at once would measure each other. The gate keeps them apart inside a process, this lock between processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import logging
import os
import socket
import struct
import sys
import tempfile
from pathlib import Path

from pytomo_scrapy import config
from pytomo_scrapy.failures import LineError

logger = logging.getLogger(__name__)

_POLL_S = 2.0


class LineLock:
    """A name that one process holds at a time, and that is free in the moment its holder ends, however it ends.

    On Linux it is an abstract socket: no file that a crash leaves behind or that another user may not open, and each
    network namespace, which has its own line, has its own names. Elsewhere it is a locked file.
    """

    def __init__(self, name: str) -> None:
        self._key = f"pytomo-line-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        self._socket: socket.socket | None = None
        self._file: int | None = None

    def take(self) -> bool:
        """Take the name. False where another process, or another lock of this one, holds it."""
        return self._bind() if sys.platform == "linux" else self._lock_file()

    def free(self) -> None:
        """Give the name back, if it is held."""
        if self._socket is not None:
            self._socket.close()
        if self._file is not None:
            os.close(self._file)
        self._socket = self._file = None

    def holder(self) -> int | None:
        """Return the process that holds the name. None where that cannot be told."""
        if sys.platform != "linux":
            return None
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(1)
            asking.connect(f"\0{self._key}")
            credentials = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return int(struct.unpack("3i", credentials)[0]) or None
        return None

    def _bind(self) -> bool:
        mine = socket.socket(socket.AF_UNIX)
        try:
            mine.bind(f"\0{self._key}")
            mine.listen(8)
        except OSError:
            mine.close()
            return False
        self._socket = mine
        return True

    def _lock_file(self) -> bool:
        descriptor = os.open(Path(tempfile.gettempdir()) / self._key, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._file = descriptor
        return True


def lock_of(settings: config.Config) -> LineLock | None:
    """Return the lock of the line that the settings name. None where they want none."""
    if settings.line == "off":
        return None
    return LineLock(f"source {settings.path.source_address}" if settings.line == "auto" else f"name {settings.line}")


def check_line(settings: config.Config) -> None:
    """Raises LineError if the line is taken at this moment."""
    lock = lock_of(settings)
    if lock is not None:
        _take(lock)
        lock.free()


def _take(lock: LineLock) -> None:
    if not lock.take():
        pid = lock.holder()
        raise LineError(
            f"Another crawler{f' (process {pid})' if pid else ''} measures over this line: two at once would measure "
            "each other. Wait for its end, or name the lines where they are two (PYTOMO_LINE)."
        )


class Line:
    """The crawl's hold on its line: from its start to its end, without the pauses between rounds."""

    def __init__(self, lock: LineLock | None) -> None:
        self._lock = lock

    def take(self) -> None:
        """Take the line. Raises LineError if another crawler has it."""
        if self._lock is not None:
            _take(self._lock)

    async def take_when_free(self) -> None:
        """Take the line for a further round, after whoever took it between two rounds."""
        is_told = False
        while self._lock is not None and not self._lock.take():
            if not is_told:
                logger.info("The round waits for the crawler that measures over this line (process %s)",
                            self._lock.holder())  # fmt: skip
                is_told = True
            await asyncio.sleep(_POLL_S)

    def free(self) -> None:
        """Give the line back."""
        if self._lock is not None:
            self._lock.free()
