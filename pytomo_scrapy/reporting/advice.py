# ruff: noqa: E501
"""What to do about each class of failure."""

from __future__ import annotations

from collections.abc import Mapping

_NOTHING = "Nothing: such videos exist everywhere. They are left out of quality figures."
_WAIT = "Measure more slowly (PYTOMO_PACE_S) and wait: the service slows guests down for an hour or more."
_UPGRADE = "Upgrade yt-dlp: the service has changed."
_RESOLVER = "Look up the same name with another resolver (the measurement shows all of them): is it this one alone?"
_SERVER = "See whether one media host is hit or all: one host is the service's trouble, all of them are the line's."
_TLS = "Check this machine's clock, then whether something on the path replaces certificates (a proxy, a filter)."
_CLASSES: Mapping[str, str] = {
    _NOTHING: "private geo_restricted age_restricted members_only premium removed upcoming live drm_protected",
    _WAIT: "bot_check rate_limited http_429",
    _UPGRADE: "no_url_formats po_token js_challenge client_broken unknown_page_shape",
    _RESOLVER: "dns_timeout dns_nxdomain dns_no_answer dns_servfail dns_unreachable dns_bad_response",
    _SERVER: "connect_refused connect_timeout connect_unreachable first_byte_timeout reset truncated no_progress interrupted",
    _TLS: "tls_expired tls_wrong_name tls_unknown_ca tls_handshake",
    "See whether the service's pages open in a browser on this line.": "resolve_unreachable page_unreachable page_timeout",
    "Check PYTOMO_HTTP_PROXY and the proxy's own log.": "proxy_failed",
    "Widen PYTOMO_FORMAT: no stream of the answer fits it.": "no_format",
    "Raise PYTOMO_RESOLVE_MAX_WAIT_S, or leave it: the service asked for a longer wait than that.": "not_available_yet",
    "Look whether the exit address or proxy differs between resolution and window; else upgrade yt-dlp.": "http_403 http_410 exit_address_changed",
    "Free memory or raise the limits; the detail has the exit code. A second one of the same video is worth a report.": "worker_died deadline",
    "Raise PYTOMO_DATA_CAP_BYTES_PER_DAY, or wait for tomorrow.": "data_cap",
    "Allow unprivileged ICMP (net.ipv4.ping_group_range), or set PYTOMO_PING_METHOD=tcp.": "ping_not_permitted",
    "Nothing where ICMP is filtered; PYTOMO_PING_METHOD=tcp measures connections instead.": "ping_no_reply",
    "Look at failure_detail and report it: this class is for what was not foreseen.": "unknown_failure",
}  # fmt: skip

ADVICE: Mapping[str, str] = {name: text for text, names in _CLASSES.items() for name in names.split()}
