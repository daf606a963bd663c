"""Refusals of the player API in the shapes of autumn 2026: other screens than the error message of before.

Source: the keys that yt-dlp 2026.10.26 reads, and issue threads of TeamNewPipe and FreeTube that print such answers.
"""

from __future__ import annotations

from collections.abc import Callable

from pytomo_scrapy.lab.faults.kinds import PlayerApiFault
from pytomo_scrapy.lab.http.service_messages import Json

Make = Callable[[Json, str], tuple[int, Json]]

_MEDIA = ("streamingData", "storyboards")


def _interstitial(title: str, description: str) -> Json:
    model = {
        "title": {"content": title},
        "description": {"content": description},
        "primaryButton": {"buttonViewModel": {"title": "Learn more"}},
    }
    return {"playerInterstitialRenderer": {"content": {"interstitialViewModel": model}}}


def _captcha() -> Json:
    model = {
        "challengeReason": {"content": "Complete the check to keep watching"},
        "captchaLoadingMessage": {"content": "Loading"},
        "captchaFailedMessage": {"content": "The check failed"},
    }
    return {"playerCaptchaViewModel": model}


def _unknown_screen(title: str) -> Json:
    return {"playerNoticeOfTomorrowViewModel": {"heading": {"content": title}}}


def _refuse_on(screen: Json, reason: str | None = None) -> Make:
    status: Json = {"status": "UNPLAYABLE", "errorScreen": screen}
    if reason:
        status["reason"] = reason

    def answer(healthy: Json, _: str) -> tuple[int, Json]:
        refused = {key: value for key, value in healthy.items() if key not in _MEDIA}
        return 200, {**refused, "playabilityStatus": status}

    return answer


CAPTCHA = PlayerApiFault(
    "captcha",
    "a captcha before playback",
    "bot_check",
    _refuse_on(_captcha(), reason="Video unavailable"),
    stops_a_crawl=True,
)

ROWS = (
    PlayerApiFault(
        "interstitial",
        "removed by its uploader, said in an interstitial",
        "removed",
        _refuse_on(_interstitial("Video unavailable", "This video has been removed by the uploader")),
    ),
    PlayerApiFault(
        "interstitial_unknown",
        "an interstitial whose text is in no list",
        "unknown_refusal",
        _refuse_on(_interstitial("Playback is paused", "Come back when the moon is full")),
    ),
    CAPTCHA,
    PlayerApiFault(
        "screen_unknown",
        "an error screen of a shape that nobody knows",
        "unknown_refusal",
        _refuse_on(_unknown_screen("Playback moved"), reason="Playback moved to another room"),
    ),
    PlayerApiFault(
        "screen_without_reason",
        "an error screen that nobody knows, and no reason beside it",
        "unknown_refusal",
        _refuse_on(_unknown_screen("Playback moved to another room")),
    ),
)
