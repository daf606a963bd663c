"""The one table of PYTOMO_* settings, and the frozen configurations that the stages are given."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pytomo_scrapy.config.values import BadValue as _BadValue
from pytomo_scrapy.config.values import Parser
from pytomo_scrapy.config.values import address as _address
from pytomo_scrapy.config.values import choice as _choice
from pytomo_scrapy.config.values import flag as _flag
from pytomo_scrapy.config.values import number_of as _number
from pytomo_scrapy.config.values import optional as _optional
from pytomo_scrapy.config.values import proxy as _proxy
from pytomo_scrapy.config.values import text_of as _text
from pytomo_scrapy.config.values import web_address as _web_address
from pytomo_scrapy.config.values import whole as _whole
from pytomo_scrapy.config.values import words as _words
from pytomo_scrapy.failures import SettingError


@dataclass(frozen=True, slots=True)
class ResolverConfig:
    """A named DNS resolver. `transport` is "system", "udp" (with TCP fallback), "dot" or "doh"."""

    name: str
    transport: str
    address: str = ""  # IP address, or the URL of a DoH resolver
    port: int = 53
    tls_name: str | None = None  # the name in a DoT resolver's certificate


_RESOLVERS_RIGHT = "names with addresses such as system,google=8.8.8.8,lab=127.0.0.1:5353,dot=tls://9.9.9.9,doh=https://dns.google/dns-query"
_WELL_KNOWN_RESOLVERS = {"google": "8.8.8.8", "opendns": "208.67.222.222"}


def _host_port(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}" if text.count(":") < 2 or "[" in text else f"//[{text}]")
    try:
        return str(ipaddress.ip_address(parts.hostname or "")), parts.port or port
    except ValueError:
        raise _BadValue(_RESOLVERS_RIGHT) from None


def parse_resolver(word: str) -> ResolverConfig:
    """Read one `name=address` of PYTOMO_DNS_RESOLVERS. Raises ValueError with what would be right."""
    name, _, where = word.partition("=")
    name, where = name.strip(), where.strip()
    if not where:
        if name == "system":
            return ResolverConfig("system", "system")
        where = _WELL_KNOWN_RESOLVERS.get(name, "")
    if where.startswith("https://") and urlsplit(where).hostname:
        return ResolverConfig(name, "doh", where, urlsplit(where).port or 443)
    if where.startswith("tls://"):
        location, _, tls_name = where.removeprefix("tls://").partition("#")
        address, port = _host_port(location, 853)
        return ResolverConfig(name, "dot", address, port, tls_name or None)
    address, port = _host_port(where, 53)
    return ResolverConfig(name, "udp", address, port)


def _resolvers(value: Any) -> tuple[ResolverConfig, ...]:
    resolvers = tuple(parse_resolver(word) for word in _words(value))
    names = [resolver.name for resolver in resolvers]
    if not resolvers or len(set(names)) != len(names):
        raise _BadValue(_RESOLVERS_RIGHT + ", each name once")
    return resolvers


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: what docs/settings.md repeats, and the parser that checks a value."""

    name: str
    default: Any
    unit: str
    help: str
    parse: Parser


_H264_720P = (
    "bestvideo[height<=720][vcodec^=avc1][protocol^=http]+bestaudio[acodec^=mp4a][protocol^=http]"
    "/bestvideo[height<=720][protocol^=http]+bestaudio[protocol^=http]/best[height<=720][protocol^=http]/best[protocol^=http]"
)

