"""What a page says: its kind, its videos in order, and where its list goes on."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PageVideo:
    """One video as a list shows it. None where the list does not say."""

    video_id: str
    title: str | None = None
    duration_s: float | None = None
    view_count: int | None = None  # rounded where the list rounds ("1.2M views")
    published: str | None = None  # as shown ("3 years ago"), or the date where one is given (pages/dates.py reads it)
    is_live: bool = False
    is_upcoming: bool = False


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A page as the parsers see it.

    `kind` is "related" (a watch page, or the `next` API's same object), "search", "browse", each of these with
    "_continuation", "charts", "data_api_search", "data_api_videos", "player", "consent", "bot_check", "error" (the
    service's own error object) or "unknown". `videos` holds each id once, in the order of the page, without shorts,
    mixes, playlists, channels and ads; a player answer lists the video that it is about. `failure` is None or a class
    of the vocabulary. `shape` says where the object was found: "data element" or "assignment" of an HTML page, "next
    answer" and the like for JSON, None where there is none; it is no part of what the page says.
    """

    kind: str
    videos: tuple[PageVideo, ...] = ()
    continuation: str | None = None
    failure: str | None = None
    failure_detail: str | None = None
    about: PageVideo | None = None  # the video that a watch page is about, where it tells views or date
    shape: str | None = field(default=None, compare=False)
