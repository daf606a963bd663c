"""The class of a failed resolution, read from yt-dlp's messages.

The text decides first: neither the HTTP status nor the exception's type tells a private video from a bot check, and the
exception inside a `DownloadError` may be anything, even a bare KeyError.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from traceback import walk_tb

from yt_dlp.networking.exceptions import HTTPError, ProxyError, TransportError
from yt_dlp.utils import GeoRestrictedError, UnsupportedError

from pytomo_scrapy.failures.refusal_texts import Refusal
from pytomo_scrapy.items.foreign_text import first_words

_DETAIL_LENGTH = 400
_UNREADABLE = "answer_unreadable"
# yt-dlp's messages are shorter; some quote what the service sent.
_MAX_SEARCHED_CHARS = 4_000
_MAX_MESSAGES = 200
_QUERY = re.compile(r"(https?://[^\s?'\"<>]+)\?[^\s'\"<>]*")
_USERINFO = re.compile(r"(\w{1,20}://)[^\s/@]+@")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class ResolveSymptom:
    """One text that yt-dlp reports, its class, and whether yt-dlp's own defaults may still find the media."""

    pattern: re.Pattern[str]
    failure: str
    may_fall_back: bool = False


def _symptom(pattern: str, failure: str, may_fall_back: bool = False) -> ResolveSymptom:
    return ResolveSymptom(re.compile(pattern, re.IGNORECASE), failure, may_fall_back)


# In order: what the service says of us, then of the video, then what is wrong with the answer, then with the way to it.
# A text may match several rows ("Sign in to confirm your age" is no bot check), the first one counts.
REFUSALS: tuple[ResolveSymptom, ...] = (
    _symptom(r"confirm (that )?you.{1,3}re not a (ro)?bot|captcha challenge before playback", "bot_check"),
    _symptom(r"your ip is likely being blocked", "bot_check"),
    _symptom(r"content isn.t available, try again later|has been rate-limited by youtube", "rate_limited"),
    _symptom(r"HTTP Error 429|too many requests|google\.com/sorry", "http_429"),
    _symptom(r"consent\.(youtube|google)\.com", "consent_wall"),
    _symptom(
        r"confirm your age|age[- ]restricted|inappropriate for some users|age_(verification|check)", "age_restricted"
    ),
    _symptom(r"channel.s members|members[- ]only|join this channel to get access", "members_only"),
    _symptom(
        r"premium members|youtube premium|requires payment|(rent|purchase|buy) (this|the) (video|movie)", "premium"
    ),
    _symptom(
        r"premieres? (in|will begin|at )|live event (will begin|has not started)|will begin (in|shortly)", "upcoming"
    ),
    _symptom(r"video is private|private video", "private"),
    _symptom(r"available in your country|blocked .{0,40}in your country|geo.?restrict", "geo_restricted"),
    _symptom(r"from your (location|country|region)|not available in your (location|region)", "geo_restricted"),
    _symptom(r"DRM protected|protected by DRM", "drm_protected"),
    # The lean client also says this of videos made for kids, which other clients may play.
    _symptom(r"this video is not available(?! in)", "removed", may_fall_back=True),
    _symptom(
        r"video (is )?unavailable|video (has been|was) (removed|deleted)|no longer available|been terminated", "removed"
    ),
    _symptom(
        r"(video|recording|content) isn.t available|recording is not available|does ?n.t exist",
        "removed",
    ),
    _symptom(r"removed by the uploader|removed for violating|copyright claim|has not been found", "removed"),
    # The service no longer serves this client as a guest; these come after the texts that ask for more than a sign-in.
    _symptom(r"page needs to be reloaded|please sign in\b", "client_broken", may_fall_back=True),
)
SYMPTOMS: tuple[ResolveSymptom, ...] = (
    *REFUSALS,
    _symptom(r"too many open files|no buffer space available|cannot allocate memory", "out_of_resources"),
    _symptom(r"an answer is larger than", "answer_too_large", may_fall_back=True),
    _symptom(r"resolution computed too long", "resolve_frozen"),
    _symptom(r"proxyerror|unable to connect to proxy|tunnel connection failed|proxy authentication", "proxy_failed"),
    _symptom(r"(?<!may yield )HTTP Error 403", "http_403", may_fall_back=True),
    _symptom(r"HTTP Error 404", "http_404", may_fall_back=True),
    _symptom(r"HTTP Error 410", "http_410", may_fall_back=True),
    _symptom(r"(?<!may yield )HTTP Error 4\d\d", "http_4xx", may_fall_back=True),
    _symptom(r"HTTP Error 5\d\d", "http_5xx", may_fall_back=True),
    _symptom(
        r"timed out|getaddrinfo|name or service not known|name resolution|failed to resolve|nodename nor servname"
        r"|connection refused|connection (was )?(reset|aborted)|broken pipe|is unreachable|no route to host"
        r"|remote end closed|max retries exceeded|certificate.verify.failed|\[ssl|ssl:"
        r"|\d{1,20} bytes read, \d{1,20} more expected|no remote ipv. addresses|cannot assign requested address"
        r"|resolution took too long",
        "resolve_unreachable",
    ),
    _symptom(r"(n challenge|signature) solving failed", "js_challenge", may_fall_back=True),
    _symptom(r"require a (GVS|player|subs) PO token", "po_token", may_fall_back=True),
    _symptom(r"missing a URL|SABR", "no_url_formats", may_fall_back=True),
    _symptom(r"unsupported URL|is not a valid URL|no suitable extractor", "unsupported_url"),
    _symptom(r"requested format is not available|only images are available", "no_format", may_fall_back=True),
    # A bad or vanished id is answered with an empty object, of which yt-dlp says only this.
    _symptom(r"failed to extract any player response", "removed", may_fall_back=True),
    _symptom(r"no video formats found", "no_format", may_fall_back=True),
    # Its own words for what it did not expect, of an answer that it could not take apart.
    _symptom(r"an extractor error has occurred|failed to parse (JSON|XML)|unable to extract", _UNREADABLE, True),
)

