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
# What each means, and its unit.
_MEANINGS = {
    "ID": ("when the row was written, as it stood there: the wall clock of that machine, in its own time zone", ""),
    "Service": ("service that has the video, such as Youtube", ""),
    "Url": ("address of the watch page", ""),
    "CacheUrl": ("address of the media host, as it stood there", ""),
    "CacheServerDelay": ("time to find the media address", "s"),
    "IP": ("address of the media host", ""),
    "Resolver": ("name and address of the name server", ""),
    "ResolveTime": ("time that the name server took to answer", "s"),
    "ASNumber": ("number of the autonomous system of the media host; 0 where the look-up failed", ""),
    "PingMin": ("smallest round trip to the media host", "ms"),
    "PingAvg": ("mean round trip to the media host; lost probes cannot be seen in it", "ms"),
    "PingMax": ("largest round trip to the media host", "ms"),
    "DownloadTime": ("time that the download took", "s"),
    "VideoType": ("container of the video", ""),
    "VideoDuration": ("length of the video", "s"),
    "VideoLength": ("size of the file", "bytes"),
    "EncodingRate": ("bitrate of the video: its size by its length", "kbit/s"),
    "DownloadBytes": ("bytes that were downloaded", "bytes"),
    "DownloadInterruptions": ("stalls, by its own count", "stalls"),
    "InitialData": ("bytes that had arrived when playback was held to start", "bytes"),
    "InitialRate": ("rate at which these first bytes came", "kbit/s"),
    "InitialPlaybackBuffer": ("media buffered when playback was held to start", "s"),
    "BufferingDuration": ("time that playback was held to stand still", "s"),
    "PlaybackDuration": ("length of the media downloaded, not played", "s"),
    "BufferDurationAtEnd": ("media buffered at the end of the download", "s"),
    "TimeTogetFirstByte": ("time to the first byte of media", "s"),
    "MaxInstantThp": ("rate of the best block that took over 10 ms", "kbit/s"),
    "RedirectUrl": ("address that the media host redirected to, whole, as it stood there", ""),
    "StatusCode": ("HTTP status of the media host's answer", "code"),
}
_NEVER_NULL = {"ID", "Url"}
_TYPES = {"TIMESTAMP": Text, "text": Text, "real": Double, "int": BigInteger}


def column_of(old_name: str) -> str:
    """Return the column that keeps an old one: its name in small letters; the timestamp is not our row number."""
    return "old_id" if old_name == "ID" else old_name.lower()


def _old_column(name: str, kind: str) -> Column[Any]:
    meaning, unit = _MEANINGS[name]
    null = "never" if name in _NEVER_NULL else "it was NULL there, or the column did not exist"
    return optional(column_of(name), _TYPES[kind], f"`{name}`: {meaning}", null=null, unit=unit)


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
