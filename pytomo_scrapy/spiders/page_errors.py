"""The failure class of a page that never came."""

from __future__ import annotations

from dataclasses import replace

from scrapy.exceptions import DownloadTimeoutError, IgnoreRequest
from scrapy.http import Response
from twisted.internet.error import TimeoutError as ConnectTimeoutError

from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.measure.window.head import read_retry_after
from pytomo_scrapy.pages import ParsedPage


def page_trouble(error: BaseException) -> tuple[str, str]:
    """Return the class and the detail of an exception of Scrapy's downloader."""
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, IgnoreRequest):
        return "robots_disallowed", detail
    if isinstance(error, (DownloadTimeoutError, ConnectTimeoutError, TimeoutError)):
        return "page_timeout", detail
    return "page_unreachable", detail


def ordered_wait_s(response: Response) -> float:
    """Return the wait that the answer orders (Retry-After). 0 where it orders none."""
    value = response.headers.get("Retry-After")
    return (read_retry_after(value.decode("latin-1").strip()) or 0.0) if value else 0.0


def status_failure(status: int, page: ParsedPage) -> ParsedPage:
    """Add the class of an HTTP error to a page that has no clearer one."""
    has_clearer_class = page.failure not in {None, "unknown_page_shape", "empty_page"} and status != 429
    if status < 400 or has_clearer_class:
        return page
    named = f"http_{status}"
    failure = named if named in FAILURES else f"http_{status // 100}xx"
    return replace(page, videos=(), failure=failure, failure_detail=page.failure_detail or f"HTTP status {status}")
