"""A file system in memory: databases on a disk spend much of a test, and some of the processor, on being safe there."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

FOLDER = Path("/dev/shm")
_ROOM_BYTES = 4 << 30


def folder() -> Path | None:
    """Return a folder in memory with room for what the tests write. None where there is none."""
    with suppress(OSError):
        # A container's own is small, and may forbid the programs that some tests write.
        forbids_programs = os.statvfs(FOLDER).f_flag & os.ST_NOEXEC
        if shutil.disk_usage(FOLDER).free > _ROOM_BYTES and os.access(FOLDER, os.W_OK) and not forbids_programs:
            return FOLDER
    return None
