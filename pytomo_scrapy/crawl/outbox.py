"""The outbox: a folder of finished measurements that wait until the database can take them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytomo_scrapy import __version__
from pytomo_scrapy.crawl.own_files import open_own, own_folder
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.items.codec import CodecError, from_plain, to_plain
from pytomo_scrapy.storage.frontier.frontier import OpenCrawl
from pytomo_scrapy.storage.measurements.published import published
from pytomo_scrapy.storage.measurements.repository import Run

logger = logging.getLogger(__name__)

_SUFFIX = ".measurement"
# Of the file. A new, lost or renamed field of a result is no new format: the codec reads both ways across those.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class WaitingMeasurement:
    """A measurement that waits for the database, with its run and the crawl whose claim it finishes, if it has one."""

    item: VideoItem
    run: Run
    crawl: OpenCrawl | None


class Outbox:
    """The folders that such measurements wait in, for one database; only their owner can read them.

    The second folder is the system's own for temporary files: a full disk is often only the database's.
    """

    def __init__(self, directory: str, max_bytes: int, shown_url: str) -> None:
        self._folders = (Path(directory), Path(tempfile.gettempdir()) / f"pytomo-unstored-{os.getuid()}")
        self._max_bytes = max_bytes
        self._prefix = hashlib.sha256(shown_url.encode()).hexdigest()[:12]

    def keep(self, measurement: WaitingMeasurement) -> Path | None:
        """Write a measurement down. None where the limit is reached or no folder can take it, which is logged."""
        try:
            content = _encode(measurement)
        except Exception:
            logger.exception(
                "The measurement of %s waits in memory only: it cannot be written", measurement.item.video_id
            )
            return None
        name = f"{self._prefix}-{measurement.item.uuid}{_SUFFIX}"
        # A disk that fills up would end what else this machine does.
        if self._kept_bytes() + len(content) > self._max_bytes:
            logger.error("The measurement of %s waits in memory only: the limit of %d bytes of unstored measurements "
                         "is reached", measurement.item.video_id, self._max_bytes)  # fmt: skip
            return None
        for folder in self._folders:
            try:
                return _write(folder, name, content)
            except OSError as error:
                logger.warning("Unstored measurements cannot be kept in %s: %s", folder, error.strerror or error)
        return None

    def waiting(self) -> Iterator[tuple[Path, WaitingMeasurement]]:
        """Yield the measurements that wait for this database, oldest first. An unreadable file is logged and left."""
        for path in self._files():
            try:
                measurement = _decode(_read(path), path)
            # Text that is nested too deeply ends in a RecursionError.
            except (OSError, ValueError, RecursionError) as error:
                reason = (error.strerror or error) if isinstance(error, OSError) else error
                logger.warning("The unstored measurement %s cannot be read and is left where it is: %s", path, reason)
                continue
            yield path, measurement

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
        kept_bytes = 0
        for path in self._files():
            with contextlib.suppress(OSError):
                kept_bytes += path.stat().st_size
        return kept_bytes


def _write(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with own_folder(folder):
        pass
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


def _read(path: Path) -> bytes:
    """Return the file's content. Raises OSError where it is no file of our own, in a folder of our own."""
    with own_folder(path.parent) as folder, os.fdopen(open_own(path.name, folder, os.O_RDONLY), "rb") as file:
        return file.read()


def _encode(measurement: WaitingMeasurement) -> bytes:
    item = _without_signed_parts(published(measurement.item, keeps_client_address=measurement.run.store_public_ip))
    written = {
        "format": FORMAT,
        "software_version": __version__,
        "measurement": to_plain(replace(measurement, item=item)),
    }
    return json.dumps(written, separators=(",", ":")).encode()


def _decode(content: bytes, path: Path) -> WaitingMeasurement:
    """Return the measurement. Raises ValueError where the content is damaged, or of a format that is not known."""
    try:
        written = json.loads(content)
    except ValueError:
        raise CodecError("it is damaged") from None
    if not isinstance(written, dict) or "measurement" not in written:
        raise CodecError("it is not a measurement")
    version = str(written.get("software_version"))
    if written.get("format") != FORMAT:
        raise CodecError(
            f"pytomo-scrapy {version} wrote it in format {written.get('format')}, this version reads format {FORMAT}"
        )
    measurement, unknown = from_plain(WaitingMeasurement, written["measurement"])
    if unknown:
        logger.warning("The unstored measurement %s was written by pytomo-scrapy %s; this version does not know %s, "
                       "and leaves it out", path, version, ", ".join(unknown))  # fmt: skip
    return measurement


def _without_signed_parts(item: VideoItem) -> VideoItem:
    # A media URL without its query is of no use later.
    if item.resolve is None:
        return item
    formats = tuple(replace(media, url="", parts=()) for media in item.resolve.formats)
    return replace(item, resolve=replace(item.resolve, formats=formats, rungs=(), sabr=None))
