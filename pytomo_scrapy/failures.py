"""The closed vocabulary of failures: whose fault each is, its meaning, what to do; and the errors that carry it."""

from __future__ import annotations

import errno
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
    """One word of the vocabulary: its name, whose fault it is, what it means, and what to do about it.

    `advice` puts what is typed into backticks. `is_permanent`: trying the same video again will not help.
    `is_refusal`: the service kept from this guest the media of a video that it may give to others. Which videos it
    refuses may have to do with the videos, so that a refusal bends every figure: analysis/refusals.py accounts for it.
    """

    name: str
    attribution: Attribution
    meaning: str
    advice: str
    is_permanent: bool = False
    is_refusal: bool = False

    @property
    def plain_advice(self) -> str:
        """What to do, for where nothing stands for code."""
        return self.advice.replace("`", "")


# What to do about several classes.
_ELSEWHERE = (
    "Nothing: such videos are in every list, and quality figures leave them out. Check your own list if there are many."
)
_WAIT = "Wait some hours and measure more slowly (`PYTOMO_PACE_S`): several measuring points behind one address add up."
_UPGRADE_YT_DLP = (
    'Upgrade yt-dlp, as the service has changed: `pip install -U "yt-dlp[default]"`. '
    "A JavaScript runtime (`pip install deno`) helps its fall-back clients."
)
_DISTRUSTED = (
    "Nothing for a few: each was asked for again as another guest (`PYTOMO_BOT_CHECK_RETRIES`). If most fail so, the "
    f"service distrusts this address. {_WAIT}"
)
_UPGRADE = "Upgrade pytomo-scrapy. `pytomo pages FILE` shows what its parsers see in a saved page."
_FEW = "Nothing for a few. If all fail so, see whether a proxy or a portal answers in the service's place."
_REFUSED = (
    "Nothing for a few. If all fail so, resolution and window may leave by different addresses: set "
    "`PYTOMO_IP_FAMILY`, `PYTOMO_SOURCE_ADDRESS` or `PYTOMO_HTTP_PROXY`. Else upgrade yt-dlp."
)
_GATED = (
    "Nothing on this line: the service cuts guests off that it distrusts. Upgrade yt-dlp "
    '(`pip install -U "yt-dlp[default]"`), or wait some hours and measure more slowly (`PYTOMO_PACE_S`). Videos that '
    "fit in front of the cut are measured all the same: lower `PYTOMO_DOWNLOAD_WINDOW_S` or "
    "`PYTOMO_DOWNLOAD_BUFFER_GOAL_S`."
)
_PORTAL = "Nothing for a few. If all fail so, a captive portal is probably in the way."
_LIVE = "Nothing: a window of a live video cannot be compared with others. Measure it once the broadcast is over."
_RESOLVER = (
    "Ask the resolver by hand (`dig @ADDRESS HOST`), and see in the measurement whether the others answered. Port "
    "53 to resolvers other than the provider's may be blocked: change `PYTOMO_DNS_RESOLVERS`."
)
_FILTER = "Compare the answers of the other resolvers, which the measurement shows: filtering looks like this."
_CONNECTION = (
    "See whether one media host fails or all: one is the service's trouble, all are the line's. "
    "`PYTOMO_IP_FAMILY=4` tells whether IPv6 alone is broken."
)
_TLS = (
    "Check this machine's clock. Else something on the path (a proxy, a filter) replaces certificates: its CA must "
    "be in `SSL_CERT_FILE`."
)
_BAD_SESSION = (
    "This is a measurement: a bad session. See in `pytomo serve` at which hours it happens, and whether one media "
    "host is hit or all: one is the service's trouble, all are the line's."
)
_LINE = "See whether the service's pages open in a browser on this line. If it needs a proxy, set `PYTOMO_HTTP_PROXY`."
_STAGE_BEFORE = "Look at the stage that failed before it."


