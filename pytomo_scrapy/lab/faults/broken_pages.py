"""Faults of a watch page; the player API knows nothing of them, so the video can be measured."""

from __future__ import annotations

from pytomo_scrapy.lab.faults.kinds import PageFault
from pytomo_scrapy.lab.http.service_messages import page, to_consent

_SOMETHING_NEW = "<!DOCTYPE html><html><head><title>Something new</title></head><body>42</body></html>"
_BROKEN = "<html><title>500 Internal Server Error</title><body>Backend error</body></html>"

ROWS = (
    PageFault(
        "page_garbage",
        "the watch page has an unknown shape, and the next answer too",
        "unknown_page_shape",
        lambda _: page(_SOMETHING_NEW),
    ),
    PageFault("page_consent", "the watch page redirects to the consent page", "consent_wall", to_consent),
    PageFault("page_500", "the watch page answers 500", "http_5xx", lambda _: page(_BROKEN, 500)),
)
