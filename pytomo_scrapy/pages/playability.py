"""Why the service says that a video cannot be played, as a class of the failure vocabulary."""

from __future__ import annotations

from typing import Any

from pytomo_scrapy.failures.refusal_texts import read_refusal
from pytomo_scrapy.pages.access import detail, dig, find_key


def classify_playability(status: Any) -> tuple[str | None, str | None]:
    """Return failure and detail of a `playabilityStatus`; (None, None) where the video plays."""
    refusal = read_refusal(status)
    if refusal is None:
        return None, None
    failure = refusal.failure
    if failure is None and find_key(dig(status, "errorScreen"), "playerLegacyDesktopYpcOfferRenderer") is not None:
        failure = "premium"
    return failure or "unknown_refusal", detail(refusal.line)
