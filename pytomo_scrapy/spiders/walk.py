"""One crawl under way, as its spider sees it: it gives out claims, admits the videos of pages, and ends the crawl."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Self

from scrapy.exceptions import CloseSpider

from pytomo_scrapy.crawl.context import CrawlContext
from pytomo_scrapy.crawl.end_reasons import reason_to_end
from pytomo_scrapy.crawl.line_lock import LineHold
from pytomo_scrapy.crawl.standing import Standing, time_of_day
from pytomo_scrapy.failures import REFUSALS, LineError, Stage
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.items.in_words import duration
from pytomo_scrapy.measure.tools import Stopped
from pytomo_scrapy.spiders.arguments import WalkArguments
from pytomo_scrapy.spiders.claims import MAX_ATTEMPTS, Claims
from pytomo_scrapy.spiders.rounds import Rounds
from pytomo_scrapy.spiders.study_rounds import end_round
from pytomo_scrapy.spiders.user_list import VideoList
from pytomo_scrapy.storage.frontier.frontier import Claim, FoundVideo, Frontier
from pytomo_scrapy.storage.frontier.lease import SUSPECT_AFTER

logger = logging.getLogger(__name__)

_POLL_S = 0.5
# Before another attempt at a row: what is wrong for a moment may be over by then, and an endless loop is a slow one.
RETRY_PAUSE_S = 2.0
_GIVEN_UP = f"{MAX_ATTEMPTS} attempts ended without a row, by the crawler's death or by an exception (see the log)"


class Walk:
    """Gives out the claims of an open frontier, and notes the outcome of each."""

    def __init__(
        self,
        context: CrawlContext,
        frontier: Frontier,
        arguments: WalkArguments,
        sources: Sequence[str],
        rounds: Rounds,
    ) -> None:
        self._context = context
        self._storage = context.storage
        self._frontier = frontier
        self._arguments = arguments
        self._sources = sources
        self._rounds = rounds
        self._claims = Claims(context.storage, frontier, context.config.frontier_ahead, lambda: context.is_over)
        self._video_started_s = float("-inf")
        self._source_failures: dict[str, str] = {}

    @classmethod
    async def open(
        cls,
        context: CrawlContext,
        spider: str,
        user_arguments: Mapping[str, str],
        arguments: WalkArguments,
        sources: Sequence[str],
    ) -> Self:
        """Begin or resume the crawl that the arguments name. `sources` are those of first videos without a list.

        Raises StorageError.
        """
        rounds = Rounds(context.config.endurance)
        # Before the line is taken and the database is asked: neither is held through a wait of hours.
        await _wait(rounds.before_first_s(), "The crawl starts", context.standing)
        opened = await context.begin(spider, user_arguments, asdict(arguments), is_own_list=arguments.vantage == "own")
        walk = cls(context, opened.frontier, arguments, sources, rounds)
        await walk._seed()
        return walk

    @property
    def crawl_name(self) -> str:
        """The name of the crawl, which the same command resumes."""
        return self._frontier.crawl.name

    async def _seed(self) -> None:
        if self._context.study is not None:
            urls = self._context.study.videos(self._frontier.crawl.pass_number)
            listed = await self._storage.ask(self._frontier.listed)
            self._claims.seed_list(VideoList(replace(self._arguments, urls=urls), listed))
        elif self._arguments.urls or self._arguments.input_file:
            self._claims.seed_list(VideoList(self._arguments, await self._storage.ask(self._frontier.listed)))
        else:
            await self._claims.seed_sources([(source, {}) for source in self._sources])

    @contextlib.contextmanager
    def leases_renewed(self) -> Iterator[None]:
        """Keep our claims of the frontier while the block lasts."""
        # A third: one renewal may fail, and the next still comes in time.
        renewal = asyncio.create_task(self._claims.renew_leases(self._context.config.endurance.lease_s / 3))
        try:
            yield
        finally:
            renewal.cancel()

    async def claims(self) -> AsyncIterator[Claim]:
        """Yield claim after claim, round after round, at the crawl's pace. Raises Stopped or StorageError."""
        while True:
            self._rounds.begin()
            while (claim := await self._claims.next()) is not None:
                if claim.attempt_count <= MAX_ATTEMPTS:
                    await self._pace(claim)
                yield claim
            if not await self._next_round():
                return

    async def _pace(self, claim: Claim) -> None:
        # What has ended several attempts without a row may have ended the crawler: not at full speed again.
        if claim.attempt_count > SUSPECT_AFTER:
            await asyncio.sleep(RETRY_PAUSE_S)
        await self._context.politeness.ready()
        # The pace is one of videos: a source is one page, and brings dozens.
        if claim.kind != "video":
            return
        pace_s = self._context.config.pace_s
        wait_s = max(0.0, self._video_started_s + pace_s - time.monotonic())
        with self._context.standing.waiting(f"the pace is a video in {pace_s:g} s (PYTOMO_PACE_S)", wait_s):
            await asyncio.sleep(wait_s)
        self._video_started_s = time.monotonic()

    async def ready_for_more(self) -> None:
        """Wait until a page besides those of the claims may be asked for: it takes a place of its own in the pace.

        Raises Stopped if the crawl stops first.
        """
        await self._context.politeness.ready()
        while (wait_s := self._video_started_s + self._context.config.pace_s - time.monotonic()) > 0:
            # In short sleeps: a crawl that stops does not wait out the pace.
            if self._context.gate.is_stopping:
                raise Stopped
            await asyncio.sleep(min(wait_s, _POLL_S))
        self._video_started_s = time.monotonic()

    async def _next_round(self) -> bool:
        if self._context.is_over or not self._arguments.loop:
            return False
        # A round that found nothing would begin the next at once, and so on.
        if (await self._storage.ask(self._frontier.counts)).done == 0:
            return False
        pause_s = self._rounds.before_next_s()
        if self._context.study is not None:
            done = self._frontier.crawl.pass_number
            if await self._storage.ask(end_round, self._storage.database, self._context.study, done):
                return False
            pause_s = self._context.study.wait_s(done + 1)
        if pause_s > 0:
            # Another crawler may use the line for the hours between; it is waited for where it is not done by then.
            self._context.line.free()
            await _wait(pause_s, "The next round starts", self._context.standing)
            await self._context.line.take_when_free()
        await self._storage.ask(self._frontier.new_pass)
        await self._seed()
        return True

    async def wants_more_videos(self, claim: Claim) -> bool:
        """Whether the page of a claimed video should be fetched for its related ones."""
        return (
            self._arguments.related
            and claim.depth < self._arguments.max_rounds
            and not claim.is_expanded
            and not await self._storage.ask(self._frontier.is_full)
        )

    async def finish_source(
        self,
        claim: Claim,
        found: Sequence[FoundVideo],
        failure: str | None,
        detail: str | None,
        ordered_wait_s: float = 0.0,
    ) -> None:
        """Admit the videos that a source listed, and note the outcome of its page."""
        if failure is not None:
            self._source_failures[claim.video_id] = failure
            logger.warning("Source %s: %s", claim.video_id, failure)
            self._context.politeness.note(failure, ordered_wait_s)
        if failure in REFUSALS and claim.attempt_count == 1:
            # One more try, after the pause that the refusal brings.
            await self._claims.give_back(claim.id)
            return
        await self._storage.write(self._frontier.finish_source, claim, found, failure=failure, detail=detail)
        self._claims.done(claim.id)

    async def met_outage(self, claim: Claim, url: str, failure: str) -> bool:
        """Tell whether a source's page met an outage of the line, which is over by then: it is asked for again."""
        if not await self._context.outages.met_page(url, failure):
            return False
        await self._claims.give_back(claim.id, is_counted=False)
        return True

    async def add_related(
        self, claim: Claim, found: Sequence[FoundVideo], failure: str | None, ordered_wait_s: float
    ) -> None:
        """Admit the related videos of a video's page, and note a refusal of the page."""
        if failure is not None:
            self.note_refusal(failure, ordered_wait_s)
        await self._storage.write(self._frontier.add_videos, claim, found)

    def note_refusal(self, failure: str, ordered_wait_s: float) -> None:
        """Note a refusal of a page on which a list goes on; other failures of it cost only the rest of the list."""
        if failure in REFUSALS:
            self._context.politeness.note(failure, ordered_wait_s)

    def stored(self, claim_id: int | None) -> None:
        """Make room: the claim's measurement is stored."""
        self._claims.done(claim_id)

    async def measured_arms(self, claim: Claim, study_name: str) -> frozenset[str]:
        """Return the arms of a study that a crawl before this one measured for the claim. Raises StorageError."""
        return await self._storage.ask(self._storage.repository.measured_arms, study_name, claim.id)

    async def finish_claim(self, claim: Claim) -> None:
        """End a claim of which nothing is left to be measured. Raises StorageError."""
        await self._storage.ask(self._finish, claim.id)
        self._claims.done(claim.id)

    def _finish(self, claim_id: int) -> None:
        with self._storage.database.write() as connection:
            self._frontier.finish(claim_id, connection)

    async def give_back(self, claim_id: int) -> None:
        """Queue a claim again. It counts as an attempt where the crawl goes on."""
        await self._claims.give_back(claim_id, is_counted=not self._context.gate.is_stopping)

    @staticmethod
    def is_hopeless(claim: Claim) -> bool:
        """Whether every attempt at the row ended without one: the crawler died, or something not foreseen happened."""
        return claim.attempt_count > MAX_ATTEMPTS

    async def give_up(self, claim: Claim, item: VideoItem) -> None:
        """End a hopeless claim with a row of its own class, which `item` becomes. Raises StorageError."""
        logger.error("%s is given up: %s", claim.video_id, _GIVEN_UP)
        if claim.kind == "source":
            await self.finish_source(claim, (), "gave_up", _GIVEN_UP)
            return
        item.fail(Stage.STORE, "gave_up", _GIVEN_UP)
        await self._storage.opened.store(item)
        self._claims.done(claim.id)

    async def finish(self) -> None:
        """Finish the crawl. Raises CloseSpider where it found nothing to measure, StorageError."""
        counts = await self._storage.ask(self._frontier.counts)
        if counts.admitted == 0:
            reasons = "; ".join(f"{source}: {why}" for source, why in self._source_failures.items())
            logger.error("No video was found to measure. %s", reasons or "The list holds no usable line.")
            raise CloseSpider("no_videos")
        await self._storage.ask(self._frontier.finish_crawl)


def take_line(line: LineHold) -> None:
    """Take the line for the first round. Raises CloseSpider if another crawler has it."""
    try:
        line.take()
    except LineError as error:
        logger.error("%s", error)
        raise CloseSpider("line_taken") from None


def close_if_over(context: CrawlContext) -> None:
    """Raises CloseSpider, with a sentence in the log, once the crawl must end."""
    reason = reason_to_end(context.storage, context.lab, context.politeness, context.data_cap)
    if reason is not None:
        raise CloseSpider(reason)


async def _wait(seconds: float, what: str, standing: Standing) -> None:
    if seconds > 0:
        logger.info("%s in %s, at %s", what, duration(seconds), time_of_day(seconds))
        with standing.waiting(what.lower(), seconds):
            await asyncio.sleep(seconds)
