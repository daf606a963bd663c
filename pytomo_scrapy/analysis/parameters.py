"""What can be drawn: every parameter with its column, title, unit and sentence, and the forerunner's groups."""

# ruff: noqa: E501
# One row a parameter: a table reads better than its wrapped lines.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """One figure of a measurement. Shown is the column's value times `factor`, in `unit`."""

    name: str  # the column of `figure`
    title: str
    unit: str
    help: str
    factor: float = 1.0
    forerunner: str | None = None
    is_playback: bool = False  # depends on the player
    is_censored: bool = False  # some sessions never got there: quantiles by Kaplan-Meier, no mean
    is_flag: bool = False  # 0 or 1: the mean is a share

    @property
    def decimals(self) -> int:
        """Return how many decimals a person wants to read."""
        return {"": 3, "ms": 1, "s": 2, "bytes": 0, "MB": 2, "Mbit/s": 2, "%": 1, "px": 0, "code": 0}.get(self.unit, 2)


def _parameters() -> dict[str, Parameter]:
    rows = (
        # The forerunner's 18 numeric columns and three derived ones, in its order.
        Parameter("download_s", "Download time", "s", "How long the window lasted: from its first connection to its last byte, its deadline or its failure.", forerunner="DownloadTime"),
        Parameter("received_bytes", "Bytes downloaded", "MB", "Body bytes of all streams that arrived inside the window.", 1e-6, "DownloadBytes"),
        Parameter("video_duration_s", "Video duration", "s", "Length of the video, as the service announces it or its file says.", forerunner="VideoDuration"),
        Parameter("size_bytes", "Video length", "MB", "Size of the media files of the chosen format.", 1e-6, "VideoLength"),
        Parameter("initial_buffer_bytes", "Initial data", "MB", "Bytes that had arrived when playback started.", 1e-6, "InitialData", is_playback=True),
        Parameter("initial_rate_bps", "Initial rate", "Mbit/s", "Rate at which the initial data came.", 1e-6, "InitialRate", is_playback=True),
        Parameter("stalled_s", "Buffering duration", "s", "Time that playback stood still after its start, all stalls of a session together.", forerunner="BufferingDuration", is_playback=True),
        Parameter("buffer_end_s", "Buffer at end", "s", "Seconds of media that lay ready when the window ended.", forerunner="BufferDurationAtEnd", is_playback=True),
        Parameter("bin_max_bps", "Maximal throughput", "Mbit/s", "The fastest second of the window.", 1e-6, "MaxInstantThp"),
        Parameter("played_s", "Playback duration", "s", "Seconds of media that were played inside the window.", forerunner="PlaybackDuration", is_playback=True),
        Parameter("stall_count", "Interruptions", "", "Stalls of 0.1 s and more in a session.", forerunner="DownloadInterruptions", is_playback=True),
        Parameter("bitrate_bps", "Encoding rate", "Mbit/s", "Bits per second of the media, audio and video together: what must arrive to play without end.", 1e-6, "EncodingRate"),
        Parameter("rtt_min_s", "Ping, minimum", "ms", "Shortest round trip to the media server before the window, on an idle line.", 1e3, "PingMin"),
        Parameter("rtt_avg_s", "Ping, average", "ms", "Mean round trip to the media server before the window, over real replies only.", 1e3, "PingAvg"),
        Parameter("rtt_max_s", "Ping, maximum", "ms", "Longest round trip to the media server before the window.", 1e3, "PingMax"),
        Parameter("first_byte_s", "Time to first byte", "s", "From the first connection of the window to the first byte of media.", forerunner="TimeTogetFirstByte"),
        Parameter("status", "Status code", "code", "HTTP status of the last answer for the first stream: 200 or 206 is good.", forerunner="StatusCode"),
        Parameter("dns_elapsed_s", "Resolution time", "ms", "How long the name of the media server took to look up.", 1e3, "ResolveTime"),
        Parameter("throughput_bps", "Average throughput", "Mbit/s", "Bytes over the whole time of the download: what the service delivered here, not the line's speed.", 1e-6, "AvgThroughput"),
        Parameter("reception_ratio", "Reception ratio", "", "Average throughput over encoding rate: below 1 the video cannot play to its end without a stall.", forerunner="ReceptionRatio"),
        Parameter("has_stall", "Videos with interruptions", "%", "Share of the sessions that had at least one stall.", 100.0, "VideosWithInterruptions", is_flag=True, is_playback=True),
        # New.
        Parameter("startup_delay_s", "Startup delay", "s", "From the first connection to the first picture. Sessions that never started count as longer than their window, so the line is the Kaplan-Meier median.", is_censored=True, is_playback=True),
        Parameter("is_started", "Sessions that started", "%", "Share of the valid sessions that showed a picture inside their window.", 100.0, is_flag=True, is_playback=True),
        Parameter("stall_ratio", "Stalled ratio", "%", "Time stalled over time stalled and played; startup left out.", 100.0, is_playback=True),
        Parameter("stall_1s_count", "Long interruptions", "", "Stalls of 1 s and more in a session.", is_playback=True),
        Parameter("join_time_s", "Join time", "s", "Resolution, name look-up and startup together: from click to picture, without waits that the service orders. Sessions that never started count as longer, so the line is the Kaplan-Meier median.", is_censored=True),
        Parameter("initial_buffer_s", "Initial buffer", "s", "Seconds of media that lay ready when playback started.", is_playback=True),
        Parameter("mos_stalling_hossfeld2011", "Stalling MOS", "", "Opinion score from 1 to 5 that follows from stalls alone (Hossfeld 2011); empty outside the model's conditions.", is_playback=True),
        Parameter("delivery_bps", "Delivery rate", "Mbit/s", "Body bytes over active time, first byte to last; slow start included, time without demand left out.", 1e-6),
        Parameter("delivery_after_2s_bps", "Delivery rate after 2 s", "Mbit/s", "Delivery rate without the first two seconds, when TCP is still growing.", 1e-6),
        Parameter("bin_min_bps", "Slowest second", "Mbit/s", "The slowest full second of the window's active time.", 1e-6),
        Parameter("bin_median_bps", "Median second", "Mbit/s", "The median second of the window's active time.", 1e-6),
        Parameter("loss_ratio", "Ping loss", "%", "Share of the pings that got no reply in time.", 100.0),
        Parameter("connect_s", "Connection time", "ms", "TCP handshake with the media server.", 1e3),
        Parameter("resolve_elapsed_s", "Media URL time", "s", "Requests that turned the video into media URLs (the forerunner's CacheServerDelay)."),
        Parameter("service_estimate_bps", "The service's own estimate", "Mbit/s", "What the service believes of this line, as its media URL says.", 1e-6),
        Parameter("height_px", "Picture height", "px", "Height of the picture that was fetched."),
        Parameter("cpu_ratio", "Load of this machine", "%", "Share of all cores that were busy during the window: near 100 the probe measures itself.", 100.0),
        Parameter("is_cross_traffic", "Windows with foreign traffic", "%", "Share of the windows during which something else of this machine was on the wire.", 100.0, is_flag=True),
    )  # fmt: skip
    return {row.name: row for row in rows}


