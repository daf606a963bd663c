"""Dailymotion's public listings: what to ask for a time frame or for a video's related ones, and what an answer lists.

**Source**: https://developers.dailymotion.com/api/platform-api/reference/ (`/videos`, `sort=visited-*`), no key needed;
`/video/ID/related` is the connection that Pytomo 3 used and public clients of 2026 still use: 17 or 18 videos,
the same at each call. Whatever else it may answer one day is a failure with its class.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from pytomo_scrapy.items.foreign_numbers import length_s
from pytomo_scrapy.pages.page_model import PageVideo, ParsedPage
from pytomo_scrapy.pages.sources import PageRequest

_API = "https://api.dailymotion.com"
_SORT_OF_FRAME: Mapping[str, str] = {
    "today": "visited-today",
    "week": "visited-week",
    "month": "visited-month",
    "all_time": "visited",
}
_ID = re.compile(r"[a-zA-Z0-9]{3,30}")
_MOST_VIDEOS = 100  # of one answer


def dailymotion_sources(time_frame: str) -> tuple[PageRequest, ...]:
    """Return the sources of popular videos of a time frame. Raises ValueError if it is not one."""
    if time_frame not in _SORT_OF_FRAME:
        raise ValueError(f"{time_frame!r} is no time frame: use one of {', '.join(_SORT_OF_FRAME)}.")
    return (dailymotion_request(f"dailymotion:{_SORT_OF_FRAME[time_frame]}"),)


def dailymotion_request(name: str) -> PageRequest:
    """Turn a source's name back into its request. Raises ValueError if the name is no source's."""
    kind, _, sort = name.partition(":")
    if kind != "dailymotion" or sort not in _SORT_OF_FRAME.values():
        raise ValueError(f"{name!r} is not the name of a source of videos.")
    return _request(name, "/videos", sort=sort)


def dailymotion_related_request(video_id: str) -> PageRequest:
    """Ask for the videos that the service relates to one."""
    return _request(f"related:{video_id}", f"/video/{quote(video_id, safe='')}/related")


def _request(name: str, path: str, **query: str) -> PageRequest:
    parameters = {"fields": "id,title,duration,views_total,created_time,onair", **query, "limit": str(_MOST_VIDEOS)}
    return PageRequest(name, f"{_API}{path}?{urlencode(parameters)}", headers={"Accept": "application/json"})


def dailymotion_url(video_id: str) -> str:
    """Return the address of a video's page."""
    return f"https://www.dailymotion.com/video/{video_id}"


def parse_dailymotion(body: bytes) -> ParsedPage:
    """Read an answer of the listing. Raises nothing: any other shape is a failure of the result."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return _unusable("the answer is not JSON")
    if not isinstance(answer, dict):
        return _unusable("the answer is no object")
    if isinstance(answer.get("error"), dict):
        return _refusal(answer["error"])
    entries = answer.get("list")
    if not isinstance(entries, list):
        return _unusable("the answer has no list")
    videos = {video.video_id: video for entry in entries if (video := _video(entry)) is not None}
    # Entries without one that is understood: the shape has changed, and an empty list would hide it.
    if entries and not videos:
        return _unusable("no entry of the list has an id")
    failure = None if videos else "empty_page"
    return ParsedPage(kind="dailymotion", videos=tuple(videos.values()), failure=failure)


def _video(entry: Any) -> PageVideo | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or not _ID.fullmatch(entry["id"]):
        return None
    # Live now: a window of a broadcast compares with nothing.
    if entry.get("onair") is True:
        return None
    title, views = entry.get("title"), entry.get("views_total")
    return PageVideo(
        entry["id"],
        title=title if isinstance(title, str) else None,
        duration_s=_seconds(entry.get("duration")),
        view_count=views if isinstance(views, int) and not isinstance(views, bool) else None,
        published=_instant(entry.get("created_time")),
    )


def _instant(created_s: Any) -> str | None:
    """Return seconds since 1970 as an instant of ISO 8601."""
    is_number = isinstance(created_s, int) and not isinstance(created_s, bool)
    return datetime.fromtimestamp(created_s, UTC).isoformat() if is_number and 0 < created_s < 4e9 else None


def _seconds(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return length_s(value) if is_number else None


def _refusal(error: Mapping[str, Any]) -> ParsedPage:
    code, message = error.get("code"), str(error.get("message", ""))[:200]
    failure = "rate_limited" if error.get("type") == "rate_limit_exceeded" or code == 429 else "unknown_page_shape"
    return ParsedPage(kind="error", failure=failure, failure_detail=f"the service's error {code}: {message}")


def _unusable(detail: str) -> ParsedPage:
    return ParsedPage(kind="unknown", failure="unknown_page_shape", failure_detail=detail)
