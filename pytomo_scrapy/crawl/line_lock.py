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

# Between rounds of hours: nothing is lost by two seconds.
_POLL_S = 2.0


class LineLock:
    """A name that one process holds at a time, and that is free in the moment its holder ends, however it ends.

    On Linux it is an abstract socket: no file that a crash leaves behind or that another user may not open, and each
    network namespace, which has its own line, has its own names. Elsewhere it is a locked file of the user's own.

    Any user may bind any abstract name. So a name that another user holds, who may only want to be in the way, is left
    to that one with a warning, and a name of our own user keeps our own crawlers apart.
    """

    def __init__(self, name: str) -> None:
        self.key = f"pytomo-line-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
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
        """Return the process that holds the name. None where it is not known."""
        if sys.platform != "linux":
            return None
        for name in self._names():
            found = _credentials_of(name)
            if found is not None and found[1] in (0, os.getuid()):
                return found[0] or None
        return None

    def _names(self) -> tuple[str, str]:
        return self.key, f"{self.key}-{os.getuid()}"

    def _bind(self) -> bool:
        for name in self._names():
            held = socket.socket(socket.AF_UNIX)
            try:
                held.bind(f"\0{name}")
                # Nobody talks: only of one that listens does the kernel say who it is (`holder`).
                held.listen(8)
            except OSError:
                held.close()
            else:
                self._socket = held
                return True
            found = _credentials_of(name)
            if found is not None and found[1] in (0, os.getuid()):
                return False
        logger.warning("Another user's process holds the name of this line: it may measure over it at the same time")
        return True

    def _lock_file(self) -> bool:
        path = Path(tempfile.gettempdir()) / self._names()[1]
        try:
            # Not through a link: in a folder that all share, anybody may have put one there.
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            logger.warning("Crawls over this line are not kept apart: %s (%s)", path, error.strerror)
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._file = descriptor
        return True


def _credentials_of(name: str) -> tuple[int, int] | None:
    """Return process and user that listen under an abstract name. None where nobody answers."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(1)
        asking.connect(f"\0{name}")
        credentials = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid, uid, _ = struct.unpack("3i", credentials)
        return int(pid), int(uid)
    return None


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


class LineHold:
    """The crawl's hold on its line: from its start to its end, without the pauses between rounds."""

    def __init__(self, *locks: LineLock | None) -> None:
        """Hold one line, or those of all arms of a study; the same line is held once. None: nothing is held."""
        # The second lock of one line would be refused by the first.
        self._locks = list({lock.key: lock for lock in locks if lock is not None}.values())

    def take(self) -> None:
        """Take the line. Raises LineError if another crawler has it."""
        try:
            for lock in self._locks:
                _take(lock)
        except LineError:
            self.free()
            raise

    async def take_when_free(self) -> None:
        """Take the line for a further round, and wait for another crawler that took it between two rounds."""
        is_logged = False
        while (taken := next((lock for lock in self._locks if not lock.take()), None)) is not None:
            self.free()
            if not is_logged:
                logger.info("The round waits for the crawler that measures over this line (process %s)",
                            taken.holder())  # fmt: skip
                is_logged = True
            await asyncio.sleep(_POLL_S)

    def free(self) -> None:
        """Give the line back."""
        for lock in self._locks:
            lock.free()
