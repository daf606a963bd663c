"""The catalogue of figures: every column of the flat table `figure`, where it comes from and where it is shown.

One row here is all that a figure is: from it follow its column, the statement that writes it (`figure_row`), the packed
columns, graphs, filters, list, gauges and daily aggregates (`analysis/figures.py` says what is which), the answers of
/api and the tables of docs/dashboard.md. A further figure is a row at the end, a migration that adds its column, and an
independent question in tests/dashboard/test_numbers.py.

In `sql`, `m` is the measurement, `v` its video, `d` its first window, `g` the ping to the window's address, `n` the
network of that address and `b` the playback by the headline's player; {words} are said by each dialect its own way.
"""

# ruff: noqa: E501
# Two or three lines a figure: a table reads better than its wrapped lines.

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntFlag, StrEnum, auto


class Kind(StrEnum):
    """What a column holds."""

    ROW_ID = auto()
    BIG = auto()
    WHOLE = auto()
    SMALL = auto()
    REAL = auto()
    TEXT = auto()


class Use(IntFlag):
    """How a figure is looked at."""

    NONE = 0
    PLAYBACK = auto()  # depends on the player
    CENSORED = auto()  # some sessions never got there: quantiles of all sessions, no mean
    SHARE = auto()  # 0 or 1: the mean is a share
    GAUGE = auto()  # /metrics gives its newest value of each vantage point
    BY_MODE = auto()  # daily aggregates keep it by download mode,
    BY_PING_METHOD = auto()  # or by the way to ping


# Of each unit that a person reads: times what the stored value is, and with how many decimals.
UNITS = {
    "": (1.0, 3),
    "s": (1.0, 2),
    "ms": (1e3, 1),
    "MB": (1e-6, 2),
    "Mbit/s": (1e-6, 2),
    "%": (100.0, 1),
    "px": (1.0, 0),
    "code": (1.0, 0),
}


