"""What is left of measurements that were deleted for their age: sums and histograms of whole days."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, LargeBinary, Table, Text

from pytomo_scrapy.storage.schema.columns import BigId, columns, id_column, metadata, reference, required

daily = Table(
    "daily",
    metadata,
    id_column(),
    required("day_s", BigInteger),
    reference("vantage_id", "vantage"),
    required("service", Text),
    required("measurement_count", BigInteger),
    required("resolved_count", BigInteger),
    required("valid_count", BigInteger),
    Index("uq_daily_key", "day_s", "vantage_id", "service", unique=True),
)

daily_failure = Table(
    "daily_failure",
    metadata,
    Column("daily_id", BigId, ForeignKey("daily.id"), primary_key=True, autoincrement=False),
    Column("failure", Text, primary_key=True),
    Column("attribution", Text, primary_key=True),
    Column("stage", Text, primary_key=True),
    required("measurement_count", BigInteger),
)

daily_figure = Table(
    "daily_figure",
    metadata,
    Column("daily_id", BigId, ForeignKey("daily.id"), primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    required("row_count", BigInteger),
    required("known_count", BigInteger),
    *columns(Double, "total", "low", "high"),
    required("histogram", LargeBinary),
)
