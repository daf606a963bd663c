"""Every page holds the gate while it is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scrapy.http import Request, Response

from pytomo_scrapy.crawl.context import CrawlContext
from pytomo_scrapy.crawl.gate import Activity, Gate

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class GateMiddleware:
    """Downloader middleware next to the wire (999): every page, robots.txt too, holds the gate while it is fetched."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(CrawlContext.of(crawler).gate)

    async def process_request(self, request: Request) -> None:
        # A video whose page is not wanted becomes such a request: nothing of it goes on the wire.
        if request.url.startswith("data:"):
            return
        await self._gate.acquire(Activity.PAGE)
        request.meta["holds_gate"] = True

    def process_response(self, request: Request, response: Response) -> Response:
        self._give_back(request)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        self._give_back(request)

    def _give_back(self, request: Request) -> None:
        # Scrapy may go both ways for one request, after another middleware: the gate is given back once.
        if request.meta.pop("holds_gate", False):
            self._gate.release(Activity.PAGE)
