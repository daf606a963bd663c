"""The tables below a measurement: windows, streams, look-ups, pings, playbacks. Their columns follow from the items."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, LargeBinary, Table, Text

from pytomo_scrapy.items import (
    DnsLookup,
    DownloadResult,
    HttpRequest,
    Interval,
    LadderResult,
    MediaFormat,
    MediaTimeline,
    Ping,
    PlaybackResult,
    StreamDownload,
    TcpConnection,
    VideoItem,
)
from pytomo_scrapy.items.stored import rows_of
from pytomo_scrapy.storage.schema.columns import BigId, key, metadata, optional, reference, required
from pytomo_scrapy.storage.schema.crawl_tables import measurement as measurement
from pytomo_scrapy.storage.schema.daily_tables import daily as daily
from pytomo_scrapy.storage.schema.derive import table_of, table_of_rows
from pytomo_scrapy.storage.schema.differential_tables import differential_test as differential_test
from pytomo_scrapy.storage.schema.figure_tables import figure as figure
from pytomo_scrapy.storage.schema.legacy_table import legacy_row as legacy_row
from pytomo_scrapy.storage.schema.study_tables import study as study

_LOADED = "round trips under load to {}, packed as `PL` (section Blobs): `pytomo_scrapy.read_blob` unpacks it"

download = table_of(
    "download",
    DownloadResult,
    parent="measurement",
    keys="place",
    unique=("place",),
    after={
        "loaded_rtt_max_s": [
            optional("loaded_samples", LargeBinary, _LOADED.format("the media host"), null="none answered")
        ],
        "loaded_access_rtt_max_s": [
            optional("loaded_access_samples", LargeBinary, _LOADED.format("the hop behind it"), null="none answered")
        ],
        "probe_paused_s": [
            optional(
                "host_samples",
                LargeBinary,
                "what this machine did during the window, packed as `PH` (section Blobs): `pytomo_scrapy.read_blob` "
                "unpacks it",
                null="not known, or on loopback",
            )
        ],
        "loaded_gateway_rtt_max_s": [
            optional("loaded_gateway_samples", LargeBinary, _LOADED.format("the gateway"), null="none answered")
        ],
    },
)

# The columns `file_*` hold what the file says, the others what the resolution announced.
stream = table_of(
    "stream",
    MediaFormat,
    StreamDownload,
    (MediaTimeline, "file_"),
    parent="measurement",
    lead=[
        reference("download_id", "download", null="no window was opened", is_index=True),
        required("place", Integer, "index of the window among the measurement's, from 0"),
        required("stream", Integer, "index of the stream in its window"),
    ],
    unique=("place", "stream"),
)

arrival_trace = Table(
    "arrival_trace",
    metadata,
    key("stream_id", BigId, "→ stream", "stream"),
    required("point_count", BigInteger, "number of arrivals in `points`"),
    required(
        "points",
        LargeBinary,
        "when how many bytes had arrived, packed as `PT` (section Blobs): `pytomo_scrapy.read_blob` unpacks it",
    ),
)

media_timeline = Table(
    "media_timeline",
    metadata,
    key("stream_id", BigId, "→ stream", "stream"),
    required("point_count", BigInteger, "number of media times in `points`"),
    required("segment_count", BigInteger, "number of segments in `points`"),
    required(
        "points",
        LargeBinary,
        "media seconds that are complete after so many bytes, and segments, packed as `PM` (section Blobs): "
        "`pytomo_scrapy.read_blob` unpacks it",
    ),
)

http_request = table_of("http_request", HttpRequest, parent="download", keys="stream hop")

tcp_connection = table_of(
    "tcp_connection",
    TcpConnection,
    parent="download",
    keys="stream",
    after={
        "sent_delivery_rate_bps": [
            optional("sample_count", BigInteger, "number of samples in `samples`"),
            optional(
                "samples",
                LargeBinary,
                "what the kernel said at each sample, packed as `PS` (section Blobs): `pytomo_scrapy.read_blob` "
                "unpacks it",
                null="no samples",
            ),
        ]
    },
)

dns_lookup = table_of(
    "dns_lookup",
    DnsLookup,
    parent="measurement",
    keys="host resolver",
    after={
        "cnames": [
            optional(
                "chosen_address",
                Text,
                "address of this answer that the window was pinned to",
                null="this answer was not measured",
            )
        ]
    },
)

dns_address = Table(
    "dns_address",
    metadata,
    key("lookup_id", BigId, "→ dns_lookup", "dns_lookup"),
    key("place", Integer, "place of the address in the answer, from 0"),
    required("address", Text, "address of the answer, IPv4 or IPv6"),
)

ping = table_of("ping", Ping, parent="measurement", keys="address")

# Of every field of the item that is rows and nothing else, by the field's name.
ROW_TABLES = {rows.field: table_of_rows(rows) for rows in rows_of(VideoItem)}
network = ROW_TABLES["networks"]
autopsy = ROW_TABLES["autopsies"]
control_window = ROW_TABLES["controls"]

playback = table_of(
    "playback",
    PlaybackResult,
    parent="measurement",
    lead=[required("place", Integer, "index of the window among the measurement's, from 0")],
    keys="player parameters",
    unique=("place", "player"),
    is_by_type=True,
    after={
        "stall_1s_count": [
            optional(
                "freeze_count",
                BigInteger,
                "number of times in which the picture stood still",
                null="this player does not know when it shows a picture",
            )
        ]
    },
)

ladder = table_of(
    "ladder",
    LadderResult,
    parent="measurement",
    keys="place",
    unique=("place",),
    after={
        "top_height_px": [
            optional(
                "rungs",
                LargeBinary,
                "rungs of the ladder with their segments, packed as `PG` (section Blobs): "
                "`pytomo_scrapy.read_blob` unpacks it",
                null="no ladder, or thinned out",
            )
        ]
    },
)

playback_event = table_of(
    "playback_event", Interval, parent="playback", lead=[required("kind", Text, "what the event is: stall or freeze")]
)