_CLASSES = (
    # Content: this video cannot be played by anybody like us.
    FailureClass("private", Attribution.CONTENT, "the video is private", _ELSEWHERE, is_permanent=True),
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
        "members_only", Attribution.CONTENT, "the video is for members of the channel", _ELSEWHERE, is_permanent=True
    ),
    FailureClass(
        "premium",
        Attribution.CONTENT,
        "the video needs a paid subscription or a purchase",
        _ELSEWHERE,
        is_permanent=True,
    ),
    FailureClass(
        "removed", Attribution.CONTENT, "the video was removed or never existed", _ELSEWHERE, is_permanent=True
    ),
    FailureClass("upcoming", Attribution.CONTENT, "the video has not started yet", _LIVE, is_permanent=True),
    FailureClass(
        "live", Attribution.CONTENT, "the video is live: a window of it is not comparable", _LIVE, is_permanent=True
    ),
    FailureClass(
        "drm_protected",
        Attribution.CONTENT,
        "the video is encrypted: no media could be played",
        "Nothing: only a player that is given the keys can play it.",
        is_permanent=True,
    ),
    # Service: it refused or changed; says nothing about the line.
    FailureClass(
        "bot_check",
        Attribution.SERVICE,
        "the service asks to prove that we are not a bot",
        _DISTRUSTED,
        is_refusal=True,
    ),
    FailureClass(
        "rate_limited", Attribution.SERVICE, "the service limits guests for about an hour", _WAIT, is_refusal=True
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
        _UPGRADE_YT_DLP,
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
        "po_token", Attribution.SERVICE, "the service wants a proof-of-origin token", _UPGRADE_YT_DLP, is_refusal=True
    ),
    FailureClass(
        "js_challenge",
        Attribution.SERVICE,
        "the service's JavaScript challenge could not be solved",
        _UPGRADE_YT_DLP,
        is_refusal=True,
    ),
    FailureClass(
        "client_broken",
        Attribution.SERVICE,
        "every format was refused: update yt-dlp",
        _UPGRADE_YT_DLP,
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
        _FEW,
    ),
    FailureClass("unknown_page_shape", Attribution.SERVICE, "a page has none of the known shapes", _UPGRADE),
    FailureClass("empty_page", Attribution.SERVICE, "a page of a known shape lists no video", _UPGRADE),
    FailureClass(
        "http_4xx",
        Attribution.SERVICE,
        "HTTP client error other than those with a class of their own",
        _FEW,
        is_permanent=True,
        is_refusal=True,
    ),
    FailureClass(
        "http_403", Attribution.SERVICE, "HTTP 403: the URL was refused at its start", _REFUSED, is_refusal=True
    ),
    FailureClass("http_404", Attribution.SERVICE, "HTTP 404: not found", _FEW, is_permanent=True),
    FailureClass("http_410", Attribution.SERVICE, "HTTP 410: the URL is gone at its start", _REFUSED),
    FailureClass("http_416", Attribution.SERVICE, "HTTP 416: the range was refused", _FEW, is_permanent=True),
    FailureClass("http_429", Attribution.SERVICE, "HTTP 429: too many requests", _WAIT, is_refusal=True),
    FailureClass("http_5xx", Attribution.SERVICE, "HTTP server error", _FEW),
    FailureClass(
        "media_gated",
        Attribution.SERVICE,
        "the service cut the guest off: it refused the next range of a file that it had begun to serve",
        _GATED,
        is_refusal=True,
    ),
    FailureClass(
        "url_expired",
        Attribution.SERVICE,
        "the media URL had expired when it was asked for",
        "Nothing for a few. If all fail so, this machine's clock is wrong, or it slept between resolution and window.",
    ),
    FailureClass(
        "redirect_loop",
        Attribution.SERVICE,
        "a redirect led back to an address seen before",
        _PORTAL,
        is_permanent=True,
    ),
    FailureClass("redirect_limit", Attribution.SERVICE, "more redirects than we follow", _PORTAL, is_permanent=True),
    FailureClass("bad_redirect", Attribution.SERVICE, "a redirect without a usable target", _PORTAL, is_permanent=True),
    FailureClass(
        "wrong_length",
        Attribution.SERVICE,
        "the server declares another length than the format",
        _FEW,
        is_permanent=True,
    ),
    FailureClass(
        "bad_response",
        Attribution.SERVICE,
        "the answer is not valid HTTP, or its header has no end",
        _FEW,
        is_permanent=True,
    ),
    FailureClass(
        "private_address",
        Attribution.SERVICE,
        "the media URL, or a redirect, leads to a loopback, link-local or private address: not followed",
        "Nothing for a few. If all fail so, a filter or portal answers names in the service's place: compare the "
        "resolvers' answers. To measure a service inside your network, set `PYTOMO_ALLOW_PRIVATE_ADDRESSES=1`.",
    ),
    FailureClass("wrong_content", Attribution.SERVICE, "the body is not a media file", _FEW, is_permanent=True),
    # Network: the session counts as bad.
    FailureClass("dns_timeout", Attribution.NETWORK, "no answer from the resolver in time", _RESOLVER),
    FailureClass("dns_nxdomain", Attribution.NETWORK, "the resolver says that the name does not exist", _FILTER),
    FailureClass("dns_no_answer", Attribution.NETWORK, "the resolver has no address of the wanted family", _FILTER),
    # The name server that this line uses keeps its viewers from the media, as with a name that it denies.
    FailureClass(
        "dns_sinkhole",
        Attribution.NETWORK,
        "the resolver answers with an address that leads nowhere (0.0.0.0, ::, loopback): it filters the media host",
        _FILTER,
    ),
    FailureClass("dns_servfail", Attribution.NETWORK, "the resolver failed or refused", _RESOLVER),
    FailureClass(
        "dns_unreachable", Attribution.NETWORK, "the resolver could not be reached, or TLS with it failed", _RESOLVER
    ),
    FailureClass("dns_bad_response", Attribution.NETWORK, "the resolver's answer could not be read", _RESOLVER),
    FailureClass("connect_refused", Attribution.NETWORK, "the connection was refused", _CONNECTION),
    FailureClass("connect_timeout", Attribution.NETWORK, "no connection in time", _CONNECTION),
    FailureClass("connect_unreachable", Attribution.NETWORK, "no route to the host or network", _CONNECTION),
    FailureClass(
        "proxy_failed",
        Attribution.NETWORK,
        "the proxy refused or could not be reached",
        "Check `PYTOMO_HTTP_PROXY`, `https_proxy` and `no_proxy`, then the proxy's own log.",
    ),
    FailureClass(
        "tls_expired", Attribution.NETWORK, "the server's certificate has expired (or our clock is wrong)", _TLS
    ),
    FailureClass("tls_wrong_name", Attribution.NETWORK, "the certificate is for another name", _TLS),
    FailureClass("tls_unknown_ca", Attribution.NETWORK, "the certificate's issuer is not trusted", _TLS),
    FailureClass("tls_handshake", Attribution.NETWORK, "TLS could not be set up", _TLS),
    FailureClass(
        "first_byte_timeout", Attribution.NETWORK, "connected, but no byte of the answer in the window", _BAD_SESSION
    ),
    FailureClass("reset", Attribution.NETWORK, "the connection was reset in mid-download", _BAD_SESSION),
    FailureClass("truncated", Attribution.NETWORK, "the body ended before its declared length", _BAD_SESSION),
    FailureClass(
        "no_progress", Attribution.NETWORK, "bytes stopped arriving and never came again in the window", _BAD_SESSION
    ),
    FailureClass("resolve_unreachable", Attribution.NETWORK, "the service's player API could not be reached", _LINE),
    FailureClass("page_unreachable", Attribution.NETWORK, "the service's page could not be reached", _LINE),
    FailureClass("page_timeout", Attribution.NETWORK, "the service's page did not come in time", _LINE),
    FailureClass(
        "ping_no_reply",
        Attribution.NETWORK,
        "no reply to any probe",
        "Nothing where ICMP is filtered. `PYTOMO_PING_METHOD=tcp` measures connections instead.",
    ),
    # Tool: our own limits and accidents.
    FailureClass(
        "exit_address_changed",
        Attribution.TOOL,
        "the exit address changed between resolution and window",
        "The line has several exits, or its address changed in between. Where it happens often, set "
        "`PYTOMO_SOURCE_ADDRESS` or `PYTOMO_HTTP_PROXY`.",
    ),
    FailureClass(
        "http_version_unavailable",
        Attribution.TOOL,
        "the HTTP version that PYTOMO_HTTP_VERSION insists on could not be spoken",
        "Set `PYTOMO_HTTP_VERSION=auto`.",
    ),
    FailureClass(
        "worker_died",
        Attribution.TOOL,
        "the measuring process died (its exit code is in the detail)",
        "Look for the kernel's out-of-memory killer, and free memory or raise the limits. A second one of the "
        "same video is worth a report.",
    ),
    FailureClass(
        "deadline",
        Attribution.TOOL,
        "the measuring process was ended at its deadline",
        "Close what runs beside the crawl: the machine is too slow or too busy.",
    ),
    FailureClass(
        "probe_paused",
        Attribution.TOOL,
        "this machine stood still during the window",
        "Keep the machine from going to sleep, and give a virtual one processor time of its own: `probe_gap_s` of the "
        "window says for how long it stood still.",
    ),
    FailureClass(
        "out_of_resources",
        Attribution.TOOL,
        "this machine had no file descriptor, socket buffer or memory left for it",
        "Raise the limits (`ulimit -n`, `LimitNOFILE=` of a systemd unit), or close what uses them up.",
    ),
    FailureClass(
        "spool_lost",
        Attribution.TOOL,
        "this machine could not keep the media for the analysis: its temporary folder is full or gone",
        "Free space in the temporary folder, or set `TMPDIR` to one with room. The download's own figures are good.",
    ),
    FailureClass(
        "gave_up",
        Attribution.TOOL,
        "every attempt at the video ended without a result: the crawler died or failed in its middle",
        "Look in the log for what ended the attempts, such as the kernel's out-of-memory killer, and report it with "
        "the video's id.",
    ),
    FailureClass(
        "data_cap",
        Attribution.TOOL,
        "the data cap of the day was reached",
        "Wait for tomorrow, or raise `PYTOMO_DATA_CAP_BYTES_PER_DAY`.",
    ),
    FailureClass(
        "robots_disallowed",
        Attribution.TOOL,
        "robots.txt forbids the page and ROBOTSTXT_OBEY is on",
        "Use your own lists or the Data API (docs/sources.md).",
        is_permanent=True,
    ),
    FailureClass(
        "unsupported_url",
        Attribution.TOOL,
        "no extractor knows the URL",
        "Correct the line of your list; the log names it.",
        is_permanent=True,
    ),
    FailureClass(
        "ping_not_permitted",
        Attribution.TOOL,
        "no way to ping is permitted on this machine",
        'Allow unprivileged ICMP (`sysctl net.ipv4.ping_group_range="0 2147483647"`), or set `PYTOMO_PING_METHOD=tcp`.',
    ),
    FailureClass(
        "unreadable_container",
        Attribution.CONTENT,
        "the media could not be demultiplexed",
        "Keep the detail and report it. The download's own figures are still good.",
        is_permanent=True,
    ),
    FailureClass("no_media_data", Attribution.NETWORK, "too few bytes arrived to tell any media time", _BAD_SESSION),
    FailureClass("skipped_after_resolve", Attribution.TOOL, "not tried: the resolution had failed", _STAGE_BEFORE),
    FailureClass("skipped_after_dns", Attribution.TOOL, "not tried: the name look-up had failed", _STAGE_BEFORE),
    FailureClass(
        "skipped_after_download",
        Attribution.TOOL,
        "not tried: the download had left nothing to tell from",
        _STAGE_BEFORE,
    ),
    FailureClass(
        "plain_http_refusal",
        Attribution.UNKNOWN,
        "refused in mid-download over plain HTTP: by the service, or by a box on the way",
        "Nothing for a few. Only an answer inside TLS is known to be the service's: see whether a proxy, a filter or a "
        "portal answers plain HTTP on this line.",
    ),
    FailureClass(
        "unknown_failure",
        Attribution.UNKNOWN,
        "not foreseen; failure_detail holds the exception",
        "Report it, with `failure_detail`: this class is for what was not foreseen.",
    ),
)

