"""The walk over YouTube: popular videos of a time frame, then the related videos of their watch pages."""

from __future__ import annotations

from collections.abc import Sequence

from scrapy.http import Response

from pytomo_scrapy.pages import PageRequest, ParsedPage, parse_page, popular_sources, source_request, watch_request
from pytomo_scrapy.pages.urls import watch_url
from pytomo_scrapy.spiders.base import WalkSpider
from pytomo_scrapy.spiders.page_errors import status_failure
from pytomo_scrapy.storage.frontier.frontier import Claim


class YoutubeSpider(WalkSpider):
    """`scrapy crawl youtube -a time_frame=week -a max_rounds=3 ...`; docs/sources.md says where videos come from."""

    name = "youtube"
    service = "youtube"

    def popular_pages(self) -> Sequence[PageRequest]:
        arguments = self.arguments
        return popular_sources(arguments.time_frame, arguments.country, self.config.source)

    def source_page(self, claim: Claim) -> PageRequest:
        return source_request(claim.video_id, self.config.source)

    def video_page(self, video_id: str) -> PageRequest | None:
        return watch_request(video_id, self.arguments.country)

    def video_url(self, video_id: str) -> str:
        return watch_url(video_id)

    def parse_page(self, response: Response) -> ParsedPage:
        page = parse_page(response.body, response.url)
        return status_failure(response.status, page)
