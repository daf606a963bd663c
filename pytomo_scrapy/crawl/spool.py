"""The folder that a crawl's media pass through, and the removal of those that killed crawls left behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytomo_scrapy.crawl.own_files import open_own, own_folder
from pytomo_scrapy.items import DownloadResult

_PREFIX = "pytomo-media-"
_LOCK = "lock"


class SpoolFolder:
    """A temporary folder that is locked while its process lives.

    A lock, not the process id, shows that the owner lives: containers share folders, not process ids.
    """

    def __init__(self) -> None:
        remove_orphans()
        self.path = tempfile.mkdtemp(prefix=_PREFIX)
        # Locked before it has its name: no process ever sees it unlocked while we live.
        self._lock, unnamed = tempfile.mkstemp(dir=self.path)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        Path(unnamed).rename(Path(self.path) / _LOCK)

    def remove(self) -> None:
        """Remove the folder with all that is left in it."""
        # While it is still locked: another crawl that looks for orphans in between would delete along with us.
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def remove_orphans() -> None:
    """Remove the folders of crawls that were killed: half a gigabyte each, in the worst case."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            with own_folder(folder) as opened:
                lock = open_own(_LOCK, opened, os.O_RDWR)
        except OSError:
            continue  # of another user, or of nobody we know: it is not ours to remove
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
        finally:
            os.close(lock)


@contextmanager
def no_media_left(directory: str) -> Iterator[None]:
    """Run one window inside: where it gives no result, nobody is told of its files, so they are removed here."""
    before = _media_in(directory)
    try:
        yield
    except BaseException:
        for path in _media_in(directory) - before:
            path.unlink(missing_ok=True)
        raise


def _media_in(directory: str) -> set[Path]:
    return set(Path(directory).glob("window-*.media"))


def remove_media(download: DownloadResult) -> None:
    """Delete the media that a window left on disk; a file that is gone is no trouble."""
    for stream in download.streams:
        if stream.spool_path:
            Path(stream.spool_path).unlink(missing_ok=True)
