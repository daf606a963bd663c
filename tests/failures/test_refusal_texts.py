"""What a refusal says, in the shapes that are known and in those that are not."""

from __future__ import annotations

from typing import Any

import pytest

from pytomo_scrapy.failures.refusal_texts import CAPTCHA, read_refusal


def runs(*parts: str) -> dict[str, Any]:
    return {"runs": [{"text": part} for part in parts]}


INTERSTITIAL = {
    "playerInterstitialRenderer": {
        "content": {
            "interstitialViewModel": {
                "title": {"content": "Video unavailable"},
                "description": {"content": "It was removed by the uploader", "commandRuns": [{"startIndex": 0}]},
                "primaryButton": {"buttonViewModel": {"title": "Sign in", "iconName": "X"}},
            }
        }
    }
}


@pytest.mark.parametrize(
    ("status", "texts", "reason"),
    [
        ({"status": "ERROR"}, (), ""),
        ({"status": "ERROR", "reason": "Video unavailable"}, ("Video unavailable",), "Video unavailable"),
        ({"status": "ERROR", "messages": ["One", "Two"]}, ("One", "Two"), "One | Two"),
        (
            {
                "status": "ERROR",
                "reason": "Video unavailable",
                "errorScreen": {
                    "playerErrorMessageRenderer": {
                        "reason": {"simpleText": "Video unavailable"},
                        "subreason": runs("It was ", "removed"),
                        "proceedButton": {"buttonRenderer": {"text": {"simpleText": "Buy or rent"}}},
                        "learnMore": runs("Learn more about members"),
                    }
                },
            },
            ("Video unavailable", "It was removed"),
            "It was removed",
        ),
        (
            {"status": "UNPLAYABLE", "errorScreen": INTERSTITIAL},
            ("Video unavailable", "It was removed by the uploader"),
            "It was removed by the uploader",
        ),
        (
            {"status": "ERROR", "reason": "Wait", "errorScreen": {"playerCaptchaViewModel": {"title": "Prove it"}}},
            (CAPTCHA, "Wait", "Prove it"),
            f"{CAPTCHA} | Wait | Prove it",
        ),
        (
            {"status": "ERROR", "errorScreen": {"new": [{"headline": runs("Not ", "today"), "trackingParams": "x"}]}},
            ("Not today",),
            "Not today",
        ),
    ],
)  # fmt: skip
def test_refusal_gives_its_texts_each_once_and_the_reason_without_its_headline(
    status: dict[str, Any], texts: tuple[str, ...], reason: str
) -> None:
    refusal = read_refusal(status)
    assert refusal is not None
    assert (refusal.status, refusal.texts, refusal.reason) == (status["status"], texts, reason)


@pytest.mark.parametrize("status", [{"status": "OK"}, {"status": "OK", "reason": "anything"}])
def test_answer_that_plays_is_no_refusal(status: dict[str, Any]) -> None:
    assert read_refusal(status) is None


@pytest.mark.parametrize("status", [None, 1, "x", [], {}, {"status": None}, {"status": []}])
def test_status_of_no_known_type_is_a_refusal_without_words(status: object) -> None:
    refusal = read_refusal(status)
    assert refusal is not None and (refusal.line, refusal.reason) == ("no status", "")


def test_hostile_screen_is_read_in_bounds_and_its_halves_of_pairs_are_mended() -> None:
    deep: dict[str, Any] = {"title": "\ud83d deep"}
    for _ in range(500):
        deep = {"inner": deep}
    wide = {"title": "x" * 10_000, "list": [{"text": f"{number}"} for number in range(100_000)]}
    for screen in (deep, wide):
        refusal = read_refusal({"status": "ERROR", "errorScreen": screen})
        assert refusal is not None and 0 < len(refusal.line.encode()) < 5000