# fmt: off
SETTINGS: tuple[Setting, ...] = (
    Setting("PYTOMO_DATABASE_URL", "sqlite:///databases/pytomo.db", "URL", "Where results and the frontier are kept: any SQLAlchemy URL; sqlite or postgresql", _text),
    Setting("PYTOMO_PROVIDER", None, "text", "Name of the Internet provider, stored with every row", _optional(_text)),
    Setting("PYTOMO_VANTAGE", None, "text", "Name of this measuring point; default: the host name", _optional(_text)),
    Setting("PYTOMO_ACCESS_TECHNOLOGY", None, "text", "Kind of the line, such as fibre or 4g: kept with every run", _optional(_text)),
    Setting("PYTOMO_CONTRACT_BPS", 0, "bit/s", "Rate that the contract promises: kept with every run; 0: not told", _whole(0)),
    Setting("PYTOMO_STORE_PUBLIC_IP", False, "flag", "Store the public address that the service saw", _flag),
    # The path: one family, source address and proxy for resolution and window.
    Setting("PYTOMO_HTTP_PROXY", None, "URL", "Proxy for pages, resolution and media; default: the environment's https_proxy and no_proxy", _optional(_proxy)),
    Setting("PYTOMO_HTTP_PROXY_IPV6", None, "URL", "Proxy in place of the other one for what PYTOMO_IP_FAMILY binds to IPv6; hosts without a proxy stay without", _optional(_proxy)),
    Setting("PYTOMO_IP_FAMILY", "any", "4, 6, any, both", "Address family of resolution and window; any: the one the media URL is bound to; both: one window on each, in random order", _choice("4", "6", "any", "both")),
    Setting("PYTOMO_SOURCE_ADDRESS", None, "address", "Local address that resolution, pings and window start from", _optional(_address)),
    Setting("PYTOMO_LINE", "auto", "auto, off or a name", "The line that is measured: crawlers of one line on one machine exclude each other; auto: one line for each source address; off: they do not", _text),
    # Pages and sources.
    Setting("PYTOMO_YOUTUBE_API_KEY", None, "text", "Key of the YouTube Data API v3: popular videos then come from it too", _optional(_text)),
    Setting("PYTOMO_SEARCH_TERMS", "the,music,news,sport,game,film", "words", "Search terms that stand in for a list of popular videos", _words),
    Setting("PYTOMO_SEARCH_ORDER", "popularity", "popularity, relevance", "Order that search results are asked in", _choice("popularity", "relevance")),
    Setting("PYTOMO_PAGE_TIMEOUT_S", 30.0, "s", "Longest time for one page", _number(0.1)),
    Setting("PYTOMO_PAGE_MAX_BYTES", 4 * 1024 * 1024, "bytes", "Largest page that is read", _whole(1024)),
    Setting("PYTOMO_FRONTIER_AHEAD", 2, "videos", "Claims taken from the frontier ahead of the window", _whole(1, 100)),
    Setting("PYTOMO_PACE_S", 5.0, "s", "Least time between the starts of two videos", _number(0)),
    # Long crawls.
    Setting("PYTOMO_LEASE_S", 300.0, "s", "A video that another machine holds is free again after so much silence of it", _number(3)),
    Setting("PYTOMO_DATABASE_PATIENCE_S", 600.0, "s", "How long a crawl waits for a database that is away or full before it stops", _number(0)),
    Setting("PYTOMO_UNSTORED_DIRECTORY", "databases/unstored", "folder", "Where finished measurements are kept while the database cannot take them", _text),
    Setting("PYTOMO_UNSTORED_MAX_BYTES", 256 * 1024 * 1024, "bytes", "Most bytes of measurements kept there", _whole(0)),
    Setting("PYTOMO_START_JITTER_S", 0.0, "s", "A crawl starts after a random time of up to so much, so that many machines do not start as one", _number(0)),
    Setting("PYTOMO_ROUND_EVERY_S", 0.0, "s", "loop: time between the starts of two rounds; 0: the next one at once", _number(0)),
    Setting("PYTOMO_ROUND_GAPS", "fixed", "fixed, exponential", "loop: rounds at fixed times, or after exponentially distributed gaps with that mean (RFC 2330)", _choice("fixed", "exponential")),
    Setting("PYTOMO_BACKOFF_RETRY_S", 60.0, "s", "After a first refusal (bot check, rate limit, 429) the service is asked again after so much, for the refused video too; 0: at once, and for the next one", _number(0)),
    Setting("PYTOMO_BACKOFF_PAUSE_S", 3600.0, "s", "After further refusals it is left alone for so much, doubled each time; 0: never", _number(0)),
    Setting("PYTOMO_BACKOFF_MAX_PAUSES", 4, "pauses", "The crawl stops after so many pauses without one answer between them", _whole(0)),
    Setting("PYTOMO_BROKEN_CLIENT_MAX", 5, "videos", "The crawl stops after so many videos in a row whose media were refused at their start: yt-dlp is too old; 0: never", _whole(0)),
    Setting("PYTOMO_ALERT_WEBHOOK", None, "URL", "A JSON message is posted here when failures repeat, and when they are over", _optional(_web_address)),
    Setting("PYTOMO_ALERT_AFTER", 5, "videos", "So many failures of one class in a row are an alert", _whole(1)),
    # Resolution.
    Setting("PYTOMO_FORMAT", _H264_720P, "yt-dlp selector", "Format choice: one progressive, or video and audio", _text),
    Setting("PYTOMO_RESOLVE_EXTRACTOR_ARGS", "player_client=visionos;player_skip=webpage,configs,js,initial_data;skip=hls,dash", "key=value;...", "yt-dlp extractor arguments of the first, lean try; empty: yt-dlp's own defaults at once", lambda value: str(value or "").strip()),
    Setting("PYTOMO_RESOLVE_TIMEOUT_S", 20.0, "s", "Longest silence of one request of the resolution", _number(0.1)),
    Setting("PYTOMO_RESOLVE_MAX_WAIT_S", 30.0, "s", "Longest wait that the service may order before its media", _number(0)),
    # DNS.
    Setting("PYTOMO_DNS_RESOLVERS", "system,google,opendns", "name=address,...", "Resolvers asked for every media host; the first one's answer is measured", _resolvers),
    Setting("PYTOMO_DNS_TIMEOUT_S", 4.0, "s", "Longest wait for one resolver's answer", _number(0.05)),
    Setting("PYTOMO_AS_FILE", None, "file", "mmdb file with AS numbers (GeoLite2 ASN, DB-IP, IPinfo): every address gets its AS number, prefix and holder", _optional(_text)),
    Setting("PYTOMO_AS_CYMRU", False, "flag", "Ask Team Cymru by DNS for AS numbers that the file does not tell: shows the service's prefixes to a third party", _flag),
    # Ping.
    Setting("PYTOMO_PING_PACKETS", 10, "probes", "Probes to each address; 0: no pings", _whole(0, 1000)),
    Setting("PYTOMO_PING_INTERVAL_S", 0.2, "s", "Time between two probes to one address", _number(0.01)),
    Setting("PYTOMO_PING_TIMEOUT_S", 2.0, "s", "A reply later than this is a loss", _number(0.05)),
    Setting("PYTOMO_PING_METHOD", "auto", "auto, icmplib, pythonping, tcp", "How to ping; auto: the first that is permitted and measures right", _choice("auto", "icmplib", "pythonping", "tcp")),
    # The window.
    Setting("PYTOMO_DOWNLOAD_WINDOW_S", 30.0, "s", "Length of the download window", _number(0.5, 3600)),
    Setting("PYTOMO_DOWNLOAD_MODE", "paced", "bulk, paced", "bulk takes what the line gives; paced fetches as a player does", _choice("bulk", "paced")),
    Setting("PYTOMO_DOWNLOAD_CONNECT_TIMEOUT_S", 10.0, "s", "Longest time to a connection, TLS included", _number(0.1)),
    Setting("PYTOMO_DOWNLOAD_MAX_BYTES", 1_000_000_000, "bytes", "Most bytes that one window takes", _whole(1)),
    Setting("PYTOMO_DOWNLOAD_SPOOL_MAX_BYTES", 256 * 1024 * 1024, "bytes", "Most bytes of each stream kept on disk for the analysis", _whole(65536)),
    Setting("PYTOMO_DOWNLOAD_MAX_REDIRECTS", 8, "hops", "Redirects followed in one request", _whole(0, 50)),
    Setting("PYTOMO_DOWNLOAD_BUFFER_GOAL_S", 30.0, "s", "paced: media that is fetched ahead of the simulated playhead", _number(1, 600)),
    Setting("PYTOMO_DOWNLOAD_BULK_EVERY", 10, "windows", "paced: one in so many windows is bulk all the same, drawn with the seed; 0: none", _whole(0)),
    Setting("PYTOMO_DOWNLOAD_LOADED_PROBES_PER_S", 2.0, "probes/s", "Small probes to the media host while the window is open, for its loaded round trip; 0: none", _number(0, 20)),
    Setting("PYTOMO_DOWNLOAD_ALL_ADDRESSES", False, "flag", "A window on every distinct address that any resolver gave, the chosen one first", _flag),
    Setting("PYTOMO_DOWNLOAD_FULL_EVERY", 0, "videos", "One in so many videos is downloaded to its end, in bulk, drawn with the seed; 0: none", _whole(0)),
    Setting("PYTOMO_DATA_CAP_BYTES_PER_DAY", 0, "bytes", "Most media bytes of this measuring point on one day (UTC): the crawl then stops; 0: no cap", _whole(0)),
    Setting("PYTOMO_HTTP_VERSION", "auto", "auto, 1.1, 2, 3", "HTTP version of the media requests; auto: what server and client agree on, up to 2", _choice("auto", "1.1", "2", "3")),
    Setting("PYTOMO_QUIET_WINDOW", True, "flag", "Nothing else of ours on the wire while a window is open", _flag),
    Setting("PYTOMO_FOREIGN_TRAFFIC_RATIO", 0.05, "ratio", "Share of foreign bytes above which a window is flagged for cross traffic", _number(0, 1)),
    # Playback.
    Setting("PYTOMO_PLAYBACK_INITIAL_BUFFER_S", 2.0, "s", "classic player: media buffered before it starts", _number(0)),
    Setting("PYTOMO_PLAYBACK_MIN_BUFFER_S", 0.1, "s", "classic player: it stalls below this", _number(0)),
    Setting("PYTOMO_PLAYBACK_RESTART_BUFFER_S", 1.0, "s", "classic player: it resumes above this", _number(0)),
    Setting("PYTOMO_ANALYSIS_TIMEOUT_S", 20.0, "s", "Longest analysis of one video", _number(0.5)),
    # Display.
    Setting("PYTOMO_PROGRESS", "auto", "auto, on, off", "Live progress; auto: on a terminal only", _choice("auto", "on", "off")),
)
# fmt: on

BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class PathConfig:
    """The way to the service that resolution and window share."""

    family: str = "any"
    source_address: str | None = None
    proxy: str | None = None
    proxy_ipv6: str | None = None  # in its place, for what is bound to IPv6


@dataclass(frozen=True, slots=True)
class ResolveConfig:
    """How a video is resolved to its media URLs."""

    format_selector: str = _H264_720P
    extractor_args: str = ""
    timeout_s: float = 20.0
    max_wait_s: float = 30.0
    path: PathConfig = PathConfig()


@dataclass(frozen=True, slots=True)
class DnsConfig:
    """Which resolvers are asked and how long they may take."""

    resolvers: tuple[ResolverConfig, ...] = (ResolverConfig("system", "system"),)
    timeout_s: float = 4.0


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Where AS numbers come from; `resolver` is who asks Team Cymru for us."""

    file: str | None = None
    has_cymru: bool = False
    resolver: ResolverConfig = ResolverConfig("system", "system")
    timeout_s: float = 4.0


@dataclass(frozen=True, slots=True)
class PingConfig:
    """How round trips are measured."""

    packets: int = 10
    interval_s: float = 0.2
    timeout_s: float = 2.0
    method: str = "auto"
    source_address: str | None = None


@dataclass(frozen=True, slots=True)
class DownloadConfig:
    """What bounds a window and how it fetches."""

    window_s: float = 30.0
    mode: str = "bulk"
    connect_timeout_s: float = 10.0
    max_bytes: int = 1_000_000_000
    spool_max_bytes: int = 256 * 1024 * 1024
    max_redirects: int = 8
    foreign_traffic_ratio: float = 0.05
    path: PathConfig = PathConfig()
    http_version: str = "auto"
    buffer_goal_s: float = 30.0
    bulk_every: int = 10
    loaded_probes_per_s: float = 0.0
    has_all_addresses: bool = False
    full_every: int = 0
    data_cap_bytes_per_day: int = 0
    access_technology: str | None = None
    contract_bps: int = 0


@dataclass(frozen=True, slots=True)
class PlaybackConfig:
    """The classic player's three parameters, and how long an analysis may take."""

    initial_buffer_s: float = 2.0
    min_buffer_s: float = 0.1
    restart_buffer_s: float = 1.0
    analysis_timeout_s: float = 20.0


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """Where popular videos come from."""

    api_key: str | None = None
    search_terms: tuple[str, ...] = ()
    search_order: str = "popularity"


