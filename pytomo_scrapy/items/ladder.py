"""The ladder of a video: every quality that a player may choose from, each with its segments."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from pytomo_scrapy.items.stored import failure_detail, failure_of, stored


@dataclass(frozen=True, slots=True)
class TrackSegment:
    """A piece of a track that a player fetches whole, and where it lies.

    By byte range: `start_byte` of the file at the track's `url`. By URL: `url`, of which `start_byte` says where it
    begins, or None for all of it. `size_bytes` is None until it is known (a playlist need not say it).
    """

    start_s: float
    duration_s: float
    size_bytes: int | None
    start_byte: int | None = None
    url: str | None = field(default=None, repr=False)  # signed: never stored

    @property
    def end_s(self) -> float:
        """Return the media time at which it ends."""
        return self.start_s + self.duration_s

    @property
    def end_byte(self) -> int | None:
        """Return the byte behind its last one, None where its place or size is not known."""
        return None if self.start_byte is None or self.size_bytes is None else self.start_byte + self.size_bytes


@dataclass(frozen=True, slots=True)
class MediaTrack:
    """One format of one kind: a rung of a ladder.

    `init_bytes` is its header, `index_bytes` its list of segments; a player asks for each on its own.
    `source` says where the segments come from: index (of its own file), playlist, or declared (those of another rung,
    scaled by the declared sizes).
    """

    kind: str  # video, audio or muxed
    format_id: str
    bitrate_bps: float  # mean, as a manifest declares it: what players compare with the line
    segments: tuple[TrackSegment, ...] = field(repr=False)
    source: str = "index"
    height_px: int | None = None
    width_px: int | None = None
    frame_rate_fps: float | None = None
    codec: str | None = None
    size_bytes: int | None = None
    init_bytes: int = 0
    index_bytes: int = 0
    init_url: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)

    @property
    def duration_s(self) -> float:
        """Return how long its media are."""
        return self.segments[-1].end_s if self.segments else 0.0

    @property
    def longest_s(self) -> float:
        """Return its longest segment."""
        return max((segment.duration_s for segment in self.segments), default=0.0)

    @property
    def is_one_file(self) -> bool:
        """Tell whether its segments are byte ranges of one file."""
        return bool(self.segments) and self.segments[0].url is None and self.segments[0].start_byte is not None

    def segment_bytes(self, number: int) -> int:
        """Return the size of a segment; where it is not known, what the track's mean bitrate makes of its length."""
        segment = self.segments[number]
        if segment.size_bytes is not None:
            return segment.size_bytes
        return max(1, round(segment.duration_s * self.bitrate_bps / 8))

    def number_at(self, media_s: float) -> int | None:
        """Return the number of the segment that holds a media time. None behind the end."""
        found = bisect_right([segment.start_s for segment in self.segments], media_s) - 1
        return None if found < 0 or media_s >= self.duration_s else found


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs of a video, each kind in ascending order of bitrate; rung 0 is the lowest.

    A ladder of muxed tracks has them as `video`, and no `audio`.
    """

    video: tuple[MediaTrack, ...]
    audio: tuple[MediaTrack, ...] = ()

    def rungs(self, kind: str) -> Sequence[MediaTrack]:
        """Return the rungs of a kind."""
        return self.audio if kind == "audio" else self.video

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds that a player fetches, video first."""
        return tuple(kind for kind in ("video", "audio") if self.rungs(kind))

    @property
    def duration_s(self) -> float:
        """Return how long all kinds last."""
        return min((self.rungs(kind)[0].duration_s for kind in self.kinds), default=0.0)


@dataclass(frozen=True, slots=True)
class LadderResult:
    """The ladder of a window's video, and the best quality that the window says the line can play."""

    place: int = stored(0, "index of the window among the measurement's, from 0")
    source: str | None = stored(
        None,
        "where the segments come from: index (of each file), playlist, or declared (those of the fetched rung, scaled "
        "by the declared rates)",
        null="no ladder",
    )
    video_rung_count: int | None = stored(None, "rungs of video, or of muxed files", null="no ladder", unit="rungs")
    audio_rung_count: int | None = stored(None, "rungs of sound", null="no ladder", unit="rungs")
    top_height_px: int | None = stored(
        None, "height of the highest rung of the ladder", null="no ladder, or not declared"
    )
    best_height_px: int | None = stored(
        None,
        "height of the highest rung that starts in time and plays without a stall when its quality is fixed "
        "(docs/metrics.md); 0: not even the lowest does",
        null="`best_unknown` says why",
    )
    best_bitrate_bps: float | None = stored(
        None, "declared rate of that rung, with its sound; 0 where none plays", null="as `best_height_px`"
    )
    best_unknown: str | None = stored(
        None,
        "why the window cannot tell: no_ladder, no_height, no_bytes, failed (the window was ended by a failure) or "
        "demand_limited (a rung that may play would need more than was asked for)",
        null="it can tell",
    )
    plays_height_px: int | None = stored(
        None,
        "height of the highest rung that plays for certain, whatever the line does where nothing was asked for; "
        "0: none",
        null="no ladder, or the window says nothing",
    )
    fails_height_px: int | None = stored(
        None, "height of the lowest rung that for certain does not play", null="as `plays_height_px`, or none fails"
    )
    head_bytes: int = stored(0, "bytes fetched after the window to read the indexes of further rungs")
    head_request_count: int = stored(0, "requests for the indexes of further rungs", unit="requests")
    ladder: Ladder | None = field(default=None, repr=False)
    failure: str | None = failure_of("the ladder")
    failure_detail: str | None = failure_detail("the ladder")
