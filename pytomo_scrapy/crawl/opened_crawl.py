"""A crawl that has begun: its run and its frontier, and how its measurements get into them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.crawl.live_window import LiveWindow
from pytomo_scrapy.crawl.outbox import Outbox, WaitingMeasurement
from pytomo_scrapy.crawl.retrying import Retrying
from pytomo_scrapy.failures import RefusedError, StorageError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.frontier import Frontier
from pytomo_scrapy.storage.measurements.repository import Repository, Run

logger = logging.getLogger(__name__)


class OpenedCrawl:
    """One run, over the frontier of a walk if it has one. It exists only once it has begun: its holder can store."""

    def __init__(
        self,
        database: Database,
        repository: Repository,
        frontier: Frontier | None,
        run: Run,
        outbox: Outbox,
        retrying: Retrying,
        arm_runs: Mapping[str, Run] = MappingProxyType({}),
    ) -> None:
        self._frontier = frontier
        self._database = database
        self._repository = repository
        self.run = run
        self._arm_runs = arm_runs
        self.outbox = outbox
        self._retrying = retrying

    @property
    def shown_database(self) -> str:
        """The database's URL, without its password."""
        return self._database.shown_url

    @property
    def frontier(self) -> Frontier:
        """The frontier of a walk. Raises RuntimeError in the run of another spider."""
        if self._frontier is None:
            raise RuntimeError("This run has no frontier: its spider is not one of pytomo_scrapy's.")
        return self._frontier

    def live_window(self, item: VideoItem, window_s: float) -> LiveWindow:
        """Return where an open window is noted for the web page."""
        return LiveWindow(self._database, self.run_of(item).id, item, window_s)

    def run_of(self, item: VideoItem) -> Run:
        """Return the run that a video is measured in: that of its arm where it is of a study."""
        return self._arm_runs.get(item.study.arm or "", self.run) if item.study is not None else self.run

    async def store(self, item: VideoItem) -> None:
        """Store one measurement; while the database is away, the outbox keeps it on disk and the crawl waits.

        Raises StorageError when the database stays away: the next run on this machine stores the measurement. Raises
        RefusedError where not even a row without figures is taken.
        """
        try:
            await run_in_thread(self.save, item)
            return
        except RefusedError:
            raise
        except StorageError:
            waiting = WaitingMeasurement(item, self.run_of(item), self._frontier.crawl if self._frontier else None)
        # On disk before the wait: a crawl that is killed while it waits has lost nothing.
        path = await run_in_thread(self.outbox.keep, waiting)
        try:
            await self._retrying.ask(self.save, item)
        except StorageError:
            if path is not None:
                logger.warning("The measurement of %s is kept in %s: the next run stores it", item.video_id, path)
            raise
        await run_in_thread(self.outbox.forget, path)

    def save(self, item: VideoItem) -> None:
        """Store one measurement. Blocking. Raises StorageError."""
        self._repository.save(item, self.run_of(item), self._frontier)

    def end(self, reason: str) -> None:
        """Release the crawl's claims, and end its run. Blocking. Raises StorageError."""
        if self._frontier is not None:
            self._frontier.release_all()
        for run in self._arm_runs.values() or [self.run]:
            self._repository.end_run(run, reason)


def store_what_waits(outbox: Outbox, repository: Repository, opened: Frontier | None) -> None:
    """Store an earlier run's measurements before anything is claimed, or their videos are measured again. Blocking.

    Those of a crawl wait for a run that has a frontier, whose claims they finish.
    """
    for path, waiting in outbox.waiting():
        if opened is None and waiting.crawl is not None:
            continue
        frontier = None
        if opened is not None and waiting.crawl is not None:
            frontier = opened if waiting.crawl.id == opened.crawl.id else opened.of(waiting.crawl)
        try:
            if frontier is not None:
                # Its claim is still held by the process that measured it, and could not be set done.
                frontier.take_back()
            repository.save(waiting.item, waiting.run, frontier, is_whole=True)
        except RefusedError as error:
            logger.warning("The measurement in %s is left there: this database does not take it. %s", path, error)
            continue
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 - what another version wrote may hold what this one cannot store
            logger.warning("The measurement in %s is left there: this version cannot store it (%r)", path, error)
            continue
        outbox.forget(path)
        logger.info("%s, measured in an earlier run, is stored now", waiting.item.video_id)
