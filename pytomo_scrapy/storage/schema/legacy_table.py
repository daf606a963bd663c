"""Rows of the databases of Pytomo 3, kept as they were: 29 columns in its units, with the file they came from.

They are not turned into measurements: the figures of Pytomo 3 are defined differently (docs/metrics.md), and some are
wrong in ways that nothing can undo. The view pytomo_crawl shows them with ours, so that old scripts see one series.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Double, Index, Integer, String, Table, Text

from pytomo_scrapy.storage.schema.columns import Json, UtcDateTime, id_column, metadata, optional, reference, required

# The names and declared types of Pytomo 3, in its order.
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
# What each means, behind its name, and its unit.
_MEANINGS = {
    "ID": (": when the row was written, as it stood there: the wall clock of that machine, in its own time zone", ""),
    "Service": (", such as Youtube", ""),
    "Url": (" of the watch page", ""),
    "CacheUrl": (": address of the media host, as it stood there", ""),
    "CacheServerDelay": (": time to find the media address", "s"),
    "IP": (" of the media host", ""),
    "Resolver": (": name and address of the name server", ""),
    "ResolveTime": (" of the name server", "s"),
    "ASNumber": ("; 0 where the look-up failed", ""),
    "PingMin": ("", "ms"),
    "PingAvg": ("; lost probes cannot be seen in it", "ms"),
    "PingMax": ("", "ms"),
    "DownloadTime": ("", "s"),
    "VideoType": (": container", ""),
    "VideoDuration": ("", "s"),
    "VideoLength": (": size of the file", "bytes"),
    "EncodingRate": (": length by duration", "kbit/s"),
    "DownloadBytes": ("", "bytes"),
    "DownloadInterruptions": (": its own count of stalls", ""),
    "InitialData": ("", "bytes"),
    "InitialRate": ("", "kbit/s"),
    "InitialPlaybackBuffer": ("", "s"),
    "BufferingDuration": ("", "s"),
    "PlaybackDuration": (": media downloaded, not played", "s"),
    "BufferDurationAtEnd": ("", "s"),
    "TimeTogetFirstByte": ("", "s"),
    "MaxInstantThp": (": the best block that took over 10 ms", "kbit/s"),
    "RedirectUrl": (", whole, as it stood there", ""),
}
_NEVER_NULL = {"ID", "Url"}
_TYPES = {"TIMESTAMP": Text, "text": Text, "real": Double, "int": BigInteger}


def column_of(old_name: str) -> str:
    """Return the column that keeps an old one: its name in small letters; the timestamp is not our row number."""
    return "old_id" if old_name == "ID" else old_name.lower()


def _old_column(name: str, kind: str) -> Column[Any]:
    meaning, unit = _MEANINGS.get(name, ("", ""))
    null = "never" if name in _NEVER_NULL else "it was NULL there, or the column did not exist"
    return optional(column_of(name), _TYPES[kind], f"`{name}`{meaning}", null=null, unit=unit)


legacy_source = Table(
    "legacy_source",
    metadata,
    id_column(),
    required("file_name", Text, "name of the file, without its folder"),
    required("table_name", Text, "`pytomo_crawl_*`"),
    required("imported_at", UtcDateTime, "wall clock"),
    required("row_count", BigInteger, "new rows", unit="rows"),
    required("known_count", BigInteger, "rows that an earlier import had brought", unit="rows"),
    required("unreadable_count", BigInteger, "rows that could not be read", unit="rows"),
    required("unreadable", Json, "reason → rows", unit="rows"),
    optional("software_version", Text, "pytomo-scrapy"),
)

legacy_row = Table(
    "legacy_row",
    metadata,
    id_column(),
    reference("source_id", "legacy_source", is_index=True),
    required("digest", String(32), "BLAKE2b of the 29 values: the same row is imported once"),
    required("occurrence", Integer, "0; above for further rows of one table that are the same in all 29 values"),
    *(_old_column(name, kind) for name, kind in OLD_COLUMNS),
    Index("uq_legacy_row_digest", "digest", "occurrence", unique=True),
)
