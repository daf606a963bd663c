"""The classes of failure that the service and its videos account for: they say nothing about the line."""

from __future__ import annotations

from pytomo_scrapy.failures.advice import (
    DISTRUSTED,
    ELSEWHERE,
    FEW,
    GATED,
    LIVE,
    PORTAL,
    REFUSED,
    SABR,
    UPGRADE,
    UPGRADE_YT_DLP,
    WAIT,
)
from pytomo_scrapy.failures.failure_class import Attribution, FailureClass

SERVICE_CLASSES = (
    # Content: this video cannot be played by anybody like us.
    FailureClass("private", Attribution.CONTENT, "the video is private", ELSEWHERE, is_permanent=True),
    FailureClass(
        "geo_restricted",
        Attribution.CONTENT,
        "the video is not available in this country",
        "Nothing, or ask for a list of your country: `-a country=GB`.",
        is_permanent=True,
    ),
    FailureClass(
        "age_restricted",
        Attribution.CONTENT,
        "the video needs a signed-in adult",
        "Nothing: the video cannot be measured without an account.",
        is_permanent=True,
    ),
    FailureClass(
        "members_only",
        Attribution.CONTENT,
        "the video is for members of the channel",
        ELSEWHERE,
        is_permanent=True,
    ),
    FailureClass(
        "premium",
        Attribution.CONTENT,
        "the video needs a paid subscription or a purchase",
        ELSEWHERE,
        is_permanent=True,
    ),
    FailureClass(
        "removed", Attribution.CONTENT, "the video was removed or never existed", ELSEWHERE, is_permanent=True
    ),
    FailureClass("upcoming", Attribution.CONTENT, "the video has not started yet", LIVE, is_permanent=True),
    FailureClass(
        "live",
        Attribution.CONTENT,
        "the video is live: a window of it is not comparable",
        LIVE,
        is_permanent=True,
    ),
    FailureClass(
        "drm_protected",
        Attribution.CONTENT,
        "the video is encrypted: no media could be played",
        "Nothing: only a player that is given the keys can play it.",
        is_permanent=True,
    ),
    FailureClass(
        "media_encrypted",
        Attribution.CONTENT,
        "the segments are encrypted with a key that players fetch: they could be measured, but not played here",
        "Nothing: such videos are left out.",
        is_permanent=True,
    ),
    # Service: it refused or changed; says nothing about the line.
    FailureClass(
        "bot_check",
        Attribution.SERVICE,
        "the service asks to prove that we are not a bot",
        DISTRUSTED,
        is_refusal=True,
    ),
    FailureClass(
        "rate_limited", Attribution.SERVICE, "the service limits guests for about an hour", WAIT, is_refusal=True
    ),
    FailureClass(
        "unknown_refusal",
        Attribution.SERVICE,
        "the service refused the video in words that are not known; failure_detail holds them",
        "Report it, with `failure_detail`: the service has found new words. Nothing is wrong with the line.",
        is_refusal=True,
    ),
    FailureClass(
        "consent_wall",
        Attribution.SERVICE,
        "a consent page stood in place of the answer",
        "Report it, with the page: the consent cookie no longer suffices.",
        is_refusal=True,
    ),
    FailureClass(
        "no_url_formats",
        Attribution.SERVICE,
        "the answer holds formats without a plain URL (SABR only)",
        UPGRADE_YT_DLP,
        is_refusal=True,
    ),
    FailureClass(
        "no_format",
        Attribution.CONTENT,
        "no format of the answer fits PYTOMO_FORMAT",
        "Widen `PYTOMO_FORMAT`.",
        is_permanent=True,
    ),
    FailureClass(
        "broken_playlist",
        Attribution.SERVICE,
        "the list of the video's segments (HLS, DASH) is damaged, endless or empty; failure_detail says what is wrong",
        FEW,
    ),
    FailureClass(
        "po_token",
        Attribution.SERVICE,
        "the service wants a proof-of-origin token",
        UPGRADE_YT_DLP,
        is_refusal=True,
    ),
    FailureClass(
        "js_challenge",
        Attribution.SERVICE,
        "the service's JavaScript challenge could not be solved",
        UPGRADE_YT_DLP,
        is_refusal=True,
    ),
    FailureClass(
        "client_broken",
        Attribution.SERVICE,
        "every format was refused: update yt-dlp",
        UPGRADE_YT_DLP,
        is_refusal=True,
    ),
    FailureClass(
        "not_available_yet",
        Attribution.SERVICE,
        "the service's own wait was longer than we wait",
        "Raise `PYTOMO_RESOLVE_MAX_WAIT_S`, or leave it: the service asked for a longer wait than that.",
    ),
    FailureClass(
        "page_too_large",
        Attribution.SERVICE,
        "a page is larger than `DOWNLOAD_MAXSIZE`, as sent or unpacked",
        FEW,
    ),
    FailureClass(
        "answer_too_large",
        Attribution.SERVICE,
        "an answer to the resolution is larger than 8 MiB, unpacked, or reading it took more memory than it may",
        FEW,
    ),
    FailureClass(
        "answer_unreadable",
        Attribution.SERVICE,
        "yt-dlp could not read the service's answer, which has another shape than it expects",
        UPGRADE_YT_DLP,
    ),
    FailureClass("unknown_page_shape", Attribution.SERVICE, "a page has none of the known shapes", UPGRADE),
    FailureClass("empty_page", Attribution.SERVICE, "a page of a known shape lists no video", UPGRADE),
    FailureClass(
        "http_4xx",
        Attribution.SERVICE,
        "HTTP client error other than those with a class of their own",
        FEW,
        is_permanent=True,
        is_refusal=True,
    ),
    FailureClass(
        "http_403", Attribution.SERVICE, "HTTP 403: the URL was refused at its start", REFUSED, is_refusal=True
    ),
    FailureClass("http_404", Attribution.SERVICE, "HTTP 404: not found", FEW, is_permanent=True),
    FailureClass("http_410", Attribution.SERVICE, "HTTP 410: the URL is gone at its start", REFUSED),
    FailureClass("http_416", Attribution.SERVICE, "HTTP 416: the range was refused", FEW, is_permanent=True),
    FailureClass("http_429", Attribution.SERVICE, "HTTP 429: too many requests", WAIT, is_refusal=True),
    FailureClass("http_5xx", Attribution.SERVICE, "HTTP server error", FEW),
    FailureClass(
        "media_gated",
        Attribution.SERVICE,
        "the service cut the guest off: it refused the next range of a file that it had begun to serve",
        GATED,
        is_refusal=True,
    ),
    FailureClass(
        "sabr_error",
        Attribution.SERVICE,
        "SABR: the service reported an error of its own, which failure_detail names",
        SABR,
        is_refusal=True,
    ),
    FailureClass(
        "player_reload",
        Attribution.SERVICE,
        "SABR: the service ordered the player's answer to be asked for anew",
        SABR,
        is_refusal=True,
    ),
    FailureClass(
        "media_withheld",
        Attribution.SERVICE,
        "SABR: three answers in a row held no media, though they were due, and ordered no wait",
        SABR,
        is_refusal=True,
    ),
    FailureClass(
        "no_sabr_url",
        Attribution.SERVICE,
        "PYTOMO_TRANSPORT wants SABR, and the player's answer names no address for these formats",
        "Use `PYTOMO_TRANSPORT=plain` for such videos, or a `PYTOMO_FORMAT` of a video and an audio file.",
    ),
    FailureClass(
        "url_expired",
        Attribution.SERVICE,
        "the media URL had expired when it was asked for",
        "A few are nothing to worry about. If all of them fail this way, this machine's clock is wrong, or it slept "
        "between resolution and window.",
    ),
    FailureClass(
        "redirect_loop",
        Attribution.SERVICE,
        "a redirect led back to an address seen before",
        PORTAL,
        is_permanent=True,
    ),
    FailureClass("redirect_limit", Attribution.SERVICE, "more redirects than we follow", PORTAL, is_permanent=True),
    FailureClass("bad_redirect", Attribution.SERVICE, "a redirect without a usable target", PORTAL, is_permanent=True),
    FailureClass(
        "wrong_length",
        Attribution.SERVICE,
        "the server declares another length than the format",
        FEW,
        is_permanent=True,
    ),
    FailureClass(
        "bad_response",
        Attribution.SERVICE,
        "the answer is not valid HTTP, or its header has no end",
        FEW,
        is_permanent=True,
    ),
    FailureClass(
        "private_address",
        Attribution.SERVICE,
        "the media URL, or a redirect, leads to a loopback, link-local or private address: not followed",
        "A few are nothing to worry about. If all of them fail this way, a filter or portal answers names in the "
        "service's place: compare the resolvers' answers. To measure a service inside your network, set "
        "`PYTOMO_ALLOW_PRIVATE_ADDRESSES=1`.",
    ),
    FailureClass("wrong_content", Attribution.SERVICE, "the body is not a media file", FEW, is_permanent=True),
)
