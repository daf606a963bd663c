"""The frozen configuration of each stage of a measurement; each field is bound to its setting."""

from __future__ import annotations

from dataclasses import dataclass

from pytomo_scrapy.config.resolvers import ResolverConfig, resolvers_of
from pytomo_scrapy.config.setting import part, setting
from pytomo_scrapy.config.values import (
    any_text,
    choice,
    flag,
    ip_address,
    number,
    optional,
    proxy_url,
    size,
    text,
    whole,
)

_H264_720P = (
    "bestvideo[height<=720][vcodec^=avc1]+bestaudio[acodec^=mp4a]/bestvideo[height<=720]+bestaudio"
    "/best[height<=720]/best"
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
        "Address family of resolution and window; any: the family to which the service bound the media URL; both: "
        "one window over IPv4 and one over IPv6, in random order",
    )
    source_address: str | None = setting(
        "PYTOMO_SOURCE_ADDRESS",
        None,
        "address",
        optional(ip_address),
        "Local address from which resolution, pings and windows start",
    )
    proxy: str | None = setting(
        "PYTOMO_HTTP_PROXY",
        None,
        "URL",
        optional(proxy_url),
        "Proxy for pages, resolution and media, for example http://proxy.example:3128; none: what https_proxy and "
        "no_proxy of the environment say",
    )
    proxy_ipv6: str | None = setting(
        "PYTOMO_HTTP_PROXY_IPV6",
        None,
        "URL",
        optional(proxy_url),
        "Proxy that replaces the usual proxy for requests that PYTOMO_IP_FAMILY binds to IPv6; hosts that are "
        "reached without a proxy still are",
    )
    is_private_allowed: bool = setting(
        "PYTOMO_ALLOW_PRIVATE_ADDRESSES",
        False,
        "flag",
        flag,
        "Whether media may be fetched from loopback, link-local and private addresses, for measurements inside a "
        "network; otherwise a service that leads there is refused (private_address)",
    )


@dataclass(frozen=True, slots=True)
class ResolveConfig:
    """How a video is resolved to its media URLs."""

    format_selector: str = setting(
        "PYTOMO_FORMAT",
        _H264_720P,
        "yt-dlp selector",
        text,
        "Formats to measure, as a yt-dlp selector: video with sound in one stream, or a video and an audio stream. "
        "Files are offered to it first, what comes in segments (HLS, DASH) where no file fits",
    )
    extractor_args: str = setting(
        "PYTOMO_RESOLVE_EXTRACTOR_ARGS",
        _LEAN,
        "key=value;...",
        any_text,
        "yt-dlp extractor arguments of the first attempt, which saves requests; empty: the first attempt already "
        "uses yt-dlp's own defaults",
    )
    timeout_s: float = setting(
        "PYTOMO_RESOLVE_TIMEOUT_S", 20.0, "s", number(0.1), "Longest silence that a request of the resolution may meet"
    )
    max_wait_s: float = setting(
        "PYTOMO_RESOLVE_MAX_WAIT_S",
        30.0,
        "s",
        number(0),
        "Longest wait that the service may demand before its media can be fetched",
    )
    path: PathConfig = part(PathConfig)
    bot_check_retries: int = setting(
        "PYTOMO_BOT_CHECK_RETRIES",
        2,
        "times",
        whole(0),
        "A resolution that meets a bot check is repeated up to this number of times, each time as a new guest, before "
        "it counts as refused",
    )
    bot_check_pause_s: float = setting(
        "PYTOMO_BOT_CHECK_PAUSE_S", 5.0, "s", number(0), "Pause before each of these repetitions"
    )


@dataclass(frozen=True, slots=True)
class DnsConfig:
    """Which resolvers are asked and how long they may take."""

    resolvers: tuple[ResolverConfig, ...] = setting(
        "PYTOMO_DNS_RESOLVERS",
        "system,google,opendns",
        "name=address,...",
        resolvers_of,
        "Resolvers to ask for every media host; the answer of the first resolver is measured",
    )
    timeout_s: float = setting(
        "PYTOMO_DNS_TIMEOUT_S", 4.0, "s", number(0.05), "Longest wait for the answer of a resolver"
    )


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
        "1 asks Team Cymru by DNS for AS numbers that the file lacks; this shows the service's prefixes to a third "
        "party",
    )
    dns: DnsConfig = part(DnsConfig)


