"""The one door to stored results: runs begin and end here, measurements are saved and read."""

from __future__ import annotations

import logging
import platform
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import IntegrityError

from pytomo_scrapy import __version__
from pytomo_scrapy.failures import RefusedError, StorageError
from pytomo_scrapy.items import PlaybackResult, VideoItem
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.frontier import Frontier
from pytomo_scrapy.storage.measurements import read, save_details
from pytomo_scrapy.storage.measurements.arms import measured_arms
from pytomo_scrapy.storage.measurements.rows import clean, insert_one, kept
from pytomo_scrapy.storage.measurements.save import Run as Run
from pytomo_scrapy.storage.measurements.save import Saved as Saved
from pytomo_scrapy.storage.measurements.save import reduced, save_item
from pytomo_scrapy.storage.measurements.time_zone import time_zone
from pytomo_scrapy.storage.measurements.volume import received_bytes_since
from pytomo_scrapy.storage.migrate import HEAD
from pytomo_scrapy.storage.schema.crawl_tables import measurement, run, vantage
from pytomo_scrapy.storage.schema.measurement_tables import control_window, download
from pytomo_scrapy.storage.scrub import without_secrets

logger = logging.getLogger(__name__)

_SAVE_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class VantageFacts:
    """Where the measuring happens. `public_address` is stored only by choice."""

    name: str
    provider: str | None = None
    public_address: str | None = None


class Repository:
    """Saves and reads measurements. Blocking and thread-safe.

    `after_save` is called with the database and the measurement's id, after its transaction; where the database went
    away in between, again behind the next measurement.
    """

    def __init__(self, database: Database, after_save: Callable[[Database, int], object] | None = None) -> None:
        self.database = database
        self._after_save = after_save
        self._unfollowed: deque[int] = deque()

    def begin_run(
        self,
        *,
        spider: str,
        arguments: Mapping[str, Any],
        settings: Mapping[str, Any],
        vantage: VantageFacts,
        crawl_id: int | None = None,
        store_public_ip: bool = False,
        is_ad_hoc: bool = False,
        software: Mapping[str, str] | None = None,
    ) -> Run:
        """Store that a run begins, with its settings (without secrets) and versions. Raises StorageError."""
        values = {
            "uuid": str(uuid4()),
            "crawl_id": crawl_id,
            "spider": spider,
            "is_ad_hoc": is_ad_hoc,
            "arguments": clean(without_secrets(arguments)),
            "settings": clean(without_secrets(settings)),
            "started_at": datetime.now(UTC),
            "time_zone": time_zone(),
            **software_versions(),
            **(software or {}),
        }
        for attempt in range(_SAVE_ATTEMPTS):
            try:
                with self.database.write() as connection:
                    vantage_id = find_vantage(connection, vantage, store_public_ip)
                    run_id = insert_one(connection, run, {**values, "vantage_id": vantage_id})
                return Run(run_id, str(values["uuid"]), vantage_id, store_public_ip)
            except IntegrityError:
                # Another machine wrote the same vantage down at the same moment.
                if attempt + 1 == _SAVE_ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def end_run(self, ended: Run, reason: str) -> None:
        """Store when and why a run ended; a run that was killed has neither."""
        with self.database.write() as connection:
            values = {"ended_at": datetime.now(UTC), "end_reason": reason}
            connection.execute(update(run).where(run.c.id == ended.id).values(values))

    def save(self, item: VideoItem, run: Run, frontier: Frontier | None = None, *, is_whole: bool = False) -> Saved:
        """Store a measured item and set its claim done, all or nothing; the same uuid twice is stored once.

        What cannot be stored whole leaves a row that says so. `is_whole`, of a measurement that was kept elsewhere,
        asks for all or an exception, and for its own run in this database. Raises StorageError where the database is
        away or full: nothing is stored then, and the item can be saved later.
        """
        if is_whole:
            self._demand_run(run)
        try:
            saved = self._save(item, run, frontier)
        except StorageError as error:
            # Away, it may be stored whole later. What is refused would be refused again: a row then says what is lost.
            if is_whole or not isinstance(error, RefusedError):
                raise
            saved = self._save_reduced(item, run, frontier, error)
        except Exception as error:
            if is_whole:
                raise
            saved = self._save_reduced(item, run, frontier, error)
        if self._after_save is not None:
            self._unfollowed.append(saved.measurement_id)
            self._follow(self._after_save)
        return saved

    def _demand_run(self, wanted: Run) -> None:
        # Numbers begin anew in a new file: the run of this number may be another one.
        with self.database.read() as connection:
            known = connection.execute(select(run.c.uuid).where(run.c.id == wanted.id)).scalar()
        if known != wanted.uuid:
            raise RefusedError("Its run is not in this database.")

    def _save(self, item: VideoItem, run: Run, frontier: Frontier | None, loss: str | None = None) -> Saved:
        for attempt in range(_SAVE_ATTEMPTS):
            try:
                with self.database.write() as connection:
                    return save_item(connection, item, run, frontier, loss)
            except IntegrityError as error:
                # Another process stored the same video or measurement between our look and our insert: look again.
                if attempt + 1 == _SAVE_ATTEMPTS:
                    raise RefusedError(
                        f"The measurement of {item.url} is refused by the database: {error.orig}."
                    ) from error
        raise AssertionError("unreachable")

    def _save_reduced(self, item: VideoItem, run: Run, frontier: Frontier | None, error: Exception) -> Saved:
        logger.error("The measurement of %s cannot be stored whole", item.video_id, exc_info=error)
        bare, loss = reduced(item, error)
        return self._save(bare, run, frontier, loss)

    def _follow(self, after_save: Callable[[Database, int], object]) -> None:
        while self._unfollowed:
            measurement_id = self._unfollowed.popleft()
            try:
                after_save(self.database, measurement_id)
            except Exception as error:
                # The measurement is stored already, whatever becomes of what follows it.
                if not isinstance(error, StorageError):
                    logger.exception("What follows measurement %d failed", measurement_id)
                    continue
                logger.warning(
                    "The cause of measurement %d is not stored, `pytomo explain` makes up for it: %s",
                    measurement_id,
                    error,
                )
                if not isinstance(error, RefusedError):
                    self._unfollowed.appendleft(measurement_id)
                    return

    def add_playback(self, measurement_id: int, result: PlaybackResult) -> int:
        """Store a further player's result for a measurement, such as a replay. Returns its id."""
        try:
            with self.database.write() as connection:
                return save_details.save_playback(connection, measurement_id, result)
        except IntegrityError as error:
            raise StorageError(
                f"Measurement {measurement_id} has a playback named {result.player!r} already, or does not exist."
            ) from error

    def measured_arms(self, study_name: str, claim_id: int) -> frozenset[str]:
        """Return the arms of a claim of a study that need not be measured again."""
        with self.database.read() as connection:
            return measured_arms(connection, study_name, claim_id)

    def received_bytes_since(self, vantage_name: str, since: datetime) -> int:
        """Return the media bytes of everything that a measuring point fetched from `since` on."""
        with self.database.read() as connection:
            return received_bytes_since(connection, vantage.c.name == vantage_name, since)

    def last_control_at(self, vantage_name: str) -> datetime | None:
        """Return the start of the newest session of a measuring point that has controls. None without any."""
        newest = (
            select(func.max(measurement.c.started_at))
            .join(control_window, control_window.c.measurement_id == measurement.c.id)
            .join(vantage, vantage.c.id == measurement.c.vantage_id)
            .where(vantage.c.name == vantage_name)
        )
        with self.database.read() as connection:
            found: datetime | None = connection.execute(newest).scalar_one()
        return found

    def least_gated_media_s(self, vantage_name: str) -> float | None:
        """Return after how few seconds of media the service cut a guest of a measuring point off. None if it never did.

        A guest that was cut off before any media says nothing: no window is short enough for that.
        """
        least = (
            select(func.min(download.c.gated_at_media_s))
            .join(measurement, measurement.c.id == download.c.measurement_id)
            .join(vantage, vantage.c.id == measurement.c.vantage_id)
            .where(vantage.c.name == vantage_name, download.c.failure == "media_gated", download.c.gated_at_media_s > 0)
        )
        with self.database.read() as connection:
            found = connection.execute(least).scalar_one()
        return None if found is None else float(found)

    def measurement(self, key: int | str, *, has_points: bool = False) -> dict[str, Any] | None:
        """Return the full record of a measurement by id or uuid, ready for JSON. None where there is none.

        `has_points` adds the points of arrival traces and media timelines.
        """
        with self.database.read() as connection:
            return read.full_record(connection, key, has_points=has_points)

    def measurements(self, limit: int = 100, *, offset: int = 0, **filters: Any) -> list[dict[str, Any]]:
        """Return the latest measurements, newest first, with their video. Filters as of `record.matching`."""
        with self.database.read() as connection:
            return read.latest(connection, limit, offset, filters)


