"""The texts that yt-dlp and the service really use, and the class that each must get."""

from __future__ import annotations

import pytest
from yt_dlp.networking.exceptions import ProxyError, TransportError
from yt_dlp.utils import DownloadError, GeoRestrictedError, UnsupportedError

from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.failures.refusal_texts import Refusal
from pytomo_scrapy.measure.resolve.refusal_messages import SYMPTOMS, classify_resolution, scrub

_POT = (
    "[youtube] x: mweb client https formats require a GVS PO Token which was not provided. They will be skipped as "
    "they may yield HTTP Error 403. You can manually pass a GVS PO Token for this client"
)
_SABR = (
    "[youtube] x: Some web client https formats have been skipped as they are missing a URL. YouTube is forcing SABR "
    "streaming for this client. See https://github.com/yt-dlp/yt-dlp/issues/12482 for more details"
)
_N = "[youtube] x: n challenge solving failed: Some formats may be missing. Ensure you have a supported runtime"
_RATE = "This content isn't available, try again later. The current session has been rate-limited by YouTube"
_MEMBERS = "Join this channel to get access to members-only content like this video, and other exclusive perks."
_LOGIN = "Use --cookies-from-browser or --cookies for the authentication."


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        (f"Sign in to confirm you’re not a bot. {_LOGIN}", "bot_check"),
        ("Sign in to confirm you're not a bot", "bot_check"),
        ("Video unavailable. YouTube is requiring a captcha challenge before playback", "bot_check"),
        ("All player responses are invalid. Your IP is likely being blocked by Youtube", "bot_check"),
        (_RATE, "rate_limited"),
        ("Unable to download API page: HTTP Error 429: Too Many Requests (caused by <HTTPError 429>)", "http_429"),
        (f"Sign in to confirm your age. This video may be inappropriate for some users. {_LOGIN}", "age_restricted"),
        (_MEMBERS, "members_only"),
        ("This video is available to this channel's members on level: Magnificent Members", "members_only"),
        ("This video is available to this channel’s members on level: Gold", "members_only"),
        ("This video is only available to Music Premium members", "premium"),
        ("This video requires payment to watch", "premium"),
        ("Private video. Sign in if you've been granted access to this video", "private"),
        (f"This video is private. If the owner has granted you access, please sign in. {_LOGIN}", "private"),
        ("The uploader has not made this video available in your country", "geo_restricted"),
        (
            "This video contains content from WMG, who has blocked it in your country on copyright grounds",
            "geo_restricted",
        ),
        ("This video is not available in your country", "geo_restricted"),
        ("This video is not available from your location due to geo restriction", "geo_restricted"),
        ("Premieres in 12 hours", "upcoming"),
        ("This live event will begin in 3 days.", "upcoming"),
        ("This live event has not started yet", "upcoming"),
        ("This video is not available", "removed"),
        ("Video unavailable", "removed"),
        ("This video is unavailable", "removed"),
        ("The page needs to be reloaded.", "client_broken"),
        (f"Please sign in. {_LOGIN}", "client_broken"),
        ("Video unavailable. This video is no longer available because the account has been terminated.", "removed"),
        ("This video has been removed for violating YouTube's Terms of Service", "removed"),
        ("This live stream recording is not available.", "removed"),
        ("This video isn't available anymore", "removed"),
        ("This video is DRM protected", "drm_protected"),
        ("Unable to download API page: HTTP Error 403: Forbidden", "http_403"),
        ("Unable to download webpage: HTTP Error 404: Not Found", "http_404"),
        ("Unable to download webpage: HTTP Error 410: Gone", "http_410"),
        ("Unable to download API page: HTTP Error 400: Bad Request", "http_4xx"),
        ("Unable to download API page: HTTP Error 503: Service Unavailable", "http_5xx"),
        (_N, "js_challenge"),
        ("Signature solving failed: Some formats may be missing.", "js_challenge"),
        (_SABR, "no_url_formats"),
        ("Requested format is not available. Use --list-formats for a list of available formats", "no_format"),
        ("Unsupported URL: https://example.org/", "unsupported_url"),
        ("Unable to download API page: [Errno -3] Temporary failure in name resolution", "resolve_unreachable"),
        (
            "HTTPSConnection(host='www.youtube.com', port=443): Failed to resolve 'www.youtube.com'",
            "resolve_unreachable",
        ),
        (
            "HTTPSConnection(host='www.youtube.com', port=443): Read timed out. (read timeout=20.0)",
            "resolve_unreachable",
        ),
        ("[Errno 111] Connection refused", "resolve_unreachable"),
        ("[Errno 101] Network is unreachable", "resolve_unreachable"),
        ("('Connection aborted.', RemoteDisconnected('Remote end closed connection'))", "resolve_unreachable"),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer",
            "resolve_unreachable",
        ),
        ("('Unable to connect to proxy', OSError('Tunnel connection failed: 403 Forbidden'))", "proxy_failed"),
        ("Failed to extract any player response", "removed"),
    ],
)
def test_classify_resolution_by_text_gives_the_class(text: str, failure: str) -> None:
    wrapped = DownloadError(f"ERROR: [youtube] x: {text}", (KeyError, KeyError("x"), None))
    assert classify_resolution([], wrapped)[0].failure == failure
    assert classify_resolution(["[youtube] something harmless", text], None)[0].failure == failure


