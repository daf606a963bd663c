"""The flat table that the web page aggregates: one row for each measurement that counts, and the open windows.

A year of measurements is a million rows in a dozen tables, most of whose bytes are traces. To draw one figure over
all of them would join them all; this table holds the figures of the first window beside what they are compared by.
Every value is copied from the tables below the measurement and can be written again from them at any time. Its columns
are those of the catalogue, `figure_catalogue`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Table, Text

from pytomo_scrapy.storage.schema.columns import BigId, UtcDateTime, columns, metadata, required
from pytomo_scrapy.storage.schema.crawl_tables import measurement, run
from pytomo_scrapy.storage.schema.figure_catalogue import FIGURES, Kind

_TYPES: dict[Kind, Any] = {
    Kind.ROW_ID: BigId,
    Kind.BIG: BigInteger,
    Kind.WHOLE: Integer,
    Kind.SMALL: SmallInteger,
    Kind.REAL: Double,
    Kind.TEXT: Text,
}

figure = Table(
    "figure",
    metadata,
    Column("measurement_id", BigId, ForeignKey(measurement.c.id), primary_key=True, autoincrement=False),
    *(Column(one.name, _TYPES[one.kind], nullable=one.null != "never") for one in FIGURES),
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
