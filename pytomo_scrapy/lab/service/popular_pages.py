"""The lab's lists of popular videos: charts, destinations (gaming, podcasts, sports), search and the Data API.

Source: the recorded answers of charts.youtube.com, `youtubei/v1/browse` and `youtubei/v1/search`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from pytomo_scrapy.lab.model import LabVideo, World
from pytomo_scrapy.lab.service.player_api import PlayerApi
from pytomo_scrapy.lab.service.watch_pages import age_text, clock_text, continuation_item, make_token
from pytomo_scrapy.lab.world import make_video_id

Json = dict[str, Any]

LARGE_LIST = 40
_FRAME_BY_UPLOAD_DATE = {2: "today", 3: "week", 4: "month"}
_SORT_BY_POPULARITY = 3

# Destinations and their popular tabs, as clients send them but without padding.
GAMING_ID = "UCOpNcN46UbXVtpKMrmU4Abg"
GAMING_PARAMS = frozenset({"Egh0cmVuZGluZw", "Egh0cmVuZGluZ7gBAJIDAPIGBAoCMgA"})
SPORTS_ID = "UCEgdi0XIXXZ-qJOFPf4JSKw"
SPORTS_PARAMS = "EglzcG9ydHN0YWK4AQCSAwDyBgQKAjIA"
PODCASTS_ID = "FEpodcasts_destination"
PODCASTS_PARAMS = "qgcCCAM"


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            break
    return value, at


def _fields(data: bytes) -> dict[int, int | bytes]:
    """Read the numbers and byte strings of one protobuf message."""
    fields: dict[int, int | bytes] = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value, at = _varint(data, at)
        if tag & 7 == 2:
            fields[tag >> 3] = data[at : at + value]
            at += value
        else:
            fields[tag >> 3] = value
    return fields


def read_search_filter(sp: str) -> tuple[str, bool]:
    """Return the time frame and whether results are ordered by popularity, as the parameter `sp` asks."""
    try:
        outer = _fields(base64.urlsafe_b64decode(unquote(sp)))
    except (ValueError, binascii.Error):
        outer = {}
    filters = outer.get(2, b"")
    upload_date = _fields(filters).get(1) if isinstance(filters, bytes) else None
    frame = _FRAME_BY_UPLOAD_DATE.get(upload_date, "all_time") if isinstance(upload_date, int) else "all_time"
    return frame, outer.get(1) == _SORT_BY_POPULARITY


class PopularPages:
    """Lists of a world's popular videos in the shapes of the service."""

    def __init__(self, world: World, player: PlayerApi) -> None:
        self._world = world
        self._player = player

    def chart(self, query: Mapping[str, str]) -> Json | None:
        """Return a chart of charts.youtube.com. None for a chart that does not exist."""
        kind = query.get("chart_params_chart_type", "")
        period = query.get("chart_params_period_type", "")
        ids = self._world.charts.get(f"{kind}:{period}" if period else kind) or self._world.charts.get(f"{kind}:WEEKLY")
        if ids is None:
            return None
        params = {
            "countryCode": query.get("chart_params_country_code", "us").lower(),
            "chartType": f"CHART_TYPE_{kind}",
        }
        videos = [self._world.videos[video_id] for video_id in ids]
        views = [self._chart_entry(video, position) for position, video in enumerate(videos, start=1)]
        content = {
            "perspectiveMetadata": {
                "requestParams": {"perspective": "CHART_DETAILS", "chartParams": params},
                "backgroundColor": "#B22222",
            },
            "videos": [{"listType": f"{kind}_CHART", "videoViews": views}],
            "heroMetadata": {"title": views[0]["title"] if views else ""},
        }
        sections = [{"musicAnalyticsSectionRenderer": {"content": content}}]
        return {
            "contents": {"sectionListRenderer": {"contents": sections}},
        }

    def _chart_entry(self, video: LabVideo, position: int) -> Json:
        return {
            "id": video.video_id,
            "title": video.title,
            "thumbnail": {
                "thumbnails": [
                    {"url": f"https://i.ytimg.com/vi/{video.video_id}/default.jpg", "width": 120, "height": 90}
                ]
            },
            "videoDuration": round(self._player.duration_s(video)),
            "chartEntryMetadata": {"currentPosition": position},
            "isAvailable": True,
            "artists": [{"kgMid": "/m/0lab", "name": video.channel}],
            "isVisible": True,
            "viewCount": str(video.view_count),
            "channelName": video.channel,
        }

    def destination(self, browse_id: str, params: str) -> Json | None:
        """Return the popular tab of a destination. None for a page or a tab that does not exist."""
        found = unquote(params).rstrip("=")
        if browse_id == GAMING_ID and found in GAMING_PARAMS:
            return self._shelf_page("Gaming", "Trending videos", self._world.gaming)
        if browse_id == SPORTS_ID and found == SPORTS_PARAMS:
            return self._shelf_page("Sports", "Popular videos", self._world.sports)
        if browse_id == PODCASTS_ID and found == PODCASTS_PARAMS:
            return self._episodes_page()
        return None

    def _shelf_page(self, page_title: str, shelf_title: str, ids: tuple[str, ...]) -> Json:
        items = [{"gridVideoRenderer": self._renderer(self._world.videos[video_id])} for video_id in ids]
        shelf = {
            "shelfRenderer": {
                "title": {"runs": [{"text": shelf_title}]},
                "content": {"gridRenderer": {"items": items}},
            }
        }
        section = {"itemSectionRenderer": {"contents": [shelf]}}
        return _browse_page(page_title, {"sectionListRenderer": {"contents": [section]}})

    def _episodes_page(self) -> Json:
        videos = [self._world.videos[video_id] for video_id in self._world.podcasts]
        contents = [{"richItemRenderer": {"content": {"videoRenderer": self._renderer(video)}}} for video in videos]
        grid = {
            "contents": contents,
            "title": {"runs": [{"text": "Popular episodes"}]},
            "targetId": f"browse-feed{PODCASTS_ID}",
        }
        return _browse_page("Podcasts", {"richGridRenderer": grid}, PODCASTS_ID)

    def search(self, query: str, sp: str, offset: int = 0) -> Json:
        """Return a page of search results: the first with its whole frame, a later one as a continuation."""
        ids = self._found(query, *read_search_filter(sp))
        sections = self._result_sections(ids, query, sp, offset)
        answer: Json = {"estimatedResults": str(len(ids))}
        if offset:
            action = {"appendContinuationItemsAction": {"continuationItems": sections, "targetId": "search-feed"}}
            return {**answer, "onResponseReceivedCommands": [action]}
        lists = {"sectionListRenderer": {"contents": sections, "targetId": "search-feed"}}
        return {**answer, "contents": {"twoColumnSearchResultsRenderer": {"primaryContents": lists}}}

    def _found(self, query: str, frame: str, by_popularity: bool) -> tuple[str, ...]:
        ids = self._world.search.get(frame, ())
        if not query.strip():
            return ()
        first_page, rest = ids[: self._world.results_per_page], ids[self._world.results_per_page :]
        if len(ids) > LARGE_LIST:
            # Behind the first page, each term finds its own half of a large world.
            rest = tuple(video_id for video_id in rest if _digest(query.lower(), video_id) % 2)
        found = (*first_page, *rest)
        if by_popularity:
            return found
        return tuple(sorted(found, key=lambda video_id: _digest("relevance", query, video_id)))

    def _result_sections(self, ids: tuple[str, ...], query: str, sp: str, offset: int) -> list[Json]:
        shown = [self._world.videos[video_id] for video_id in ids[offset : offset + self._world.results_per_page]]
        items: list[Json] = [{"videoRenderer": self._renderer(video)} for video in shown]
        if not items:
            text = {"title": {"runs": [{"text": "No results found"}]}, "icon": {"iconType": "EMPTY_SEARCH"}}
            items = [{"backgroundPromoRenderer": text}]
        # None of these is a video, though each has an id: whoever collects ids counts too many.
        elif not offset:
            items.insert(0, {"adSlotRenderer": {"adSlotMetadata": {"slotType": "SLOT_TYPE_IN_FEED"}}})
            items.insert(
                4, {"playlistRenderer": {"playlistId": "PL" + make_video_id(query), "title": {"simpleText": "A list"}}}
            )
            items.insert(
                6,
                {
                    "channelRenderer": {
                        "channelId": "UC" + make_video_id(query) * 2,
                        "title": {"simpleText": "A channel"},
                    }
                },
            )
        sections: list[Json] = [{"itemSectionRenderer": {"contents": items}}]
        following = offset + self._world.results_per_page
        if following < len(ids):
            sections.append(continuation_item(make_token(query=query, sp=sp, offset=following), "/youtubei/v1/search"))
        return sections

    def _renderer(self, video: LabVideo) -> Json:
        length = clock_text(self._player.duration_s(video))
        target = {
            "url": f"/watch?v={video.video_id}&pp=ygUEdGVzdA%3D%3D",
            "webPageType": "WEB_PAGE_TYPE_WATCH",
            "rootVe": 3832,
        }
        return {
            "videoId": video.video_id,
            "title": {"runs": [{"text": video.title}], "accessibility": {"accessibilityData": {"label": video.title}}},
            "longBylineText": {"runs": [{"text": video.channel}]},
            "publishedTimeText": {"simpleText": age_text(video.age_days)},
            "lengthText": {"simpleText": length},
            "viewCountText": {"simpleText": f"{video.view_count:,} views"},
            "navigationEndpoint": {
                "commandMetadata": {"webCommandMetadata": target},
                "watchEndpoint": {"videoId": video.video_id},
            },
            "thumbnailOverlays": [
                {"thumbnailOverlayTimeStatusRenderer": {"text": {"simpleText": length}, "style": "DEFAULT"}}
            ],
        }

    def data_api(self, path: str, query: Mapping[str, str]) -> tuple[int, Json]:
        """Answer `search` and `videos` of the Data API v3; without a key it refuses as the service does."""
        if not query.get("key"):
            return 403, _data_api_error(403, "Method doesn't allow unregistered callers.", "forbidden")
        if path.endswith("/search"):
            frame = _frame_of_published_after(query.get("publishedAfter"), self._player.now_s())
            ids = self._world.search.get(frame, ())
            is_search = True
        elif path.endswith("/videos"):
            ids = (
                self._world.search["week"]
                if query.get("chart") == "mostPopular"
                else tuple(query.get("id", "").split(","))
            )
            is_search = False
        else:
            return 404, _data_api_error(404, "Not found.", "notFound")
        return 200, self._data_api_page(ids, query, is_search)

    def _data_api_page(self, ids: tuple[str, ...], query: Mapping[str, str], is_search: bool) -> Json:
        # 5 and 50 are the default and the most of the Data API.
        size = max(1, min(50, int(query["maxResults"]) if query.get("maxResults", "").isdigit() else 5))
        token = query.get("pageToken", "").removeprefix("LAB")
        start = int(token) if token.isdigit() else 0
        videos = [self._world.videos[video_id] for video_id in ids if video_id in self._world.videos]
        page: Json = {
            "kind": "youtube#searchListResponse" if is_search else "youtube#videoListResponse",
            "pageInfo": {"totalResults": len(videos), "resultsPerPage": size},
            "items": [self._data_api_item(video, is_search) for video in videos[start : start + size]],
        }
        if start + size < len(videos):
            page["nextPageToken"] = f"LAB{start + size}"
        return page

    def _data_api_item(self, video: LabVideo, is_search: bool) -> Json:
        snippet = {"title": video.title, "channelTitle": video.channel, "liveBroadcastContent": "none"}
        if is_search:
            found = {"kind": "youtube#video", "videoId": video.video_id}
            return {"kind": "youtube#searchResult", "id": found, "snippet": snippet}
        return {
            "kind": "youtube#video",
            "id": video.video_id,
            "snippet": snippet,
            "contentDetails": {"duration": f"PT{round(self._player.duration_s(video))}S"},
            "statistics": {"viewCount": str(video.view_count)},
        }


def _browse_page(title: str, content: Json, tab_id: str | None = None) -> Json:
    tab: Json = {"selected": True, "content": content}
    if tab_id:
        tab["tabIdentifier"] = tab_id
    return {
        "responseContext": {"maxAgeSeconds": 300},
        "contents": {"twoColumnBrowseResultsRenderer": {"tabs": [{"tabRenderer": tab}]}},
        "header": {"pageHeaderRenderer": {"pageTitle": title}},
    }


def _digest(*words: str) -> int:
    return hashlib.sha256("\0".join(words).encode()).digest()[0]


def _frame_of_published_after(moment: str | None, now_s: float) -> str:
    """Return the shortest time frame that reaches back to `moment`, an RFC 3339 time."""
    try:
        days = (now_s - datetime.fromisoformat(moment or "").timestamp()) / 86400
    except ValueError:
        return "all_time"
    return next((frame for frame, most in (("today", 1.5), ("week", 7.5), ("month", 31.5)) if days <= most), "all_time")


def _data_api_error(code: int, message: str, reason: str) -> Json:
    return {
        "error": {
            "code": code,
            "message": message,
            "errors": [{"message": message, "domain": "global", "reason": reason}],
        }
    }
