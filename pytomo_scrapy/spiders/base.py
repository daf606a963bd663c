"""The walk that every service's spider shares: claims in, pages followed, video items out.

`start()` pulls claims from the frontier and yields one request for each, never an item: Scrapy puts no back-pressure on
items of `start()`. A video that needs no page goes through a `data:` request. The next claim is pulled only when the
page of the one before is expanded, which makes the walk breadth first and, with a seed, the same every time.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, Self

from scrapy import Request, Spider, signals
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from scrapy.utils.asyncio import run_in_thread
from twisted.python.failure import Failure

from pytomo_scrapy import config
from pytomo_scrapy.crawl.context import Storage, component
from pytomo_scrapy.crawl.data_cap import DataCap
from pytomo_scrapy.crawl.gate import Gate, Stopped, gate_of
from pytomo_scrapy.crawl.line_lock import Line
from pytomo_scrapy.crawl.politeness import Politeness
from pytomo_scrapy.failures import REFUSALS, LineError, SettingError, StorageError
from pytomo_scrapy.items import PageResult, VideoItem
from pytomo_scrapy.pages import PageRequest, PageVideo, ParsedPage
from pytomo_scrapy.pages.dates import printed_date
from pytomo_scrapy.spiders.arguments import WalkArguments, of_the_user, parse_arguments
from pytomo_scrapy.spiders.claims import Claims
from pytomo_scrapy.spiders.page_errors import ordered_wait_s, page_trouble
from pytomo_scrapy.spiders.rounds import Rounds
from pytomo_scrapy.spiders.user_list import VideoList, check_list
from pytomo_scrapy.storage.frontier.frontier import Claim, FoundVideo, Frontier

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)


class WalkSpider(Spider):
    """Walks popular and related videos breadth first, under depth and count limits."""

    service: ClassVar[str]
    arguments: WalkArguments
    settings_of_crawl: config.Config
    storage: Storage
    gate: Gate
    frontier: Frontier
    claims: Claims
    politeness: Politeness
    data_cap: DataCap
    line: Line
    rounds: Rounds

    def __init__(self, *args: Any, **given: Any) -> None:
        self._given = of_the_user(given)
        self.arguments = parse_arguments(self._given)
        super().__init__()
        self._expanded = asyncio.Event()
        self._started_s = float("-inf")
        self._source_failures: dict[str, str] = {}

    @classmethod
    def check_arguments(cls, given: Mapping[str, Any], settings: config.Config) -> None:
        """Raises SettingError if an argument is not usable; the crawl command asks before anything starts."""
        arguments = parse_arguments(of_the_user(given))
        check_list(arguments)
        if arguments.loop and settings.pace_s == 0 and settings.endurance.round_every_s == 0:
            raise SettingError(
                "Argument loop=1 needs a pace, or the service is never left alone: "
                "set PYTOMO_PACE_S or PYTOMO_ROUND_EVERY_S above 0."
            )

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **given: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **given)
        spider.settings_of_crawl = config.load(crawler.settings.get)
        cls.check_arguments(given, spider.settings_of_crawl)
        spider.rounds = Rounds(spider.settings_of_crawl.endurance)
        crawler.signals.connect(spider._on_stored, signal=signals.item_scraped)
        crawler.signals.connect(spider._on_returned, signal=signals.item_dropped)
        crawler.signals.connect(spider._on_returned, signal=signals.item_error)
        return spider

    # What a service's spider fills in.

    def popular_pages(self) -> Sequence[PageRequest]:
        """Return the pages that list popular videos of the time frame."""
        raise NotImplementedError

    def source_page(self, claim: Claim) -> PageRequest:
        """Return the page that a claimed source stands for."""
        raise NotImplementedError

    def video_page(self, video_id: str) -> PageRequest | None:
        """Return the page that lists the related videos. None when the service has none."""
        raise NotImplementedError

    def video_url(self, video_id: str) -> str:
        """Return the canonical address of a video."""
        raise NotImplementedError

    def parse_page(self, response: Response) -> ParsedPage:
        """Read a page. Raises nothing: a page that cannot be used is a failure of the result."""
        raise NotImplementedError

    # The walk.

    async def start(self) -> AsyncIterator[Request]:
        self.storage, self.gate = component(self.crawler, Storage), gate_of(self.crawler)
        self.politeness = component(self.crawler, Politeness)
        self.data_cap = component(self.crawler, DataCap)
        self.line = component(self.crawler, Line)
        renewal: asyncio.Task[None] | None = None
        try:
            self.line.take()
            await self._wait(self.rounds.before_first_s(), "The crawl starts")
            await self._open()
            renewal = asyncio.create_task(self.claims.renew_leases(self.settings_of_crawl.endurance.lease_s / 3))
            while True:
                async for request in self._round():
                    yield request
                if not await self._next_round():
                    break
        except (asyncio.CancelledError, GeneratorExit):
            self.gate.stop()
            raise
        except Stopped:
            if not (self.politeness.is_over or self.data_cap.is_reached):
                return
        except StorageError as error:
            self.storage.fail(str(error))
        except LineError as error:
            logger.error("%s", error)
            raise CloseSpider("line_taken") from None
        finally:
            if renewal is not None:
                renewal.cancel()
        await self._end()

    async def _open(self) -> None:
        is_own_list = self.arguments.vantage == "own"
        self.frontier = await self.storage.ask(
            self.storage.begin, self.name, self._given, asdict(self.arguments), is_own_list=is_own_list
        )
        self.claims = Claims(self.storage, self.frontier, self.settings_of_crawl.frontier_ahead, self._is_ended)
        crawl = self.frontier.crawl
        logger.info("%s crawl %s, pass %d", "Resuming" if crawl.is_resumed else "New", crawl.name, crawl.pass_number)
        await self.data_cap.begin()
        await self._seed()

    async def _seed(self) -> None:
        arguments = self.arguments
        if arguments.urls or arguments.input_file:
            self.claims.seed_list(VideoList(arguments, await self.storage.ask(self.frontier.listed)))
        else:
            await self.claims.seed_sources([(page.source, {}) for page in self.popular_pages()])

    async def _round(self) -> AsyncIterator[Request]:
        """Yield a request for every claim of the pass, each when the page of the one before is expanded."""
        self.rounds.begin()
        while (claim := await self.claims.next()) is not None:
            await self._pace(claim)
            self._expanded.clear()
            yield await self._request(claim)
            await self._expanded.wait()

    async def _next_round(self) -> bool:
        if self._is_ended() or not self.arguments.loop or (await self.storage.ask(self.frontier.counts)).done == 0:
            return False
        if (pause_s := self.rounds.before_next_s()) > 0:
            self.line.free()
            await self._wait(pause_s, "The next round starts")
            await self.line.take_when_free()
        await self.storage.ask(self.frontier.new_pass)
        await self._seed()
        return True

    async def _end(self) -> None:
        if self.storage.failure is not None:
            logger.error("%s", self.storage.failure)
            raise CloseSpider("storage_failed")
        if self.politeness.is_over:
            logger.error("%s", self.politeness.sentence())
            raise CloseSpider("service_refuses")
        if self.data_cap.is_reached:
            logger.warning("%s", self.data_cap.sentence())
            raise CloseSpider("data_cap")
        counts = await self.storage.ask(self.frontier.counts)
        if counts.admitted == 0:
            reasons = "; ".join(f"{source}: {why}" for source, why in self._source_failures.items())
            logger.error("No video was found to measure. %s", reasons or "The list holds no usable line.")
            raise CloseSpider("no_videos")
        await self.storage.ask(self.frontier.finish_crawl)

    def _is_ended(self) -> bool:
        return self.storage.failure is not None or self.politeness.is_over or self.data_cap.is_reached

    async def _wait(self, seconds: float, what: str) -> None:
        if seconds > 0:
            logger.info("%s in %.0f s", what, seconds)
            await asyncio.sleep(seconds)

    async def _pace(self, claim: Claim) -> None:
        await self.politeness.ready()
        if claim.kind != "video":
            return
        await asyncio.sleep(max(0.0, self._started_s + self.settings_of_crawl.pace_s - time.monotonic()))
        self._started_s = time.monotonic()

    # Requests.

    async def _request(self, claim: Claim) -> Request:
        if claim.kind == "source":
            return self._page_request(self.source_page(claim), self.parse_source, claim)
        page = self.video_page(claim.video_id) if await self._wants_related(claim) else None
        if page is None:
            return self._to(Request("data:,"), self.parse_video, claim)
        return self._page_request(page, self.parse_video, claim)

    async def _wants_related(self, claim: Claim) -> bool:
        return (
            self.arguments.related
            and claim.service == self.service
            and claim.depth < self.arguments.max_rounds
            and not claim.is_expanded
            and not await self.storage.ask(self.frontier.is_full)
        )

    def _page_request(self, page: PageRequest, callback: Any, claim: Claim) -> Request:
        request = Request(page.url, method=page.method, headers=dict(page.headers), body=page.body or b"")
        if self.settings_of_crawl.path.proxy:
            request.meta["proxy"] = self.settings_of_crawl.path.proxy
        return self._to(request, callback, claim)

    def _to(self, request: Request, callback: Any, claim: Claim) -> Request:
        return request.replace(
            callback=callback, errback=self.on_page_failed, cb_kwargs={"claim": claim}, dont_filter=True
        )

    # Answers.

    async def parse_source(self, response: Response, claim: Claim) -> None:
        """Admit the popular videos that a source lists."""
        try:
            page = await self._read(response)
            videos = page.videos[: self.arguments.max_per_page]
            await self._finish_source(claim, videos, page.failure, page.failure_detail, ordered_wait_s(response))
        finally:
            self._expanded.set()

    async def _finish_source(
        self,
        claim: Claim,
        videos: Sequence[PageVideo],
        failure: str | None,
        detail: str | None = None,
        wait_s: float = 0.0,
    ) -> None:
        if failure is not None:
            self._source_failures[claim.video_id] = failure
            logger.warning("Source %s: %s", claim.video_id, failure)
            self.politeness.note(failure, wait_s)
        if failure in REFUSALS and claim.attempt_count == 1:
            # One more try, after the pause that the refusal brings.
            await self.claims.give_back(claim.id)
            return
        found = [FoundVideo(self.service, video.video_id) for video in videos]
        await self._write(self.frontier.finish_source, claim, found, failure=failure, detail=detail)
        self.claims.done(claim.id)

    async def parse_video(self, response: Response, claim: Claim) -> AsyncIterator[VideoItem]:
        """Admit the related videos of a watch page, then yield its item: what a page found is never lost."""
        item = self._item(claim)
        try:
            if not response.url.startswith("data:"):
                page = await self._read(response)
                about = page.about if page.about and page.about.video_id == item.video_id else None
                item.title, item.page = about.title if about else None, _page_result(page, about)
                if page.failure in REFUSALS:
                    self.politeness.note(page.failure, ordered_wait_s(response))
                found = [FoundVideo(self.service, video.video_id) for video in self._draw(page.videos, claim.video_id)]
                await self._write(self.frontier.add_videos, claim, found)
        finally:
            self._expanded.set()
        yield item

    async def on_page_failed(self, failure: Failure) -> AsyncIterator[VideoItem]:
        """Measure the video all the same; a source that failed is done, with its class."""
        claim: Claim = failure.request.cb_kwargs["claim"]  # type: ignore[attr-defined]
        self._expanded.set()
        if isinstance(failure.value, Stopped):
            await self.claims.give_back(claim.id)
            return
        assert failure.value is not None
        name, detail = page_trouble(failure.value)
        if claim.kind == "source":
            await self._finish_source(claim, (), name, detail)
            return
        item = self._item(claim)
        item.page = PageResult(failure=name, failure_detail=detail)
        yield item

    async def _read(self, response: Response) -> ParsedPage:
        try:
            return await run_in_thread(self.parse_page, response)
        except Exception as error:
            logger.exception("The parser failed on %s", response.url.partition("?")[0])
            return ParsedPage(
                kind="unknown", failure="unknown_failure", failure_detail=f"{type(error).__name__}: {error}"
            )

    def _draw(self, videos: Sequence[PageVideo], video_id: str) -> list[PageVideo]:
        considered = [video for video in videos if video.video_id != video_id][: self.arguments.max_per_page]
        # One generator a page, not one a crawl: the same draw after a resume and on another machine.
        random = Random(f"{self.arguments.seed}:{video_id}")
        return random.sample(considered, min(self.arguments.max_per_url, len(considered)))

    def _item(self, claim: Claim) -> VideoItem:
        return VideoItem(
            service=claim.service,
            video_id=claim.video_id,
            url=claim.url or self.video_url(claim.video_id),
            uuid=str(uuid.uuid4()),
            crawl=self.frontier.crawl.name,
            pass_number=claim.pass_number,
            depth=claim.depth,
            source=claim.source,
            parent_id=claim.parent_id,
            claim_id=claim.id,
            frontier_order=claim.order,
        )

    # Ends of claims.

    async def _write(self, function: Any, *args: Any, **kwargs: Any) -> None:
        try:
            await self.storage.ask(function, *args, **kwargs)
        except StorageError as error:
            self.storage.fail(str(error))

    def _on_stored(self, item: VideoItem) -> None:
        self.claims.done(item.claim_id)

    async def _on_returned(self, item: VideoItem) -> None:
        if item.claim_id is not None:
            await self.claims.give_back(item.claim_id)


def _page_result(page: ParsedPage, about: PageVideo | None) -> PageResult:
    """Return what a watch page says `about` its own video, such as the date that the lean resolution leaves out."""
    return PageResult(
        related_count=len(page.videos) if page.failure is None else None,
        view_count=about.view_count if about is not None else None,
        uploaded_at=printed_date(about.published or "") if about is not None else None,
        failure=page.failure,
        failure_detail=page.failure_detail,
    )
