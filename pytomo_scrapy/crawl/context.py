"""What a crawl has once: its database and its measuring process."""

from __future__ import annotations

import logging
import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from scrapy import signals
from scrapy.utils.asyncio import run_in_thread
from sqlalchemy.exc import DataError, IntegrityError

from pytomo_scrapy import config
from pytomo_scrapy.analysis.columnar.hooks import pack_after_migration, pack_now_and_then
from pytomo_scrapy.crawl.gate import Gate
from pytomo_scrapy.crawl.live_window import LiveWindow
from pytomo_scrapy.crawl.outbox import Unstored, UnstoredFolder
from pytomo_scrapy.crawl.progress import Progress
from pytomo_scrapy.crawl.retrying import Patience
from pytomo_scrapy.crawl.spool import SpoolFolder, remove_media
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.items import DownloadResult, MediaTimeline, PlaybackResult, VideoItem
from pytomo_scrapy.measure.playback.window_analysis import analyse_window
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan, WindowProgress
from pytomo_scrapy.measure.worker.worker import Worker
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.frontier.frontier import Frontier, open_crawl
from pytomo_scrapy.storage.measurements.published import published
from pytomo_scrapy.storage.measurements.repository import Repository, Run, VantageFacts

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

Component = TypeVar("Component")

# The engine ends a window within 0.25 s of its deadline; a process that is later than this hangs.
WINDOW_GRACE_S = 4.0


def component(crawler: Crawler, kind: type[Component]) -> Component:
    """Return the crawl's one `kind`. Raises RuntimeError if the add-on is not switched on."""
    found = crawler.get_extension(kind)
    if found is None:
        raise RuntimeError(f"the extension {kind.__name__} is off: ADDONS must hold pytomo_scrapy.addons.PytomoAddon")
    return found


