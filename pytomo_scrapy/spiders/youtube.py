"""The walk over YouTube: popular videos of a time frame, then the related videos of their watch pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scrapy.http import Response

from pytomo_scrapy.config import Config
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.pages import (
    PageRequest,
    ParsedPage,
    next_page_request,
    next_request,
    parse_page,
    popular_sources,
    source_request,
    watch_request,
)
from pytomo_scrapy.pages.urls import watch_url
from pytomo_scrapy.spiders.arguments import of_the_user, parse_arguments
from pytomo_scrapy.spiders.base import WalkSpider
from pytomo_scrapy.spiders.page_errors import status_failure
from pytomo_scrapy.storage.frontier.frontier import Claim


class YoutubeSpider(WalkSpider):
    """`scrapy crawl youtube -a time_frame=week -a max_rounds=3 ...`; docs/sources.md says where videos come from."""

    name = "youtube"
    service = "youtube"

    @classmethod
    def check_arguments(cls, raw_arguments: Mapping[str, Any], settings: Config) -> None:
        super().check_arguments(raw_arguments, settings)
        arguments = parse_arguments(of_the_user(raw_arguments))
        # Sources are asked for first videos only: a list of one's own needs none.
        is_list = arguments.urls or arguments.input_file
        if not is_list and not popular_sources(arguments.time_frame, arguments.country, settings.source):
            raise SettingError(
                f"PYTOMO_SOURCES={','.join(settings.source.sources)} lists no video for "
                f"time_frame={arguments.time_frame}: add search (with PYTOMO_SEARCH_TERMS), or name videos yourself."
            )

    def popular_pages(self) -> Sequence[PageRequest]:
        arguments = self.arguments
        return popular_sources(arguments.time_frame, arguments.country, self.config.source)

    def source_page(self, claim: Claim) -> PageRequest:
        return source_request(claim.video_id, self.config.source)

    def video_page(self, video_id: str) -> PageRequest | None:
        return watch_request(video_id, self.arguments.country)

    def instead_of_page(self, video_id: str) -> PageRequest | None:
        # The same list from the API, where the page has a shape that no parser knows.
        return next_request(video_id, self.arguments.country)

    def page_after(self, page: PageRequest, continuation: str) -> PageRequest | None:
        try:
            return next_page_request(page, continuation)
        except ValueError:  # a chart is one page, whatever its answer says
            return None

    def video_url(self, video_id: str) -> str:
        return watch_url(video_id)

    def parse_page(self, response: Response) -> ParsedPage:
        page = parse_page(response.body, response.url)
        return status_failure(response.status, page)
