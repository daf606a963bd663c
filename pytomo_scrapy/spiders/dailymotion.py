"""The walk over Dailymotion: popular videos of a time frame, then the ones that its public API relates to them."""

from __future__ import annotations

from collections.abc import Sequence

from scrapy.http import Response

from pytomo_scrapy.pages import PageRequest, ParsedPage
from pytomo_scrapy.pages.dailymotion_lists import (
    dailymotion_related_request,
    dailymotion_request,
    dailymotion_sources,
    dailymotion_url,
    parse_dailymotion,
)
from pytomo_scrapy.spiders.base import WalkSpider
from pytomo_scrapy.spiders.page_errors import status_failure
from pytomo_scrapy.storage.frontier.frontier import Claim


class DailymotionSpider(WalkSpider):
    """`scrapy crawl dailymotion -a time_frame=week -a max_rounds=2`; docs/sources.md says where videos come from."""

    name = "dailymotion"
    service = "dailymotion"

    def popular_pages(self) -> Sequence[PageRequest]:
        return dailymotion_sources(self.arguments.time_frame)

    def source_page(self, claim: Claim) -> PageRequest:
        return dailymotion_request(claim.video_id)

    def video_page(self, video_id: str) -> PageRequest:
        return dailymotion_related_request(video_id)

    def video_url(self, video_id: str) -> str:
        return dailymotion_url(video_id)

    def parse_page(self, response: Response) -> ParsedPage:
        # Parsed whatever the status is: an error's body often says more than its number.
        return status_failure(response.status, parse_dailymotion(response.body))
