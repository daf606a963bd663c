"""The closed vocabulary of failures: of each class whose fault it is, what it means, what to do."""

from __future__ import annotations

from enum import StrEnum

from pytomo_scrapy.failures.advice import (
    BAD_SESSION,
    CONNECTION,
    FILTER,
    LINE,
    RESOLVER,
    STAGE_BEFORE,
    TLS,
)
from pytomo_scrapy.failures.failure_class import Attribution, FailureClass
from pytomo_scrapy.failures.service_classes import SERVICE_CLASSES


class Stage(StrEnum):
    """The stages of one measurement, in the order of the flow."""

    PAGE = "page"
    RESOLVE = "resolve"
    DNS = "dns"
    PING = "ping"
    DOWNLOAD = "download"
    PLAYBACK = "playback"
    STORE = "store"


_CLASSES = (
    *SERVICE_CLASSES,
    # Network: the session counts as bad.
    FailureClass("dns_timeout", Attribution.NETWORK, "no answer from the resolver in time", RESOLVER),
    FailureClass("dns_nxdomain", Attribution.NETWORK, "the resolver says that the name does not exist", FILTER),
    FailureClass("dns_no_answer", Attribution.NETWORK, "the resolver has no address of the wanted family", FILTER),
    # The name server that this line uses keeps its viewers from the media, as with a name that it denies.
    FailureClass(
        "dns_sinkhole",
        Attribution.NETWORK,
        "the resolver answers with an address that leads nowhere (0.0.0.0, ::, loopback): it filters the media host",
        FILTER,
    ),
    FailureClass("dns_servfail", Attribution.NETWORK, "the resolver failed or refused", RESOLVER),
    FailureClass(
        "dns_unreachable",
        Attribution.NETWORK,
        "the resolver could not be reached, or TLS with it failed",
        RESOLVER,
    ),
    FailureClass("dns_bad_response", Attribution.NETWORK, "the resolver's answer could not be read", RESOLVER),
    FailureClass("connect_refused", Attribution.NETWORK, "the connection was refused", CONNECTION),
    FailureClass("connect_timeout", Attribution.NETWORK, "no connection in time", CONNECTION),
    FailureClass("connect_unreachable", Attribution.NETWORK, "no route to the host or network", CONNECTION),
    FailureClass(
        "proxy_failed",
        Attribution.NETWORK,
        "the proxy refused or could not be reached",
        "Check `PYTOMO_HTTP_PROXY`, `https_proxy` and `no_proxy`, then the proxy's own log.",
    ),
    FailureClass(
        "tls_expired", Attribution.NETWORK, "the server's certificate has expired (or our clock is wrong)", TLS
    ),
    FailureClass("tls_wrong_name", Attribution.NETWORK, "the certificate is for another name", TLS),
    FailureClass("tls_unknown_ca", Attribution.NETWORK, "the certificate's issuer is not trusted", TLS),
    FailureClass("tls_handshake", Attribution.NETWORK, "TLS could not be set up", TLS),
    FailureClass(
        "first_byte_timeout",
        Attribution.NETWORK,
        "connected, but no byte of the answer in the window",
        BAD_SESSION,
        is_window_over=True,
    ),
    FailureClass("reset", Attribution.NETWORK, "the connection was reset in mid-download", BAD_SESSION),
    FailureClass("truncated", Attribution.NETWORK, "the body ended before its declared length", BAD_SESSION),
    FailureClass(
        "no_progress",
        Attribution.NETWORK,
        "bytes stopped arriving and never came again in the window",
        BAD_SESSION,
        is_window_over=True,
    ),
    FailureClass("resolve_unreachable", Attribution.NETWORK, "the service's player API could not be reached", LINE),
    FailureClass("page_unreachable", Attribution.NETWORK, "the service's page could not be reached", LINE),
    FailureClass("page_timeout", Attribution.NETWORK, "the service's page did not come in time", LINE),
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
        "resolve_frozen",
        Attribution.TOOL,
        "yt-dlp was still working on the service's answer when its time was up, and was ended",
        "Upgrade yt-dlp, and report it there with the video's id. If all fail this way, this machine is too slow or "
        "busy.",
    ),
    FailureClass(
        "probe_paused",
        Attribution.TOOL,
        "this machine was paused during the window or a resolution",
        "Keep the machine from going to sleep, and give a virtual machine processor time of its own: the window's "
        "`probe_gap_s` says how long it was paused.",
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
        "every attempt at the video ended without a result: the crawler died or failed in the middle of it",
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
    FailureClass(
        "no_ladder",
        Attribution.TOOL,
        "the qualities among which an adaptive player would choose were not kept",
        "Nothing: the measurement is older than ladders, or its video has one quality.",
    ),
    FailureClass(
        "no_media_data",
        Attribution.NETWORK,
        "too few bytes arrived to tell any media time",
        BAD_SESSION,
        is_window_over=True,
    ),
    FailureClass("skipped_after_resolve", Attribution.TOOL, "not tried: the resolution had failed", STAGE_BEFORE),
    FailureClass("skipped_after_dns", Attribution.TOOL, "not tried: the name look-up had failed", STAGE_BEFORE),
    FailureClass(
        "skipped_after_download",
        Attribution.TOOL,
        "not tried: the download had left nothing to tell from",
        STAGE_BEFORE,
    ),
    FailureClass(
        "plain_http_refusal",
        Attribution.UNKNOWN,
        "refused in mid-download over plain HTTP: by the service, or by a box on the way",
        "A few are nothing to worry about. Only an answer inside TLS is certainly the service's: see whether a proxy, "
        "a filter or a portal answers plain HTTP on this line.",
    ),
    FailureClass(
        "neutral_name_refused",
        Attribution.UNKNOWN,
        "the server does not take a TLS name that is not its own: a differential test cannot be made with it",
        "Nothing: it is nobody's fault. Another neutral name may be taken.",
    ),
    FailureClass(
        "unknown_failure",
        Attribution.UNKNOWN,
        "not foreseen; failure_detail holds the exception",
        "Report it, with `failure_detail`: this class is for what was not foreseen.",
    ),
)

FAILURES: dict[str, FailureClass] = {row.name: row for row in _CLASSES}
