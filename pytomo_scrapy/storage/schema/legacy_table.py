"""Rows of the forerunner's databases, kept as they were: 29 columns in its units, beside where they came from.

They are not turned into measurements: the forerunner's figures are defined otherwise (docs/metrics.md), and some are
wrong in ways that nothing can undo. The view pytomo_crawl shows them with ours, so that old scripts see one series.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, String, Table, Text

from pytomo_scrapy.storage.schema.columns import Json, UtcDateTime, columns, id_column, metadata, reference, required

# The forerunner's names and declared types, in its order.
OLD_COLUMNS: tuple[tuple[str, str], ...] = (
    ("ID", "TIMESTAMP"),
    ("Service", "text"),
    ("Url", "text"),
    ("CacheUrl", "text"),
    ("CacheServerDelay", "real"),
    ("IP", "text"),
    ("Resolver", "text"),
    ("ResolveTime", "real"),
    ("ASNumber", "int"),
    ("PingMin", "real"),
    ("PingAvg", "real"),
    ("PingMax", "real"),
    ("DownloadTime", "real"),
    ("VideoType", "text"),
    ("VideoDuration", "real"),
    ("VideoLength", "real"),
    ("EncodingRate", "real"),
    ("DownloadBytes", "int"),
    ("DownloadInterruptions", "int"),
    ("InitialData", "real"),
    ("InitialRate", "real"),
    ("InitialPlaybackBuffer", "real"),
    ("BufferingDuration", "real"),
    ("PlaybackDuration", "real"),
    ("BufferDurationAtEnd", "real"),
    ("TimeTogetFirstByte", "real"),
    ("MaxInstantThp", "real"),
    ("RedirectUrl", "text"),
    ("StatusCode", "int"),
)
_TYPES = {"TIMESTAMP": Text, "text": Text, "real": Double, "int": BigInteger}


def column_of(old_name: str) -> str:
    """Return the column that keeps an old one: its name in small letters; the timestamp is not our row number."""
    return "old_id" if old_name == "ID" else old_name.lower()


legacy_source = Table(
    "legacy_source",
    metadata,
    id_column(),
    required("file_name", Text),
    required("table_name", Text),
    required("imported_at", UtcDateTime),
    required("row_count", BigInteger),
    required("known_count", BigInteger),
    required("unreadable_count", BigInteger),
    required("unreadable", Json),
    Column("software_version", Text),
)

legacy_row = Table(
    "legacy_row",
    metadata,
    id_column(),
    reference("source_id", "legacy_source", is_index=True),
    Column("digest", String(32), nullable=False),
    required("occurrence", Integer),
    *(column for name, kind in OLD_COLUMNS for column in columns(_TYPES[kind], column_of(name))),
    Index("uq_legacy_row_digest", "digest", "occurrence", unique=True),
)
