"""Faults of a media host that answers without media: refusals, errors, and redirects that lead nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pytomo_scrapy.lab.faults.kinds import CircularRedirect, MediaFault
from pytomo_scrapy.lab.http.transfers import Answer, Ending, Transfer, plain_answer

RETRY_AFTER_S = 30
# A page for people, which every media host of the lab has too.
PAGE_PATH = "/sorry/index"
_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sorry</title></head><body>" + b"<p>Not now.</p>" * 100
PAGE = Answer(200, [("Content-Type", "text/html; charset=utf-8")], memoryview(_PAGE))


def _refuse(status: int, *headers: tuple[str, str], text: str = "refused") -> Answer:
    return plain_answer(status, text, headers)


def _in_the_middle(refusal: Answer) -> Callable[[Transfer], Answer]:
    """Serve the first quarter of a file, and answer every request for what follows with `refusal`."""

    def serve(transfer: Transfer) -> Answer:
        quarter = len(transfer.content) // 4
        if transfer.span.first >= quarter:
            return refusal
        if transfer.span.is_partial:
            # A server may answer with less than was asked for; the request for the rest meets the refusal.
            return replace(transfer, span=replace(transfer.span, end=min(transfer.span.end, quarter))).answer()
        return transfer.cut(quarter, Ending.RESET)

    return serve


ROWS = (
    MediaFault("http_403", "403 at the start", "http_403", instead=_refuse(403)),
    MediaFault(
        "http_403_middle",
        "403 in the middle: from a quarter of the file on; a request without a range is cut there",
        "media_gated",
        serve=_in_the_middle(_refuse(403, text="refused in the middle")),
    ),
    MediaFault("http_404", "404", "http_404", instead=_refuse(404)),
    MediaFault("http_500", "500", "http_5xx", instead=_refuse(500)),
    MediaFault(
        "media_429", "429 with Retry-After", "http_429", instead=_refuse(429, ("Retry-After", str(RETRY_AFTER_S)))
    ),
    MediaFault(
        "media_429_middle",
        "429 with Retry-After in the middle",
        "http_429",
        serve=_in_the_middle(_refuse(429, ("Retry-After", str(RETRY_AFTER_S)))),
    ),
    MediaFault(
        "http_451_middle",
        "451, unavailable for legal reasons, in the middle",
        "http_4xx",
        serve=_in_the_middle(_refuse(451)),
    ),
    MediaFault("http_503_middle", "503 in the middle", "http_5xx", serve=_in_the_middle(_refuse(503))),
    MediaFault(
        "page_middle", "an HTML page in place of the media in the middle", "wrong_content", serve=_in_the_middle(PAGE)
    ),
    MediaFault(
        "redirect_middle",
        "a redirect to an HTML page in the middle",
        "wrong_content",
        serve=_in_the_middle(_refuse(302, ("Location", PAGE_PATH))),
    ),
    CircularRedirect("redirect_loop", "two hosts that redirect to each other", "redirect_loop"),
)
