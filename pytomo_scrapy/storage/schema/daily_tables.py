"""What is left of measurements that were deleted for their age: sums and histograms of whole days."""

from __future__ import annotations

from sqlalchemy import BigInteger, Double, Index, LargeBinary, Table, Text

from pytomo_scrapy.storage.schema.columns import BigId, id_column, key, metadata, optional, reference, required

daily = Table(
    "daily",
    metadata,
    id_column(),
    required("day_s", BigInteger, "where the UTC day begins, since 1970"),
    reference("vantage_id", "vantage"),
    required("service", Text, "youtube, ..."),
    required("measurement_count", BigInteger, "deleted measurements", unit="rows"),
    required("resolved_count", BigInteger, "of those, resolved", unit="rows"),
    required("valid_count", BigInteger, "of those, without a failure or with one of the network", unit="rows"),
    Index("uq_daily_key", "day_s", "vantage_id", "service", unique=True),
)

daily_failure = Table(
    "daily_failure",
    metadata,
    key("daily_id", BigId, "→ daily", daily.name),
    key("failure", Text, "class"),
    key("attribution", Text, "whose fault", null="never; empty where unknown"),
    key("stage", Text, "stage that failed", null="never; empty where unknown"),
    required("measurement_count", BigInteger, "of this class", unit="rows"),
)

daily_figure = Table(
    "daily_figure",
    metadata,
    key("daily_id", BigId, "→ daily", daily.name),
    key("name", Text, "column of `figure`, whose unit `total`, `low` and `high` have"),
    key(
        "part",
        Text,
        "empty: all, playback by the headline's player; `player=NAME`, `mode=NAME`, `ping_method=NAME`: those alone;"
        " `player=`: sessions that the network ended before any player ran",
    ),
    required("row_count", BigInteger, "that were counted; of a censored figure the sessions", unit="rows"),
    required("known_count", BigInteger, "that have a value", unit="rows"),
    optional("total", Double, "sum of the values", null="no value"),
    optional("low", Double, "least value", null="no value"),
    optional("high", Double, "greatest value", null="no value"),
    required(
        "histogram",
        LargeBinary,
        "deflated (zlib): steps of 2 bytes, then for each its count of 4 bytes, little endian. A step is twice the"
        " bin, and one more where a censored figure was not reached; bin b ends at 1e-4 * 1.01^(b+1) in the figure's"
        " SI unit",
        unit="",
    ),
)
