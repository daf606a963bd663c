"""Finished measurements that the database could not take: kept in a folder, and stored when it can."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.storage.frontier.frontier import OpenCrawl
from pytomo_scrapy.storage.measurements.repository import Run

logger = logging.getLogger(__name__)

_SUFFIX = ".measurement"


@dataclass(frozen=True, slots=True)
class Unstored:
    """A measurement with where it belongs: its run, and the crawl whose claim it finishes."""

    item: VideoItem
    run: Run
    crawl: OpenCrawl


class UnstoredFolder:
    """The folders that such measurements wait in, for one database; only their owner can read them.

    The second folder is the system's own for temporary files: a full disk is often only the database's.
    """

    def __init__(self, directory: str, max_bytes: int, shown_url: str) -> None:
        self._folders = (Path(directory), Path(tempfile.gettempdir()) / f"pytomo-unstored-{os.getuid()}")
        self._max_bytes = max_bytes
        self._prefix = hashlib.sha256(shown_url.encode()).hexdigest()[:12]

    def keep(self, unstored: Unstored) -> Path | None:
        """Write a measurement down. None where the limit is reached or no folder can take it, which is logged."""
        content = pickle.dumps(replace(unstored, item=_without_signed_parts(unstored.item)))
        name = f"{self._prefix}-{unstored.item.uuid}{_SUFFIX}"
        if self._kept_bytes() + len(content) > self._max_bytes:
            logger.error("The measurement of %s waits in memory only: the limit of %d bytes of unstored measurements "
                         "is reached", unstored.item.video_id, self._max_bytes)  # fmt: skip
            return None
        for folder in self._folders:
            try:
                return _write(folder, name, content)
            except OSError as error:
                logger.warning("Unstored measurements cannot be kept in %s: %s", folder, error.strerror or error)
        return None

    def waiting(self) -> Iterator[tuple[Path, Unstored]]:
        """Yield what waits for this database, oldest first. An unreadable file is logged and left where it is."""
        for path in self._files():
            try:
                if path.stat().st_uid != os.getuid():
                    raise ValueError("it belongs to another user")
                unstored = pickle.loads(path.read_bytes())
                if not isinstance(unstored, Unstored):
                    raise TypeError("it is not a measurement")
            except Exception as error:  # noqa: BLE001 - a damaged pickle may raise anything
                logger.warning("The unstored measurement %s cannot be read: %s", path, error)
                continue
            yield path, unstored

    def forget(self, path: Path | None) -> None:
        """Remove a measurement that is stored now."""
        if path is not None:
            path.unlink(missing_ok=True)

    def _files(self) -> Sequence[Path]:
        found: list[tuple[float, Path]] = []
        for folder in self._folders:
            for path in folder.glob(f"{self._prefix}-*{_SUFFIX}") if folder.is_dir() else ():
                with contextlib.suppress(OSError):
                    found.append((path.stat().st_mtime, path))
        return [path for _, path in sorted(found)]

    def _kept_bytes(self) -> int:
        return sum(path.stat().st_size for path in self._files())


def _write(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(1, "the folder belongs to another user")
    descriptor, partial = tempfile.mkstemp(dir=folder)  # readable by its owner only
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return Path(partial).replace(folder / name)
    except OSError:
        Path(partial).unlink(missing_ok=True)
        raise


def _without_signed_parts(item: VideoItem) -> VideoItem:
    if item.resolve is None:
        return item
    formats = tuple(replace(one, url="", http_headers={}) for one in item.resolve.formats)
    return replace(item, resolve=replace(item.resolve, formats=formats))
