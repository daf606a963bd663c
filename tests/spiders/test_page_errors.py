"""Pages that never came, or came with an error, in the words of the failure vocabulary."""

from __future__ import annotations

import errno

import pytest
from scrapy.exceptions import DownloadCancelledError, DownloadFailedError, DownloadTimeoutError, IgnoreRequest
from scrapy.http import Response
from twisted.internet.error import ConnectError
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.error import TimeoutError as ConnectTimeoutError

from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.pages import ParsedPage
from pytomo_scrapy.spiders.page_errors import ordered_wait_s, page_trouble, status_failure


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (IgnoreRequest("Forbidden by robots.txt"), "robots_disallowed"),
        # A bomb: Scrapy's words on a page that is too large once it is unpacked, or as it is sent.
        (IgnoreRequest("Ignored response <200 u> because its body exceeded DOWNLOAD_MAXSIZE"), "page_too_large"),
        (DownloadCancelledError("Cancelling download of u: received size is larger than maxsize"), "page_too_large"),
        (IgnoreRequest("a middleware of the user"), "unknown_failure"),
        (ConnectError(osError=errno.EMFILE), "out_of_resources"),
        (OSError(errno.ENFILE, "x"), "out_of_resources"),
        (DownloadFailedError("[Errno 24] Too many open files"), "out_of_resources"),
        (DownloadTimeoutError("30 s"), "page_timeout"),
        (ConnectTimeoutError(), "page_timeout"),
        (TimeoutError(), "page_timeout"),
        (Refused(), "page_unreachable"),
        (OSError("no route"), "page_unreachable"),
    ],
)
def test_page_that_never_came_has_its_class(error: Exception, failure: str) -> None:
    name, detail = page_trouble(error)
    assert name == failure and name in FAILURES
    assert detail.startswith(type(error).__name__)


@pytest.mark.parametrize(
    ("status", "read_as", "failure"),
    [
        (200, None, None),
        (403, "unknown_page_shape", "http_403"),
        (418, "unknown_page_shape", "http_4xx"),
        (500, "empty_page", "http_5xx"),
        (404, "consent_wall", "consent_wall"),  # clearer than the status
        (429, "bot_check", "http_429"),  # a refusal whatever the page says
    ],
)
def test_page_with_an_error_status_has_the_clearest_class(
    status: int, read_as: str | None, failure: str | None
) -> None:
    page = status_failure(status, ParsedPage(kind="watch", failure=read_as))
    assert page.failure == failure


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, 0.0),
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),  # over
        ({"Retry-After": "soon"}, 0.0),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "9" * 400}, 0.0),
        # Dates that no calendar has.
        ({"Retry-After": "Wed, 21 Oct 99999999999999999999 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 0000 07:28:00 +9999"}, 0.0),
        ({"Retry-After": "1 Jan 1 00:00:00 +" + "9" * 30}, 0.0),
        ({"Retry-After": ",,,"}, 0.0),
    ],
)
def test_wait_that_a_page_orders_is_read(headers: dict[str, str], wait_s: float) -> None:
    assert ordered_wait_s(Response("http://example.org/", status=429, headers=headers)) == wait_s