FAILURES: dict[str, FailureClass] = {row.name: row for row in _CLASSES}


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


class LineError(PytomoError):
    """Raised if another crawler measures over the same line; the message is one sentence for the user."""


class StorageError(PytomoError):
    """Raised if the database cannot be opened, migrated or written; the message is one sentence for the user."""


class RefusedError(StorageError):
    """Raised if the database is there but does not take what it is given: to ask again is of no use."""


class TooSlowError(StorageError):
    """Raised if a question of the web page took longer than it may and was ended."""


class NotReadyError(StorageError):
    """Raised if there is no database yet, or it has not the schema of this version; the message says what to run."""


class AbsentError(StorageError):
    """Raised if a database that is only to be read is not there."""


# The refusals that a crawl answers with a pause, since the service says: go away. Of media hosts a 429 is about one
# file, so only pages and resolutions count.
REFUSALS = frozenset(("bot_check", "rate_limited", "http_429"))


# What a system call says where this machine itself has run out of something.
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def attribution_of(failure: str | None) -> Attribution | None:
    """Return whose fault `failure` is. None when there is no failure, unknown for a class of another version."""
    if failure is None:
        return None
    return FAILURES[failure].attribution if failure in FAILURES else Attribution.UNKNOWN


def meaning_of(failure: str | None) -> str:
    """Return what `failure` means. Empty for none, and for the class of another version."""
    return FAILURES[failure].meaning if failure in FAILURES else ""


def advice_on(failure: str | None) -> str:
    """Return what to do about `failure`, in plain text. Empty for none, and for the class of another version."""
    return FAILURES[failure].plain_advice if failure in FAILURES else ""


def was_refused(failure: str | None) -> bool | None:
    """Tell whether the service refused a session that ended so.

    None where the service's answer is not known: our own side ended it, or something that was not foreseen.
    """
    row = FAILURES.get(failure) if failure is not None else None
    if row is None:
        return False if failure is None else None
    return None if row.attribution in (Attribution.TOOL, Attribution.UNKNOWN) else row.is_refusal


def is_skip(failure: str | None) -> bool:
    """Tell whether `failure` only repeats that an earlier stage failed."""
    return failure is not None and failure.startswith("skipped_after_")
