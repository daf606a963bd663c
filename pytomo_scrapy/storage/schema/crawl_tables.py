"""The tables of crawls and measurements. A column has the name of the item field it keeps; NULL means not measured.

What each means is written beside it, and in docs/data-format.md by `make schema`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from pytomo_scrapy.items import DnsResult, PageResult, PingResult, ResolveResult, StudyMark
from pytomo_scrapy.storage.schema.columns import (
    BigId,
    Json,
    UtcDateTime,
    failure_columns,
    id_column,
    metadata,
    only_where,
    optional,
    reference,
    required,
)
from pytomo_scrapy.storage.schema.derive import columns_of

# States of a frontier row.
QUEUED, IN_FLIGHT, DONE = 0, 1, 2

vantage = Table(
    "vantage",
    metadata,
    id_column(),
    required("name", Text, "name of the vantage point: `PYTOMO_VANTAGE`, else the host name"),
    required(
        "provider",
        Text,
        "provider of the line, as the user says (`PYTOMO_PROVIDER`)",
        null="never; empty where not given",
    ),
    optional(
        "public_address",
        Text,
        "last public address that the service saw (`ip` of the media URL)",
        null="`PYTOMO_STORE_PUBLIC_IP` is off",
    ),
    UniqueConstraint("name", "provider"),
)

crawl = Table(
    "crawl",
    metadata,
    id_column(),
    required("name", Text, "name of the crawl: `-a crawl=NAME`, else spider and a hash of its arguments"),
    required(
        "vantage_name",
        Text,
        "whose own frontier this is (`-a vantage=own`)",
        null="never; empty where vantage points share the crawl",
    ),
    required("spider", Text, "name of the spider"),
    required("arguments", Json, "arguments of the spider, without secrets"),
    required("created_at", UtcDateTime, "when the crawl was first started"),
    optional(
        "finished_at",
        UtcDateTime,
        "when every row of the crawl was done",
        null="unfinished: the same command resumes it",
    ),
    required("pass_number", Integer, "current pass, from 1; `loop` adds one"),
    required("max_crawled_url", BigInteger, "most videos that a pass may measure", unit="videos"),
    required(
        "admitted_count", BigInteger, "videos let into the frontier in this pass; never above the limit", unit="videos"
    ),
    required(
        "done_count",
        BigInteger,
        "videos of this pass that are done (measured, failed ones too, or dropped)",
        unit="videos",
    ),
    required("listed_position", BigInteger, "how far the list of URLs was read in this pass", unit="lines"),
    required("is_listed_end", Boolean, "whether the list of URLs was read to its end"),
    Index(
        "uq_crawl_unfinished",
        "name",
        "vantage_name",
        unique=True,
        **only_where("finished_at IS NULL"),
    ),
)

run = Table(
    "run",
    metadata,
    id_column(),
    required("uuid", String(36), "random name of the run", is_unique=True),
    reference("vantage_id", "vantage"),
    reference("crawl_id", "crawl", is_index=True, null="not part of a crawl (`scrapy measure`)"),
    required("spider", Text, "name of the spider"),
    required("arguments", Json, "arguments of the spider, without secrets"),
    required("settings", Json, "all `PYTOMO_*` settings in force, without secrets"),
    optional("software_version", Text, "version of pytomo-scrapy that ran"),
    optional("schema_version", Text, "revision of the database's schema during the run"),
    optional("scrapy_version", Text, "version of Scrapy", null="not installed"),
    optional("yt_dlp_version", Text, "version of yt-dlp", null="not installed"),
    optional("python_version", Text, "version of Python"),
    optional("platform", Text, "operating system, as Python names it"),
    required("started_at", UtcDateTime, "when the run began, by the wall clock"),
    optional("ended_at", UtcDateTime, "when the run ended, by the wall clock", null="it runs, or was killed"),
    optional("end_reason", Text, "Scrapy's reason for the end: finished, shutdown, ...", null="it runs, or was killed"),
    optional(
        "is_ad_hoc",
        Boolean,
        "a look of a moment (`pytomo measure`): figures leave it out unless asked for it",
        null="not kept yet",
    ),
    optional(
        "time_zone",
        Text,
        "time zone of the measuring machine by its IANA name, such as Europe/Berlin",
        null="not known, or not kept yet",
    ),
)

owner = Table(
    "owner",
    metadata,
    id_column(),
    required("token", String(36), "random, of the process", is_unique=True),
    required("host", Text, "host name"),
    required(
        "machine",
        Text,
        "boot id and process namespace, so that a reboot or another container is told apart",
        null="never; empty where the system does not tell",
    ),
    required("pid", Integer, "process number"),
    required(
        "process_started",
        Text,
        "start of the process in the kernel's own ticks: a number given again means another process",
    ),
    required("created_at", UtcDateTime, "when it opened the crawl"),
)

# What the list that first named a video says of it, kept from the frontier to the measurement.
LISTED = ("listed_view_count", "listed_duration_s", "listed_age_s")


def _listed_columns() -> list[Column[Any]]:
    """Return the columns of what a list says of a video."""
    null = "the list does not say, or no list named it"
    said = "by the list that first named the video"
    return [
        optional("listed_view_count", BigInteger, f"views {said}, as it rounds them", null=null, unit="views"),
        optional("listed_duration_s", Double, f"length {said}", null=null),
        optional(
            "listed_age_s",
            Double,
            f'age when it was listed, {said}: "3 weeks ago" is 21 days, a month 30, a year 365',
            null=null,
        ),
    ]


# Millions of rows: few columns, and two indexes of which one holds only what is not done.
frontier = Table(
    "frontier",
    metadata,
    id_column(),
    required("crawl_id", BigId, "→ crawl"),
    required("pass_number", Integer, "pass"),
    required("service", Text, "youtube, ...", null="never; empty: a source"),
    required("video_id", Text, "the service's id, or the source's name"),
    required("depth", Integer, "0 a source, 1 first videos, then one more for each page", unit="rounds"),
    required("parent_id", BigId, "row of the page or source that led here first", null="never; 0: none"),
    required("place", BigInteger, "place on that page, from 0; in a list its line"),
    required("state", SmallInteger, "0 queued, 1 in flight, 2 done"),
    required("is_expanded", Boolean, "its page's videos are in the frontier"),
    required(
        "attempt_count",
        Integer,
        "how often it was claimed, without the claims that a stop gave back; after five it ends as `gave_up`",
    ),
    optional("seed_id", BigId, "row of the source that brought the seed of this branch", null="a source"),
    optional("owner_id", BigId, "→ owner that holds the lease", null="not in flight"),
    optional(
        "lease_until_s",
        Double,
        "end of the lease, by the server's clock (SQLite: the machine's). A process seen alive on the "
        "same machine keeps its rows beyond it",
        null="not in flight",
        unit="s since 1970",
    ),
    optional(
        "payload",
        Text,
        "the page's URL where it does not follow from the id; of a source its parameters as JSON",
        null="nothing to add",
    ),
    optional(
        "failure",
        Text,
        "why the source failed; of a video the refusal after which it was asked for once more",
        null="no failure",
    ),
    optional(
        "failure_detail",
        Text,
        "what was said, with URL queries, credentials, cookies and the client's address removed",
        null="no failure, or nothing more to say",
    ),
    *_listed_columns(),
    Index("uq_frontier_video", "crawl_id", "pass_number", "service", "video_id", unique=True),
    Index(
        "ix_frontier_queued",
        "crawl_id",
        "pass_number",
        "depth",
        "parent_id",
        "place",
        **only_where("state = 0"),
    ),
    # The state leads although it is always 1 here: SQLite then never mistakes the index above for the shorter way.
    Index(
        "ix_frontier_in_flight",
        "state",
        "crawl_id",
        "pass_number",
        "owner_id",
        **only_where("state = 1"),
    ),
)

video = Table(
    "video",
    metadata,
    id_column(),
    required("service", Text, "service that has the video: youtube, ..."),
    required("video_id", Text, "the service's id of the video"),
    required("url", Text, "canonical address of the video's page"),
    optional("title", Text, "title of the video, by the resolution, else by its page", null="never reported"),
    optional("duration_s", Double, "length of the video, by the resolution", null="never reported"),
    optional(
        "uploaded_at",
        UtcDateTime,
        "when the video was uploaded, by the resolution, else by its watch page: then the start of that day",
        null="never reported",
    ),
    required("first_seen_at", UtcDateTime, "when the video was first stored"),
    UniqueConstraint("service", "video_id"),
)

measurement = Table(
    "measurement",
    metadata,
    id_column(),
    required(
        "uuid",
        String(36),
        "random name of the measurement, made when the item was: storing twice stores once",
        is_unique=True,
    ),
    reference("run_id", "run", is_index=True),
    reference("vantage_id", "vantage"),
    reference("crawl_id", "crawl", null="not part of a crawl"),
    required("pass_number", Integer, "pass of the crawl, from 1"),
    reference("video_row_id", "video", is_index=True),
    required(
        "is_superseded",
        Boolean,
        "whether a later measurement of the same video and pass exists (two machines after a lost lease, or "
        "another try after a refusal): left out of views and reports",
    ),
    optional("software_version", Text, "version of pytomo-scrapy that measured"),
    optional("schema_version", Text, "revision of the database's schema at the measurement"),
    optional(
        "started_at",
        UtcDateTime,
        "when the measurement began, by the wall clock, read once for the item",
        null="unknown",
        is_index=True,
    ),
    required("stored_at", UtcDateTime, "when the measurement was stored, by the wall clock"),
    optional(
        "depth", Integer, "rounds from the source to the video: 1 for first videos", null="unknown", unit="rounds"
    ),
    optional("source", Text, "what brought the video: charts:..., search:..., urls, related", null="unknown"),
    optional("seed_source", Text, "the source at the root of the video's branch", null="not from the frontier"),
    optional("parent_id", Text, "video id of the page it was found on", null="depth 1"),
    optional(
        "claim_id", BigInteger, "row of the frontier that stood for the measurement", null="not from the frontier"
    ),
    optional("frontier_order", BigInteger, "order in which the video was discovered", null="not from the frontier"),
    *columns_of(PageResult, integer=Integer),
    optional(
        "view_count",
        BigInteger,
        "views of the video, by the resolution, else by its watch page",
        null="not reported",
        unit="views",
    ),
    optional(
        "video_age_s",
        Double,
        "age of the video: `started_at` minus the upload; where only the watch page has it, the start of that day "
        "in UTC",
        null="date not reported",
    ),
    optional(
        "since_last_measured_s",
        Double,
        "time since the last measurement of the video: `started_at` minus that of the newest earlier measurement "
        "of this video at this vantage that "
        "received media: caches on the way may be warm",
        null="never before",
    ),
    *columns_of(ResolveResult, (DnsResult, "dns_"), (PingResult, "ping_"), integer=Integer),
    optional(
        "join_time_s",
        Double,
        "from click to picture: resolution + DNS + startup delay (docs/metrics.md)",
        null="not started",
    ),
    optional(
        "failure_stage", Text, "stage that ended the session: resolve, dns, download, playback", null="no failure"
    ),
    optional(
        "attribution",
        Text,
        "whom the failure is charged to: network, service, content, tool, unknown. Valid: NULL or network",
        null="no failure",
    ),
    optional(
        "store_failure_detail",
        Text,
        "fields and groups of rows that could not be stored, and why",
        null="everything was stored",
    ),
    *failure_columns("that ended the session"),
    *_listed_columns(),
    optional(
        "outage_started_at",
        UtcDateTime,
        "start of the outage of the line that the session met: that of the first session to which nothing answered",
        null="met none",
    ),
    optional(
        "outage_ended_at",
        UtcDateTime,
        "end of that outage: when a resolver answered again",
        null="met none, or the crawl stopped before",
    ),
    *columns_of(StudyMark, integer=Integer),
    Index(
        "ix_measurement_outage",
        "outage_started_at",
        **only_where("outage_started_at IS NOT NULL"),
    ),
    # A second vantage adds rows later; what is superseded stays beside what replaced it.
    Index(
        "uq_measurement_of_pass",
        "crawl_id",
        "pass_number",
        "video_row_id",
        "vantage_id",
        unique=True,
        **only_where("NOT is_superseded AND arm IS NULL"),
    ),
    # In a study, each arm measures the video once.
    Index(
        "uq_measurement_of_arm",
        "crawl_id",
        "pass_number",
        "video_row_id",
        "vantage_id",
        "arm",
        unique=True,
        **only_where("NOT is_superseded AND arm IS NOT NULL"),
    ),
    Index(
        "ix_measurement_study",
        "study_name",
        "claim_id",
        **only_where("study_name IS NOT NULL"),
    ),
)
