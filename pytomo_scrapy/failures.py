"""The closed vocabulary of failures, what each is attributed to, and the error tree that carries them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Attribution(StrEnum):
    """Whose fault a failure is; only `NETWORK` counts against the line."""

    NETWORK = "network"
    SERVICE = "service"
    CONTENT = "content"
    TOOL = "tool"
    UNKNOWN = "unknown"


class Stage(StrEnum):
    """The stages of one measurement, in the order of the flow."""

    PAGE = "page"
    RESOLVE = "resolve"
    DNS = "dns"
    PING = "ping"
    DOWNLOAD = "download"
    PLAYBACK = "playback"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class FailureClass:
    """One word of the vocabulary: its name, whose fault it is, and what a reader should make of it."""

    name: str
    attribution: Attribution
    help: str
    is_permanent: bool = True


def _vocabulary() -> dict[str, FailureClass]:
    network, service = Attribution.NETWORK, Attribution.SERVICE
    content, tool, unknown = Attribution.CONTENT, Attribution.TOOL, Attribution.UNKNOWN
    rows: list[tuple[str, Attribution, str, bool]] = [
        # Content: this video cannot be played by anybody like us.
        ("private", content, "the video is private", True),
        ("geo_restricted", content, "the video is not available in this country", True),
        ("age_restricted", content, "the video needs a signed-in adult", True),
        ("members_only", content, "the video is for members of the channel", True),
        ("premium", content, "the video needs a paid subscription or a purchase", True),
        ("removed", content, "the video was removed or never existed", True),
        ("upcoming", content, "the video has not started yet", True),
        ("live", content, "the video is live: a window of it is not comparable", True),
        ("drm_protected", content, "the video is encrypted: no media could be played", True),
        # Service: it refused or changed; says nothing about the line.
        ("bot_check", service, "the service asks to prove that we are not a bot", False),
        ("rate_limited", service, "the service limits guests for about an hour", False),
        ("consent_wall", service, "a consent page stood in place of the answer", False),
        ("no_url_formats", service, "the answer holds formats without a plain URL (SABR only)", False),
        ("no_format", content, "no format of the answer fits PYTOMO_FORMAT", True),
        ("po_token", service, "the service wants a proof-of-origin token", False),
        ("js_challenge", service, "the service's JavaScript challenge could not be solved", False),
        ("client_broken", service, "every format was refused: update yt-dlp", False),
        ("not_available_yet", service, "the service's own wait was longer than we wait", False),
        ("unknown_page_shape", service, "a page has none of the known shapes", False),
        ("empty_page", service, "a page of a known shape lists no video", False),
        ("http_4xx", service, "HTTP client error other than those with a class of their own", True),
        ("http_403", service, "HTTP 403: the URL was refused at its start", False),
        ("http_404", service, "HTTP 404: not found", True),
        ("http_410", service, "HTTP 410: the URL expired", False),
        ("http_416", service, "HTTP 416: the range was refused", True),
        ("http_429", service, "HTTP 429: too many requests", False),
        ("http_5xx", service, "HTTP server error", False),
        ("redirect_loop", service, "a redirect led back to an address seen before", True),
        ("redirect_limit", service, "more redirects than we follow", True),
        ("bad_redirect", service, "a redirect without a usable target", True),
        ("wrong_length", service, "the server declares another length than the format", True),
        ("bad_response", service, "the answer is not valid HTTP, or its header has no end", True),
        ("wrong_content", service, "the body is not a media file", True),
        # Network: the session counts as bad.
        ("dns_timeout", network, "no answer from the resolver in time", False),
        ("dns_nxdomain", network, "the resolver says that the name does not exist", False),
        ("dns_no_answer", network, "the resolver has no address of the wanted family", False),
        ("dns_servfail", network, "the resolver failed or refused", False),
        ("dns_unreachable", network, "the resolver could not be reached, or TLS with it failed", False),
        ("dns_bad_response", network, "the resolver's answer could not be read", False),
        ("connect_refused", network, "the connection was refused", False),
        ("connect_timeout", network, "no connection in time", False),
        ("connect_unreachable", network, "no route to the host or network", False),
        ("proxy_failed", network, "the proxy refused or could not be reached", False),
        ("tls_expired", network, "the server's certificate has expired (or our clock is wrong)", False),
        ("tls_wrong_name", network, "the certificate is for another name", False),
        ("tls_unknown_ca", network, "the certificate's issuer is not trusted", False),
        ("tls_handshake", network, "TLS could not be set up", False),
        ("http_version_unavailable", network, "the demanded HTTP version could not be spoken", False),
        ("first_byte_timeout", network, "connected, but no byte of the answer in the window", False),
        ("reset", network, "the connection was reset in mid-download", False),
        ("truncated", network, "the body ended before its declared length", False),
        ("no_progress", network, "bytes stopped arriving and never came again in the window", False),
        ("interrupted", network, "refused in mid-download after bytes had arrived", False),
        ("resolve_unreachable", network, "the service's player API could not be reached", False),
        ("page_unreachable", network, "the service's page could not be reached", False),
        ("page_timeout", network, "the service's page did not come in time", False),
        ("ping_no_reply", network, "no reply to any probe", False),
        # Tool: our own limits and accidents.
        ("exit_address_changed", tool, "the exit address changed between resolution and window", False),
        ("worker_died", tool, "the measuring process died (its exit code is in the detail)", False),
        ("deadline", tool, "the measuring process was ended at its deadline", False),
        ("data_cap", tool, "the data cap of the day was reached", False),
        ("robots_disallowed", tool, "robots.txt forbids the page and ROBOTSTXT_OBEY is on", True),
        ("unsupported_url", tool, "no extractor knows the URL", True),
        ("ping_not_permitted", tool, "no way to ping is permitted on this machine", False),
        ("unreadable_container", content, "the media could not be demultiplexed", True),
        ("no_media_data", network, "too few bytes arrived to tell any media time", False),
        ("skipped_after_resolve", tool, "not tried: the resolution had failed", False),
        ("skipped_after_dns", tool, "not tried: the name look-up had failed", False),
        ("skipped_after_download", tool, "not tried: the download had left nothing to tell from", False),
        ("unknown_failure", unknown, "not foreseen; failure_detail holds the exception", False),
    ]
    return {name: FailureClass(name, who, text, permanent) for name, who, text, permanent in rows}


FAILURES: dict[str, FailureClass] = _vocabulary()


class PytomoError(Exception):
    """Base class of every error that this project raises on purpose."""


class MeasurementError(PytomoError):
    """Raised inside a stage to end it with a class of the vocabulary; the stage turns it into data."""

    def __init__(self, failure: str, detail: str = "") -> None:
        if failure not in FAILURES:
            raise KeyError(f"{failure!r} is not in the failure vocabulary")
        super().__init__(f"{failure}: {detail}" if detail else failure)
        self.failure = failure
        self.detail = detail


class SettingError(PytomoError):
    """Raised if a setting or argument has an unusable value; the message names it and says what would be right."""


class PageError(MeasurementError):
    """Raised if a page or API answer of the service cannot be used."""


class LineError(PytomoError):
    """Raised if another crawler measures over the same line; the message is one sentence for the user."""


class StorageError(PytomoError):
    """Raised if the database cannot be opened, migrated or written; the message is one sentence for the user."""


class TooSlowError(StorageError):
    """Raised if a question of the web page took longer than it may and was ended."""


class NotReadyError(StorageError):
    """Raised if there is no database yet, or it has not the schema of this version; the message says what to run."""


# The service says: go away. Of media hosts a 429 is about one file, so only pages and resolutions count.
REFUSALS = frozenset(("bot_check", "rate_limited", "http_429"))


def attribution_of(failure: str | None) -> Attribution | None:
    """Return whose fault `failure` is. None when there is no failure."""
    if failure is None:
        return None
    return FAILURES[failure].attribution


def is_skip(failure: str | None) -> bool:
    """Tell whether `failure` only repeats that an earlier stage failed."""
    return failure is not None and failure.startswith("skipped_after_")