# What the letters in `sql` stand for, and which row of the table it is.
_SOURCES = {
    "m": ("measurement", ""),
    "v": ("video", ""),
    "d": ("download", "of the first window"),
    "g": ("ping", "of the ping to the window's address"),
    "n": ("network", "of the network of that address"),
    "b": ("playback", "of the headline's player"),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows are filtered and compared by the column. `name` is what an address says, where that is not the column's."""

    order: int
    title: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """The list of measurements has the column. Without a heading it is shown next to another column."""

    order: int
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A column of the flat table. With a `title` it is drawn: its value times `factor`, in `unit`."""

    name: str
    kind: Kind
    sql: str
    uses: Use = Use.NONE
    # As it is drawn. `order` is its position among all graphs.
    order: int = 0
    title: str = ""
    unit: str = ""
    help: str = ""
    forerunner: str | None = None  # what Pytomo 3 calls it
    filter: Filter | None = None
    listed: Listed | None = None
    # As docs/data-format.md describes the column. What is copied from one column needs no words of its own.
    meaning: str = ""
    null: str = "not measured"
    stored_unit: str | None = None  # where the name's suffix does not say it

    @property
    def copied_from(self) -> tuple[str, str, str] | None:
        """Return the table, the column and which row of it is copied. None for what is computed."""
        found = re.fullmatch(r"([a-z])\.(\w+)", self.sql)
        if found is None:
            return None
        table, which = _SOURCES[found[1]]
        return table, found[2], which

    @property
    def factor(self) -> float:
        """Return the factor from the stored value to the value shown."""
        return UNITS[self.unit][0]

    @property
    def decimals(self) -> int:
        """Return the number of decimals that are shown."""
        return UNITS[self.unit][1]

    @property
    def is_playback(self) -> bool:
        """Return whether it depends on the player."""
        return Use.PLAYBACK in self.uses

    @property
    def is_censored(self) -> bool:
        """Return whether some sessions never reach it."""
        return Use.CENSORED in self.uses

    @property
    def is_flag(self) -> bool:
        """Return whether it is 0 or 1, so that its mean is a share."""
        return Use.SHARE in self.uses


_IS_VALID = "CASE WHEN m.failure IS NULL OR m.attribution = 'network' THEN 1 ELSE 0 END"
_IS_SESSION = "CASE WHEN (m.failure IS NULL AND b.id IS NOT NULL) OR m.attribution = 'network' THEN 1 ELSE 0 END"
_HTTP_VERSION = (
    "(SELECT q.http_version FROM http_request q WHERE q.download_id = d.id"
    " AND q.http_version IS NOT NULL ORDER BY q.id LIMIT 1)"
)
_FORMAT = (
    "(SELECT s.format_id FROM stream s WHERE s.download_id = d.id ORDER BY s.stream LIMIT 1)"
    " || COALESCE((SELECT '+' || s.format_id FROM stream s WHERE s.download_id = d.id"
    " ORDER BY s.stream LIMIT 1 OFFSET 1), '')"
)
_IS_STARTED = "CASE WHEN b.is_started THEN 1 WHEN b.id IS NOT NULL OR m.attribution = 'network' THEN 0 END"
_HAS_STALL = "CASE WHEN b.stall_count > 0 THEN 1 WHEN b.stall_count = 0 THEN 0 END"
_WAITED_S = (
    "COALESCE(b.startup_delay_s, b.horizon_s, d.window_s, CAST({window_setting} AS DOUBLE PRECISION), :window_s)"
)
_BITRATE_BPS = (
    "(SELECT CASE WHEN COUNT(*) = COUNT(COALESCE(s.file_bitrate_bps, s.declared_bitrate_bps))"
    " THEN SUM(COALESCE(s.file_bitrate_bps, s.declared_bitrate_bps)) END FROM stream s WHERE s.download_id = d.id)"
)
_RECEPTION_RATIO = (
    f"CASE WHEN d.elapsed_s > 0 AND {_BITRATE_BPS} > 0 THEN d.received_bytes * 8.0 / d.elapsed_s / {_BITRATE_BPS} END"
)
_SIZE_BYTES = (
    "(SELECT CASE WHEN COUNT(*) = COUNT(COALESCE(s.size_bytes, s.declared_size_bytes))"
    " THEN SUM(COALESCE(s.size_bytes, s.declared_size_bytes)) END FROM stream s WHERE s.download_id = d.id)"
)
_SERVICE_ESTIMATE = "(SELECT MAX(s.service_estimate_bps) FROM stream s WHERE s.measurement_id = m.id)"
_STATUS = (
    "(SELECT q.status FROM http_request q WHERE q.download_id = d.id AND q.stream = 0"
    " AND q.status IS NOT NULL ORDER BY q.id DESC LIMIT 1)"
)
_HEIGHT_PX = "(SELECT MAX(COALESCE(s.file_height_px, s.height_px)) FROM stream s WHERE s.download_id = d.id)"
_VIDEO_DURATION_S = "COALESCE(v.duration_s, (SELECT MAX(s.file_duration_s) FROM stream s WHERE s.download_id = d.id))"
_IS_CROSS_TRAFFIC = "CASE WHEN d.is_cross_traffic THEN 1 WHEN NOT d.is_cross_traffic THEN 0 END"

# Of the processor or a quota: another program on the wire is `is_cross_traffic`.
_IS_MACHINE_LIMITED = (
    "CASE WHEN d.is_probe_limited OR d.is_cpu_throttled THEN 1"
    " WHEN d.is_probe_limited IS NOT NULL OR d.is_cpu_throttled IS NOT NULL THEN 0 END"
)
# What the line's queues add to a round trip while media come, in steps; docs/metrics.md says why these.
_ADDED_DELAY = "(d.loaded_rtt_median_s - g.rtt_min_s)"
_LOADED_DELAY = (
    f"CASE WHEN {_ADDED_DELAY} >= 0.1 THEN '100 ms and more' WHEN {_ADDED_DELAY} >= 0.03 THEN '30 to 100 ms'"
    f" WHEN {_ADDED_DELAY} IS NOT NULL THEN 'under 30 ms' END"
)

_LADDER = "(SELECT {} FROM ladder l WHERE l.measurement_id = m.id AND l.place = COALESCE(d.place, 0))"

_WORST = "(SELECT a.{} FROM autopsy a WHERE a.measurement_id = m.id ORDER BY a.number LIMIT 1)"
_CAUSE = _WORST.format("cause")
_SYMPTOM = _WORST.format("symptom")


def _plays(height_px: int) -> str:
    """Return 1 where a rung of at least this height plays for certain, 0 where none does, else NULL."""
    return _LADDER.format(
        f"CASE WHEN l.plays_height_px >= {height_px} THEN 1"
        f" WHEN l.top_height_px >= {height_px} AND l.fails_height_px <= {height_px} THEN 0 END"
    )


def _plays_figure(height_px: int, order: int) -> Figure:
    return Figure(
        f"plays_{height_px}p",
        Kind.SMALL,
        _plays(height_px),
        Use.SHARE | Use.GAUGE,
        order,
        f"Plays {height_px}p",
        "%",
        f"Share of the sessions whose line plays {height_px}p or more: it starts in time and no stall follows. Sessions that cannot tell are left out.",
        meaning=f"1 if a quality of at least {height_px} pixels of height plays, 0 if none does",
        null="the window cannot tell, or the video has no such quality",
    )


# In the order of the table: what is added comes last.
# fmt: off
FIGURES: tuple[Figure, ...] = (
    # Which row it is.
    Figure("started_s", Kind.BIG, "{started_s}", listed=Listed(1, "Time (UTC)"),  # whole: buckets are integer arithmetic
        meaning="when the measurement began (`started_at`), in whole seconds", null="never", stored_unit="s since 1970"),
    Figure("vantage_id", Kind.ROW_ID, "m.vantage_id", filter=Filter(1, "Vantage point", "vantage"), meaning="→ vantage", null="never"),
    Figure("run_id", Kind.ROW_ID, "m.run_id", filter=Filter(17, "Run", "run"), meaning="→ run", null="never"),
    Figure("video_row_id", Kind.ROW_ID, "m.video_row_id", meaning="→ video", null="never"),
    Figure("place", Kind.WHOLE, "COALESCE(d.place, 0)", meaning="index of the window that the figures are of", null="never"),
    Figure("is_valid", Kind.SMALL, _IS_VALID, meaning="1: the measurement says something about the line: no failure, or one that the network is charged with", null="never"),
    Figure("is_session", Kind.SMALL, _IS_SESSION, meaning="1: the row is valid, and a player ran or the network ended it before", null="never"),
    # What a session is compared and filtered by.
    Figure("service", Kind.TEXT, "v.service", filter=Filter(3, "Service")),
    Figure("host", Kind.TEXT, "d.host", filter=Filter(4, "Media host"), listed=Listed(2, "Media host"), meaning="host of the first window's media", null="no window"),
    Figure("cache_site", Kind.TEXT, "d.cache_site", filter=Filter(5, "Cache site"), listed=Listed(9, "Cache site"), null="not deciphered"),
    Figure("resolver", Kind.TEXT, "m.dns_resolver", filter=Filter(8, "Resolver"), listed=Listed(18, "Resolver"), meaning="resolver that the address of the first window comes from, as `dns_resolver`", null="no look-up"),
    Figure("http_version", Kind.TEXT, _HTTP_VERSION, filter=Filter(10, "HTTP version"), listed=Listed(14, "HTTP"),
        meaning="HTTP version of the first answer in the first window"),
    Figure("format", Kind.TEXT, _FORMAT, filter=Filter(11, "Format"), listed=Listed(15, "Format"), meaning="ids of the formats that the first window fetched, video and sound joined by +", null="no window"),
    Figure("mode", Kind.TEXT, "d.mode", filter=Filter(12, "Download mode"), listed=Listed(16, "Mode")),
    Figure("client", Kind.TEXT, "m.client", filter=Filter(13, "Client")),
    Figure("player", Kind.TEXT, "b.player", filter=Filter(14, "Player"), listed=Listed(17, "Player"), meaning="player whose figures stand for the session (docs/metrics.md, Players)", null="no player ran"),
    Figure("address_family", Kind.SMALL, "COALESCE(d.address_family, m.address_family)", filter=Filter(9, "Address family", "family"), listed=Listed(13, "IP"),
        meaning="address family, 4 or 6: of the first window, else of the resolution"),
    Figure("failure", Kind.TEXT, "m.failure", listed=Listed(8, "Failure")),
    Figure("attribution", Kind.TEXT, "m.attribution"),
    Figure("failure_stage", Kind.TEXT, "m.failure_stage"),
    Figure("ping_method", Kind.TEXT, "g.method", filter=Filter(15, "Ping method")),
    Figure("yt_dlp_version", Kind.TEXT, "m.resolve_software_version", filter=Filter(16, "yt-dlp"), meaning="version of yt-dlp, as `resolve_software_version`", null="not tried"),
    Figure("cache_airport", Kind.TEXT, "d.cache_airport", filter=Filter(6, "Airport of the cache"), listed=Listed(10), null="not deciphered"),
    Figure("as_holder", Kind.TEXT, "n.as_holder", listed=Listed(12), null="not looked up"),
    Figure("as_number", Kind.BIG, "n.as_number", filter=Filter(7, "Autonomous system"), listed=Listed(11, "AS"), null="not looked up"),
    # Playback.
    Figure("is_started", Kind.SMALL, _IS_STARTED, Use.SHARE | Use.PLAYBACK | Use.GAUGE, 23, "Sessions that started", "%",
        "Share of the valid sessions that showed a picture inside their window.",
        meaning="1: the headline's player showed a picture inside the window; 0: it did not, or the network failed the session before"),
    Figure("has_stall", Kind.SMALL, _HAS_STALL, Use.SHARE | Use.PLAYBACK | Use.GAUGE, 21, "Sessions with stalls", "%",
        "Share of the sessions that had at least one stall.", "VideosWithInterruptions",
        meaning="1 if the session had a stall of 0.1 s or more, 0 if none", null="not simulated"),
    Figure("startup_delay_s", Kind.REAL, "b.startup_delay_s", Use.CENSORED | Use.PLAYBACK | Use.GAUGE, 22, "Startup delay", "s",
        "From the first connection to the first picture. Sessions that never started count too: the line is the delay by which half of all sessions had started.",
        listed=Listed(3, "Startup (s)")),
    Figure("waited_s", Kind.REAL, _WAITED_S, meaning="time waited for the first picture: the startup delay, or all that was waited in vain", null="not a session"),
    Figure("stalled_s", Kind.REAL, "b.stalled_s", Use.PLAYBACK | Use.GAUGE, 7, "Stalled time", "s",
        "Time that playback was stopped after its start, all stalls of a session together.", "BufferingDuration",
        listed=Listed(5, "Stalled (s)")),
    Figure("played_s", Kind.REAL, "b.played_s", Use.PLAYBACK, 10, "Played time", "s",
        "Seconds of media that were played inside the window.", "PlaybackDuration"),
    Figure("stall_ratio", Kind.REAL, "b.stall_ratio", Use.PLAYBACK | Use.GAUGE, 24, "Stalled ratio", "%",
        "Stalled time over stalled and played time together; the startup does not count."),
    Figure("join_time_s", Kind.REAL, "m.join_time_s", Use.CENSORED | Use.GAUGE, 26, "Join time", "s",
        "Resolution, name look-up and startup together: from click to picture, without waits that the service orders. Sessions that never started count too: the line is the time by which half of all sessions had started."),
    Figure("stall_count", Kind.WHOLE, "b.stall_count", Use.PLAYBACK | Use.GAUGE, 11, "Stalls", "",
        "Stalls of 0.1 s and more in a session.", "DownloadInterruptions",
        listed=Listed(4, "Stalls")),
    Figure("stall_1s_count", Kind.WHOLE, "b.stall_1s_count", Use.PLAYBACK, 25, "Stalls of 1 s or more", "",
        "Stalls of 1 s and more in a session."),
    Figure("buffer_end_s", Kind.REAL, "b.buffer_end_s", Use.PLAYBACK, 8, "Buffer at end", "s",
        "Seconds of media that were ready to play when the window ended.", "BufferDurationAtEnd"),
    Figure("initial_buffer_s", Kind.REAL, "b.initial_buffer_s", Use.PLAYBACK, 27, "Initial buffer", "s",
        "Seconds of media that were ready to play when playback started."),
    Figure("initial_rate_bps", Kind.REAL, "b.initial_rate_bps", Use.PLAYBACK, 6, "Initial rate", "Mbit/s",
        "Rate at which the initial data arrived.", "InitialRate"),
    Figure("mos_stalling_hossfeld2011", Kind.REAL, "b.mos_stalling_hossfeld2011", Use.PLAYBACK | Use.GAUGE, 28, "Stalling MOS", "",
        "Opinion score from 1 to 5 that follows from stalls alone (Hossfeld 2011); empty outside the model's conditions."),
    Figure("initial_buffer_bytes", Kind.BIG, "b.initial_buffer_bytes", Use.PLAYBACK, 5, "Initial data", "MB",
        "Bytes that had arrived when playback started.", "InitialData"),
    # The window.
    Figure("delivery_bps", Kind.REAL, "d.delivery_bps", Use.GAUGE | Use.BY_MODE, 29, "Delivery rate", "Mbit/s",
        "Body bytes over active time, first byte to last; slow start included, time without demand left out.",
        listed=Listed(6, "Mbit/s")),
    Figure("delivery_after_2s_bps", Kind.REAL, "d.delivery_after_2s_bps", Use.NONE, 30, "Delivery rate after 2 s", "Mbit/s",
        "Delivery rate without the first two seconds, when TCP is still growing."),
    Figure("throughput_bps", Kind.REAL, "CASE WHEN d.elapsed_s > 0 THEN d.received_bytes * 8.0 / d.elapsed_s END", Use.GAUGE, 19, "Delivery rate, pauses included", "Mbit/s",
        "Bytes over the whole time of the download: what the service delivered here, not the line's speed.", "AvgThroughput",
        meaning="bytes over the whole time of the first window: 8 × received_bytes / download_s", null="no window"),
    Figure("reception_ratio", Kind.REAL, _RECEPTION_RATIO, Use.NONE, 20, "Reception ratio", "",
        "Delivery rate, pauses included, over encoding rate: below 1 the video cannot play to its end without a stall.", "ReceptionRatio",
        meaning="how fast the media came for their bitrate: throughput_bps / bitrate_bps", null="bitrate unknown"),
    Figure("bitrate_bps", Kind.REAL, _BITRATE_BPS, Use.NONE, 12, "Encoding rate", "Mbit/s",
        "Bits per second of the media, audio and video together: what must arrive to keep playing.", "EncodingRate",
        meaning="bitrate of the media of all streams of the first window together, by their files, else as declared", null="unknown"),
    Figure("bin_min_bps", Kind.REAL, "d.bin_min_bps", Use.NONE, 31, "Slowest second", "Mbit/s",
        "The slowest full second of the window's active time."),
    Figure("bin_median_bps", Kind.REAL, "d.bin_median_bps", Use.NONE, 32, "Median second", "Mbit/s",
        "The median second of the window's active time."),
    Figure("bin_max_bps", Kind.REAL, "d.bin_max_bps", Use.NONE, 9, "Fastest second", "Mbit/s",
        "The fastest second of the window.", "MaxInstantThp"),
    Figure("download_s", Kind.REAL, "d.elapsed_s", Use.NONE, 1, "Download time", "s",
        "How long the window lasted: from its first connection to its last byte, its deadline or its failure.", "DownloadTime",
        null="no window"),
    Figure("connect_s", Kind.REAL, "d.connect_s", Use.NONE, 34, "Connection time", "ms",
        "TCP handshake with the media server."),
    Figure("first_byte_s", Kind.REAL, "d.first_byte_s", Use.GAUGE, 16, "Time to first byte", "s",
        "From the first connection of the window to the first byte of media.", "TimeTogetFirstByte"),
    Figure("received_bytes", Kind.BIG, "d.received_bytes", Use.GAUGE | Use.BY_MODE, 2, "Bytes downloaded", "MB",
        "Body bytes of all streams that arrived inside the window.", "DownloadBytes"),
    Figure("size_bytes", Kind.BIG, _SIZE_BYTES, Use.NONE, 4, "Video length", "MB",
        "Size of the media files of the chosen format.", "VideoLength",
        meaning="size of the media files of the window's streams together, as found, else as declared"),
    Figure("service_estimate_bps", Kind.BIG, _SERVICE_ESTIMATE, Use.NONE, 36, "The service's own estimate", "Mbit/s",
        "What the service thinks this line can do, according to its media URL.",
        meaning="what the service believes of this line, as its media URL says"),
    Figure("status", Kind.WHOLE, _STATUS, Use.NONE, 17, "Status code", "code",
        "HTTP status of the last answer for the first stream: 200 or 206 is good.", "StatusCode",
        meaning="status of the last HTTP answer for the first stream of the first window", null="no answer", stored_unit="code"),
    Figure("height_px", Kind.WHOLE, _HEIGHT_PX, Use.NONE, 37, "Picture height", "px",
        "Height of the picture that was fetched.",
        meaning="height of the picture of the first window, as the file says, else as declared"),
    Figure("video_duration_s", Kind.REAL, _VIDEO_DURATION_S, Use.NONE, 3, "Video duration", "s",
        "Length of the video, as the service announces it or its file says.", "VideoDuration",
        meaning="length of the video, as the service announces it, else as the first window's file says", null="unknown"),
    Figure("cpu_ratio", Kind.REAL, "d.cpu_ratio", Use.NONE, 38, "Load of this machine", "%",
        "How busy the processor of this machine was during the window: near 100 % the probe measures itself."),
    Figure("is_cross_traffic", Kind.SMALL, _IS_CROSS_TRAFFIC, Use.SHARE | Use.BY_MODE, 39, "Windows with foreign traffic", "%",
        "Share of the windows during which something else on this machine used the network.",
        meaning="1: foreign bytes above `PYTOMO_FOREIGN_TRAFFIC_RATIO` in the first window"),
    # Before it.
    Figure("rtt_min_s", Kind.REAL, "g.rtt_min_s", Use.GAUGE | Use.BY_PING_METHOD, 13, "Round trip, minimum", "ms",
        "Shortest round trip to the media server before the window, on an idle line.", "PingMin",
        listed=Listed(7, "Round trip (ms)")),
    Figure("rtt_avg_s", Kind.REAL, "g.rtt_avg_s", Use.BY_PING_METHOD, 14, "Round trip, average", "ms",
        "Mean round trip to the media server before the window, over real replies only.", "PingAvg"),
    Figure("rtt_max_s", Kind.REAL, "g.rtt_max_s", Use.BY_PING_METHOD, 15, "Round trip, maximum", "ms",
        "Longest round trip to the media server before the window.", "PingMax"),
    Figure("loss_ratio", Kind.REAL, "g.loss_ratio", Use.GAUGE | Use.BY_PING_METHOD, 33, "Lost probes", "%",
        "Share of the pings that got no reply in time."),
    Figure("dns_elapsed_s", Kind.REAL, "m.dns_elapsed_s", Use.GAUGE, 18, "Name look-up", "ms",
        "How long it took to look up the media server's name.", "ResolveTime"),
    Figure("resolve_elapsed_s", Kind.REAL, "m.resolve_elapsed_s", Use.GAUGE, 35, "Media URL time", "s",
        "How long it took to turn the video into media URLs (CacheServerDelay of Pytomo 3)."),
    # What videos are like by the lists that named them: known of refused ones too (analysis/refusals.py).
    Figure("source_kind", Kind.TEXT, "{source_kind}", meaning="kind of source of the video, `source` up to its first colon: charts, search, related, urls, ...", null="source unknown"),
    Figure("listed_view_count", Kind.BIG, "m.listed_view_count", null="not listed", stored_unit="views"),
    Figure("listed_duration_s", Kind.REAL, "m.listed_duration_s", null="not listed"),
    Figure("listed_age_s", Kind.REAL, "m.listed_age_s", null="not listed"),
    # Which qualities of the ladder the line plays.
    Figure("best_height_px", Kind.WHOLE, _LADDER.format("l.best_height_px"), Use.GAUGE, 40, "Best quality that plays", "px",
        "Height of the best quality that starts in time and plays without a stall; sessions that cannot tell are left out.",
        meaning="height of the highest quality that starts in time and plays without a stall in the first window (docs/metrics.md); 0: not even the lowest does", null="the window cannot tell"),
    *(_plays_figure(height_px, 41 + index) for index, height_px in enumerate((360, 480, 720, 1080, 2160))),
    # How the media were fetched.
    Figure("transport", Kind.TEXT, "d.transport", filter=Filter(18, "Transport"), listed=Listed(20, "Transport"), null="no window, or measured before this was known"),
    # Of a study.
    Figure("study_name", Kind.TEXT, "m.study_name", filter=Filter(19, "Study", "study"), null="of no study"),
    Figure("arm", Kind.TEXT, "m.arm", filter=Filter(20, "Arm"), null="of no study"),
    Figure("plan_version", Kind.WHOLE, "m.plan_version", null="of no study"),
    Figure("pair_id", Kind.TEXT, "m.pair_id", null="of no study"),
    # What may have made a session bad besides the line's distance to the media.
    Figure("loaded_rtt_s", Kind.REAL, "d.loaded_rtt_median_s", Use.GAUGE, 46, "Latency under load", "ms",
        "Median round trip to the media server while the window was open: with what the line's queues add."),
    Figure("loaded_delay", Kind.TEXT, _LOADED_DELAY, filter=Filter(21, "Delay added under load", "loaded"),
        meaning="median round trip under load less the shortest before: under 30 ms, 30 to 100 ms, 100 ms and more", null="one of both is not known"),
    Figure("is_machine_limited", Kind.SMALL, _IS_MACHINE_LIMITED, Use.SHARE, 47, "Windows limited by this machine", "%",
        "Share of the windows in which the processor of this machine was busy, slowed or held back, so that it may have set the rate.",
        meaning="1: `download.is_probe_limited` or `download.is_cpu_throttled` of the first window", null="neither is known"),
    Figure("contract_bps", Kind.BIG, "d.contract_bps", filter=Filter(22, "Contract rate", "contract"), null="not said, or no window"),
    Figure("access_technology", Kind.TEXT, "d.access_technology", filter=Filter(23, "Access", "access"), null="not said, or no window"),
    # Why it was bad: the cause of what cost the viewer most (docs/autopsy.md).
    Figure("cause", Kind.TEXT, _CAUSE, filter=Filter(24, "Cause"), listed=Listed(21, "Cause"), meaning="cause of what cost the viewer most in this session (docs/autopsy.md)", null="not a bad session, or not judged"),
    Figure("symptom", Kind.TEXT, _SYMPTOM, filter=Filter(25, "Symptom"), meaning="what cost the viewer most: startup (slow), stall or failed_start", null="as `cause`"),
)
# fmt: on