@dataclass(frozen=True, slots=True)
class EnduranceConfig:
    """What a crawl of months lives by: leases, patience with its database, rounds, and manners towards the service."""

    lease_s: float = 300.0
    database_patience_s: float = 600.0
    unstored_directory: str = "databases/unstored"
    unstored_max_bytes: int = 256 * 1024 * 1024
    start_jitter_s: float = 0.0
    round_every_s: float = 0.0
    round_gaps: str = "fixed"
    backoff_retry_s: float = 60.0
    backoff_pause_s: float = 3600.0
    backoff_max_pauses: int = 4
    broken_client_max: int = 5
    alert_webhook: str | None = None
    alert_after: int = 5


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of one crawl, checked."""

    database_url: str
    provider: str | None
    vantage: str | None
    line: str
    store_public_ip: bool
    page_timeout_s: float
    page_max_bytes: int
    frontier_ahead: int
    pace_s: float
    quiet_window: bool
    progress: str
    path: PathConfig
    source: SourceConfig
    resolve: ResolveConfig
    dns: DnsConfig
    ping: PingConfig
    download: DownloadConfig
    playback: PlaybackConfig
    endurance: EnduranceConfig = EnduranceConfig()
    network: NetworkConfig = NetworkConfig()


def read_setting(name: str, value: Any) -> Any:
    """Check one value. Raises SettingError with a sentence that names the setting and says what would be right."""
    try:
        return BY_NAME[name].parse(value)
    except ValueError as error:
        raise SettingError(f"{name}={value!r} is not usable: it must be {error}.") from None


def load(get: Callable[[str], Any]) -> Config:
    """Read every setting through `get` (name to raw value; None: its default). Raises SettingError at the first bad one."""
    raw = {setting.name: get(setting.name) for setting in SETTINGS}
    value = {
        setting.name: read_setting(setting.name, setting.default if raw[setting.name] is None else raw[setting.name])
        for setting in SETTINGS
    }
    path = PathConfig(
        value["PYTOMO_IP_FAMILY"],
        value["PYTOMO_SOURCE_ADDRESS"],
        value["PYTOMO_HTTP_PROXY"],
        value["PYTOMO_HTTP_PROXY_IPV6"],
    )
    return Config(
        database_url=value["PYTOMO_DATABASE_URL"],
        provider=value["PYTOMO_PROVIDER"],
        vantage=value["PYTOMO_VANTAGE"],
        line=value["PYTOMO_LINE"],
        store_public_ip=value["PYTOMO_STORE_PUBLIC_IP"],
        page_timeout_s=value["PYTOMO_PAGE_TIMEOUT_S"],
        page_max_bytes=value["PYTOMO_PAGE_MAX_BYTES"],
        frontier_ahead=value["PYTOMO_FRONTIER_AHEAD"],
        pace_s=value["PYTOMO_PACE_S"],
        quiet_window=value["PYTOMO_QUIET_WINDOW"],
        progress=value["PYTOMO_PROGRESS"],
        path=path,
        source=SourceConfig(
            value["PYTOMO_YOUTUBE_API_KEY"], value["PYTOMO_SEARCH_TERMS"], value["PYTOMO_SEARCH_ORDER"]
        ),
        resolve=ResolveConfig(
            value["PYTOMO_FORMAT"],
            value["PYTOMO_RESOLVE_EXTRACTOR_ARGS"],
            value["PYTOMO_RESOLVE_TIMEOUT_S"],
            value["PYTOMO_RESOLVE_MAX_WAIT_S"],
            path,
        ),
        dns=DnsConfig(value["PYTOMO_DNS_RESOLVERS"], value["PYTOMO_DNS_TIMEOUT_S"]),
        ping=PingConfig(
            value["PYTOMO_PING_PACKETS"],
            value["PYTOMO_PING_INTERVAL_S"],
            value["PYTOMO_PING_TIMEOUT_S"],
            value["PYTOMO_PING_METHOD"],
            path.source_address,
        ),
        download=DownloadConfig(
            value["PYTOMO_DOWNLOAD_WINDOW_S"],
            value["PYTOMO_DOWNLOAD_MODE"],
            value["PYTOMO_DOWNLOAD_CONNECT_TIMEOUT_S"],
            value["PYTOMO_DOWNLOAD_MAX_BYTES"],
            value["PYTOMO_DOWNLOAD_SPOOL_MAX_BYTES"],
            value["PYTOMO_DOWNLOAD_MAX_REDIRECTS"],
            value["PYTOMO_FOREIGN_TRAFFIC_RATIO"],
            path,
            value["PYTOMO_HTTP_VERSION"],
            value["PYTOMO_DOWNLOAD_BUFFER_GOAL_S"],
            value["PYTOMO_DOWNLOAD_BULK_EVERY"],
            value["PYTOMO_DOWNLOAD_LOADED_PROBES_PER_S"],
            value["PYTOMO_DOWNLOAD_ALL_ADDRESSES"],
            value["PYTOMO_DOWNLOAD_FULL_EVERY"],
            value["PYTOMO_DATA_CAP_BYTES_PER_DAY"],
            value["PYTOMO_ACCESS_TECHNOLOGY"],
            value["PYTOMO_CONTRACT_BPS"],
        ),
        playback=PlaybackConfig(
            value["PYTOMO_PLAYBACK_INITIAL_BUFFER_S"],
            value["PYTOMO_PLAYBACK_MIN_BUFFER_S"],
            value["PYTOMO_PLAYBACK_RESTART_BUFFER_S"],
            value["PYTOMO_ANALYSIS_TIMEOUT_S"],
        ),
        network=NetworkConfig(
            value["PYTOMO_AS_FILE"],
            value["PYTOMO_AS_CYMRU"],
            value["PYTOMO_DNS_RESOLVERS"][0],
            value["PYTOMO_DNS_TIMEOUT_S"],
        ),
        endurance=EnduranceConfig(**{name: value[f"PYTOMO_{name.upper()}"] for name in EnduranceConfig.__slots__}),
    )


def environment(prefix: str = "PYTOMO_") -> dict[str, str]:
    """Return the settings that the process environment overrides, known names only."""
    return {name: os.environ[name] for name in BY_NAME if name in os.environ and name.startswith(prefix)}
