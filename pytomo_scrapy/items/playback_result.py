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

    start_s: float = field(metadata=about("begin", unit="s from t0"))
    duration_s: float = field(metadata=about("length, to the window's end where open"))
    is_open: bool = stored(False, "still going on when the window ended")


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
            "packets, segments, headers (SABR's), or linear (the marked fallback)",
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
        "the index follows the media: a plain download plays nothing before",
        null="not analysed",
        column="is_index_last",
    )
    fallback_reason: str | None = stored(
        None, "why the linear model stands in", null="no fallback", column="fallback_reason"
    )
    container: str | None = stored(None, "of the file", null="not read")
    video_codec: str | None = stored(None, "of the file", null="none, or not read")
    audio_codec: str | None = stored(None, "of the file", null="none, or not read")
    width_px: int | None = stored(None, "of the file", null="not read")
    height_px: int | None = stored(None, "of the file", null="not read")
    frame_rate_fps: float | None = stored(None, "of the file", null="not read")
    bitrate_bps: float | None = stored(None, "8 × file size / duration", null="size or duration unknown")
    duration_s: float | None = stored(None, "of the file", null="not read")
    failure: str | None = failure_of("the analysis", column="timeline_failure")
    failure_detail: str | None = failure_detail(column="timeline_failure_detail")


@dataclass(frozen=True, slots=True)
class PlaybackResult:
    """What one simulated player would have shown, from one window's arrivals and the media timelines."""

    player: str = field(metadata=about("classic, progressive, dashjs, youtube, ..."))
    parameters: Mapping[str, float] = field(default_factory=dict, metadata=about("of the player"))
    place: int = stored(0, "the window's place")
    is_started: bool = stored(False, "a first frame inside the window")
    is_ended: bool = stored(False, "the video's end was reached inside the window")
    horizon_s: float | None = stored(None, "t0 to where the simulation ends", null="not simulated")
    startup_delay_s: float | None = stored(
        None, "t0 to the first frame", null="not started: right-censored at horizon_s"
    )
    stalls: tuple[Interval, ...] = ()
    freezes: tuple[Interval, ...] | None = None  # None: this player has no picture
    stall_count: int | None = stored(None, "stalls of 0.1 s and more", null="not simulated")
    stall_1s_count: int | None = stored(None, "stalls of 1 s and more", null="not simulated")
    stalled_s: float | None = stored(None, "stalls of 0.1 s and more together", null="not simulated")
    stall_ratio: float | None = stored(None, "stalled_s / (played_s + stalled_s)", null="nothing played")
    played_s: float | None = stored(None, "media played", null="not simulated")
    initial_buffer_s: float | None = stored(None, "media buffered at the start", null="not started")
    initial_buffer_bytes: int | None = stored(None, "bytes behind initial_buffer_s", null="not started")
    initial_rate_bps: float | None = stored(None, "8 × initial_buffer_bytes / time to get them", null="not started")
    buffer_end_s: float | None = stored(None, "media buffered at the end", null="not simulated")
    media_received_s: float | None = stored(None, "media that arrived", null="not simulated")
    mos_stalling_hossfeld2011: float | None = stored(
        None, "docs/metrics.md", null="outside the model's conditions", unit="1 to 5"
    )
    timeline_method: str | None = stored(None, "of the timeline used", null="not analysed")
    is_validated: bool = stored(False, "inside the conditions in which the model was validated")
    is_identifiable: bool = stored(True, "0: the replay would need bytes while the window made no demand")
    failure: str | None = failure_of("the simulation")
    failure_detail: str | None = failure_detail()
    parameters_source: str | None = stored(
        None,
        "of a player that plays by what the service declares: declared (by this measurement's answer; what that left "
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
        None, "changes of quality on the screen", null="no adaptive player", unit="switches"
    )
    mean_bitrate_bps: float | None = stored(
        None, "declared bitrates of the video, weighted by the time that each was played", null="as `switches`"
    )
    height_s: Mapping[str, float] | None = stored(
        None,
        "s of media played at each height in pixels",
        null="as `switches`, or the heights are not known",
        unit="JSON",
    )
    requested_bytes: int | None = stored(None, "that the player would have fetched", null="as `switches`")
    ladder_source: str | None = stored(
        None, "where its ladder's segments come from: index, playlist or declared", null="as `switches`"
    )


def headline_player(players: Iterable[str]) -> str | None:
    """Return which of the players of a window stands first: by HEADLINE_ORDER, then by name. None where there is none.

    storage/measurements/figure_row.py says the same in SQL.
    """
    rank = {name: index for index, name in enumerate(HEADLINE_ORDER)}
    return min(players, key=lambda name: (rank.get(name, len(rank)), name), default=None)
