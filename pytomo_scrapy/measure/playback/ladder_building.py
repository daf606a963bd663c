"""Builds a video's ladder from what a window fetched, what was read after it, and what was declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytomo_scrapy.items import (
    DownloadResult,
    Ladder,
    MediaFormat,
    MediaSegment,
    MediaTimeline,
    MediaTrack,
    TrackSegment,
)
from pytomo_scrapy.measure.playback.supply import known_segments


@dataclass(frozen=True, slots=True)
class DeclaredRung:
    """One rung as the resolution declared it."""

    kind: str
    format_id: str
    bitrate_bps: float | None
    height_px: int | None = None
    width_px: int | None = None
    frame_rate_fps: float | None = None
    codec: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class KnownLadder:
    """The segments of qualities that were read after the window, and what that cost."""

    ladder: Ladder | None = None
    received_bytes: int = 0
    request_count: int = 0

    def track(self, rung: DeclaredRung) -> MediaTrack | None:
        """Return what was read of a rung."""
        tracks = self.ladder.rungs("audio" if rung.kind == "audio" else "video") if self.ladder else ()
        return next((track for track in tracks if track.format_id == rung.format_id), None)


NO_LISTS = KnownLadder()


def declared_rung(media: MediaFormat) -> DeclaredRung:
    """Return what is declared of a format; nothing of it is signed."""
    return DeclaredRung(
        media.kind,
        media.format_id,
        media.declared_bitrate_bps,
        media.height_px,
        media.width_px,
        media.frame_rate_fps,
        media.audio_codec if media.kind == "audio" else media.video_codec,
        media.declared_size_bytes,
    )


def build_ladder(
    rungs: Sequence[DeclaredRung],
    download: DownloadResult,
    timelines: Sequence[MediaTimeline],
    known: KnownLadder = NO_LISTS,
) -> Ladder | None:
    """Return the ladder of a window. None where no kind that was fetched has segments.

    A rung has the segments of its own file: those that the window read, or those that were read after it. Else those
    of the fetched rung of its kind stand in, each scaled by the two rates.
    """
    measured = {
        stream.kind: (stream.format_id, timeline)
        for stream, timeline in zip(download.streams, timelines, strict=True)
        if not timeline.failure and timeline.method != "linear"
    }
    tracks: dict[str, list[MediaTrack]] = {}
    for kind, (format_id, timeline) in measured.items():
        segments = known_segments(timeline)
        if not segments:
            return None
        declared = [rung for rung in rungs if rung.kind == kind]
        own = _fetched(kind, format_id, timeline, segments)
        # Rates are compared as they were declared: that of a part of a file is another one.
        rate_bps = next((rung.bitrate_bps for rung in declared if rung.format_id == format_id), None)
        own = replace(own, bitrate_bps=rate_bps or own.bitrate_bps)
        found = [known.track(rung) or _track(rung, own) for rung in declared] or [own]
        tracks[kind] = sorted(found, key=lambda track: track.bitrate_bps)
    video = tracks.get("video") or tracks.get("muxed")
    return Ladder(tuple(video), tuple(tracks.get("audio", ()))) if video else None


def ladder_source(ladder: Ladder) -> str:
    """Return where the segments come from: what holds for the least certain track."""
    sources = {track.source for track in (*ladder.video, *ladder.audio)}
    return next((source for source in ("declared", "playlist") if source in sources), "index")


def _fetched(kind: str, format_id: str, timeline: MediaTimeline, segments: Sequence[MediaSegment]) -> MediaTrack:
    end = segments[-1]
    size_bytes = end.end_byte - segments[0].start_byte
    rate_bps = timeline.bitrate_bps or 8 * size_bytes / max(end.start_s + end.duration_s, 1e-3)
    return MediaTrack(
        kind,
        format_id,
        rate_bps,
        _segments(segments),
        height_px=timeline.height_px,
        width_px=timeline.width_px,
        frame_rate_fps=timeline.frame_rate_fps,
        codec=timeline.audio_codec if kind == "audio" else timeline.video_codec,
        size_bytes=end.end_byte,
        init_bytes=timeline.init_bytes,
    )


def _segments(segments: Sequence[MediaSegment]) -> tuple[TrackSegment, ...]:
    return tuple(
        TrackSegment(segment.start_s, segment.duration_s, segment.end_byte - segment.start_byte, segment.start_byte)
        for segment in segments
    )


def _track(rung: DeclaredRung, own: MediaTrack) -> MediaTrack:
    known = replace(
        own,
        format_id=rung.format_id,
        height_px=rung.height_px or (own.height_px if rung.format_id == own.format_id else None),
        width_px=rung.width_px or (own.width_px if rung.format_id == own.format_id else None),
        frame_rate_fps=rung.frame_rate_fps,
        codec=rung.codec,
    )
    if rung.format_id == own.format_id:
        return known
    rate_bps = rung.bitrate_bps or own.bitrate_bps
    ratio = rate_bps / own.bitrate_bps
    if rung.size_bytes and own.size_bytes:
        ratio = rung.size_bytes / own.size_bytes
    return replace(
        known,
        bitrate_bps=rate_bps,
        segments=tuple(_scaled(segment, ratio) for segment in own.segments),
        size_bytes=rung.size_bytes,
        source="declared",
    )


def _scaled(segment: TrackSegment, ratio: float) -> TrackSegment:
    return replace(segment, size_bytes=max(1, round((segment.size_bytes or 0) * ratio)), start_byte=None)
