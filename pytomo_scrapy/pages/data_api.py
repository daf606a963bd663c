"""Lists of the YouTube Data API v3: `search.list` and `videos.list`."""

from __future__ import annotations

import re
from typing import Any

from pytomo_scrapy.items.foreign_numbers import length_s
from pytomo_scrapy.pages.access import dig, items, text_of, video_id, whole
from pytomo_scrapy.pages.page_model import PageVideo, ParsedPage

_KINDS = {"youtube#searchListResponse": "data_api_search", "youtube#videoListResponse": "data_api_videos"}
_DURATION = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?")


def read_list(answer: dict[str, Any]) -> ParsedPage | None:
    """Read a list of the Data API. None where the answer is none."""
    named = answer.get("kind")
    kind = _KINDS.get(named) if isinstance(named, str) else None
    if kind is None:
        return None
    videos: dict[str, PageVideo] = {}
    for item in items(answer, "items"):
        # A search wraps the id by its kind, a list of videos has it bare.
        found = video_id(dig(item, "id", "videoId") or dig(item, "id"))
        if found:
            videos.setdefault(found, _listed(found, item))
    token = answer.get("nextPageToken")
    continuation = token if isinstance(token, str) and token else None
    if not videos:
        return ParsedPage(kind, (), continuation, "empty_page", "no video in the list")
    return ParsedPage(kind, tuple(videos.values()), continuation)


def _listed(found: str, item: Any) -> PageVideo:
    broadcast = dig(item, "snippet", "liveBroadcastContent")
    duration = dig(item, "contentDetails", "duration")
    return PageVideo(
        found,
        title=text_of(dig(item, "snippet", "title")),
        duration_s=_seconds(duration) if isinstance(duration, str) else None,
        view_count=whole(dig(item, "statistics", "viewCount")),
        published=text_of(dig(item, "snippet", "publishedAt")),
        is_live=broadcast == "live",
        is_upcoming=broadcast == "upcoming",
    )


def _seconds(duration: str) -> float | None:
    match = _DURATION.fullmatch(duration)
    if match is None or duration in ("P", "PT"):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return length_s(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
