"""Files in folders that other users share: opened only where they are ours, and never through a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A pipe or another device in place of a file would block, and a link could lead anywhere.
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def own_folder(path: Path) -> Iterator[int]:
    """Open a folder of ours, that nobody else can write into. Raises OSError where it is none."""
    try:
        descriptor = os.open(path, _FOLDER)
    except NotADirectoryError:
        raise OSError(None, "it is a link" if path.is_symlink() else "it is no folder") from None
    try:
        _demand_ours(os.fstat(descriptor))
        yield descriptor
    finally:
        os.close(descriptor)


def open_own(name: str, folder: int, flags: int) -> int:
    """Open a plain file of ours in an open folder. Returns its descriptor. Raises OSError where it is none."""
    descriptor = os.open(name, flags | _FILE, dir_fd=folder)
    try:
        # Of the open file, not of its name: another file may have that name by now.
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(None, "it is not a file")
        _demand_ours(facts)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _demand_ours(facts: os.stat_result) -> None:
    if facts.st_uid != os.getuid():
        raise OSError(None, "it belongs to another user")
    # Others might have put anything there in our name.
    if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise OSError(None, "other users can write to it")
