"""The frozen configuration of each stage of a measurement; each field is bound to its setting."""

from __future__ import annotations

from dataclasses import dataclass

from pytomo_scrapy.config.resolvers import ResolverConfig, resolvers_of
from pytomo_scrapy.config.setting import part, setting
from pytomo_scrapy.config.values import any_text, choice, flag, ip_address, number, optional, proxy_url, text, whole

_H264_720P = (
    "bestvideo[height<=720][vcodec^=avc1][protocol^=http]+bestaudio[acodec^=mp4a][protocol^=http]"
    "/bestvideo[height<=720][protocol^=http]+bestaudio[protocol^=http]/best[height<=720][protocol^=http]/best[protocol^=http]"
)
# The smallest request that is answered with media: no page, no player script, no manifests.
_LEAN = "player_client=visionos;player_skip=webpage,configs,js,initial_data;skip=hls,dash"


@dataclass(frozen=True, slots=True)
class PathConfig:
    """The way to the service that resolution, pings and window share."""

    family: str = setting(
        "PYTOMO_IP_FAMILY",
        "any",
        "4, 6, any, both",
        choice("4", "6", "any", "both"),
        "Address family of resolution and window; any: the one the media URL is bound to; both: one window on each, "
        "in random order",
    )
    source_address: str | None = setting(
        "PYTOMO_SOURCE_ADDRESS",
        None,
        "address",
        optional(ip_address),
        "Local address that resolution, pings and window start from",
    )
    proxy: str | None = setting(
        "PYTOMO_HTTP_PROXY",
        None,
        "URL",
        optional(proxy_url),
        "Proxy for pages, resolution and media; default: the environment's https_proxy and no_proxy",
    )
    proxy_ipv6: str | None = setting(
        "PYTOMO_HTTP_PROXY_IPV6",
        None,
        "URL",
        optional(proxy_url),
        "Proxy in place of the other one for what PYTOMO_IP_FAMILY binds to IPv6; hosts without a proxy stay without",
    )


@dataclass(frozen=True, slots=True)
class ResolveConfig:
    """How a video is resolved to its media URLs."""

    format_selector: str = setting(
        "PYTOMO_FORMAT", _H264_720P, "yt-dlp selector", text, "Format choice: one progressive, or video and audio"
    )
    extractor_args: str = setting(
        "PYTOMO_RESOLVE_EXTRACTOR_ARGS",
        _LEAN,
        "key=value;...",
        any_text,
        "yt-dlp extractor arguments of the first, lean try; empty: yt-dlp's own defaults at once",
    )
    timeout_s: float = setting(
        "PYTOMO_RESOLVE_TIMEOUT_S", 20.0, "s", number(0.1), "Longest silence of one request of the resolution"
    )
    max_wait_s: float = setting(
        "PYTOMO_RESOLVE_MAX_WAIT_S", 30.0, "s", number(0), "Longest wait that the service may order before its media"
    )
    path: PathConfig = part(PathConfig)


