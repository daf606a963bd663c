"""The media times of a window's streams, and the playback of a simulated player."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field

from pytomo_scrapy.items.stored import about, failure_detail, failure_of, stored

# Whose figures stand first for a session: the validated player that fits its streams, then those that only a replay
# adds, then what the service declares of its own player, which nobody has compared with it, then Pytomo 3's rule.
HEADLINE_ORDER = ("dashjs", "progressive", "shaka", "exo", "youtube", "classic")


@dataclass(frozen=True, slots=True)
class Interval:
    """A stall or a freeze, on the window's clock (from t0)."""

    start_s: float = field(metadata=about("begin of the stall or freeze", unit="s from t0"))
    duration_s: float = field(metadata=about("length of the stall or freeze, to the window's end where it is open"))
    is_open: bool = stored(False, "whether it was still going on when the window ended")


@dataclass(frozen=True, slots=True)
class MediaSegment:
    """A piece that a segment player fetches whole: its bytes and its media time."""

    start_byte: int
    end_byte: int  # exclusive
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class MediaTimeline:
    """The media seconds of one stream that are complete after its first n bytes, and the file's own declarations.

    `complete_s[i]` seconds, counted from the stream's start, can be played once `offset_bytes[i]` bytes are there.
    """

    kind: str = field(metadata=about("video, audio or muxed", null="unknown", column="kind"))
    method: str = field(
        metadata=about(
            "how the media times were found: packets, segments, headers (SABR's), or linear (the marked fallback)",
            null="not analysed",
            column="timeline_method",
        )
    )
    offset_bytes: tuple[int, ...] = field(default=(), repr=False)
    complete_s: tuple[float, ...] = field(default=(), repr=False)
    segments: tuple[MediaSegment, ...] = field(default=(), repr=False)
    init_bytes: int = stored(
        0, "bytes before the first segment: header and index", null="not analysed", column="init_bytes"
    )
    _: KW_ONLY
    is_index_last: bool = stored(
        False,
        "whether the index follows the media: a plain download plays nothing before",
        null="not analysed",
        column="is_index_last",
    )
    fallback_reason: str | None = stored(
        None, "why the linear model stands in for exact media times", null="no fallback", column="fallback_reason"
    )
    container: str | None = stored(None, "container that the file itself has", null="not read")
    video_codec: str | None = stored(None, "video codec that the file itself has", null="none, or not read")
    audio_codec: str | None = stored(None, "audio codec that the file itself has", null="none, or not read")
    width_px: int | None = stored(None, "width of the picture that the file itself has", null="not read")
    height_px: int | None = stored(None, "height of the picture that the file itself has", null="not read")
    frame_rate_fps: float | None = stored(None, "frame rate that the file itself has", null="not read")
    bitrate_bps: float | None = stored(
        None, "bitrate of the file: 8 × its size / its duration", null="size or duration unknown"
    )
    duration_s: float | None = stored(None, "duration that the file itself has", null="not read")
    failure: str | None = failure_of("the analysis", column="timeline_failure")
    failure_detail: str | None = failure_detail("the analysis", column="timeline_failure_detail")


@dataclass(frozen=True, slots=True)
class PlaybackResult:
    """What one simulated player would have shown, from one window's arrivals and the media timelines."""

    player: str = field(metadata=about("simulated player: classic, progressive, dashjs, youtube, ..."))
    parameters: Mapping[str, float] = field(default_factory=dict, metadata=about("parameters that the player ran with"))
    place: int = stored(0, "index of the window among the measurement's, from 0")
    is_started: bool = stored(False, "whether the player showed a first frame inside the window")
    is_ended: bool = stored(False, "whether the video's end was reached inside the window")
    horizon_s: float | None = stored(None, "t0 to where the simulation ends", null="not simulated")
    startup_delay_s: float | None = stored(
        None, "startup delay: t0 to the first frame", null="not started: right-censored at horizon_s"
    )
    stalls: tuple[Interval, ...] = ()
    freezes: tuple[Interval, ...] | None = None  # None: this player has no picture
    stall_count: int | None = stored(None, "number of stalls of 0.1 s and more", null="not simulated")
    stall_1s_count: int | None = stored(None, "number of stalls of 1 s and more", null="not simulated")
    stalled_s: float | None = stored(None, "time stalled: stalls of 0.1 s and more together", null="not simulated")
    stall_ratio: float | None = stored(
        None,
        "share of the time after the start that was stalled: stalled_s / (played_s + stalled_s)",
        null="nothing played",
    )
    played_s: float | None = stored(None, "seconds of media that were played inside the window", null="not simulated")
    initial_buffer_s: float | None = stored(None, "seconds of media buffered when playback started", null="not started")
    initial_buffer_bytes: int | None = stored(None, "bytes that had arrived when playback started", null="not started")
    initial_rate_bps: float | None = stored(
        None, "rate of the initial data: 8 × initial_buffer_bytes / time to get them", null="not started"
    )
    buffer_end_s: float | None = stored(None, "seconds of media buffered when the window ended", null="not simulated")
    media_received_s: float | None = stored(
        None, "seconds of media that arrived inside the window", null="not simulated"
    )
    mos_stalling_hossfeld2011: float | None = stored(
        None,
        "opinion score that follows from the number and length of stalls alone (Hossfeld 2011)",
        null="outside the model's conditions",
        unit="1 to 5",
    )
    timeline_method: str | None = stored(
        None, "how the media times that were played were found: see stream.timeline_method", null="not analysed"
    )
    is_validated: bool = stored(
        False, "whether the session lies inside the conditions in which the player's model was validated"
    )
    is_identifiable: bool = stored(True, "0: the player would need bytes at a time in which the window made no demand")
    failure: str | None = failure_of("the simulation")
    failure_detail: str | None = failure_detail("the simulation")
    parameters_source: str | None = stored(
        None,
        "where the parameters of a player come from that plays by what the service declares: declared (by this "
        "measurement's answer; what that left "
        "out is the table's) or table (the answer declared nothing; docs/playback.md)",
        null="the player's parameters are its own or settings",
    )
    switches: tuple[tuple[float, int], ...] | None = stored(
        None,
        "[s from t0, rung] of the first picture and of each change of quality on the screen; rung 1 is the lowest",
        null="no adaptive player",
        unit="JSON list",
    )
    switch_count: int | None = stored(
        None, "number of changes of quality on the screen", null="no adaptive player", unit="switches"
    )
    mean_bitrate_bps: float | None = stored(
        None, "declared bitrates of the video, weighted by the time that each was played", null="as `switches`"
    )
    height_s: Mapping[str, float] | None = stored(
        None,
        "seconds of media played at each height in pixels",
        null="as `switches`, or the heights are not known",
        unit="JSON",
    )
    requested_bytes: int | None = stored(None, "bytes that the player would have fetched", null="as `switches`")
    ladder_source: str | None = stored(
        None, "where its ladder's segments come from: index, playlist or declared", null="as `switches`"
    )


def headline_player(players: Iterable[str]) -> str | None:
    """Return which of the players of a window stands first: by HEADLINE_ORDER, then by name. None where there is none.

    storage/measurements/figure_row.py says the same in SQL.
    """
    rank = {name: index for index, name in enumerate(HEADLINE_ORDER)}
    return min(players, key=lambda name: (rank.get(name, len(rank)), name), default=None)
