"""Faults of the player API, in the service's own words.

Source: the recorded answers of `youtubei/v1/player` (client VISIONOS) and `reel_item_watch` (client ANDROID).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytomo_scrapy.lab.faults.kinds import PlayerApiFault
from pytomo_scrapy.lab.http.service_messages import Json

Make = Callable[[Json, str], tuple[int, Json]]

_MEDIA = ("streamingData", "storyboards")


def _refuse(
    status: str,
    reason: str,
    *,
    subreason: str | None = None,
    has_screen: bool = True,
    has_details: bool = True,
    **more: Any,
) -> Make:
    def make(answer: Json, _: str) -> tuple[int, Json]:
        playability: Json = {"status": status, "reason": reason, **more}
        if has_screen:
            playability["errorScreen"] = _error_screen(reason, subreason)
        answer["playabilityStatus"] = playability
        if not has_details:
            return 200, {name: answer[name] for name in ("responseContext", "playabilityStatus")}
        return 200, _without(answer, *_MEDIA)

    return make


def _error_screen(reason: str, subreason: str | None) -> Json:
    renderer: Json = {"icon": {"iconType": "ERROR_OUTLINE"}, "reason": {"runs": [{"text": reason}]}}
    if subreason:
        renderer["subreason"] = {"runs": [{"text": subreason}]}
    return {"playerErrorMessageRenderer": renderer}


def _without(answer: Json, *names: str) -> Json:
    return {name: value for name, value in answer.items() if name not in names}


def _streamability(video_id: str, **more: Any) -> Json:
    return {"liveStreamabilityRenderer": {"videoId": video_id, **more, "pollDelayMs": "15000"}}


def _live(answer: Json, video_id: str) -> tuple[int, Json]:
    stream = _streamability(video_id, broadcastId="1")
    answer["playabilityStatus"] = {"status": "OK", "playableInEmbed": True, "liveStreamability": stream}
    answer["videoDetails"].update(lengthSeconds="0", isLiveContent=True, isLive=True)
    streaming = answer["streamingData"]
    for entry in streaming.get("formats", streaming.get("adaptiveFormats")):
        entry.update(targetDurationSec=2, maxDvrDurationSec=43200)
        entry.pop("contentLength")
    streaming["hlsManifestUrl"] = (
        f"https://www.youtube.com/api/manifest/hls_variant/id/{video_id}.1/source/yt_live_broadcast/file/index.m3u8"
    )
    answer["storyboards"] = {"playerLiveStoryboardSpecRenderer": answer["storyboards"]["playerStoryboardSpecRenderer"]}
    return 200, answer


def _upcoming(answer: Json, video_id: str) -> tuple[int, Json]:
    text = "Premieres in 2 hours"
    slate = {"liveStreamOfflineSlateRenderer": {"mainText": {"runs": [{"text": text}]}}}
    answer["playabilityStatus"] = {
        "status": "LIVE_STREAM_OFFLINE",
        "reason": text,
        "playableInEmbed": True,
        "liveStreamability": _streamability(video_id, offlineSlate=slate),
    }
    answer["videoDetails"].update(lengthSeconds="0", isLiveContent=True, isUpcoming=True)
    return 200, _without(answer, *_MEDIA)


def _no_url(answer: Json, _: str) -> tuple[int, Json]:
    streaming = answer["streamingData"]
    for entry in streaming.get("formats", streaming.get("adaptiveFormats")):
        entry.pop("url", None)
    return 200, answer


def _exhausted(_: Json, __: str) -> tuple[int, Json]:
    message = "Resource has been exhausted (e.g. check quota)."
    return 429, {"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}}


# The service writes this one with a typographic apostrophe, and the texts about rates with a plain one.
BOT_CHECK = PlayerApiFault(
    "bot_check",
    "sign in to confirm you're not a bot",
    "bot_check",
    _refuse(
        "LOGIN_REQUIRED",
        "Sign in to confirm you\u2019re not a bot",
        subreason="This helps protect our community. Learn more",
        has_details=False,
    ),
    stops_a_crawl=True,
)

ROWS = (
    PlayerApiFault(
        "private",
        "the player API says that the video is private",
        "private",
        _refuse(
            "LOGIN_REQUIRED",
            "This video is private",
            subreason="If the owner of this video has granted you access, please sign in.",
            has_details=False,
            messages=["This is a private video. Please sign in to verify that you may see it."],
        ),
    ),
    PlayerApiFault(
        "geo",
        "not available in this country",
        "geo_restricted",
        _refuse("UNPLAYABLE", "The uploader has not made this video available in your country"),
    ),
    PlayerApiFault(
        "age",
        "sign in to confirm your age",
        "age_restricted",
        _refuse(
            "LOGIN_REQUIRED",
            "Sign in to confirm your age",
            subreason="This video may be inappropriate for some users.",
            desktopLegacyAgeGateReason=1,
        ),
    ),
    PlayerApiFault(
        "members",
        "members only",
        "members_only",
        _refuse(
            "UNPLAYABLE",
            "This video is available to this channel's members on level: Magnificent Members (or any higher priced"
            " level).",
            has_screen=False,
            playableInEmbed=True,
        ),
    ),
    PlayerApiFault(
        "premium",
        "needs a paid subscription",
        "premium",
        _refuse(
            "UNPLAYABLE",
            "This video is only available to Music Premium members",
            has_screen=False,
            playableInEmbed=True,
        ),
    ),
    PlayerApiFault(
        "removed",
        "removed by its uploader",
        "removed",
        _refuse(
            "ERROR",
            "Video unavailable",
            subreason="This video has been removed by the uploader",
            has_details=False,
        ),
    ),
    BOT_CHECK,
    PlayerApiFault(
        "rate_limited",
        "this content isn't available, try again later",
        "rate_limited",
        _refuse(
            "UNPLAYABLE",
            "Video unavailable",
            subreason="This content isn't available, try again later.",
            has_details=False,
        ),
        stops_a_crawl=True,
    ),
    PlayerApiFault("live", "a live stream", "live", _live),
    PlayerApiFault("upcoming", "a premiere that has not started", "upcoming", _upcoming),
    PlayerApiFault("no_url", "formats without any plain URL (SABR only)", "no_url_formats", _no_url),
    PlayerApiFault("http_429", "the player API answers 429", "http_429", _exhausted, stops_a_crawl=True),
)
