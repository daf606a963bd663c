"""What a user typed, as a video: any form of a YouTube link, a bare id, or another site's link."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_BEHIND_ID = re.compile(r"[^A-Za-z0-9_-]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://")
_SITES = ("youtube.com", "youtube-nocookie.com", "youtubekids.com", "youtubeeducation.com", "youtube.googleapis.com")
_SHORT_HOSTS = ("youtu.be", "www.youtu.be", "y2u.be")
# First part of a path whose second part is the id.
_ID_PATHS = frozenset(("shorts", "embed", "live", "v", "e", "vi", "watch"))
# Players of a playlist and of a channel's stream: eleven letters, but no ids.
_NO_IDS = frozenset(("videoseries", "live_stream"))
_MAX_CHARACTERS = 4096
# What editors, chats and web pages put beside a link without showing it: spaces without width, marks of direction,
# soft hyphens, byte order marks, variants of the sign before, fillers.
_INVISIBLE = dict.fromkeys((0x00AD, 0x034F, 0x061C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F),
                            *range(0x2060, 0x2070), 0xFEFF, *range(0xFE00, 0xFE10), 0x3164, 0xFFA0))  # fmt: skip
# What stands around a link in a sentence, a list or a table. None of it begins a link or ends one that names a video.
_BEFORE = "<([{\"'`\u00ab\u2018\u201c\u201e,;*|\u3008\u300a\u300c\u300e\u3010\uff08"
_BEHIND = (
    ">)]}\"'`\u00bb\u2019\u201d,;.!*|\\\u2026\u3001\u3002\uff0c\u3009\u300b\u300d\u300f\u3011\uff09\uff01\uff1b\uff1f"
)
_NAMED_LINK = re.compile(r"\[[^\[\]]{0,1000}\]\((.{1,4000})\)")  # Markdown
# A link in a line of text. A comma or semicolon before another link ends it.
_LINK = re.compile(r"https?://(?:(?![,;|]https?://)[^\s<>\"'])+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class VideoRef:
    """A video to measure.

    `service` is "youtube", or "other" for a link to another site that the resolution may know; then `video_id` is the
    first 16 hexadecimal digits of the link's SHA-256, the same in every crawl.
    """

    service: str
    video_id: str
    url: str


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of a list that names no video, and why."""

    line_number: int
    text: str
    reason: str


def watch_url(video_id: str) -> str:
    """Return the address of a video's watch page."""
    return f"https://www.youtube.com/watch?v={video_id}"


def parse_video_url(text: str) -> VideoRef:
    """Read a link or a bare id. Raises ValueError with one sentence where it names no video."""
    text = _bare(text)
    if _ID.fullmatch(text):
        return _youtube(text)
    if not text:
        raise ValueError("The link is empty.")
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"The link has {len(text)} characters, which no video's link has.")
    if "\N{REPLACEMENT CHARACTER}" in text:
        raise ValueError("The link holds bytes that are no UTF-8: save the list in UTF-8.")
    if any(sign.isspace() or not sign.isprintable() for sign in text):
        raise ValueError("The link holds blanks or control characters.")
    parts, has_scheme = _split(text)
    host = (parts.hostname or "").rstrip(".")
    if _is_youtube(host):
        return _youtube(_id_in(parts, host, text))
    if has_scheme and parts.scheme.lower() in ("http", "https") and host:
        return VideoRef("other", hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16], text)
    raise ValueError(f"{_short(text)!r} is neither a video id of 11 characters nor a link that starts with http.")


def read_video_list(lines: Iterable[str]) -> Iterator[tuple[int, VideoRef | BadLine]]:
    """Read a list line by line, as it comes. Blank lines and comments (`#` first or after a blank) are skipped.

    A line that is more than a link, as of a table or a page, gives the YouTube links in it.
    """
    for line_number, line in enumerate(_lines(lines), start=1):
        text = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if text:
            yield from ((line_number, found) for found in _videos_in(text, line_number))


def _lines(read: Iterable[str]) -> Iterator[str]:
    for line in read:
        # Some programs end lines by signs that end none for a file in text mode (NEL, LINE SEPARATOR).
        yield from _without_zeros(line).removeprefix("\ufeff").splitlines() or [""]


def _videos_in(text: str, line_number: int) -> list[VideoRef | BadLine]:
    links = _LINK.findall(text)
    is_more = bool(links) and (len(links) > 1 or len(links[0]) < len(text))
    if is_more and (found := _youtube_videos(links)):
        return [*found]
    try:
        return [parse_video_url(text)]
    except ValueError as error:
        return [BadLine(line_number, _short(text, 200), str(error))]


