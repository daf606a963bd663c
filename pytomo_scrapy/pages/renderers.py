"""The service's list items: which are videos, which wrap others, and which only carry the next page's token.

Only known wrappers are entered: shelves of shorts, mixes, playlists, channels and ads also hold video ids.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from pytomo_scrapy.items.foreign_numbers import length_s
from pytomo_scrapy.pages.access import dig, entries, find_key, items, text_of, video_id, whole
from pytomo_scrapy.pages.page_model import PageVideo

# Where each wrapper keeps its items; a single item under `content` counts as a list of one.
_WRAPPERS = {
    "itemSectionRenderer": "contents",
    "sectionListRenderer": "contents",
    "richGridRenderer": "contents",
    "richItemRenderer": "content",
    "gridRenderer": "items",
    "verticalListRenderer": "items",
    "horizontalListRenderer": "items",
    "expandedShelfContentsRenderer": "items",
    "playlistVideoListRenderer": "contents",
    "compactAutoplayRenderer": "contents",
}
# A shelf is the list itself on a browse page; beside search results and related videos it is an insertion ("Popular in
# Lyon", "Channels new to you") that follows neither the asked order nor the time frame.
_SHELVES = {
    "shelfRenderer": "content",
    "richSectionRenderer": "content",
    "richShelfRenderer": "contents",
    "gridShelfViewModel": "contents",
}
_VIDEOS = frozenset(
    ("videoRenderer", "gridVideoRenderer", "compactVideoRenderer", "videoWithContextRenderer", "playlistVideoRenderer")
)
_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})")
# A number is read from its first sign on: to begin anew within it finds nothing else, at each of a title's digits.
_VIEWS = re.compile(r"(?<![\d.,\s\u00a0\u202f])([\d.,\s\u00a0\u202f]{0,40}\d)\s?(k|m|bn?|)\s+views?\b", re.IGNORECASE)
_NO_VIEWS = re.compile(r"no views", re.IGNORECASE)
_SCALES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "bn": 10**9}
_MAX_ITEMS = 20_000
_MAX_DEPTH = 12
_Value = TypeVar("_Value")


class ItemList:
    """The videos of one list in order, each once, and its continuation."""

    def __init__(self, has_shelves: bool) -> None:
        self._wrappers = _WRAPPERS | (_SHELVES if has_shelves else {})
        self._videos: dict[str, PageVideo] = {}
        self._budget = _MAX_ITEMS
        self.continuation: str | None = None

    @property
    def videos(self) -> tuple[PageVideo, ...]:
        return tuple(self._videos.values())

    def add(self, listed: Any, depth: int = 0) -> None:
        """Read a list of items (or one item), wrappers included."""
        for item in listed if isinstance(listed, list) else [listed]:
            for name, body in entries(item):
                self._budget -= 1
                if self._budget > 0 and depth < _MAX_DEPTH:
                    self._add_one(name, body, depth)

    def _add_one(self, name: str, body: Any, depth: int) -> None:
        if name in self._wrappers:
            self.add(dig(body, self._wrappers[name]), depth + 1)
            self.add_old_continuation(body)
        elif name in ("continuationItemRenderer", "continuationItemViewModel"):
            self.continuation = continuation_token(body) or self.continuation
        elif video := read_item(name, body):
            self._videos.setdefault(video.video_id, video)

    def add_old_continuation(self, holder: Any) -> None:
        """Take the token of the older form, `continuations` next to the items, if the items hold none."""
        token = dig(holder, "continuations", 0, "nextContinuationData", "continuation")
        if self.continuation is None and isinstance(token, str) and token:
            self.continuation = token


def continuation_token(body: Any) -> str | None:
    """Return the token of a continuation item, whether its command stands alone, in a button or in a chain."""
    command = find_key(body, "continuationCommand")
    token = dig(command, "token") or dig(find_key(dig(command, "innertubeCommand"), "continuationCommand"), "token")
    return token if isinstance(token, str) and token else None


def read_item(name: str, body: Any) -> PageVideo | None:
    """Read a list item. None where it is no video: a short, a mix, a playlist, a channel, an ad, something new."""
    if name in _VIDEOS:
        return _read_renderer(body)
    if name == "lockupViewModel" and dig(body, "contentType") == "LOCKUP_CONTENT_TYPE_VIDEO":
        return _read_lockup(body)
    return None


def _read_renderer(body: Any) -> PageVideo | None:
    endpoint = dig(body, "navigationEndpoint")
    found = video_id(dig(body, "videoId")) or video_id(dig(endpoint, "watchEndpoint", "videoId"))
    overlays = [dig(overlay, "thumbnailOverlayTimeStatusRenderer") for overlay in items(body, "thumbnailOverlays")]
    styles = {dig(overlay, "style") for overlay in overlays if isinstance(dig(overlay, "style"), str)}
    if found is None or _leads_to_short(endpoint) or "SHORTS" in styles:
        return None
    badges = [dig(badge, "metadataBadgeRenderer", "style") for badge in items(body, "badges")]
    clock = [text_of(dig(body, "lengthText")), *(text_of(dig(overlay, "text")) for overlay in overlays)]
    views = [text_of(dig(body, "viewCountText")), text_of(dig(body, "shortViewCountText"))]
    return PageVideo(
        found,
        title=text_of(dig(body, "title")) or text_of(dig(body, "headline")),
        duration_s=_first(seconds_of_clock, clock),
        view_count=_first(view_count, views),
        published=text_of(dig(body, "publishedTimeText")),
        is_live="BADGE_STYLE_TYPE_LIVE_NOW" in badges or "LIVE" in styles,
        is_upcoming=dig(body, "upcomingEventData") is not None or "UPCOMING" in styles,
    )


def _read_lockup(body: Any) -> PageVideo | None:
    command = dig(body, "rendererContext", "commandContext", "onTap", "innertubeCommand")
    found = video_id(dig(body, "contentId")) or video_id(dig(command, "watchEndpoint", "videoId"))
    if found is None or _leads_to_short(command):
        return None
    labels, styles = _lockup_badges(body)
    about = dig(body, "metadata", "lockupMetadataViewModel")
    rows = items(about, "metadata", "contentMetadataViewModel", "metadataRows")
    parts = [text_of(dig(part, "text")) for row in rows for part in items(row, "metadataParts")]
    return PageVideo(
        found,
        title=text_of(dig(about, "title")),
        duration_s=_first(seconds_of_clock, labels),
        view_count=_first(view_count, parts),
        # Of the rows of a lockup only the texts tell which is which.
        published=next((part for part in parts if part and part.endswith(" ago")), None),
        is_live=any("LIVE" in style for style in styles),
        is_upcoming="Upcoming" in labels,
    )


def _lockup_badges(body: Any) -> tuple[list[str | None], list[str]]:
    overlays = items(body, "contentImage", "thumbnailViewModel", "overlays")
    badges = [
        dig(badge, "thumbnailBadgeViewModel")
        for overlay in overlays
        for _, holder in entries(overlay)
        for badge in items(holder, "badges") + items(holder, "thumbnailBadges")
    ]
    styles = [dig(badge, "badgeStyle") for badge in badges]
    return [text_of(dig(badge, "text")) for badge in badges], [style for style in styles if isinstance(style, str)]


def _leads_to_short(endpoint: Any) -> bool:
    url = dig(endpoint, "commandMetadata", "webCommandMetadata", "url")
    return dig(endpoint, "reelWatchEndpoint") is not None or (isinstance(url, str) and "/shorts/" in url.split("?")[0])


def _first(read: Callable[[str], _Value | None], texts: list[str | None]) -> _Value | None:
    return next((value for text in texts if text and (value := read(text)) is not None), None)


def seconds_of_clock(text: str) -> float | None:
    """Read "1:02:03" or "4:05" as seconds. None for anything else."""
    match = _CLOCK.fullmatch(text.strip())
    return length_s(int(match[1] or 0) * 3600 + int(match[2]) * 60 + int(match[3])) if match else None


def view_count(text: str) -> int | None:
    """Read "390,201 views", "1.2M views" or "No views". None for anything else, people watching included."""
    text = text[:100]
    if _NO_VIEWS.fullmatch(text.strip()):
        return 0
    match = _VIEWS.search(text)
    if match is None:
        return None
    number, scale = re.sub(r"[\s,]", "", match[1]), _SCALES[match[2].lower()]
    if scale == 1:
        return whole(number.replace(".", ""))
    try:
        return round(float(number) * scale)
    except ValueError:
        return None
