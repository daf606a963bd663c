"""What is left of measurements that were deleted for their age: sums and histograms of whole days."""

from __future__ import annotations

from sqlalchemy import BigInteger, Double, Index, LargeBinary, Table, Text

from pytomo_scrapy.storage.schema.columns import BigId, id_column, key, metadata, optional, reference, required

daily = Table(
    "daily",
    metadata,
    id_column(),
    required("day_s", BigInteger, "when the UTC day begins, since 1970"),
    reference("vantage_id", "vantage"),
    required("service", Text, "service that has the videos: youtube, ..."),
    required("measurement_count", BigInteger, "deleted measurements that the row sums up", unit="rows"),
    required("resolved_count", BigInteger, "deleted measurements that were resolved", unit="rows"),
    required(
        "valid_count", BigInteger, "deleted measurements without a failure or with one of the network", unit="rows"
    ),
    Index("uq_daily_key", "day_s", "vantage_id", "service", unique=True),
)

daily_failure = Table(
    "daily_failure",
    metadata,
    key("daily_id", BigId, "→ daily", daily.name),
    key("failure", Text, "class of the failure"),
    key("attribution", Text, "whom the failure is charged to", null="never; empty where unknown"),
    key("stage", Text, "stage in which the failure occurred", null="never; empty where unknown"),
    required("measurement_count", BigInteger, "deleted measurements with a failure of this class", unit="rows"),
)

daily_figure = Table(
    "daily_figure",
    metadata,
    key("daily_id", BigId, "→ daily", daily.name),
    key("name", Text, "name of the column of `figure`, whose unit `total`, `low` and `high` have"),
    key(
        "part",
        Text,
        "which rows are summed up. Empty: all, playback by the headline's player; `player=NAME`, `mode=NAME`, "
        "`ping_method=NAME`: those alone;"
        " `player=`: sessions that the network ended before any player ran",
    ),
    required("row_count", BigInteger, "rows that were counted; of a censored figure the sessions", unit="rows"),
    required("known_count", BigInteger, "rows that have a value of this figure", unit="rows"),
    optional("total", Double, "sum of the figure's values", null="no value"),
    optional("low", Double, "least of the figure's values", null="no value"),
    optional("high", Double, "greatest of the figure's values", null="no value"),
    required(
        "histogram",
        LargeBinary,
        "histogram of the figure's values, deflated (zlib): steps of 2 bytes, then for each its count of 4 bytes, "
        "little endian. A step is twice the"
        " bin, and one more where a censored figure was not reached; bin b ends at 1e-4 * 1.01^(b+1) in the figure's"
        " SI unit",
        unit="",
    ),
)