class MeasuringProcess:
    """The process that windows and analyses run in, and the directory that their media pass through."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._worker = Worker()
        self._spool: SpoolFolder | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        process = cls(crawler)
        crawler.signals.connect(process.open, signal=signals.spider_opened)
        crawler.signals.connect(process.close, signal=signals.spider_closed)
        return process

    @property
    def spool_directory(self) -> str:
        """Where windows leave their media until the analysis."""
        if self._spool is None:
            self._spool = SpoolFolder()
        return self._spool.path

    async def open(self) -> None:
        await self._worker.start()

    async def close(self) -> None:
        await self._worker.close()
        self.abandon()

    def abandon(self) -> None:
        """Leave no media behind when the crawl ends without its event loop; the child dies with its parent."""
        if self._spool is not None:
            self._spool.remove()

    async def download(self, plan: WindowPlan, settings: config.DownloadConfig, item: VideoItem) -> DownloadResult:
        """Run one window. Raises MeasurementError if the process dies or hangs."""
        display = self._crawler.get_extension(Progress)
        if display is not None:
            display.window_opened(item.video_id, settings.window_s)
        live = component(self._crawler, Storage).live_window()
        await live.open(item, settings.window_s)

        def show(progress: WindowProgress) -> None:
            live.progress(progress)
            if display is not None:
                display.window_received(progress)

        try:
            return await self._worker.run(
                download_window,
                plan,
                settings,
                deadline_s=settings.window_s + WINDOW_GRACE_S,
                on_progress=show,
            )
        finally:
            if display is not None:
                display.window_closed()
            await live.close()

    async def analyse(
        self, download: DownloadResult, declared_duration_s: float | None, settings: config.PlaybackConfig
    ) -> tuple[tuple[MediaTimeline, ...], tuple[PlaybackResult, ...]]:
        """Analyse one window, then delete its media. Raises MeasurementError if the process dies or hangs."""
        try:
            return await self._worker.run(
                analyse_window,
                download,
                declared_duration_s,
                settings,
                deadline_s=settings.analysis_timeout_s,
            )
        finally:
            remove_media(download)


class Storage:
    """The crawl's database, run and frontier. The frontier is opened by the spider, which knows its own arguments."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._config = config.load(crawler.settings.get)
        self.database = open_database(self._config.database_url, after_migration=pack_after_migration)
        self.repository = Repository(self.database, after_save=pack_now_and_then)
        self.frontier: Frontier | None = None
        self.run: Run | None = None
        self.failure: str | None = None
        endurance = self._config.endurance
        self._unstored = UnstoredFolder(
            endurance.unstored_directory, endurance.unstored_max_bytes, self.database.shown_url
        )
        self._patience = Patience(endurance.database_patience_s, self._is_stopping)
        self.ask = self._patience.ask

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Open the database. Raises StorageError with one sentence if it cannot be used."""
        storage = cls(crawler)
        crawler.signals.connect(storage.close, signal=signals.spider_closed)
        return storage

    def begin(
        self, spider: str, given: Mapping[str, str], arguments: Mapping[str, Any], *, is_own_list: bool = False
    ) -> Frontier:
        """Open the crawl's frontier, named by the `given` arguments, and begin a run with all of them. Blocking.

        `is_own_list` gives this vantage a frontier of its own. What an earlier run could not store is stored first.
        """
        checked = self._config
        vantage = checked.vantage or platform.node()
        self.frontier = open_crawl(
            self.database,
            spider,
            given,
            name=arguments["crawl"],
            max_crawled_url=arguments["max_crawled_url"],
            vantage=vantage if is_own_list else "",
            lease_s=checked.endurance.lease_s,
            retries_refused=checked.endurance.backoff_retry_s > 0,
        )
        self._store_what_waits(self.frontier)
        self.run = self.repository.begin_run(
            spider=spider,
            arguments=arguments,
            settings={name: self._crawler.settings.get(name) for name in config.BY_NAME},
            vantage=VantageFacts(vantage, checked.provider),
            crawl_id=self.frontier.crawl.id,
            store_public_ip=checked.store_public_ip,
        )
        return self.frontier

    def live_window(self) -> LiveWindow:
        """Return where the open window is noted for the web page."""
        assert self.run is not None
        return LiveWindow(self.database, self.run.id)

    async def store(self, item: VideoItem) -> None:
        """Store one measurement; while the database is away it is kept on disk, and the crawl waits.

        Raises StorageError when patience is over: the next run on this machine stores what is kept.
        """
        try:
            await run_in_thread(self.save, item)
            return
        except StorageError:
            assert self.run is not None and self.frontier is not None
            unstored = Unstored(item, self.run, self.frontier.crawl)
        path = await run_in_thread(self._unstored.keep, unstored)
        try:
            await self.ask(self.save, item)
        except StorageError:
            if path is not None:
                logger.warning("The measurement of %s is kept in %s: the next run stores it", item.video_id, path)
            raise
        await run_in_thread(self._unstored.forget, path)

    def save(self, item: VideoItem) -> None:
        """Store one measurement. Blocking. Raises StorageError."""
        assert self.run is not None
        self.repository.save(item, self.run, self.frontier)

    def published(self, item: VideoItem) -> VideoItem:
        """Return a stored item as feeds may have it."""
        return published(item, keeps_client_address=self._config.store_public_ip)

    def fail(self, sentence: str) -> None:
        """Remember why the crawl cannot go on; the spider ends it."""
        self.failure = self.failure or sentence

    async def close(self, reason: str) -> None:
        """Give back what the crawl still holds, and end its run."""
        await run_in_thread(self._close, reason)

    def _close(self, reason: str) -> None:
        try:
            if self.frontier is not None:
                self.frontier.release_all()
            if self.run is not None:
                self.repository.end_run(self.run, reason)
        except StorageError as error:
            # The sentence of a crawl that ends for this very reason is in the log already.
            logger.log(logging.ERROR if self.failure is None else logging.DEBUG, "%s", error)
        finally:
            self.database.close()

    def _store_what_waits(self, opened: Frontier) -> None:
        """Store what an earlier run kept, before anything is claimed: else its videos would be measured again."""
        for path, unstored in self._unstored.waiting():
            frontier = opened if unstored.crawl.id == opened.crawl.id else opened.of(unstored.crawl)
            try:
                frontier.take_back()
                self.repository.save(unstored.item, unstored.run, frontier)
            except StorageError as error:
                if not isinstance(error.__cause__, IntegrityError | DataError):
                    raise
                logger.warning("The measurement in %s is left there: this database does not take it. %s", path, error)
                continue
            except Exception as error:  # noqa: BLE001 - what another version wrote may hold what this one cannot store
                logger.warning("The measurement in %s is left there: this version cannot store it (%r)", path, error)
                continue
            self._unstored.forget(path)
            logger.info("%s, measured in an earlier run, is stored now", unstored.item.video_id)

    def _is_stopping(self) -> bool:
        gate = self._crawler.get_extension(Gate)
        return self.failure is not None or (gate is not None and gate.is_stopping)
