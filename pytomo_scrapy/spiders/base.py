"""The walk that every service's spider shares: claims in, pages followed, video items out.

`start()` pulls claims from the frontier and yields one request for each, never an item: Scrapy puts no back-pressure on
items of `start()`. A video that needs no page goes through a `data:` request. The next claim is pulled only when the
page of the one before is expanded, which makes the walk breadth first and, with a seed, the same every time.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, Self

from scrapy import Request, Spider, signals
from scrapy.http import Response
from scrapy.utils.asyncio import run_in_thread
from twisted.python.failure import Failure

from pytomo_scrapy.config import Config
from pytomo_scrapy.crawl.context import CrawlContext
from pytomo_scrapy.crawl.stored_signal import measurement_stored
from pytomo_scrapy.failures import SettingError, StorageError
from pytomo_scrapy.items import PageResult, VideoItem
from pytomo_scrapy.items.foreign_text import title_of
from pytomo_scrapy.measure.tools import Stopped
from pytomo_scrapy.pages import PageRequest, PageVideo, ParsedPage
from pytomo_scrapy.pages.dates import listed_age_s, printed_date
from pytomo_scrapy.spiders.arguments import of_the_user, parse_arguments
from pytomo_scrapy.spiders.further_pages import Answer, FurtherPages, with_what_followed
from pytomo_scrapy.spiders.page_errors import ordered_wait_s, page_trouble
from pytomo_scrapy.spiders.user_list import check_list
from pytomo_scrapy.spiders.walk import Walk, close_if_over, take_line
from pytomo_scrapy.storage.frontier.frontier import Claim, FoundVideo

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)


class WalkSpider(Spider):
    """Walks popular and related videos breadth first, under depth and count limits."""

    service: ClassVar[str]
    walks: ClassVar[bool] = True  # its run is begun, paced and ended by its walk (crawl/other_spiders.py: all others)
    walk: Walk  # from the first request on: only callbacks and signals of its own requests use it

    def __init__(self, *args: Any, **raw_arguments: Any) -> None:
        self._user_arguments = of_the_user(raw_arguments)
        self.arguments = parse_arguments(self._user_arguments)
        super().__init__()
        self._expanded = asyncio.Event()
        self._given_back: set[asyncio.Task[None]] = set()

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **raw_arguments: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **raw_arguments)
        crawler.signals.connect(spider._on_stored, signal=measurement_stored)
        crawler.signals.connect(spider._on_returned, signal=signals.item_dropped)
        crawler.signals.connect(spider._on_returned, signal=signals.item_error)
        crawler.signals.connect(spider._on_spider_error, signal=signals.spider_error)
        return spider

    @classmethod
    def check_arguments(cls, raw_arguments: Mapping[str, Any], settings: Config) -> None:
        """Raises SettingError if an argument is not usable; the crawl command asks before anything starts."""
        arguments = parse_arguments(of_the_user(raw_arguments))
        check_list(arguments)
        if arguments.loop and settings.pace_s == 0 and settings.endurance.round_every_s == 0:
            raise SettingError(
                "Argument loop=1 needs a pace, or the service is never left alone: "
                "set PYTOMO_PACE_S or PYTOMO_ROUND_EVERY_S above 0."
            )

    def check_settings(self, settings: Config) -> None:
        """Raises SettingError if our own arguments do not go with the crawl's settings, when these are read."""
        self.check_arguments(self._user_arguments, settings)

    @property
    def config(self) -> Config:
        """The crawl's settings."""
        return CrawlContext.of(self.crawler).config

    # The methods that a service's spider defines.

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

    # What a service may define besides.

    def instead_of_page(self, video_id: str) -> PageRequest | None:
        """Return what to ask where a video's page came without its data. None where the service has nothing else."""
        return None

    def page_after(self, page: PageRequest, continuation: str) -> PageRequest | None:
        """Return the page on which a list goes on. None where the service has no such page."""
        return None

    # The walk.

    async def start(self) -> AsyncIterator[Request]:
        context = CrawlContext.of(self.crawler)
        take_line(context.line)
        try:
            self.walk = await Walk.open(context, self.name, self._user_arguments, self.arguments, self._sources())
            with self.walk.leases_renewed():
                async for claim in self.walk.claims():
                    request = await self._request_or_end(claim)
                    if request is not None:
                        self._expanded.clear()
                        yield request
                        await self._expanded.wait()
            close_if_over(context)
            if not context.gate.is_stopping:
                await self.walk.finish()
        except (asyncio.CancelledError, GeneratorExit):
            context.tell_ending()
            context.gate.stop()
            raise
        except Stopped:
            pass  # whoever stopped the gate has said why, or will be asked now
        except StorageError as error:
            context.storage.fail(str(error))
        close_if_over(context)

    def _sources(self) -> list[str]:
        """Return the names of the popular pages, or none where the user's own list replaces them."""
        is_list = self.arguments.urls or self.arguments.input_file
        return [] if is_list else [page.source for page in self.popular_pages()]

    # Requests.

    async def _request_or_end(self, claim: Claim) -> Request | None:
        """Return the claim's request. None where there is none, and the claim has ended or is given back."""
        if self.walk.is_hopeless(claim):
            await self.walk.give_up(claim, self._item(claim))
            return None
        try:
            return await self._request(claim)
        except (StorageError, Stopped):
            raise
        except Exception:
            logger.exception("There is no request for %s", claim.video_id)
            await self.walk.give_back(claim.id)
            return None

    async def _request(self, claim: Claim) -> Request:
        if claim.kind == "source":
            return self._page_request(self.source_page(claim), self.parse_source, claim)
        is_ours = claim.service == self.service
        page = self.video_page(claim.video_id) if is_ours and await self.walk.wants_more_videos(claim) else None
        if page is None:
            return self._to(Request("data:,"), self.parse_video, claim)
        return self._page_request(page, self.parse_video, claim)

    def _page_request(self, page: PageRequest, callback: Any, claim: Claim) -> Request:
        return self._to(self._on_wire(page), callback, claim)

    def _on_wire(self, page: PageRequest) -> Request:
        request = Request(page.url, method=page.method, headers=dict(page.headers), body=page.body or b"")
        if self.config.path.proxy:
            request.meta["proxy"] = self.config.path.proxy
        return request

    def _to(self, request: Request, callback: Any, claim: Claim) -> Request:
        return request.replace(
            callback=callback, errback=self.on_page_failed, cb_kwargs={"claim": claim}, dont_filter=True
        )

    # Answers.

    async def parse_source(self, response: Response, claim: Claim) -> None:
        """Admit the popular videos that a source lists."""
        try:
            page, most = await self._read(response), self.arguments.max_per_page
            videos = await self._further().videos(page, self.source_page(claim), most)
            page = with_what_followed(page, videos)
            await self.walk.finish_source(
                claim, self._found(videos[:most]), page.failure, page.failure_detail, ordered_wait_s(response)
            )
        except Stopped:
            await self.walk.give_back(claim.id)
        finally:
            self._expanded.set()

    async def parse_video(self, response: Response, claim: Claim) -> AsyncIterator[VideoItem]:
        """Admit the related videos of a watch page, then yield its item: no related video is ever lost."""
        item = self._item(claim)
        try:
            if not response.url.startswith("data:"):
                answer, request = await self._video_answer(response, claim)
                page = answer.page
                about = page.about if page.about and page.about.video_id == item.video_id else None
                videos = await self._further().videos(page, request, self.arguments.max_per_page, but=claim.video_id)
                page = with_what_followed(page, videos)
                item.title, item.page = title_of(about.title) if about else None, _page_result(page, about)
                found = self._found(self._draw(videos, claim.video_id))
                await self.walk.add_related(claim, found, page.failure, answer.ordered_wait_s)
        except Stopped:
            await self.walk.give_back(claim.id)
            return
        finally:
            self._expanded.set()
        yield item

    async def on_page_failed(self, failure: Failure) -> AsyncIterator[VideoItem]:
        """Measure the video all the same; a source that failed is done, with its class."""
        # Scrapy's documents promise that an errback's failure has the request; its type does not.
        claim: Claim = failure.request.cb_kwargs["claim"]  # type: ignore[attr-defined]
        self._expanded.set()
        if isinstance(failure.value, Stopped):
            await self.walk.give_back(claim.id)
            return
        assert failure.value is not None
        name, detail = page_trouble(failure.value)
        if claim.kind == "source":
            if not await self.walk.met_outage(claim, failure.request.url, name):  # type: ignore[attr-defined]
                await self.walk.finish_source(claim, (), name, detail)
            return
        item = self._item(claim)
        item.page = PageResult(failure=name, failure_detail=detail)
        yield item

    async def _video_answer(self, response: Response, claim: Claim) -> tuple[Answer, PageRequest]:
        """Read a video's page, or what the service gives in its place where it came without its data."""
        answer = Answer(await self._read(response), ordered_wait_s(response))
        instead = self.instead_of_page(claim.video_id) if answer.page.failure == "unknown_page_shape" else None
        if instead is not None:
            return await self._ask(instead), instead
        request = self.video_page(claim.video_id)
        assert request is not None, "its answer is here"
        return answer, request

    async def _ask(self, page: PageRequest) -> Answer:
        """Ask for a page besides those of the claims. Its failure is one of the result; raises Stopped only."""
        await self.walk.ready_for_more()
        assert self.crawler.engine is not None and self.crawler.stats is not None
        self.crawler.stats.inc_value("pytomo/page/further_count" if page.page > 1 else "pytomo/page/instead_count")
        try:
            response = await self.crawler.engine.download_async(self._on_wire(page))
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - as an errback gets them
            name, detail = page_trouble(error)
            return Answer(ParsedPage("unknown", failure=name, failure_detail=detail))
        return Answer(await self._read(response), ordered_wait_s(response))

    # No property: Scrapy's feeds read every attribute of a spider before there is a walk.
    def _further(self) -> FurtherPages:
        return FurtherPages(self._ask, self.page_after, self.walk.note_refusal)

    async def _read(self, response: Response) -> ParsedPage:
        try:
            return await run_in_thread(self.parse_page, response)
        except Exception as error:
            logger.exception("The parser failed on %s", response.url.partition("?")[0])
            return ParsedPage(
                kind="unknown", failure="unknown_failure", failure_detail=f"{type(error).__name__}: {error}"
            )

    def _found(self, videos: Sequence[PageVideo]) -> list[FoundVideo]:
        now = datetime.now(UTC)
        return [
            FoundVideo(
                self.service,
                video.video_id,
                listed_view_count=video.view_count,
                listed_duration_s=video.duration_s,
                listed_age_s=listed_age_s(video.published, now),
            )
            for video in videos
        ]

    def _draw(self, videos: Sequence[PageVideo], video_id: str) -> list[PageVideo]:
        considered = [video for video in videos if video.video_id != video_id][: self.arguments.max_per_page]
        # A generator for each page, not for the crawl: the same draw after a resume and on another machine.
        random = Random(f"{self.arguments.seed}:{video_id}")
        return random.sample(considered, min(self.arguments.max_per_url, len(considered)))

    def _item(self, claim: Claim) -> VideoItem:
        return VideoItem(
            service=claim.service,
            video_id=claim.video_id,
            url=claim.url or self.video_url(claim.video_id),
            uuid=str(uuid.uuid4()),
            crawl=self.walk.crawl_name,
            pass_number=claim.pass_number,
            depth=claim.depth,
            source=claim.source,
            parent_id=claim.parent_id,
            claim_id=claim.id,
            frontier_order=claim.order,
            listed_view_count=claim.listed_view_count,
            listed_duration_s=claim.listed_duration_s,
            listed_age_s=claim.listed_age_s,
        )

    # Ends of claims.

    def _on_stored(self, item: VideoItem) -> None:
        self.walk.stored(item.claim_id)

    def _on_spider_error(self, response: Response | Failure) -> None:
        """Give back the claim of a callback or an errback that raised: an item that goes on would end it too."""
        request: Request = response.request  # type: ignore[union-attr, assignment]  # the request of either, as above
        claim = request.cb_kwargs.get("claim")
        self._expanded.set()
        if claim is not None:
            # Scrapy does not wait for the receivers of this signal.
            given_back = asyncio.ensure_future(self.walk.give_back(claim.id))
            self._given_back.add(given_back)
            given_back.add_done_callback(self._given_back.discard)

    async def _on_returned(self, item: Any) -> None:
        if isinstance(item, VideoItem) and item.claim_id is not None:
            await self.walk.give_back(item.claim_id)


def _page_result(page: ParsedPage, about: PageVideo | None) -> PageResult:
    """Return a watch page's facts `about` its own video, such as the date that the lean resolution leaves out."""
    return PageResult(
        related_count=len(page.videos) if page.failure is None else None,
        view_count=about.view_count if about is not None else None,
        uploaded_at=printed_date(about.published or "") if about is not None else None,
        failure=page.failure,
        failure_detail=page.failure_detail,
    )