def _youtube_videos(links: Iterable[str]) -> list[VideoRef]:
    """Return the videos of all links. Empty where one of them names no video of YouTube."""
    found = []
    for link in links:
        try:
            found.append(parse_video_url(link))
        except ValueError:
            return []
    return found if all(video.service == "youtube" for video in found) else []


def _without_zeros(line: str) -> str:
    """Return a line of UTF-16 that was read as UTF-8: every other byte is a 0 then, the mark no text."""
    if 3 * line.count("\x00") < len(line):
        return line
    return line.replace("\x00", "").lstrip("\N{REPLACEMENT CHARACTER}")


def _bare(text: str) -> str:
    """Return a link without what is invisible in it and what a sentence puts around it."""
    text = text.translate(_INVISIBLE).strip()
    named = _NAMED_LINK.fullmatch(text)
    text = named[1] if named else text
    without = text.lstrip(_BEFORE).rstrip(_BEHIND).strip()
    # Another site's address may well end in a sign: it stays as it is typed, but for a pair around it.
    is_ours = _ID.fullmatch(without) or _is_youtube((_host_or_none(without) or "").rstrip("."))
    return without if is_ours else text.removeprefix("<").removesuffix(">").strip("\"'").removesuffix(",")


def _host_or_none(text: str) -> str | None:
    """Return the host of a link. None where it has none."""
    try:
        return _split(text)[0].hostname
    except ValueError:
        return None


def _youtube(video_id: str) -> VideoRef:
    return VideoRef("youtube", video_id, watch_url(video_id))


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _split(text: str) -> tuple[SplitResult, bool]:
    has_scheme = _SCHEME.match(text) is not None
    try:
        parts = urlsplit(text if has_scheme else "https://" + text.lstrip("/"))
        parts.port  # noqa: B018  raises for a port that is none
    except ValueError:
        raise ValueError(f"{_short(text)!r} is not a usable link.") from None
    return parts, has_scheme


def _is_youtube(host: str) -> bool:
    return host in _SHORT_HOSTS or any(host == site or host.endswith("." + site) for site in _SITES)


def _id_in(parts: SplitResult, host: str, text: str, depth: int = 0) -> str:
    path = [part for part in re.split(r"[/&;?]", parts.path) if part]
    query = parse_qs(parts.query, max_num_fields=100)
    if host in _SHORT_HOSTS:
        candidate = path[0] if path else None
    elif "v" in query:
        candidate = query["v"][-1]
    elif "vi" in query:
        candidate = query["vi"][-1]
    elif len(path) >= 2 and path[0].lower() in _ID_PATHS:
        candidate = path[1]
    else:
        return _id_in_inner_link(parts, query, text, depth)
    # A second question mark, or an ampersand in a path, begins parameters too: `watch?v=ID?t=5`.
    candidate = _BEHIND_ID.split(candidate, maxsplit=1)[0] if candidate else None
    if not candidate or candidate in _NO_IDS:
        raise ValueError(f"{_short(text)!r} names no video.")
    if not _ID.fullmatch(candidate):
        raise ValueError(f"{_short(candidate)!r} in {_short(text)!r} is not a video id of 11 characters.")
    return candidate


def _id_in_inner_link(parts: SplitResult, query: dict[str, list[str]], text: str, depth: int) -> str:
    """Follow a link that carries another one: attribution, consent and sign-in pages, and the old `#!v=` form."""
    inner = next((query[key][0] for key in ("u", "continue", "next", "url", "q") if key in query), None)
    if inner is None and "v=" in parts.fragment:
        inner = (
            "/watch?" + parts.fragment.partition("?")[2]
            if "?" in parts.fragment
            else "/watch?" + parts.fragment.lstrip("!")
        )
    if inner is None and depth == 0 and (decoded := unquote(text)) != text:
        parts, _ = _split(decoded)  # encoded as a whole: `watch%3Fv%3DID`
        return _id_in(parts, parts.hostname or "", text, depth + 1)
    if inner is None or depth > 2:
        raise ValueError(f"{_short(text)!r} names no video.")
    inner_parts, has_scheme = _split(inner if _SCHEME.match(inner) else "https://www.youtube.com/" + inner.lstrip("/"))
    host = inner_parts.hostname or ""
    if not has_scheme or not _is_youtube(host):
        raise ValueError(f"{_short(text)!r} names no video.")
    return _id_in(inner_parts, host, text, depth + 1)