def test_classify_resolution_token_message_is_no_http_error() -> None:
    assert classify_resolution([_POT], None)[0].failure == "po_token"


def test_classify_resolution_of_several_messages_takes_the_most_telling() -> None:
    error = DownloadError("ERROR: [youtube] x: Failed to extract any player response")
    symptom, detail = classify_resolution(["Unable to download API page: HTTP Error 429: Too Many Requests"], error)
    assert symptom.failure == "http_429"
    assert detail.startswith("Unable to download API page: HTTP Error 429")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (UnsupportedError("https://example.org"), "unsupported_url"),
        (GeoRestrictedError("words that no row knows"), "geo_restricted"),
        (ProxyError("words that no row knows"), "proxy_failed"),
        (TransportError("words that no row knows"), "resolve_unreachable"),
        (ConnectionError("words that no row knows"), "resolve_unreachable"),
    ],
)
def test_classify_resolution_of_unknown_text_goes_by_type(error: Exception, failure: str) -> None:
    wrapped = DownloadError("ERROR: wrapped", (type(error), error, None))
    assert classify_resolution([], wrapped)[0].failure == failure


def test_classify_resolution_of_an_unknown_error_names_its_type_and_text() -> None:
    symptom, detail = classify_resolution([], DownloadError("ERROR: 'x'", (KeyError, KeyError("surprise"), None)))
    assert (symptom.failure, detail) == ("unknown_failure", "KeyError: 'surprise'")


def test_mistake_of_our_own_within_yt_dlp_stays_unknown() -> None:
    with pytest.raises((TypeError, AttributeError)) as caught:
        scrub(5)  # type: ignore[arg-type]
    assert classify_resolution([], caught.value)[0].failure == "unknown_failure"


@pytest.mark.parametrize(
    "words",
    [
        "An extractor error has occurred. (caused by KeyError('a'))",
        "Failed to parse JSON",
        "Unable to extract uploader id",
    ],
)
def test_what_yt_dlp_says_of_an_unforeseen_answer_is_unreadable(words: str) -> None:
    symptom, detail = classify_resolution([], DownloadError(f"ERROR: [youtube] x: {words}; please report this issue"))
    assert symptom.failure == "answer_unreadable" and symptom.may_fall_back and words in detail


def test_classify_resolution_without_anything_said_is_unknown() -> None:
    assert classify_resolution([], None)[0].failure == "unknown_failure"


_NEW = Refusal("UNPLAYABLE", ("Video unavailable", "Come back on Tuesday"))
_SAID = "[youtube] x: Video unavailable. Come back on Tuesday"


@pytest.mark.parametrize(
    ("messages", "refusals", "failure"),
    [
        ([_SAID], [_NEW], "unknown_refusal"),
        ([_SAID, _SABR, "HTTP Error 403: Forbidden"], [_NEW], "unknown_refusal"),
        (["No video formats found!"], [_NEW], "unknown_refusal"),  # a shape that yt-dlp does not read
        ([], [Refusal("UNPLAYABLE", ())], "unknown_refusal"),
        # What another answer says decides where that one plays.
        ([_SAID, _SABR], [_NEW, None], "removed"),
        ([_SABR], [_NEW, None], "no_url_formats"),
        # Known words, in yt-dlp's message or in the answer alone.
        ([f"{_SAID}. This video is private"], [_NEW], "private"),
        (["No video formats found!"], [Refusal("ERROR", ("Video unavailable", "Private video"))], "private"),
        (["No video formats found!"], [Refusal("ERROR", ("Video unavailable",))], "removed"),
        (["No video formats found!"], [_NEW, Refusal("CONTENT_CHECK_REQUIRED", ())], "age_restricted"),
        (["[youtube] x: Video unavailable"], [Refusal("ERROR", ("Video unavailable",))], "removed"),
    ],
)
def test_refusal_is_never_an_unknown_failure_and_its_words_are_kept(
    messages: list[str], refusals: list[Refusal | None], failure: str
) -> None:
    symptom, detail = classify_resolution(messages, None, refusals)
    assert symptom.failure == failure
    if failure == "unknown_refusal":
        assert detail == "; ".join(refusal.line for refusal in refusals if refusal)
        assert symptom.may_fall_back


def test_symptoms_name_classes_of_the_vocabulary() -> None:
    assert {symptom.failure for symptom in SYMPTOMS} <= FAILURES.keys()


@pytest.mark.parametrize("failure", ["bot_check", "rate_limited", "http_429", "private", "geo_restricted", "premium"])
def test_symptoms_where_asking_again_is_of_no_use_never_fall_back(failure: str) -> None:
    assert not any(symptom.may_fall_back for symptom in SYMPTOMS if symptom.failure == failure)


def test_scrub_removes_queries_and_passwords() -> None:
    text = (
        "\x1b[0;31mERROR:\x1b[0m https://rr1.example/videoplayback?ip=192.0.2.1&sig=AB via http://user:word@proxy:3128"
    )
    assert scrub(text) == "ERROR: https://rr1.example/videoplayback via http://proxy:3128"