def software_versions() -> dict[str, str | None]:
    """Return the versions that a run keeps. None for what is not installed."""

    def version(name: str) -> str | None:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return None

    return {
        "software_version": __version__,
        "schema_version": HEAD,
        "scrapy_version": version("scrapy"),
        "yt_dlp_version": _yt_dlp_version(),
        "python_version": platform.python_version(),
        "platform": platform.platform(),
    }


def _yt_dlp_version() -> str | None:
    # The version that is used: PYTOMO_YT_DLP may put another yt-dlp in front of the installed one. Without yt-dlp
    # itself, which only the processes of resolutions need.
    package = find_spec("yt_dlp")
    places = package.submodule_search_locations if package is not None else None
    found = PathFinder.find_spec("version", places) if places else None
    if found is None or found.loader is None:
        return None
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return str(module.__version__)


def find_vantage(connection: Connection, facts: VantageFacts, store_public_ip: bool) -> int:
    """Return the row of a measuring point, which is written where there is none."""
    address = facts.public_address if store_public_ip else None
    # Empty, not NULL: to a unique index one NULL differs from another, and each run would be a point of its own.
    key = {"name": kept(vantage.c.name, facts.name), "provider": kept(vantage.c.provider, facts.provider or "")}
    same = (vantage.c.name == key["name"]) & (vantage.c.provider == key["provider"])
    vantage_id = connection.execute(select(vantage.c.id).where(same)).scalar()
    if vantage_id is None:
        return insert_one(connection, vantage, {**key, "public_address": address})
    if address:
        connection.execute(update(vantage).where(same).values(public_address=address))
    return int(vantage_id)
