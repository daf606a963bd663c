"""What surrounds a video on the lab's service: its watch page and the `next` answer with the related videos.

Source: the recorded answers of `youtubei/v1/next`, which is the same object as a watch page's `ytInitialData`.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from pytomo_scrapy.lab.model import LabVideo, PageShape, World
from pytomo_scrapy.lab.service.player_api import PlayerApi
from pytomo_scrapy.lab.world import make_video_id

Json = dict[str, Any]

CLIENT_VERSION = "2.20260603.05.00"
API_KEY = "lab-key-of-the-web-client"
PLAYER_PATH = "/s/player/0004de42/player_ias.vflset/en_US/base.js"
PLAYER_SCRIPT = (
    "var _yt_player={};(function(g){var signatureTimestamp=20345;g.sts={signatureTimestamp:20345};})(_yt_player);\n"
)
RELATED_PER_PAGE = 20


def make_token(**fields: Any) -> str:
    """Return an opaque continuation token that carries `fields`."""
    # Tokens of the service have their padding escaped already, and come back as they were sent.
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().replace("=", "%3D")


def read_token(token: str) -> Json | None:
    """Return the fields of a continuation token. None where it is not one of ours."""
    try:
        fields = json.loads(base64.urlsafe_b64decode(token.replace("%3D", "=")))
    except (ValueError, binascii.Error):
        return None
    return fields if isinstance(fields, dict) else None


def clock_text(duration_s: float) -> str:
    """Write a duration as thumbnails do: 0:09, 24:06, 5:20:22."""
    minutes, seconds = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def age_text(age_days: int) -> str:
    """Write an age as the service does: the largest whole unit."""
    for days, unit in ((365, "year"), (30, "month"), (7, "week"), (1, "day")):
        if age_days >= days:
            count = age_days // days
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "5 hours ago"


def _watch_command(video_id: str, url: str | None = None) -> Json:
    target = {"url": url or f"/watch?v={video_id}", "webPageType": "WEB_PAGE_TYPE_WATCH", "rootVe": 3832}
    return {"commandMetadata": {"webCommandMetadata": target}, "watchEndpoint": {"videoId": video_id}}


def _primary_info(video: LabVideo) -> Json:
    published = datetime.now(UTC) - timedelta(days=video.age_days)
    views = {"videoViewCountRenderer": {"viewCount": {"simpleText": f"{video.view_count:,} views"}}}
    return {
        "title": {"runs": [{"text": video.title}]},
        "viewCount": views,
        "dateText": {"simpleText": f"{published:%b} {published.day}, {published.year}"},
    }


def _shorts_command(video_id: str) -> Json:
    target = {"url": f"/shorts/{video_id}", "webPageType": "WEB_PAGE_TYPE_SHORTS", "rootVe": 37414}
    return {"commandMetadata": {"webCommandMetadata": target}, "reelWatchEndpoint": {"videoId": video_id}}


def _thumbnail(video_id: str, badge: str) -> Json:
    image = {"sources": [{"url": f"https://i.ytimg.com/vi/{video_id}/hqdefault.jpg", "width": 168, "height": 94}]}
    shown = {"thumbnailBadgeViewModel": {"text": badge, "badgeStyle": "THUMBNAIL_OVERLAY_BADGE_STYLE_DEFAULT"}}
    overlay = {"thumbnailBottomOverlayViewModel": {"badges": [shown]}}
    return {"image": image, "overlays": [overlay]}


def _lockup(content_id: str, kind: str, title: str, rows: list[str], command: Json, image: Json) -> Json:
    parts = [{"metadataParts": [{"text": {"content": row}}]} for row in rows]
    details = {"contentMetadataViewModel": {"metadataRows": parts, "delimiter": " \u2022 "}}
    return {
        "lockupViewModel": {
            "contentImage": image,
            "metadata": {"lockupMetadataViewModel": {"title": {"content": title}, "metadata": details}},
            "contentId": content_id,
            "contentType": f"LOCKUP_CONTENT_TYPE_{kind}",
            "rendererContext": {"commandContext": {"onTap": {"innertubeCommand": command}}},
        }
    }


def _video_lockup(video: LabVideo, duration_s: float, as_music: bool) -> Json:
    # A music video's link carries a mix's list, and it is a video all the same.
    url = f"/watch?v={video.video_id}&list=RD{video.video_id}&start_radio=1" if as_music else None
    image = {"thumbnailViewModel": _thumbnail(video.video_id, clock_text(duration_s))}
    rows = [video.channel, f"{video.view_count:,} views", age_text(video.age_days)]
    return _lockup(video.video_id, "VIDEO", video.title, rows, _watch_command(video.video_id, url), image)


def _playlist_lockup(video_id: str, prefix: str) -> Json:
    list_id = prefix + video_id
    stack = {"primaryThumbnail": {"thumbnailViewModel": _thumbnail(video_id, "Mix" if prefix == "RD" else "12 videos")}}
    command = _watch_command(video_id, f"/watch?v={video_id}&list={list_id}")
    return _lockup(
        list_id,
        "PLAYLIST",
        "A list, not a video",
        ["Several channels"],
        command,
        {"collectionThumbnailViewModel": stack},
    )


def _compact_video(video_id: str, title: str, command: Json, length: str) -> Json:
    return {
        "compactVideoRenderer": {
            "videoId": video_id,
            "title": {"simpleText": title},
            "longBylineText": {"runs": [{"text": "Lab Channel"}]},
            "lengthText": {"simpleText": length},
            "viewCountText": {"simpleText": "152 views"},
            "navigationEndpoint": command,
        }
    }


def _shorts_shelf(key: str) -> Json:
    ids = [make_video_id(f"{key}/short/{number}") for number in range(4)]
    items = [
        {
            "shortsLockupViewModel": {
                "entityId": f"shorts-shelf-item-{video_id}",
                "accessibilityText": "A short, 239 views \u2013 play Short",
                "onTap": {"innertubeCommand": _shorts_command(video_id)},
            }
        }
        for video_id in ids
    ]
    return {"reelShelfRenderer": {"title": {"runs": [{"text": "Shorts remixing this video"}]}, "items": items}}


def continuation_item(token: str, path: str) -> Json:
    """Return the list entry with the next page's token."""
    metadata = {"webCommandMetadata": {"sendPost": True, "apiUrl": path}}
    command = {
        "token": token,
        "request": "CONTINUATION_REQUEST_TYPE_WATCH_NEXT"
        if path.endswith("next")
        else "CONTINUATION_REQUEST_TYPE_SEARCH",
    }
    endpoint = {"commandMetadata": metadata, "continuationCommand": command}
    return {
        "continuationItemRenderer": {"trigger": "CONTINUATION_TRIGGER_ON_ITEM_SHOWN", "continuationEndpoint": endpoint}
    }


