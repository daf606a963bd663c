"""The crawl's database: every call is retried while it is away, and one sentence says why a crawl cannot go on."""

from __future__ import annotations

import contextlib
import logging
import platform
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.analysis.after_save import judge_and_pack
from pytomo_scrapy.analysis.columnar.hooks import pack_after_migration
from pytomo_scrapy.config import Config
from pytomo_scrapy.crawl.gate import Gate, Stopped
from pytomo_scrapy.crawl.opened_crawl import OpenedCrawl, store_what_waits
from pytomo_scrapy.crawl.outbox import Outbox
from pytomo_scrapy.crawl.patient_opening import open_patiently
from pytomo_scrapy.crawl.retrying import Retrying
from pytomo_scrapy.crawl.standing import Standing
from pytomo_scrapy.crawl.study_crawl import StudyCrawl
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.storage.frontier.frontier import Frontier, open_crawl
from pytomo_scrapy.storage.measurements.published import published
from pytomo_scrapy.storage.measurements.repository import Repository, Run, VantageFacts

logger = logging.getLogger(__name__)

# The command has waited for the database already: it is away since a moment, and nobody can be heard meanwhile.
OPENING_PATIENCE_S = 15.0

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class CrawlStorage:
    """The database, from the start; the crawl in it, once the spider, which knows its arguments, has begun it."""

    def __init__(
        self,
        config: Config,
        gate: Gate,
        raw_settings: Mapping[str, Any],
        standing: Standing | None = None,
        study: StudyCrawl | None = None,
    ) -> None:
        """Open the database. Raises StorageError with one sentence if it cannot be used."""
        self._config = config
        self._gate = gate
        self._raw_settings = raw_settings
        self._study = study
        self.database = open_patiently(config.database_url, OPENING_PATIENCE_S, after_migration=pack_after_migration)
        # Whoever ends a crawl does not wait out a lock as long as a crawl of months does.
        gate.at_stop(self.database.hurry)
        self.repository = Repository(self.database, after_save=judge_and_pack)
        self._standing = standing or Standing()
        self._retrying = Retrying(config.endurance.database_patience_s, self._is_stopping, sleep=self._sleep)
        self._opened: OpenedCrawl | None = None
        self.failure: str | None = None

    @property
    def has_begun(self) -> bool:
        """Return whether a run is open."""
        return self._opened is not None

    @property
    def opened(self) -> OpenedCrawl:
        """The crawl under way. Raises RuntimeError before it has begun."""
        if self._opened is None:
            raise RuntimeError("No crawl has begun: the first stage of a video begins it.")
        return self._opened

    async def ask(self, function: Callable[Given, Answer], /, *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        """Call `function` in a thread, again while the database is away. Raises StorageError when it stays away."""
        return await self._retrying.ask(function, *args, **kwargs)

    async def write(self, function: Callable[Given, Any], /, *args: Given.args, **kwargs: Given.kwargs) -> None:
        """Call `function` as `ask` does; a StorageError ends the crawl, not the caller."""
        try:
            await self.ask(function, *args, **kwargs)
        except StorageError as error:
            self.fail(str(error))

    def begin(
        self, spider: str, user_arguments: Mapping[str, str], arguments: Mapping[str, Any], *, is_own_list: bool = False
    ) -> OpenedCrawl:
        """Open the crawl's frontier, named by the user's arguments, and begin a run with all of them. Blocking.

        `is_own_list` gives this vantage a frontier of its own. What an earlier run left in the outbox is stored first.
        """
        config = self._config
        vantage = config.vantage or platform.node()
        frontier = open_crawl(
            self.database,
            spider,
            user_arguments,
            name=arguments["crawl"],
            max_crawled_url=arguments["max_crawled_url"],
            vantage=vantage if is_own_list else "",
            lease_s=config.endurance.lease_s,
            retries_refused=config.endurance.backoff_retry_s > 0,
        )
        return self._begin_run(spider, arguments, frontier)

    def begin_run(self, spider: str, arguments: Mapping[str, Any]) -> OpenedCrawl:
        """Begin the run of a spider without a frontier. Blocking. Raises StorageError."""
        return self._begin_run(spider, arguments, None)

    def _begin_run(self, spider: str, arguments: Mapping[str, Any], frontier: Frontier | None) -> OpenedCrawl:
        config = self._config
        outbox = Outbox(
            config.endurance.unstored_directory, config.endurance.unstored_max_bytes, self.database.shown_url
        )
        # Before the run begins, and before anything is claimed: those videos are measured already.
        store_what_waits(outbox, self.repository, frontier)

        def begin(settings: Mapping[str, Any], provider: str | None) -> Run:
            return self.repository.begin_run(
                spider=spider,
                arguments=arguments,
                settings={**self._raw_settings, **settings},
                vantage=VantageFacts(config.vantage or platform.node(), provider),
                crawl_id=frontier.crawl.id if frontier is not None else None,
                store_public_ip=config.store_public_ip,
                is_ad_hoc=config.is_ad_hoc,
            )

        # A run says with which settings its rows were measured: each arm of a study has its own.
        study = self._study
        arms = study.arms if study is not None else ()
        runs = {arm.name: begin(study.plan.settings_of(arm), arm.provider or config.provider) for arm in arms if study}
        run = next(iter(runs.values())) if runs else begin({}, config.provider)
        self._opened = OpenedCrawl(self.database, self.repository, frontier, run, outbox, self._retrying, runs)
        return self._opened

    def published(self, item: VideoItem) -> VideoItem:
        """Return a stored item as feeds may have it."""
        return published(item, keeps_client_address=self._config.store_public_ip)

    def fail(self, sentence: str) -> None:
        """Remember why the crawl cannot go on; the spider ends it. One that ends already has it logged here."""
        if self.failure is None and self._gate.is_stopping:
            logger.error("%s", sentence)
        self.failure = self.failure or sentence

    async def close(self, reason: str) -> None:
        """Release the crawl's claims, and end its run."""
        await run_in_thread(self._close, reason)

    def _close(self, reason: str) -> None:
        try:
            if self._opened is not None:
                self._opened.end(reason)
        except StorageError as error:
            # The sentence of a crawl that ends for this very reason is in the log already.
            logger.log(logging.ERROR if self.failure is None else logging.DEBUG, "%s", error)
        finally:
            self.database.close()

    async def _sleep(self, seconds: float) -> None:
        waiting = self._standing.waiting("the database is away and is asked again", seconds)
        # A stop ends the wait, and the database is asked once more.
        with waiting, contextlib.suppress(Stopped):
            await self._gate.pause(seconds)

    def _is_stopping(self) -> bool:
        return self.failure is not None or self._gate.is_stopping
