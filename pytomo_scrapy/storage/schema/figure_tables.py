"""The flat table that the web page aggregates: one row for each measurement that counts, and the open windows.

A year of measurements is a million rows in a dozen tables, most of whose bytes are traces. To draw one figure over
all of them would join them all; this table holds the figures of the first window beside what they are compared by.
Every value is copied from the tables below the measurement and can be written again from them at any time. Its columns
are those of the catalogue, `figure_catalogue`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, SmallInteger, Table, Text

from pytomo_scrapy.storage.schema.columns import BigId, UtcDateTime, key, metadata, optional, required
from pytomo_scrapy.storage.schema.crawl_tables import measurement, run
from pytomo_scrapy.storage.schema.figure_catalogue import FIGURES, Figure, Kind

_TYPES: dict[Kind, Any] = {
    Kind.ROW_ID: BigId,
    Kind.BIG: BigInteger,
    Kind.WHOLE: Integer,
    Kind.SMALL: SmallInteger,
    Kind.REAL: Double,
    Kind.TEXT: Text,
}


def _column(entry: Figure) -> Column[Any]:
    if entry.null == "never":
        return required(entry.name, _TYPES[entry.kind], _meaning(entry), unit=entry.stored_unit)
    return optional(entry.name, _TYPES[entry.kind], _meaning(entry), null=entry.null, unit=entry.stored_unit)


def _meaning(entry: Figure) -> str:
    if entry.meaning or entry.copied_from is None:
        return entry.meaning
    table, column, which = entry.copied_from
    return f"`{table}.{column}` {which}".rstrip()


figure = Table(
    "figure",
    metadata,
    key("measurement_id", BigId, "→ measurement", measurement.name),
    *(_column(entry) for entry in FIGURES),
    Index("ix_figure_started_s", "started_s"),
    # Answered from the index alone: what changed when, and failures over time.
    Index("ix_figure_changes", "started_s", "run_id", "client", "failure", "attribution"),
    # The newest row and the failures of each vantage point, and of each run.
    Index("ix_figure_vantage", "vantage_id", "measurement_id", "failure"),
    Index("ix_figure_run", "run_id", "failure"),
)

# The same rows by column, see analysis/columnar. A block is the rows with `measurement_id // BLOCK_ROWS` in common.
# Every block with a row is here; triggers unseal it whenever one of its rows changes.
BLOCK_ROWS = 1024
figure_block = Table(
    "figure_block",
    metadata,
    key("block", BigId, "`measurement_id // 1024`"),
    required("is_sealed", SmallInteger, "1: its columns are packed and current; 0: the tables themselves are read"),
    optional("row_count", Integer, "of a sealed block: rows of `figure` in it", null="never packed"),
    optional("first_s", BigInteger, "of a sealed block: the first `started_s`", null="never packed, or empty"),
    optional("last_s", BigInteger, "of a sealed block: the last `started_s`", null="never packed, or empty"),
)
figure_column = Table(
    "figure_column",
    metadata,
    key(
        "name", Text, "column of `figure`; `playback.` and `lookup.` stand before those of `playback` and `dns_lookup`"
    ),
    key("block", BigId, "→ figure_block"),
    required("kind", Text, "number format (NumPy's: `<f8`, `<i4`, ...), `null` and a count, or `text`"),
    required(
        "content",
        LargeBinary,
        "the values in order of `measurement_id`, NaN for NULL; of `text`: length (4 bytes), distinct texts as JSON,"
        " codes of 2 bytes, 65535 for NULL",
        unit="",
    ),
)

# What tells a reader that pages may differ from those made before. Triggers write it, in the transaction of each change
# to `figure`, `run`, `vantage`, `study` and `differential_test`, from which kept pages are made. Writers of PostgreSQL
# never wait for each other here: each adds a row of its own, and takes away what it sees of others'.
page_change = Table(
    "page_change",
    metadata,
    key("number", BigInteger, "SQLite: drawn at random with each change; PostgreSQL: the transaction that changed"),
)

# The columns of many packed blocks once more, see analysis/columnar/strips.py: a strip is the blocks with
# `block // STRIP_BLOCKS` in common.
STRIP_BLOCKS = 64
figure_strip = Table(
    "figure_strip",
    metadata,
    key("name", Text, "as in `figure_column`"),
    key("strip", BigId, "`block // 64`"),
    required("kind", Text, "as in `figure_column`"),
    required("content", LargeBinary, "as in `figure_column`, of all blocks of the strip together", unit=""),
)

# A window in progress, written about once a second by the crawl that measures it.
open_window = Table(
    "open_window",
    metadata,
    key("run_id", BigId, "→ run", run.name),
    required("updated_at", UtcDateTime, "about once a second"),
    required("service", Text, "youtube, ..."),
    required("video_id", Text, "the service's id"),
    optional("title", Text, "of the video", null="unknown"),
    required("stage", Text, "stage of the flow"),
    optional("elapsed_s", Double, "since t0", null="no window open"),
    optional("window_s", Double, "allowed length", null="no window open"),
    optional("received_bytes", BigInteger, "so far", null="no window open"),
)
