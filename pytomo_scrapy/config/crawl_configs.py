"""The configuration of a whole crawl: its sources, its endurance, and the stages' own."""

from __future__ import annotations

from dataclasses import dataclass

from pytomo_scrapy.config.alert_config import AlertConfig
from pytomo_scrapy.config.comparing_configs import ControlConfig, DifferentialConfig
from pytomo_scrapy.config.grade_config import GradeConfig
from pytomo_scrapy.config.setting import part, setting
from pytomo_scrapy.config.stage_configs import StageConfigs
from pytomo_scrapy.config.values import choice, choices, flag, number, optional, text, whole, words

# In the order in which they are asked.
SOURCES = ("data_api", "charts", "gaming", "podcasts", "sports", "search")


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """Where popular videos come from."""

    api_key: str | None = setting(
        "PYTOMO_YOUTUBE_API_KEY",
        None,
        "text",
        optional(text),
        "Key of the YouTube Data API v3, which then lists popular videos too",
    )
    search_terms: tuple[str, ...] = setting(
        "PYTOMO_SEARCH_TERMS",
        "the,music,news,sport,game,film",
        "words",
        words,
        "Search terms whose results stand in for a list of popular videos",
    )
    search_order: str = setting(
        "PYTOMO_SEARCH_ORDER",
        "popularity",
        "popularity, relevance",
        choice("popularity", "relevance"),
        "Order in which the service is asked to sort search results",
    )
    sources: tuple[str, ...] = setting(
        "PYTOMO_SOURCES",
        ",".join(SOURCES),
        "words",
        choices(*SOURCES),
        "Sources of YouTube's popular videos that are asked, of those that exist for the time frame; data_api needs "
        "PYTOMO_YOUTUBE_API_KEY",
    )


@dataclass(frozen=True, slots=True)
class EnduranceConfig:
    """Settings of a crawl of months: leases, waits for the database, rounds, and pauses after refusals."""

    lease_s: float = setting(
        "PYTOMO_LEASE_S",
        300.0,
        "s",
        number(3),
        "A video that a machine holds is free for other machines again when its holder has been silent for this long",
    )
    database_patience_s: float = setting(
        "PYTOMO_DATABASE_PATIENCE_S",
        600.0,
        "s",
        number(0),
        "A crawl waits this long for a database that is full or out of reach before it stops",
    )
    waits_for_line: bool = setting(
        "PYTOMO_WAIT_FOR_LINE",
        True,
        "flag",
        flag,
        "1: when the line is out, the crawl waits until a resolver answers again, and then measures once more what "
        "failed meanwhile; 0: the crawl goes on",
    )
    unstored_directory: str = setting(
        "PYTOMO_UNSTORED_DIRECTORY",
        "databases/unstored",
        "folder",
        text,
        "Folder for finished measurements that the database cannot take yet",
    )
    unstored_max_bytes: int = setting(
        "PYTOMO_UNSTORED_MAX_BYTES",
        256 * 1024 * 1024,
        "bytes",
        whole(0),
        "Largest size of all measurements in PYTOMO_UNSTORED_DIRECTORY together",
    )
    start_jitter_s: float = setting(
        "PYTOMO_START_JITTER_S",
        0.0,
        "s",
        number(0),
        "A crawl starts after a random delay between 0 and this value, so that many machines do not start at the "
        "same moment",
    )
    round_every_s: float = setting(
        "PYTOMO_ROUND_EVERY_S",
        0.0,
        "s",
        number(0),
        "With loop=1, time from the start of a round to the start of the next, for example 3600 for a round every "
        "hour; 0: the next round follows at once",
    )
    round_gaps: str = setting(
        "PYTOMO_ROUND_GAPS",
        "fixed",
        "fixed, exponential",
        choice("fixed", "exponential"),
        "With loop=1, fixed starts rounds exactly PYTOMO_ROUND_EVERY_S apart; exponential draws every gap at random "
        "around that mean, so that rounds never run in step with something else on the line (RFC 2330)",
    )
    backoff_retry_s: float = setting(
        "PYTOMO_BACKOFF_RETRY_S",
        60.0,
        "s",
        number(0),
        "After the first refusal (rate limit, HTTP 429, a page that is refused, or PYTOMO_BACKOFF_SHARE reached) the "
        "crawl waits this long, then tries the refused video again; 0: the crawl goes on with the next video at once",
    )
    backoff_pause_s: float = setting(
        "PYTOMO_BACKOFF_PAUSE_S",
        3600.0,
        "s",
        number(0),
        "After the second refusal in a row the crawl pauses for this long, and for twice as long after each further "
        "refusal, for example 1, 2 and 4 hours; 0: the crawl never pauses",
    )
    backoff_max_pauses: int = setting(
        "PYTOMO_BACKOFF_MAX_PAUSES",
        4,
        "pauses",
        whole(0),
        "Pauses in a row that the crawl makes before another refusal stops it",
    )
    backoff_videos: int = setting(
        "PYTOMO_BACKOFF_VIDEOS", 10, "videos", whole(1), "Last videos of which PYTOMO_BACKOFF_SHARE is a share"
    )
    backoff_share: float = setting(
        "PYTOMO_BACKOFF_SHARE",
        0.8,
        "ratio",
        number(0, 1),
        "Share of the last videos refused by a bot check that counts as a refusal; less is the bad luck of single "
        "guests, and the crawl goes on",
    )
    broken_client_max: int = setting(
        "PYTOMO_BROKEN_CLIENT_MAX",
        20,
        "videos",
        whole(0),
        "The crawl stops when the media of this number of videos in a row were refused from the first byte, or cut off "
        "after the first of them: yt-dlp is then too old, or the service distrusts this machine; 0: the crawl never "
        "stops for that",
    )


