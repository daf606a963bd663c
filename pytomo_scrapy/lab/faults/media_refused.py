"""Faults of a media host that answers without media: refusals, errors, and redirects that lead nowhere."""

from __future__ import annotations

from dataclasses import replace

from pytomo_scrapy.lab.faults.kinds import CircularRedirect, MediaFault
from pytomo_scrapy.lab.http.transfers import Answer, Ending, Transfer, plain_answer

RETRY_AFTER_S = 30


def _refuse(status: int, *headers: tuple[str, str]) -> Answer:
    return plain_answer(status, "refused", headers)


def _refuse_in_the_middle(transfer: Transfer) -> Answer:
    quarter = len(transfer.content) // 4
    if transfer.span.first >= quarter:
        return plain_answer(403, "refused in the middle")
    if transfer.span.is_partial:
        # A server may answer with less than was asked for; the request for the rest meets the refusal.
        return replace(transfer, span=replace(transfer.span, end=min(transfer.span.end, quarter))).answer()
    return transfer.cut(quarter, Ending.RESET)


ROWS = (
    MediaFault("http_403", "403 at the start", "http_403", instead=_refuse(403)),
    MediaFault(
        "http_403_middle",
        "403 in the middle: from a quarter of the file on; a request without a range is cut there",
        "media_gated",
        serve=_refuse_in_the_middle,
    ),
    MediaFault("http_404", "404", "http_404", instead=_refuse(404)),
    MediaFault("http_500", "500", "http_5xx", instead=_refuse(500)),
    MediaFault(
        "media_429", "429 with Retry-After", "http_429", instead=_refuse(429, ("Retry-After", str(RETRY_AFTER_S)))
    ),
    CircularRedirect("redirect_loop", "two hosts that redirect to each other", "redirect_loop"),
)