class WatchPages:
    """Watch pages, `next` answers and their continuations for every video of a world."""

    def __init__(self, world: World, player: PlayerApi) -> None:
        self._world = world
        self._player = player

    def next_answer(self, video_id: str) -> Json:
        """Return the answer of `next`: related videos among playlists, shorts, mixes and advertisements."""
        video = self._world.videos.get(video_id)
        columns: Json = {"results": {"results": {"contents": []}}}
        answer: Json = {
            "responseContext": {"maxAgeSeconds": 0},
            "contents": {"twoColumnWatchNextResults": columns},
            "currentVideoEndpoint": _watch_command(video_id),
            "topbar": {
                "desktopTopbarRenderer": {"logo": {"topbarLogoRenderer": {"iconImage": {"iconType": "YOUTUBE_LOGO"}}}}
            },
        }
        if video is None:
            return answer
        results = self._related(video, 0)
        columns["secondaryResults"] = {"secondaryResults": {"results": results, "targetId": "watch-next-feed"}}
        columns["autoplay"] = (
            {"autoplay": {"sets": [{"mode": "NORMAL", "autoplayVideo": _watch_command(video.related[0])}]}}
            if video.related
            else {}
        )
        columns["results"]["results"]["contents"].append({"videoPrimaryInfoRenderer": _primary_info(video)})
        # A shelf of shorts sits in a panel too: a client that collects ids from the whole answer takes them for videos.
        panel = {
            "panelIdentifier": "engagement-panel-shorts",
            "content": {"sectionListRenderer": {"contents": [_shorts_shelf(f"{video_id}/panel")]}},
        }
        answer["engagementPanels"] = [{"engagementPanelSectionListRenderer": panel}]
        return answer

    def continue_related(self, token: Json) -> Json | None:
        """Return the next page of related videos. None where the token is for no video of this world."""
        video = self._world.videos.get(str(token.get("video")))
        offset = token.get("offset")
        if video is None or not isinstance(offset, int):
            return None
        action = {"targetId": "watch-next-feed", "continuationItems": self._related(video, offset)}
        return {
            "onResponseReceivedEndpoints": [{"appendContinuationItemsAction": action}],
        }

    def _related(self, video: LabVideo, offset: int) -> list[Json]:
        shown = [self._world.videos[other] for other in video.related[offset : offset + RELATED_PER_PAGE]]
        items = [self._related_entry(other, offset + index) for index, other in enumerate(shown)]
        if offset == 0:
            _insert_distractors(items, video.video_id)
        following = offset + RELATED_PER_PAGE
        if following < len(video.related):
            items.append(continuation_item(make_token(video=video.video_id, offset=following), "/youtubei/v1/next"))
        return items

    def _related_entry(self, video: LabVideo, position: int) -> Json:
        duration_s = self._player.duration_s(video)
        # The service sends old entries among new ones while it changes over.
        if position % 9 == 8:
            return _compact_video(video.video_id, video.title, _watch_command(video.video_id), clock_text(duration_s))
        return _video_lockup(video, duration_s, as_music=position % 7 == 5)

    def watch_page(self, video_id: str, client_address: str, visitor_data: str) -> str:
        """Return the HTML of a watch page, of a video that does not exist too."""
        video = self._world.videos.get(video_id)
        related = self.next_answer(video_id)
        if video is None:
            playability = {"status": "ERROR", "reason": "Video unavailable", "errorScreen": {}}
            return page_html("YouTube", related, {"playabilityStatus": playability}, visitor_data=visitor_data)
        player = self._player.initial_response(video, client_address, visitor_data)
        return page_html(video.title, related, player, visitor_data=visitor_data, shape=video.page_shape)


