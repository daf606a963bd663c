"""Take out of a text what must never be stored or logged: query strings, credentials, cookies, client addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from pytomo_scrapy.items.foreign_text import first_words

MAX_DETAIL_CHARS = 2000

# Searched in at most: what a library says is shorter, and no text may take the crawl's time.
MAX_SEARCHED_CHARS = 16_000

# Every pattern here is linear: it finds in one pass that a text holds nothing (tests/test_patterns.py).
_WORD = re.compile(r"[^\s'\"<>]+")
_QUERY_START = re.compile(r"[?#]")
CREDENTIALS = re.compile(r"(://)[^/\s@'\"]+@")
# Signed parts and client addresses also appear outside URLs, as `key=value` or in path form `/key/value/`.
_SIGNED = re.compile(r"\b(ip|sig|lsig|signature|ei|pot|key|token|expire|spc|n)([=/])([^\s&/'\",;]+)", re.IGNORECASE)
_COOKIE = re.compile(r"\b((?:set-)?cookie|authorization|x-goog-[a-z-]{1,60})['\"]?\s*[:=]\s*[^\n]+", re.IGNORECASE)
# The service's guest identity, in JSON, in JSON inside a script (\x22), in a header or a cookie.
_IDENTITY = re.compile(
    r"(visitor_?(?:data|id)|x-goog-visitor-id|VISITOR_INFO1_LIVE|VISITOR_PRIVACY_METADATA)"
    r"((?:\\x22|\\?\")?\s*[:=]\s*(?:\\x22|\\?\")?)[\w%+/=-]+",
    re.IGNORECASE,
)
# What queries of pages may show in the log: which video, which list, in which language.
_SHOWN_PARAMETERS = frozenset({"v", "hl", "gl", "persist_hl", "page", "search_query"})
_MAX_LOGGED_LINES = 1000
_ADDRESS = re.compile(
    r"(?:(?<![\w.])|(?<=%3D)|(?<=%3d))\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)"
    r"|(?<![\w.:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:]|\.\d)"
)


def scrub(text: str | None, private_addresses: Iterable[str | None] = ()) -> str | None:
    """Return `text` without URL queries, credentials, cookies and the addresses given. None for None."""
    if text is None:
        return None
    clean = without_identity(_COOKIE.sub(r"\1: [removed]", first_words(text, MAX_SEARCHED_CHARS)))
    clean = CREDENTIALS.sub(r"\1[removed]@", clean)
    clean = _WORD.sub(lambda match: _without_query(match.group()), clean)
    clean = _SIGNED.sub(r"\1\2[removed]", clean)
    own = _same_addresses(private_addresses)
    if own:
        clean = _ADDRESS.sub(lambda match: "(client)" if _parse(match.group()) in own else match.group(), clean)
        for address in (address for address in own if address.version == 6):
            clean = re.sub(re.escape(str(address).replace(":", "%3A")), "(client)", clean, flags=re.IGNORECASE)
    return clean[:MAX_DETAIL_CHARS]


def without_identity(text: str) -> str:
    """Return `text`, of any length, without the guest identity that the service gave."""
    return _IDENTITY.sub(r"\1\2[removed]", text)


def _without_query(word: str) -> str:
    """Return a word without what follows the first ? or # behind a slash: a URL's query, or a path's."""
    slash = word.find("/")
    found = _QUERY_START.search(word, slash) if slash >= 0 else None
    return f"{word[: found.start()]}?[removed]" if found and found.end() < len(word) else word


def without_signed_links(text: str) -> str:
    """Return a text that people wrote, such as a title, with its links but without their queries and credentials."""
    if "://" not in text:
        return text
    return _WORD.sub(lambda match: _plain_link(match.group()), text)


def _plain_link(word: str) -> str:
    return _without_query(CREDENTIALS.sub(r"\1[removed]@", word)) if "://" in word else word


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _same_addresses(addresses: Iterable[str | None]) -> set[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    return {parsed for address in addresses if address and (parsed := _parse(address)) is not None}


def scrub_log(text: str) -> str:
    """Return a message or a traceback, line by line, without secrets. Harmless queries of pages stay."""
    return "\n".join(_scrubbed_line(line) for line in text.split("\n")[:_MAX_LOGGED_LINES])


def _scrubbed_line(line: str) -> str:
    clean = without_identity(_COOKIE.sub(r"\1: [removed]", first_words(line, MAX_SEARCHED_CHARS)))
    clean = CREDENTIALS.sub(r"\1[removed]@", clean)
    clean = _WORD.sub(lambda match: _with_harmless_query(match.group()), clean)
    return _SIGNED.sub(r"\1\2[removed]", clean)


def _with_harmless_query(word: str) -> str:
    query = word.partition("?")[2].partition("#")[0]
    is_harmless = all(name in _SHOWN_PARAMETERS for name, _ in parse_qsl(query, keep_blank_values=True))
    return word if is_harmless and "#" not in word else _without_query(word)