@dataclass(frozen=True, slots=True)
class PingConfig:
    """How round trips are measured."""

    packets: int = setting("PYTOMO_PING_PACKETS", 10, "probes", whole(0, 1000), "Probes to each address; 0: no pings")
    interval_s: float = setting(
        "PYTOMO_PING_INTERVAL_S", 0.2, "s", number(0.01), "Time between two probes to the same address"
    )
    timeout_s: float = setting(
        "PYTOMO_PING_TIMEOUT_S", 2.0, "s", number(0.05), "A reply that comes later than this counts as lost"
    )
    method: str = setting(
        "PYTOMO_PING_METHOD",
        "auto",
        "auto, icmplib, pythonping, tcp",
        choice("auto", "icmplib", "pythonping", "tcp"),
        "How to ping; auto: the first method that is permitted and measures correctly",
    )
    path: PathConfig = part(PathConfig)


@dataclass(frozen=True, slots=True)
class DownloadConfig:
    """A window's limits, and how it fetches."""

    window_s: float = setting("PYTOMO_DOWNLOAD_WINDOW_S", 30.0, "s", number(0.5, 3600), "Length of the download window")
    mode: str = setting(
        "PYTOMO_DOWNLOAD_MODE",
        "paced",
        "bulk, paced, adaptive",
        choice("bulk", "paced", "adaptive"),
        "bulk fetches as fast as the line allows; paced fetches as a player of one quality does; adaptive lets "
        "PYTOMO_ADAPTIVE_PLAYER choose the quality of each segment",
    )
    adaptive_player: str = setting(
        "PYTOMO_ADAPTIVE_PLAYER",
        "dashjs-adaptive",
        "player",
        choice("dashjs-adaptive", "shaka-adaptive", "youtube-adaptive"),
        "Whose rules choose the quality in an adaptive window",
    )
    connect_timeout_s: float = setting(
        "PYTOMO_DOWNLOAD_CONNECT_TIMEOUT_S",
        10.0,
        "s",
        number(0.1),
        "Longest time until a connection is up, TLS included",
    )
    max_bytes: int = setting(
        "PYTOMO_DOWNLOAD_MAX_BYTES", 1_000_000_000, "bytes", whole(1), "Largest volume that a single window fetches"
    )
    spool_max_bytes: int = setting(
        "PYTOMO_DOWNLOAD_SPOOL_MAX_BYTES",
        256 * 1024 * 1024,
        "bytes",
        whole(65536),
        "Largest part of each stream that is kept on disk for the analysis",
    )
    max_redirects: int = setting(
        "PYTOMO_DOWNLOAD_MAX_REDIRECTS", 8, "hops", whole(0, 50), "Redirects that a single request follows"
    )
    buffer_goal_s: float = setting(
        "PYTOMO_DOWNLOAD_BUFFER_GOAL_S",
        # With a window of 30 s the last segment asked for ends before 60 s of media, where the gate is reported.
        25.0,
        "s",
        number(1, 600),
        "With paced windows, seconds of media that are fetched ahead of the simulated playhead",
    )
    bulk_every: int = setting(
        "PYTOMO_DOWNLOAD_BULK_EVERY",
        10,
        "windows",
        whole(0),
        "With paced windows, a window is still bulk with a chance of 1 in this number, drawn with the seed; 0: never",
    )
    loaded_probes_per_s: float = setting(
        "PYTOMO_DOWNLOAD_LOADED_PROBES_PER_S",
        2.0,
        "probes/s",
        number(0, 20),
        "Small probes to the media host while the window is open, which measure the round trip under load; 0: none",
    )
    has_all_addresses: bool = setting(
        "PYTOMO_DOWNLOAD_ALL_ADDRESSES",
        False,
        "flag",
        flag,
        "1 measures a window on every distinct address that any resolver gave, the chosen address first",
    )
    full_every: int = setting(
        "PYTOMO_DOWNLOAD_FULL_EVERY",
        0,
        "videos",
        whole(0),
        "A video is downloaded to its end, in bulk, with a chance of 1 in this number, drawn with the seed; 0: never",
    )
    data_cap_bytes_per_day: int = setting(
        "PYTOMO_DATA_CAP_BYTES_PER_DAY",
        0,
        "bytes",
        whole(0),
        "Media bytes that this measuring point may fetch on a day (UTC); the crawl stops when they are used up; 0: "
        "no cap",
    )
    gate_canary: int = setting(
        "PYTOMO_GATE_CANARY",
        0,
        "videos",
        whole(0),
        "Before the first video of a crawl and every this many videos, one small range behind the first two minutes of "
        "media tells whether the service cuts this guest off; 0: never",
    )
    transport: str = setting(
        "PYTOMO_TRANSPORT",
        "plain",
        "plain, sabr, both",
        choice("plain", "sabr", "both"),
        "How media are fetched: plain asks for each stream by its URL; sabr asks as the service's own players do "
        "(docs/sabr.md); both opens a window of each, in random order, and pairs them",
    )
    sabr_quality: str = setting(
        "PYTOMO_SABR_QUALITY",
        "fixed",
        "fixed, server",
        choice("fixed", "server"),
        "Over SABR, fixed pins the formats of PYTOMO_FORMAT; server (experimental) leaves the video's quality to the "
        "service and stores every switch",
    )
    sabr_viewport_px: tuple[int, int] = setting(
        "PYTOMO_SABR_VIEWPORT_PX",
        "1920x1080",
        "WIDTHxHEIGHT",
        size,
        "Over SABR, size of the picture that the service is told, for example 1280x720",
    )
    http_version: str = setting(
        "PYTOMO_HTTP_VERSION",
        "auto",
        "auto, 1.1, 2, 3",
        choice("auto", "1.1", "2", "3"),
        "HTTP version of the media requests; auto: the version on which server and client agree, at most 2",
    )
    foreign_traffic_ratio: float = setting(
        "PYTOMO_FOREIGN_TRAFFIC_RATIO",
        0.05,
        "ratio",
        number(0, 1),
        "A window is flagged for cross traffic when more than this share of the bytes on the wire belongs to others",
    )
    # What the user says of the line: stored with every window.
    access_technology: str | None = setting(
        "PYTOMO_ACCESS_TECHNOLOGY",
        None,
        "text",
        optional(text),
        "Kind of access line, for example fibre or 4g, stored with every run",
    )
    contract_bps: int = setting(
        "PYTOMO_CONTRACT_BPS",
        0,
        "bit/s",
        whole(0),
        "Download rate that your contract promises, for example 100000000 for 100 Mbit/s, stored with every run; 0: "
        "unknown",
    )
    path: PathConfig = part(PathConfig)


