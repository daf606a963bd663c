"""The lab's media clips as plain values: what each is to be, and what each file of it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """What a clip is to be, before anything is encoded.

    `kind` is the packaging: `muxed` (MP4, index first), `muxed_index_last`, `separate` (fragmented MP4 with `sidx`),
    `ladder` (the same in six qualities), `webm` (VP9 and Opus), `flv` or `mpegts`; for HLS: `hls` (a transport stream,
    cut) or `packed` (the picture so, the sound as bare frames). What is `separate` can be delivered in segments too.
    `pattern` is `constant` or `varying` bitrate.
    """

    name: str
    kind: str
    duration_s: float
    pattern: str = "constant"


@dataclass(frozen=True, slots=True)
class ClipStream:
    """One file of a clip, with the facts that a player API gives about it. Byte ranges include their last byte."""

    kind: str  # video, audio or muxed
    itag: int
    path: Path
    size_bytes: int
    duration_s: float
    mime: str
    codecs: str
    bitrate_bps: int  # of the busiest second
    average_bitrate_bps: int
    width_px: int | None
    height_px: int | None
    frame_rate_fps: int | None
    sample_rate_hz: int | None
    channels: int | None
    init_range: tuple[int, int] | None
    index_range: tuple[int, int] | None
    cuts: tuple[tuple[int, int, float], ...] = ()  # start, end (exclusive) and seconds of each segment, where noted

    @property
    def mime_type(self) -> str:
        """Return the content type as a player API writes it."""
        return f'{self.mime}; codecs="{self.codecs}"'


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip that exists on disk."""

    name: str
    kind: str
    duration_s: float
    streams: tuple[ClipStream, ...]

    @property
    def mean_bps(self) -> float:
        """Return the rate at which all its streams together play exactly in real time."""
        return 8 * sum(stream.size_bytes for stream in self.streams) / self.duration_s

    def stream(self, itag: int) -> ClipStream | None:
        """Return the stream with this `itag`. None when the clip has none."""
        return next((stream for stream in self.streams if stream.itag == itag), None)


def _specs() -> dict[str, ClipSpec]:
    rows = [
        ClipSpec("muxed_20", "muxed", 20),
        ClipSpec("muxed_40", "muxed", 40),
        ClipSpec("muxed_90", "muxed", 90),
        ClipSpec("muxed_index_last_40", "muxed_index_last", 40),
        ClipSpec("muxed_vbr_40", "muxed", 40, "varying"),
        ClipSpec("separate_20", "separate", 20),
        ClipSpec("separate_40", "separate", 40),
        ClipSpec("separate_90", "separate", 90),
        ClipSpec("separate_vbr_40", "separate", 40, "varying"),
        ClipSpec("webm_40", "webm", 40),
        ClipSpec("flv_20", "flv", 20),
        ClipSpec("mpegts_20", "mpegts", 20),
        ClipSpec("hls_20", "hls", 20),
        ClipSpec("hls_40", "hls", 40),
        ClipSpec("hls_90", "hls", 90),
        ClipSpec("hls_vbr_40", "hls", 40, "varying"),
        ClipSpec("packed_40", "packed", 40),
        ClipSpec("ladder_60", "ladder", 60),
    ]
    return {spec.name: spec for spec in rows}


CLIPS: dict[str, ClipSpec] = _specs()