PARAMETERS: Mapping[str, Parameter] = _parameters()
BY_FORERUNNER: Mapping[str, Parameter] = {row.forerunner: row for row in PARAMETERS.values() if row.forerunner}


@dataclass(frozen=True, slots=True)
class Group:
    """A page of graphs that belong together."""

    name: str
    title: str
    help: str
    parameters: tuple[str, ...]


def _of(*forerunner: str) -> tuple[str, ...]:
    return tuple(BY_FORERUNNER[name].name for name in forerunner)


_PINGS = ("PingMin", "PingAvg", "PingMax")
_GROUPS = (
    Group("main", "Main", "The four graphs to look at first.", _of("VideosWithInterruptions", "AvgThroughput", "BufferingDuration", "PingAvg")),
    Group("qoe", "QoE", "What a viewer notices.", _of("VideosWithInterruptions", "DownloadInterruptions", "ReceptionRatio", "BufferingDuration", "BufferDurationAtEnd")),
    Group("qos", "QoS", "What the network did.", _of("AvgThroughput", "MaxInstantThp", "InitialRate", "InitialData", "DownloadBytes", "DownloadTime", "PlaybackDuration", *_PINGS)),
    Group("video", "Video characteristics", "What was played.", _of("VideoLength", "VideoDuration", "EncodingRate")),
    Group("esmc", "ESMC", "The service's side: speed, distance, names, answers.", _of("AvgThroughput", "PingAvg", "VideosWithInterruptions", "ResolveTime", "TimeTogetFirstByte", "StatusCode")),
    Group("new", "Beyond the forerunner", "What this version measures besides.", tuple(row.name for row in PARAMETERS.values() if not row.forerunner)),
    Group("all", "All parameters", "Every parameter.", tuple(PARAMETERS)),
)  # fmt: skip
GROUPS: Mapping[str, Group] = {group.name: group for group in _GROUPS}