@dataclass(frozen=True, slots=True)
class PlaybackConfig:
    """The classic player's three parameters, the ladder and what plays of it, and how long an analysis may take."""

    initial_buffer_s: float = setting(
        "PYTOMO_PLAYBACK_INITIAL_BUFFER_S",
        2.0,
        "s",
        number(0),
        "Classic player: playback starts when this much media is buffered",
    )
    min_buffer_s: float = setting(
        "PYTOMO_PLAYBACK_MIN_BUFFER_S",
        0.1,
        "s",
        number(0),
        "Classic player: playback stalls when less media than this is buffered",
    )
    restart_buffer_s: float = setting(
        "PYTOMO_PLAYBACK_RESTART_BUFFER_S",
        1.0,
        "s",
        number(0),
        "Classic player: playback resumes when more media than this is buffered",
    )
    ladder: str = setting(
        "PYTOMO_LADDER",
        "declared",
        "index, declared, off",
        choice("index", "declared", "off"),
        "The qualities of a video that were not fetched: index reads the list of segments of each by small requests "
        "after the window, declared scales the segments that were fetched by the declared sizes; off: keep no ladder",
    )
    best_quality_startup_s: float = setting(
        "PYTOMO_BEST_QUALITY_STARTUP_S",
        5.0,
        "s",
        number(0),
        "Best quality that plays: a quality must start within this time",
    )
    best_quality_stall_s: float = setting(
        "PYTOMO_BEST_QUALITY_STALL_S",
        0.1,
        "s",
        number(0),
        "Best quality that plays: a stall of this length and more shows that a quality does not play",
    )
    analysis_timeout_s: float = setting(
        "PYTOMO_ANALYSIS_TIMEOUT_S", 20.0, "s", number(0.5), "Longest time that the analysis of a video may take"
    )


@dataclass(frozen=True, slots=True)
class StageConfigs:
    """What every stage runs on, and the path that several share. A new stage's configuration joins here."""

    path: PathConfig = part(PathConfig)
    resolve: ResolveConfig = part(ResolveConfig)
    dns: DnsConfig = part(DnsConfig)
    network: NetworkConfig = part(NetworkConfig)
    ping: PingConfig = part(PingConfig)
    download: DownloadConfig = part(DownloadConfig)
    playback: PlaybackConfig = part(PlaybackConfig)