_UNKNOWN = ResolveSymptom(re.compile(""), "unknown_failure", may_fall_back=True)
# Another client may be answered otherwise: words that are not known say nothing of the video for certain.
_UNKNOWN_REFUSAL = ResolveSymptom(re.compile(""), "unknown_refusal", may_fall_back=True)
# The headline of most refusals, over the reason, which yt-dlp leaves out where it does not know its place.
_HEADLINE = re.compile(r"\bvideo unavailable\b", re.IGNORECASE)


def classify_resolution(
    messages: Iterable[str], error: BaseException | None, refusals: Sequence[Refusal | None] = ()
) -> tuple[ResolveSymptom, str]:
    """Return the symptom of a failed resolution and its detail, without anything signed in it.

    `refusals` are those of the player answers that came, None for one that plays. Where all refuse, their words decide
    beside yt-dlp's, and what is wrong with formats or with the way to further clients tells nothing.
    """
    said = islice((*([str(error)] if error else []), *messages), _MAX_MESSAGES)
    texts = [first_words(text, _MAX_SEARCHED_CHARS) for text in said]
    refused = [refusal for refusal in refusals if refusal is not None]
    if refused and len(refused) == len(refusals):
        return _classify_refusal(texts, refused)
    if found := _first(SYMPTOMS, texts):
        return found[0], scrub(texts[found[1]])
    causes = list(_chain(error))
    for kind, failure in _BY_TYPE:
        for cause in causes:
            if isinstance(cause, kind):
                return ResolveSymptom(re.compile(""), failure), scrub(f"{type(cause).__name__}: {cause}")
    detail = f"{type(causes[-1]).__name__}: {causes[-1]}" if causes else "; ".join(texts) or "no format and no message"
    if any(_arose_in_yt_dlp(cause) for cause in causes if isinstance(cause, _MISTAKES)):
        return ResolveSymptom(re.compile(""), _UNREADABLE, may_fall_back=True), scrub(detail)
    return _UNKNOWN, scrub(detail)


def _arose_in_yt_dlp(error: BaseException) -> bool:
    """Tell whether yt-dlp's code, or what it called, raised an exception, and not ours that it called."""
    packages = [frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in walk_tb(error.__traceback__)]
    ours_or_theirs = [package for package in packages if package in {"pytomo_scrapy", "yt_dlp"}]
    return ours_or_theirs[-1:] == ["yt_dlp"]


def _classify_refusal(texts: Sequence[str], refused: Sequence[Refusal]) -> tuple[ResolveSymptom, str]:
    if found := _first(REFUSALS, [_HEADLINE.sub("", text) for text in texts]):
        return found[0], scrub(texts[found[1]])
    for refusal in refused:
        if refusal.failure is not None:
            return ResolveSymptom(re.compile(""), refusal.failure), scrub(refusal.line)
    return _UNKNOWN_REFUSAL, scrub("; ".join(dict.fromkeys(refusal.line for refusal in refused)))


def _first(symptoms: Iterable[ResolveSymptom], texts: Sequence[str]) -> tuple[ResolveSymptom, int] | None:
    """Return the first symptom that a text shows, and the text's place."""
    for symptom in symptoms:
        for place, text in enumerate(texts):
            if symptom.pattern.search(text):
                return symptom, place
    return None


def scrub(text: str) -> str:
    """Return `text` short and without queries of URLs, which are signed, and without passwords of proxies."""
    text = first_words(text, _MAX_SEARCHED_CHARS)
    plain = _USERINFO.sub(r"\1", _QUERY.sub(r"\1", _ANSI.sub("", text)))
    return " ".join(plain.split())[:_DETAIL_LENGTH]


# What a program raises that takes a value for another kind of value.
_MISTAKES = (AttributeError, TypeError, LookupError, ValueError, ArithmeticError, AssertionError, RecursionError)
_BY_TYPE: tuple[tuple[type[BaseException], str], ...] = (
    (UnsupportedError, "unsupported_url"),
    (GeoRestrictedError, "geo_restricted"),
    (MemoryError, "answer_too_large"),
    (ProxyError, "proxy_failed"),
    (HTTPError, "http_4xx"),
    (TransportError, "resolve_unreachable"),
    (OSError, "resolve_unreachable"),
)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield `error` and what caused it, outermost first. yt-dlp keeps causes in three different places."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        wrapped = getattr(error, "exc_info", None)
        cause = wrapped[1] if wrapped else None
        cause = cause or getattr(error, "cause", None) or getattr(error, "orig_msg", None) or error.__cause__
        error = cause if isinstance(cause, BaseException) else None
