"""What the service says where it refuses a video: the texts of a player answer's `playabilityStatus`, and their class.

Pages and resolution both read them. The status alone does not tell private, geo-restricted, members only and premium
apart, so the texts decide; every request asks for English (`hl=en`). The shape of a refusal changes more often than its
words: known renderers, new ones and those to come are read alike, by where texts lie in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# The first that matches decides: a members' text may hold "not available", a bot check's "sign in".
_TEXTS: tuple[tuple[str, str], ...] = (
    ("bot_check", r"not a bot|unusual traffic|captcha"),
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
# Names under which the service keeps a text as it stands; `runs` is a text in pieces.
_TEXT_KEYS = ("simpleText", "content", "text", "title", "subtitle", "reason", "subreason", "description", "message")
# A button or link says what one may do, not why; `accessibility` repeats the text for a screen reader.
_NOT_THE_REASON = re.compile("button|learnmore|accessibility|endpoint|command", re.IGNORECASE)
# The headline of most refusals: the reason stands below it.
_HEADLINE = re.compile(r"video unavailable\.?", re.IGNORECASE)
_MAX_NODES = 2000
_MAX_TEXTS = 12
_TEXT_CHARACTERS = 300
CAPTCHA = "captcha challenge before playback"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal: its status word ("UNPLAYABLE") and its texts, each once, the reason first."""

    status: str
    texts: tuple[str, ...]

    @property
    def reason(self) -> str:
        """What tells the class: all texts but the headline, which stands only where it is alone."""
        below = [text for text in self.texts if not _HEADLINE.fullmatch(text)]
        return " | ".join(below or self.texts)

    @property
    def failure(self) -> str | None:
        """The failure class that the texts name, else the status. None where they are not known."""
        return classify_text(self.reason) or _STATUSES.get(self.status)

    @property
    def line(self) -> str:
        """All that was said, on one line."""
        return f"{self.status}: {' | '.join(self.texts)}" if self.texts else self.status


def classify_text(text: str) -> str | None:
    """Return the failure class that the service's sentence names. None where it names none."""
    straight = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return next((failure for failure, pattern in _PATTERNS if pattern.search(straight)), None)


def read_refusal(status: Any) -> Refusal | None:
    """Read a `playabilityStatus`, whatever it is. None where the video plays; raises nothing."""
    found: Mapping[str, Any] = status if isinstance(status, dict) else {}
    word = found.get("status")
    if word == "OK":
        return None
    screen = found.get("errorScreen")
    texts = [*_texts_in({"reason": found.get("reason")}), *_texts_in(found.get("messages")), *_texts_in(screen)]
    if any(name == "playerCaptchaViewModel" for name, _ in _pairs(screen)):
        texts.insert(0, CAPTCHA)
    return Refusal(word[:100] if isinstance(word, str) else "no status", tuple(dict.fromkeys(texts))[:_MAX_TEXTS])


def _texts_in(value: Any) -> Iterator[str]:
    for name, node in _pairs(value):
        text = node if isinstance(node, str) and (name in _TEXT_KEYS or not name) else None
        if name == "runs" and isinstance(node, list):
            runs = [run.get("text") for run in node[:50] if isinstance(run, dict)]
            text = "".join(run for run in runs if isinstance(run, str))
        if text and (mended := _mend(text)):
            yield mended


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and value of what lies in `value`, breadth first, _MAX_NODES at most; list entries have no name."""
    queue: list[tuple[str, Any]] = [("", value)]
    for at in range(_MAX_NODES):
        if at == len(queue):
            return
        name, node = queue[at]
        yield name, node
        if isinstance(node, dict):
            queue.extend((key, inner) for key, inner in node.items() if not _NOT_THE_REASON.search(key))
        elif isinstance(node, list) and name != "runs":
            queue.extend(("", inner) for inner in node[:_MAX_NODES])


def _mend(text: str) -> str:
    # JSON may carry half of a surrogate pair, which no file, terminal or database takes.
    whole = text[:_TEXT_CHARACTERS].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return " ".join(whole.split())
