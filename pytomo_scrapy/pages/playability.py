"""Why the service says that a video cannot be played, as a class of the failure vocabulary.

The status alone does not tell private, geo-restricted, members only and premium apart, so the texts decide; every
request asks for English (`hl=en`).
"""

from __future__ import annotations

import re
from typing import Any

from pytomo_scrapy.pages.access import detail, dig, find_key, items, text_of

# The first that matches decides: a members' text may hold "not available", a bot check's "sign in".
_TEXTS: tuple[tuple[str, str], ...] = (
    ("bot_check", r"not a bot|unusual traffic"),
    ("rate_limited", r"try again later"),
    ("upcoming", r"premieres? (?:in|will|on)|will begin|not started|starts in"),
    ("premium", r"premium members|requires payment|purchase|\brent|paid subscription|buy "),
    ("members_only", r"channel's members|members[- ]only|join this channel|available to members"),
    ("age_restricted", r"confirm your age|age[- ]restricted|inappropriate for some|verify your age"),
    ("geo_restricted", r"\bcountr(?:y|ies)\b|in your (?:region|location)|location restriction"),
    ("private", r"\bprivate\b"),
    (
        "removed",
        r"removed|no longer available|unavailable|terminated|closed|n(?:'|o)t exist|deleted|n't available any ?more",
    ),
)
_PATTERNS = tuple((failure, re.compile(pattern, re.IGNORECASE)) for failure, pattern in _TEXTS)
_STATUSES = {
    "LIVE_STREAM_OFFLINE": "upcoming",
    "AGE_CHECK_REQUIRED": "age_restricted",
    "AGE_VERIFICATION_REQUIRED": "age_restricted",
    "CONTENT_CHECK_REQUIRED": "age_restricted",
}


def classify_text(text: str) -> str | None:
    """Return the failure class that the service's sentence names. None where it names none."""
    straight = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return next((failure for failure, pattern in _PATTERNS if pattern.search(straight)), None)


def classify_playability(status: Any) -> tuple[str | None, str | None]:
    """Return failure and detail of a `playabilityStatus`; (None, None) where the video plays."""
    word = dig(status, "status")
    if word == "OK":
        return None, None
    screen = dig(status, "errorScreen")
    message = dig(screen, "playerErrorMessageRenderer")
    parts = [text_of(part) for part in (dig(status, "reason"), *items(status, "messages")[:3])]
    parts += [text_of(dig(message, "reason")), text_of(dig(message, "subreason"))]
    messages = list(dict.fromkeys(part for part in parts if part))
    failure = classify_text(" | ".join(messages)) or _STATUSES.get(word if isinstance(word, str) else "")
    if failure is None and find_key(screen, "playerLegacyDesktopYpcOfferRenderer") is not None:
        failure = "premium"
    return failure or "unknown_failure", detail(": ".join([str(word), *messages]))
