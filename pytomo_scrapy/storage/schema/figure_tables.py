"""The flat table that the web page aggregates: one row for each measurement that counts, and the open windows.

A year of measurements is a million rows in a dozen tables, most of whose bytes are traces. To draw one figure over
all of them would join them all; this table holds the figures of the first window beside what they are compared by.
Every value is copied from the tables below the measurement and can be written again from them at any time.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Table, Text

from pytomo_scrapy.storage.schema.columns import BigId, UtcDateTime, columns, metadata, required
from pytomo_scrapy.storage.schema.crawl_tables import measurement, run

figure = Table(
    "figure",
    metadata,
    Column("measurement_id", BigId, ForeignKey(measurement.c.id), primary_key=True, autoincrement=False),
    required("started_s", BigInteger),  # whole seconds since 1970, UTC: buckets are integer arithmetic
    required("vantage_id", BigId),
    required("run_id", BigId),
    required("video_row_id", BigId),
    required("place", Integer),  # of the window that the figures are of
    required("is_valid", SmallInteger),  # no failure, or one that the network is charged with
    required("is_session", SmallInteger),  # valid, and a player ran or the network ended it before
    # What a session is compared and filtered by.
    *columns(Text, "service", "host", "cache_site", "resolver", "http_version", "format", "mode", "client", "player"),
    Column("address_family", SmallInteger),
    *columns(Text, "failure", "attribution", "failure_stage", "ping_method", "yt_dlp_version"),
    *columns(Text, "cache_airport", "as_holder"),
    Column("as_number", BigInteger),
    # Playback.
    *columns(SmallInteger, "is_started", "has_stall"),
    *columns(Double, "startup_delay_s", "waited_s", "stalled_s", "played_s", "stall_ratio", "join_time_s"),
    *columns(Integer, "stall_count", "stall_1s_count"),
    *columns(Double, "buffer_end_s", "initial_buffer_s", "initial_rate_bps", "mos_stalling_hossfeld2011"),
    Column("initial_buffer_bytes", BigInteger),
    # The window.
    *columns(Double, "delivery_bps", "delivery_after_2s_bps", "throughput_bps", "reception_ratio", "bitrate_bps"),
    *columns(Double, "bin_min_bps", "bin_median_bps", "bin_max_bps", "download_s", "connect_s", "first_byte_s"),
    *columns(BigInteger, "received_bytes", "size_bytes", "service_estimate_bps"),
    *columns(Integer, "status", "height_px"),
    *columns(Double, "video_duration_s", "cpu_ratio"),
    Column("is_cross_traffic", SmallInteger),
    # Before it.
    *columns(Double, "rtt_min_s", "rtt_avg_s", "rtt_max_s", "loss_ratio", "dns_elapsed_s", "resolve_elapsed_s"),
    Index("ix_figure_started_s", "started_s"),
    # Answered from the index alone: what changed when, and failures over time.
    Index("ix_figure_changes", "started_s", "run_id", "client", "failure", "attribution"),
    # The newest row and the failures of each vantage point, and of each run.
    Index("ix_figure_vantage", "vantage_id", "measurement_id", "failure"),
    Index("ix_figure_run", "run_id", "failure"),
)

# The same rows by column, see figure_blocks: a block is the rows with `measurement_id // BLOCK_ROWS` in common. Every
# block with a row is here; triggers unseal it whenever one of its rows changes.
BLOCK_ROWS = 1024
figure_block = Table(
    "figure_block",
    metadata,
    Column("block", BigId, primary_key=True, autoincrement=False),
    required("is_sealed", SmallInteger),
    # Of a sealed block: how many rows it has, and the first and last second that they started in.
    Column("row_count", Integer),
    *columns(BigInteger, "first_s", "last_s"),
)
figure_column = Table(
    "figure_column",
    metadata,
    Column("name", Text, primary_key=True),
    Column("block", BigId, primary_key=True, autoincrement=False),
    required("kind", Text),
    required("content", LargeBinary),
)

# A window in progress, written about once a second by the crawl that measures it.
open_window = Table(
    "open_window",
    metadata,
    Column("run_id", BigId, ForeignKey(run.c.id), primary_key=True, autoincrement=False),
    required("updated_at", UtcDateTime),
    required("service", Text),
    required("video_id", Text),
    Column("title", Text),
    required("stage", Text),
    *columns(Double, "elapsed_s", "window_s"),
    Column("received_bytes", BigInteger),
)
