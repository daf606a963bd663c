"""The failure class of a page that never came."""

from __future__ import annotations

import os
from dataclasses import replace

from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError, IgnoreRequest
from scrapy.http import Response
from twisted.internet.error import TimeoutError as ConnectTimeoutError

from pytomo_scrapy.failures import EXHAUSTED, FAILURES
from pytomo_scrapy.measure.window.head import read_retry_after
from pytomo_scrapy.pages import ParsedPage

_ROBOTS = "robots.txt"


def page_trouble(error: BaseException) -> tuple[str, str]:
    """Return the class and the detail of an exception of Scrapy's downloader."""
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, IgnoreRequest) and _ROBOTS in str(error):
        return "robots_disallowed", detail
    if isinstance(error, DownloadCancelledError):
        # Scrapy cancels a download for its size alone, and says nothing where the server had not told the size.
        return "page_too_large", detail
    if isinstance(error, IgnoreRequest):
        # The unpacking of what came was ended at the same size.
        return "page_too_large" if "max" in str(error).lower() else "unknown_failure", detail
    if _is_exhausted(error):
        return "out_of_resources", detail
    if isinstance(error, (DownloadTimeoutError, ConnectTimeoutError, TimeoutError)):
        return "page_timeout", detail
    return "page_unreachable", detail


def _is_exhausted(error: BaseException | None) -> bool:
    """Tell whether this machine had nothing left to ask with. Twisted and Scrapy wrap the error, or quote it."""
    while error is not None:
        number = getattr(error, "osError", None) or getattr(error, "errno", None)
        if number in EXHAUSTED or any(os.strerror(code) in str(error) for code in EXHAUSTED):
            return True
        error = error.__cause__
    return False


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