@dataclass(frozen=True, slots=True)
class Config(StageConfigs):
    """All settings of one crawl, checked. Without arguments: the defaults."""

    database_url: str = setting(
        "PYTOMO_DATABASE_URL",
        "sqlite:///databases/pytomo.db",
        "URL",
        text,
        "Database for results and frontier: the SQLAlchemy URL of a SQLite or PostgreSQL database",
    )
    provider: str | None = setting(
        "PYTOMO_PROVIDER", None, "text", optional(text), "Name of your Internet provider, stored with every row"
    )
    vantage: str | None = setting(
        "PYTOMO_VANTAGE", None, "text", optional(text), "Name of this measuring point; none: the host name"
    )
    store_public_ip: bool = setting(
        "PYTOMO_STORE_PUBLIC_IP", False, "flag", flag, "1 stores the public address that the service saw"
    )
    line: str = setting(
        "PYTOMO_LINE",
        "auto",
        "auto, off or a name",
        text,
        "Name of the measured line: on one machine, a second crawler on the same line does not start; auto: every "
        "source address is a line of its own; off: crawlers do not look out for each other",
    )
    is_ad_hoc: bool = setting(
        "PYTOMO_AD_HOC",
        False,
        "flag",
        flag,
        "1 marks the run as a look of a moment, which figures leave out unless asked for it; `measure` sets it",
    )
    source: SourceConfig = part(SourceConfig)
    page_timeout_s: float = setting(
        "PYTOMO_PAGE_TIMEOUT_S", 30.0, "s", number(0.1), "Longest time that loading a page may take"
    )
    page_max_bytes: int = setting(
        "PYTOMO_PAGE_MAX_BYTES", 4 * 1024 * 1024, "bytes", whole(1024), "Largest page that is read"
    )
    frontier_ahead: int = setting(
        "PYTOMO_FRONTIER_AHEAD",
        2,
        "videos",
        whole(1, 100),
        "Videos that a crawl takes from the frontier at a time, so that the next video is at hand when a window ends",
    )
    pace_s: float = setting("PYTOMO_PACE_S", 5.0, "s", number(0), "Shortest time between the starts of two videos")
    endurance: EnduranceConfig = part(EnduranceConfig)
    alerts: AlertConfig = part(AlertConfig)
    grade: GradeConfig = part(GradeConfig)
    control: ControlConfig = part(ControlConfig)
    differential: DifferentialConfig = part(DifferentialConfig)
    quiet_window: bool = setting(
        "PYTOMO_QUIET_WINDOW",
        True,
        "flag",
        flag,
        "1 keeps everything else of Pytomo off the wire while a window is open",
    )
    progress: str = setting(
        "PYTOMO_PROGRESS",
        "auto",
        "auto, on, off",
        choice("auto", "on", "off"),
        "Live progress display; auto: only on a terminal",
    )