@dataclass(frozen=True, slots=True)
class DnsConfig:
    """Which resolvers are asked and how long they may take."""

    resolvers: tuple[ResolverConfig, ...] = setting(
        "PYTOMO_DNS_RESOLVERS",
        "system,google,opendns",
        "name=address,...",
        resolvers_of,
        "Resolvers asked for every media host; the first one's answer is measured",
    )
    timeout_s: float = setting("PYTOMO_DNS_TIMEOUT_S", 4.0, "s", number(0.05), "Longest wait for one resolver's answer")


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Where AS numbers come from; the first resolver of `dns` asks Team Cymru for us."""

    file: str | None = setting(
        "PYTOMO_AS_FILE",
        None,
        "file",
        optional(text),
        "mmdb file with AS numbers (GeoLite2 ASN, DB-IP, IPinfo): every address gets its AS number, prefix and holder",
    )
    has_cymru: bool = setting(
        "PYTOMO_AS_CYMRU",
        False,
        "flag",
        flag,
        "Ask Team Cymru by DNS for AS numbers that the file does not tell: shows the service's prefixes to a third "
        "party",
    )
    dns: DnsConfig = part(DnsConfig)


@dataclass(frozen=True, slots=True)
class PingConfig:
    """How round trips are measured."""

    packets: int = setting("PYTOMO_PING_PACKETS", 10, "probes", whole(0, 1000), "Probes to each address; 0: no pings")
    interval_s: float = setting(
        "PYTOMO_PING_INTERVAL_S", 0.2, "s", number(0.01), "Time between two probes to one address"
    )
    timeout_s: float = setting("PYTOMO_PING_TIMEOUT_S", 2.0, "s", number(0.05), "A reply later than this is a loss")
    method: str = setting(
        "PYTOMO_PING_METHOD",
        "auto",
        "auto, icmplib, pythonping, tcp",
        choice("auto", "icmplib", "pythonping", "tcp"),
        "How to ping; auto: the first that is permitted and measures right",
    )
    path: PathConfig = part(PathConfig)


@dataclass(frozen=True, slots=True)
class DownloadConfig:
    """What bounds a window and how it fetches."""

    window_s: float = setting("PYTOMO_DOWNLOAD_WINDOW_S", 30.0, "s", number(0.5, 3600), "Length of the download window")
    mode: str = setting(
        "PYTOMO_DOWNLOAD_MODE",
        "paced",
        "bulk, paced",
        choice("bulk", "paced"),
        "bulk takes what the line gives; paced fetches as a player does",
    )
    connect_timeout_s: float = setting(
        "PYTOMO_DOWNLOAD_CONNECT_TIMEOUT_S", 10.0, "s", number(0.1), "Longest time to a connection, TLS included"
    )
    max_bytes: int = setting(
        "PYTOMO_DOWNLOAD_MAX_BYTES", 1_000_000_000, "bytes", whole(1), "Most bytes that one window takes"
    )
    spool_max_bytes: int = setting(
        "PYTOMO_DOWNLOAD_SPOOL_MAX_BYTES",
        256 * 1024 * 1024,
        "bytes",
        whole(65536),
        "Most bytes of each stream kept on disk for the analysis",
    )
    max_redirects: int = setting(
        "PYTOMO_DOWNLOAD_MAX_REDIRECTS", 8, "hops", whole(0, 50), "Redirects followed in one request"
    )
    buffer_goal_s: float = setting(
        "PYTOMO_DOWNLOAD_BUFFER_GOAL_S",
        30.0,
        "s",
        number(1, 600),
        "paced: media that is fetched ahead of the simulated playhead",
    )
    bulk_every: int = setting(
        "PYTOMO_DOWNLOAD_BULK_EVERY",
        10,
        "windows",
        whole(0),
        "paced: one in so many windows is bulk all the same, drawn with the seed; 0: none",
    )
    loaded_probes_per_s: float = setting(
        "PYTOMO_DOWNLOAD_LOADED_PROBES_PER_S",
        2.0,
        "probes/s",
        number(0, 20),
        "Small probes to the media host while the window is open, for its loaded round trip; 0: none",
    )
    has_all_addresses: bool = setting(
        "PYTOMO_DOWNLOAD_ALL_ADDRESSES",
        False,
        "flag",
        flag,
        "A window on every distinct address that any resolver gave, the chosen one first",
    )
    full_every: int = setting(
        "PYTOMO_DOWNLOAD_FULL_EVERY",
        0,
        "videos",
        whole(0),
        "One in so many videos is downloaded to its end, in bulk, drawn with the seed; 0: none",
    )
    data_cap_bytes_per_day: int = setting(
        "PYTOMO_DATA_CAP_BYTES_PER_DAY",
        0,
        "bytes",
        whole(0),
        "Most media bytes of this measuring point on one day (UTC): the crawl then stops; 0: no cap",
    )
    http_version: str = setting(
        "PYTOMO_HTTP_VERSION",
        "auto",
        "auto, 1.1, 2, 3",
        choice("auto", "1.1", "2", "3"),
        "HTTP version of the media requests; auto: what server and client agree on, up to 2",
    )
    foreign_traffic_ratio: float = setting(
        "PYTOMO_FOREIGN_TRAFFIC_RATIO",
        0.05,
        "ratio",
        number(0, 1),
        "Share of foreign bytes above which a window is flagged for cross traffic",
    )
    # What the user says of the line: stored with every window.
    access_technology: str | None = setting(
        "PYTOMO_ACCESS_TECHNOLOGY",
        None,
        "text",
        optional(text),
        "Kind of the line, such as fibre or 4g: kept with every run",
    )
    contract_bps: int = setting(
        "PYTOMO_CONTRACT_BPS", 0, "bit/s", whole(0), "Rate that the contract promises: kept with every run; 0: not told"
    )
    path: PathConfig = part(PathConfig)


@dataclass(frozen=True, slots=True)
class PlaybackConfig:
    """The classic player's three parameters, and how long an analysis may take."""

    initial_buffer_s: float = setting(
        "PYTOMO_PLAYBACK_INITIAL_BUFFER_S", 2.0, "s", number(0), "classic player: media buffered before it starts"
    )
    min_buffer_s: float = setting(
        "PYTOMO_PLAYBACK_MIN_BUFFER_S", 0.1, "s", number(0), "classic player: it stalls below this"
    )
    restart_buffer_s: float = setting(
        "PYTOMO_PLAYBACK_RESTART_BUFFER_S", 1.0, "s", number(0), "classic player: it resumes above this"
    )
    analysis_timeout_s: float = setting(
        "PYTOMO_ANALYSIS_TIMEOUT_S", 20.0, "s", number(0.5), "Longest analysis of one video"
    )
