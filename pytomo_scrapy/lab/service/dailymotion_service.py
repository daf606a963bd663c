"""The lab's second service: a listing of popular videos, and what yt-dlp asks to resolve one of them.

Source: yt-dlp's extractor `dailymotion`, which asks for a token, the medium and the player's metadata in turn, and then
for the HLS playlists that these name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from pytomo_scrapy.lab.model import LabVideo, World
from pytomo_scrapy.lab.service.player_api import PlayerApi

Json = dict[str, Any]

PLAYLIST_HOST = "cdndirector.dailymotion.com"
DAILYMOTION_HOSTS = ("api.dailymotion.com", "graphql.api.dailymotion.com", "www.dailymotion.com", PLAYLIST_HOST)
_MOST_DAYS = {"visited-today": 0, "visited-week": 7, "visited-month": 31, "visited": 100_000}


def dailymotion_id(video_id: str) -> str:
    """Return the id that a video of the world has at this service."""
    return "x" + hashlib.sha256(video_id.encode()).hexdigest()[:7]


class Dailymotion:
    """Answers for the world's muxed videos without a fault."""

    def __init__(self, world: World, player: PlayerApi) -> None:
        self._player = player
        listed = [
            v for v in world.videos.values() if v.fault is None and v.segmented_clip and v.clip.startswith("muxed")
        ]
        self._videos = {dailymotion_id(video.video_id): video for video in listed}

    def answer(self, host: str, path: str, query: Mapping[str, str], body: str) -> tuple[int, Json]:
        """Return status and answer of one request."""
        if host == "api.dailymotion.com" and path == "/videos":
            return self._listing(query)
        if host == "api.dailymotion.com" and (related := re.fullmatch(r"/video/(\w+)/related", path)):
            return self._related(related[1], query)
        if path == "/oauth/token":
            return 200, {"access_token": "lab", "expires_in": 36000, "token_type": "Bearer"}
        if host == "graphql.api.dailymotion.com":
            found = re.search(r'xid: \\"([^"\\]+)\\"', body)
            return 200, self._medium(found[1] if found else "")
        if path.startswith("/player/metadata/video/"):
            return self._metadata(path.rpartition("/")[2])
        return 404, {"error": {"code": 404, "message": "Not found", "type": "not_found"}}

    def _listing(self, query: Mapping[str, str]) -> tuple[int, Json]:
        days = _MOST_DAYS.get(query.get("sort", ""))
        if days is None:
            return 400, {"error": {"code": 400, "message": "Unknown sort", "type": "invalid_parameter"}}
        young = [(key, video) for key, video in self._videos.items() if video.age_days <= days]
        young.sort(key=lambda pair: -pair[1].view_count)
        limit = int(query.get("limit", "10"))
        entries = [self._entry(key, video) for key, video in young[:limit]]
        return 200, {"page": 1, "limit": limit, "explicit": False, "has_more": len(young) > limit, "list": entries}

    def _related(self, key: str, query: Mapping[str, str]) -> tuple[int, Json]:
        keys = list(self._videos)
        if key not in self._videos:
            return 404, {"error": {"code": 404, "message": "This video does not exist", "type": "not_found"}}
        # Those that follow it in the world, round and round.
        others = [keys[(keys.index(key) + step) % len(keys)] for step in range(1, min(len(keys), 18))]
        limit = int(query.get("limit", "10"))
        entries = [self._entry(other, self._videos[other]) for other in others[:limit]]
        return 200, {"page": 1, "limit": len(entries), "explicit": False, "has_more": False, "list": entries}

    def _entry(self, key: str, video: LabVideo) -> Json:
        duration = round(self._player.duration_s(video))
        return {"id": key, "title": video.title, "duration": duration, "views_total": video.view_count, "onair": False}

    def _medium(self, key: str) -> Json:
        video = self._videos.get(key)
        if video is None:
            return {"data": {"media": None}, "errors": [{"message": "Not found"}]}
        return {"data": {"media": {"xid": key, "stats": {"views": {"total": video.view_count}}}}}

    def _metadata(self, key: str) -> tuple[int, Json]:
        video = self._videos.get(key)
        if video is None:
            return 404, {"error": {"code": "DM001", "title": "Video not found"}}
        url = f"https://{PLAYLIST_HOST}/cdn/manifest/hls/{video.video_id}/master.m3u8?sec=lab"
        qualities = {"auto": [{"type": "application/x-mpegURL", "url": url}]}
        return 200, {"title": video.title, "duration": round(self._player.duration_s(video)), "qualities": qualities}
