"""What the media say of their own time, and what a simulated player would have shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# Whose figures stand first for a session: the validated player that fits its streams, then those that only a replay
# adds, then Pytomo 3's rule.
HEADLINE_ORDER = ("dashjs", "progressive", "shaka", "exo", "classic")


@dataclass(frozen=True, slots=True)
class Interval:
    """A stall or a freeze, on the window's clock (from t0)."""

    start_s: float
    duration_s: float
    is_open: bool = False  # still going on when the window ended


@dataclass(frozen=True, slots=True)
class MediaSegment:
    """A piece that a segment player fetches whole: its bytes and its media time."""

    start_byte: int
    end_byte: int  # exclusive
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class MediaTimeline:
    """How many media seconds of one stream are complete after its first n bytes, and what the file says of itself.

    `complete_s[i]` seconds, counted from the stream's start, can be played once `offset_bytes[i]` bytes are there.
    """

    kind: str
    method: str  # "packets", "segments" or "linear" (the marked fallback)
    offset_bytes: tuple[int, ...] = field(default=(), repr=False)
    complete_s: tuple[float, ...] = field(default=(), repr=False)
    segments: tuple[MediaSegment, ...] = field(default=(), repr=False)
    init_bytes: int = 0  # bytes before the first segment: header and index
    container: str | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    frame_rate_fps: float | None = None
    bitrate_bps: float | None = None  # file size over duration where both are known
    duration_s: float | None = None
    failure: str | None = None
    failure_detail: str | None = None
    is_index_last: bool = False  # progressive file whose index follows the media: a plain download plays nothing before
    fallback_reason: str | None = None  # why the linear model stands in


@dataclass(frozen=True, slots=True)
class PlaybackResult:
    """What one simulated player would have shown, from one window's arrivals and the media timelines."""

    player: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    place: int = 0  # which of the item's windows
    is_started: bool = False
    is_ended: bool = False  # the video's end was reached inside the window
    horizon_s: float | None = None  # t0 to where the simulation ends
    startup_delay_s: float | None = None  # None: not started, right-censored at horizon_s
    stalls: tuple[Interval, ...] = ()
    freezes: tuple[Interval, ...] | None = None  # None: this player tells no picture
    stall_count: int | None = None  # of 0.1 s and more
    stall_1s_count: int | None = None  # of 1 s and more
    stalled_s: float | None = None
    stall_ratio: float | None = None
    played_s: float | None = None
    initial_buffer_s: float | None = None  # media seconds buffered when playback started
    initial_buffer_bytes: int | None = None
    initial_rate_bps: float | None = None  # initial_buffer_bytes over the time to get them
    buffer_end_s: float | None = None
    media_received_s: float | None = None
    mos_stalling_hossfeld2011: float | None = None
    timeline_method: str | None = None
    is_validated: bool = False  # inside the conditions in which the player model was validated
    is_identifiable: bool = True  # False: the replay would need bytes while the window made no demand
    failure: str | None = None
    failure_detail: str | None = None


def headline_player(players: Iterable[str]) -> str | None:
    """Return which of the players of a window stands first: by HEADLINE_ORDER, then by name. None where there is none.

    storage/measurements/figure_row.py says the same in SQL.
    """
    rank = {name: index for index, name in enumerate(HEADLINE_ORDER)}
    return min(players, key=lambda name: (rank.get(name, len(rank)), name), default=None)
