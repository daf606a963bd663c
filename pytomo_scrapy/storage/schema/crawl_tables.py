"""The tables of crawls and measurements. A column has the name of the item field it keeps; NULL means not measured.

docs/data-format.md describes every column, and a test demands it.
"""

from __future__ import annotations

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
    text,
)

from pytomo_scrapy.storage.schema.columns import (
    BigId,
    Json,
    UtcDateTime,
    columns,
    failure_columns,
    id_column,
    metadata,
    reference,
    required,
)

# States of a frontier row.
QUEUED, IN_FLIGHT, DONE = 0, 1, 2

vantage = Table(
    "vantage",
    metadata,
    id_column(),
    required("name", Text),
    required("provider", Text),
    Column("public_address", Text),
    UniqueConstraint("name", "provider"),
)

crawl = Table(
    "crawl",
    metadata,
    id_column(),
    required("name", Text),
    required("vantage_name", Text),
    required("spider", Text),
    required("arguments", Json),
    required("created_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    required("pass_number", Integer),
    required("max_crawled_url", BigInteger),
    required("admitted_count", BigInteger),
    required("done_count", BigInteger),
    required("listed_position", BigInteger),
    required("is_listed_end", Boolean),
    Index(
        "uq_crawl_unfinished",
        "name",
        "vantage_name",
        unique=True,
        sqlite_where=text("finished_at IS NULL"),
        postgresql_where=text("finished_at IS NULL"),
    ),
)

run = Table(
    "run",
    metadata,
    id_column(),
    Column("uuid", String(36), nullable=False, unique=True),
    reference("vantage_id", "vantage"),
    reference("crawl_id", "crawl", is_required=False, is_index=True),
    required("spider", Text),
    required("arguments", Json),
    required("settings", Json),
    *columns(Text, "software_version", "schema_version", "scrapy_version", "yt_dlp_version", "python_version"),
    Column("platform", Text),
    required("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("end_reason", Text),
)

owner = Table(
    "owner",
    metadata,
    id_column(),
    Column("token", String(36), nullable=False, unique=True),
    required("host", Text),
    required("machine", Text),
    required("pid", Integer),
    required("process_started", Text),
    required("created_at", UtcDateTime),
)

# Millions of rows: few columns, and two indexes of which one holds only what is not done.
frontier = Table(
    "frontier",
    metadata,
    id_column(),
    required("crawl_id", BigId),
    required("pass_number", Integer),
    required("service", Text),
    required("video_id", Text),
    required("depth", Integer),
    required("parent_id", BigId),
    required("place", BigInteger),
    required("state", SmallInteger),
    required("is_expanded", Boolean),
    required("attempt_count", Integer),
    Column("seed_id", BigId),
    Column("owner_id", BigId),
    Column("lease_until_s", Double),
    Column("payload", Text),
    *failure_columns(),
    Index("uq_frontier_video", "crawl_id", "pass_number", "service", "video_id", unique=True),
    Index(
        "ix_frontier_queued",
        "crawl_id",
        "pass_number",
        "depth",
        "parent_id",
        "place",
        sqlite_where=text("state = 0"),
        postgresql_where=text("state = 0"),
    ),
    # The state leads although it is always 1 here: SQLite then never mistakes the index above for the shorter way.
    Index(
        "ix_frontier_in_flight",
        "state",
        "crawl_id",
        "pass_number",
        "owner_id",
        sqlite_where=text("state = 1"),
        postgresql_where=text("state = 1"),
    ),
)

video = Table(
    "video",
    metadata,
    id_column(),
    required("service", Text),
    required("video_id", Text),
    required("url", Text),
    Column("title", Text),
    Column("duration_s", Double),
    Column("uploaded_at", UtcDateTime),
    required("first_seen_at", UtcDateTime),
    UniqueConstraint("service", "video_id"),
)

measurement = Table(
    "measurement",
    metadata,
    id_column(),
    Column("uuid", String(36), nullable=False, unique=True),
    reference("run_id", "run", is_index=True),
    reference("vantage_id", "vantage"),
    reference("crawl_id", "crawl", is_required=False),
    required("pass_number", Integer),
    reference("video_row_id", "video", is_index=True),
    required("is_superseded", Boolean),
    Column("software_version", Text),
    Column("schema_version", Text),
    Column("started_at", UtcDateTime, index=True),
    required("stored_at", UtcDateTime),
    Column("depth", Integer),
    *columns(Text, "source", "seed_source", "parent_id"),
    *columns(BigInteger, "claim_id", "frontier_order"),
    Column("related_count", Integer),
    *failure_columns("page_"),
    Column("view_count", BigInteger),
    *columns(Double, "video_age_s", "since_last_measured_s"),
    Column("resolve_elapsed_s", Double),
    Column("resolve_attempt_count", Integer),
    Column("available_wait_s", Double),
    Column("address_family", Integer),
    *columns(Text, "client_address", "extractor", "client", "resolve_software_version"),
    Column("player_config", Json),
    *failure_columns("resolve_"),
    Column("dns_resolver", Text),
    Column("dns_elapsed_s", Double),
    *failure_columns("dns_"),
    Column("ping_elapsed_s", Double),
    *failure_columns("ping_"),
    Column("join_time_s", Double),
    Column("failure_stage", Text),
    Column("attribution", Text),
    Column("store_failure_detail", Text),
    *failure_columns(),
    # Both families or a second vantage add rows later; what is superseded stays beside what replaced it.
    Index(
        "uq_measurement_current",
        "crawl_id",
        "pass_number",
        "video_row_id",
        "vantage_id",
        unique=True,
        sqlite_where=text("NOT is_superseded"),
        postgresql_where=text("NOT is_superseded"),
    ),
)
