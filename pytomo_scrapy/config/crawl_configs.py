"""The configuration of a whole crawl: its sources, its endurance, and the stages' own."""

from __future__ import annotations

from dataclasses import dataclass

from pytomo_scrapy.config.setting import part, setting
from pytomo_scrapy.config.stage_configs import (
    DnsConfig,
    DownloadConfig,
    NetworkConfig,
    PathConfig,
    PingConfig,
    PlaybackConfig,
    ResolveConfig,
)
from pytomo_scrapy.config.values import choice, flag, number, optional, text, web_address, whole, words


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """Where popular videos come from."""

    api_key: str | None = setting(
        "PYTOMO_YOUTUBE_API_KEY",
        None,
        "text",
        optional(text),
        "Key of the YouTube Data API v3: popular videos then come from it too",
    )
    search_terms: tuple[str, ...] = setting(
        "PYTOMO_SEARCH_TERMS",
        "the,music,news,sport,game,film",
        "words",
        words,
        "Search terms that stand in for a list of popular videos",
    )
    search_order: str = setting(
        "PYTOMO_SEARCH_ORDER",
        "popularity",
        "popularity, relevance",
        choice("popularity", "relevance"),
        "Order that search results are asked in",
    )


@dataclass(frozen=True, slots=True)
class EnduranceConfig:
    """What a crawl of months lives by: leases, patience with its database, rounds, and manners towards the service."""

    lease_s: float = setting(
        "PYTOMO_LEASE_S",
        300.0,
        "s",
        number(3),
        "A video that another machine holds is free again after so much silence of it",
    )
    database_patience_s: float = setting(
        "PYTOMO_DATABASE_PATIENCE_S",
        600.0,
        "s",
        number(0),
        "How long a crawl waits for a database that is away or full before it stops",
    )
    unstored_directory: str = setting(
        "PYTOMO_UNSTORED_DIRECTORY",
        "databases/unstored",
        "folder",
        text,
        "Where finished measurements are kept while the database cannot take them",
    )
    unstored_max_bytes: int = setting(
        "PYTOMO_UNSTORED_MAX_BYTES", 256 * 1024 * 1024, "bytes", whole(0), "Most bytes of measurements kept there"
    )
    start_jitter_s: float = setting(
        "PYTOMO_START_JITTER_S",
        0.0,
        "s",
        number(0),
        "A crawl starts after a random time of up to so much, so that many machines do not start as one",
    )
    round_every_s: float = setting(
        "PYTOMO_ROUND_EVERY_S",
        0.0,
        "s",
        number(0),
        "loop: time between the starts of two rounds; 0: the next one at once",
    )
    round_gaps: str = setting(
        "PYTOMO_ROUND_GAPS",
        "fixed",
        "fixed, exponential",
        choice("fixed", "exponential"),
        "loop: rounds at fixed times, or after exponentially distributed gaps with that mean (RFC 2330)",
    )
    backoff_retry_s: float = setting(
        "PYTOMO_BACKOFF_RETRY_S",
        60.0,
        "s",
        number(0),
        "After a first refusal (bot check, rate limit, 429) the service is asked again after so much, for the "
        "refused video too; 0: at once, and for the next one",
    )
    backoff_pause_s: float = setting(
        "PYTOMO_BACKOFF_PAUSE_S",
        3600.0,
        "s",
        number(0),
        "After further refusals it is left alone for so much, doubled each time; 0: never",
    )
    backoff_max_pauses: int = setting(
        "PYTOMO_BACKOFF_MAX_PAUSES",
        4,
        "pauses",
        whole(0),
        "The crawl stops after so many pauses without one answer between them",
    )
    broken_client_max: int = setting(
        "PYTOMO_BROKEN_CLIENT_MAX",
        5,
        "videos",
        whole(0),
        "The crawl stops after so many videos in a row whose media were refused at their start: yt-dlp is too old; "
        "0: never",
    )
    alert_webhook: str | None = setting(
        "PYTOMO_ALERT_WEBHOOK",
        None,
        "URL",
        optional(web_address),
        "A JSON message is posted here when failures repeat, and when they are over",
    )
    alert_after: int = setting(
        "PYTOMO_ALERT_AFTER", 5, "videos", whole(1), "So many failures of one class in a row are an alert"
    )


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of one crawl, checked. Without arguments: what a user who sets nothing runs."""

    database_url: str = setting(
        "PYTOMO_DATABASE_URL",
        "sqlite:///databases/pytomo.db",
        "URL",
        text,
        "Where results and the frontier are kept: any SQLAlchemy URL; sqlite or postgresql",
    )
    provider: str | None = setting(
        "PYTOMO_PROVIDER", None, "text", optional(text), "Name of the Internet provider, stored with every row"
    )
    vantage: str | None = setting(
        "PYTOMO_VANTAGE", None, "text", optional(text), "Name of this measuring point; default: the host name"
    )
    store_public_ip: bool = setting(
        "PYTOMO_STORE_PUBLIC_IP", False, "flag", flag, "Store the public address that the service saw"
    )
    path: PathConfig = part(PathConfig)
    line: str = setting(
        "PYTOMO_LINE",
        "auto",
        "auto, off or a name",
        text,
        "The line that is measured: crawlers of one line on one machine exclude each other; auto: one line for each "
        "source address; off: they do not",
    )
    source: SourceConfig = part(SourceConfig)
    page_timeout_s: float = setting("PYTOMO_PAGE_TIMEOUT_S", 30.0, "s", number(0.1), "Longest time for one page")
    page_max_bytes: int = setting(
        "PYTOMO_PAGE_MAX_BYTES", 4 * 1024 * 1024, "bytes", whole(1024), "Largest page that is read"
    )
    frontier_ahead: int = setting(
        "PYTOMO_FRONTIER_AHEAD", 2, "videos", whole(1, 100), "Claims taken from the frontier ahead of the window"
    )
    pace_s: float = setting("PYTOMO_PACE_S", 5.0, "s", number(0), "Least time between the starts of two videos")
    endurance: EnduranceConfig = part(EnduranceConfig)
    resolve: ResolveConfig = part(ResolveConfig)
    dns: DnsConfig = part(DnsConfig)
    network: NetworkConfig = part(NetworkConfig)
    ping: PingConfig = part(PingConfig)
    download: DownloadConfig = part(DownloadConfig)
    quiet_window: bool = setting(
        "PYTOMO_QUIET_WINDOW", True, "flag", flag, "Nothing else of ours on the wire while a window is open"
    )
    playback: PlaybackConfig = part(PlaybackConfig)
    progress: str = setting(
        "PYTOMO_PROGRESS",
        "auto",
        "auto, on, off",
        choice("auto", "on", "off"),
        "Live progress; auto: on a terminal only",
    )