def _insert_distractors(items: list[Json], video_id: str) -> None:
    """Put the service's other entries, which are no videos of the list, between the related videos."""

    def some_id(kind: str) -> str:
        return make_video_id(f"{video_id}/{kind}")

    distractors = (
        (2, _playlist_lockup(some_id("mix"), "RD")),
        (4, {"adSlotRenderer": {"adSlotMetadata": {"slotType": "SLOT_TYPE_IN_FEED", "position": 4}}}),
        (6, _shorts_shelf(video_id)),
        (9, _compact_video(some_id("short"), "A short in the old clothes", _shorts_command(some_id("short")), "0:09")),
        (12, _playlist_lockup(some_id("list"), "PL")),
    )
    for position, entry in distractors:
        items.insert(min(position, len(items)), entry)


def embed_json(value: Json) -> str:
    """Write JSON for a script element, with the characters escaped that could end it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character, escape in (
        ("&", "\\u0026"),
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(character, escape)
    return text


def page_html(
    title: str,
    initial_data: Json,
    player_response: Json | None = None,
    *,
    visitor_data: str,
    shape: PageShape = PageShape.ASSIGNMENT,
) -> str:
    """Return a page of the service around its `ytInitialData` and, on a watch page, its player response."""
    shown = html.escape(title)
    player = f"<script>var ytInitialPlayerResponse = {embed_json(player_response)};</script>" if player_response else ""
    return (
        '<!DOCTYPE html><html lang="en" dir="ltr"><head><meta charset="utf-8">'
        f"<title>{shown} - YouTube</title>"
        f'<meta name="title" content="{shown}"><meta property="og:title" content="{shown}">'
        f"<script>(function() {{window.ytplayer={{}};\nytcfg.set({embed_json(_ytcfg(visitor_data))});}})();</script>"
        f"</head><body>{player}{_data_script(embed_json(initial_data), shape)}</body></html>"
    )


def _data_script(data: str, shape: PageShape) -> str:
    """Return the script that carries a page's data: nothing in a page that has none."""
    if shape is PageShape.NEITHER:
        return ""
    if shape is PageShape.ASSIGNMENT:
        return f"<script>var ytInitialData = {data};</script>"
    # The order of the attributes differs from page to page, and is the same for the same data.
    drawn = Random(data)
    nonce = drawn.randbytes(16).hex()
    attributes = ['id="yt-initial-data"', 'type="application/json"', f'nonce="{nonce}"']
    drawn.shuffle(attributes)
    return f"<script {' '.join(attributes)}>{data}</script>"


def _ytcfg(visitor_data: str) -> Json:
    client = {"hl": "en", "gl": "GB", "visitorData": visitor_data, "clientName": "WEB", "clientVersion": CLIENT_VERSION}
    return {
        "DEVICE": "cbr=Firefox&ceng=Gecko",
        "INNERTUBE_API_KEY": API_KEY,
        "INNERTUBE_API_VERSION": "v1",
        "INNERTUBE_CLIENT_NAME": "WEB",
        "INNERTUBE_CLIENT_VERSION": CLIENT_VERSION,
        "INNERTUBE_CONTEXT": {"client": client, "user": {"lockedSafetyMode": False}, "request": {"useSsl": True}},
        "INNERTUBE_CONTEXT_CLIENT_NAME": 1,
        "LOGGED_IN": False,
        "PLAYER_JS_URL": PLAYER_PATH,
        "STS": 20345,
        "VISITOR_DATA": visitor_data,
    }
