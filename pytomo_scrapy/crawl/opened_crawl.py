"""A crawl that has begun: its run and its frontier, and how its measurements get into them."""

from __future__ import annotations

import logging

from scrapy.utils.asyncio import run_in_thread
from sqlalchemy.exc import DataError, IntegrityError

from pytomo_scrapy.crawl.live_window import LiveWindow
from pytomo_scrapy.crawl.outbox import Unstored, UnstoredFolder
from pytomo_scrapy.crawl.retrying import Patience
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.frontier import Frontier
from pytomo_scrapy.storage.measurements.repository import Repository, Run

logger = logging.getLogger(__name__)


class OpenedCrawl:
    """One run over one frontier. There is none before it has begun: whoever has it can store."""

    def __init__(
        self,
        database: Database,
        repository: Repository,
        frontier: Frontier,
        run: Run,
        outbox: UnstoredFolder,
        patience: Patience,
    ) -> None:
        self.frontier = frontier
        self._database = database
        self._repository = repository
        self.run = run
        self.outbox = outbox
        self._patience = patience

    def live_window(self, item: VideoItem, window_s: float) -> LiveWindow:
        """Return where an open window is noted for the web page."""
        return LiveWindow(self._database, self.run.id, item, window_s)

    async def store(self, item: VideoItem) -> None:
        """Store one measurement; while the database is away it is kept on disk, and the crawl waits.

        Raises StorageError when patience is over: the next run on this machine stores what is kept.
        """
        try:
            await run_in_thread(self.save, item)
            return
        except StorageError:
            unstored = Unstored(item, self.run, self.frontier.crawl)
        path = await run_in_thread(self.outbox.keep, unstored)
        try:
            await self._patience.ask(self.save, item)
        except StorageError:
            if path is not None:
                logger.warning("The measurement of %s is kept in %s: the next run stores it", item.video_id, path)
            raise
        await run_in_thread(self.outbox.forget, path)

    def save(self, item: VideoItem) -> None:
        """Store one measurement. Blocking. Raises StorageError."""
        self._repository.save(item, self.run, self.frontier)

    def end(self, reason: str) -> None:
        """Give back what the crawl still holds, and end its run. Blocking. Raises StorageError."""
        self.frontier.release_all()
        self._repository.end_run(self.run, reason)


def store_what_waits(outbox: UnstoredFolder, repository: Repository, opened: Frontier) -> None:
    """Store what an earlier run kept, before anything is claimed: else its videos would be measured again. Blocking."""
    for path, unstored in outbox.waiting():
        frontier = opened if unstored.crawl.id == opened.crawl.id else opened.of(unstored.crawl)
        try:
            frontier.take_back()
            repository.save(unstored.item, unstored.run, frontier)
        except StorageError as error:
            if not isinstance(error.__cause__, IntegrityError | DataError):
                raise
            logger.warning("The measurement in %s is left there: this database does not take it. %s", path, error)
            continue
        except Exception as error:  # noqa: BLE001 - what another version wrote may hold what this one cannot store
            logger.warning("The measurement in %s is left there: this version cannot store it (%r)", path, error)
            continue
        outbox.forget(path)
        logger.info("%s, measured in an earlier run, is stored now", unstored.item.video_id)
