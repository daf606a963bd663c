"""The qualities that an adaptive window chooses among: where the header and each segment of every rung lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

from pytomo_scrapy.items import Ladder, MediaFormat, MediaPart, MediaTrack, TrackSegment
from pytomo_scrapy.measure.media.boxes import read_layout

HEADER_GUESS_BYTES = 1_000  # of a header whose length no list says


@dataclass(frozen=True, slots=True)
class LivePlan:
    """What an adaptive window plays: the ladder, each rung on the wire, and the player that chooses."""

    ladder: Ladder
    rungs: Mapping[str, tuple[Rung, ...]] = field(repr=False)  # of each kind, the lowest first
    player: str
    parameters: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Rung:
    """One quality on the wire. `header` is None where its segments need none."""

    track: MediaTrack
    header: MediaPart | None
    segments: tuple[MediaPart, ...]


def read_rung(media: MediaFormat, head: bytes = b"") -> Rung | None:
    """Return a quality that can be fetched segment by segment: by its list of parts, or by the index in its `head`.

    None where its segments or its rate are not known.
    """
    header, segments = (_of_parts if media.parts else _of_index)(media, head)
    if not segments or not media.declared_bitrate_bps:
        return None
    track = MediaTrack(
        media.kind,
        media.format_id,
        media.declared_bitrate_bps,
        tuple(_track_segment(part) for part in segments),
        source="playlist" if media.parts else "index",
        height_px=media.height_px,
        width_px=media.width_px,
        frame_rate_fps=media.frame_rate_fps,
        codec=media.audio_codec if media.kind == "audio" else media.video_codec,
        size_bytes=media.declared_size_bytes,
        init_bytes=_length(header) or HEADER_GUESS_BYTES if header else 0,
    )
    return Rung(track, header, segments)


def make_ladder(rungs: Sequence[Rung]) -> tuple[Ladder, dict[str, tuple[Rung, ...]]] | None:
    """Return the ladder of these qualities, and them by kind in its order. None without a picture."""
    by_kind: dict[str, list[Rung]] = {}
    for rung in sorted(rungs, key=lambda rung: rung.track.bitrate_bps):
        # A player's kinds are picture and sound; where both share a stream, that is the picture's.
        by_kind.setdefault("audio" if rung.track.kind == "audio" else "video", []).append(rung)
    if "video" not in by_kind:
        return None
    found = {kind: tuple(of_kind) for kind, of_kind in by_kind.items()}
    tracks = {kind: tuple(rung.track for rung in of_kind) for kind, of_kind in found.items()}
    return Ladder(tracks["video"], tracks.get("audio", ())), found


def _of_parts(media: MediaFormat, head: bytes) -> tuple[MediaPart | None, tuple[MediaPart, ...]]:
    header = media.parts[0] if media.parts[0].is_header else None
    segments = tuple(part for part in media.parts if not part.is_header)
    # A second header is another file: what needs it cannot be had by number.
    is_plain = len(segments) + (header is not None) == len(media.parts)
    return header, segments if is_plain else ()


def _of_index(media: MediaFormat, head: bytes) -> tuple[MediaPart | None, tuple[MediaPart, ...]]:
    try:
        layout = read_layout(BytesIO(head), len(head), media.declared_size_bytes)
    except (OSError, ValueError, OverflowError):
        return None, ()
    if not layout.segments or layout.is_index_partial:
        return None, ()
    header = MediaPart(media.url, 0.0, None, 0, layout.segments[0].start_byte)
    return header, tuple(
        MediaPart(media.url, found.start_s, found.duration_s, found.start_byte, found.end_byte)
        for found in layout.segments
    )


def _track_segment(part: MediaPart) -> TrackSegment:
    return TrackSegment(part.start_s, part.duration_s or 0.0, _length(part), part.start_byte)


def _length(part: MediaPart | None) -> int | None:
    if part is None or part.start_byte is None or part.end_byte is None:
        return None
    return part.end_byte - part.start_byte
