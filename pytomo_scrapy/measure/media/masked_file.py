"""A file as the demultiplexer may see it: without what it does not know, and without the half of a box at its end."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

_FREE = b"free"  # a box of this kind is passed over


class MaskedFile:
    """The first `end_byte` bytes of a file; the boxes at `hidden` bear the name of one that holds nothing."""

    def __init__(self, path: str, end_byte: int, hidden: Sequence[int]) -> None:
        self._file = Path(path).open("rb")  # noqa: SIM115 - closed by __exit__
        self._end_byte = end_byte
        self._names = [start + 4 for start in sorted(hidden)]

    def __enter__(self) -> MaskedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, count: int) -> bytes:
        """Return up to `count` bytes from here on."""
        start = self._file.tell()
        body = bytearray(self._file.read(max(0, min(count, self._end_byte - start))))
        for place in self._names[bisect_left(self._names, start - len(_FREE) + 1) :]:
            if place >= start + len(body):
                break
            for number, byte in enumerate(_FREE):
                if start <= place + number < start + len(body):
                    body[place + number - start] = byte
        return bytes(body)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place; the end is that of what may be seen."""
        if whence == os.SEEK_END:
            offset, whence = self._end_byte + offset, os.SEEK_SET
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()
