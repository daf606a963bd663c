"""Packaging of encoded sources into the clips' files, as the service packs them."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext

from pytomo_scrapy.lab.clips.clip import Clip, ClipSpec, ClipStream
from pytomo_scrapy.lab.clips.cuts import pack_audio, read_written_cuts
from pytomo_scrapy.lab.clips.encode import FRAME_RATE_FPS, source_names
from pytomo_scrapy.lab.clips.file_parts import ebml_elements, mp4_boxes

AUDIO_RATE_HZ = 44_100
# The service's segments last some 5 s; ours end at the first keyframe after 4 s.
_SEGMENT_US = "4000000"
_SEPARATE_FLAGS = "dash+global_sidx+default_base_moof"
_SEPARATE_VIDEO = {"movflags": _SEPARATE_FLAGS + "+frag_keyframe", "min_frag_duration": _SEGMENT_US}
# The muxer cuts at keyframes for video only: audio needs a length.
_SEPARATE_AUDIO = {"movflags": _SEPARATE_FLAGS, "frag_duration": _SEGMENT_US}
_WEBM = {"cues_to_front": "1", "cluster_time_limit": "4000"}
# The muxer writes a playlist, and beside it the one file whose segments it lists.
_HLS = {"hls_time": "4", "hls_flags": "single_file", "hls_playlist_type": "vod"}
_LADDER_ITAGS = (160, 133, 134, 135, 136, 137)
_SUFFIXES = {"mpegts": "ts", "hls": "m3u8", "adts": "aac"}


@dataclass(frozen=True, slots=True)
class _Package:
    """One file to write: what goes in, and how the player API names it."""

    kind: str
    itag: int
    mime: str
    format: str
    options: dict[str, str]
    source: int | None = None  # which of the clip's sources it is made of; None: by its kind


def _packages(spec: ClipSpec) -> list[_Package]:
    video_itag = 135 if spec.pattern == "varying" else 134
    packages = {
        "muxed": [_Package("muxed", 18, "video/mp4", "mp4", {"movflags": "faststart"})],
        "muxed_index_last": [_Package("muxed", 18, "video/mp4", "mp4", {})],
        "separate": [
            _Package("video", video_itag, "video/mp4", "mp4", _SEPARATE_VIDEO),
            _Package("audio", 140, "audio/mp4", "mp4", _SEPARATE_AUDIO),
        ],
        "webm": [
            _Package("video", 243, "video/webm", "webm", _WEBM),
            _Package("audio", 251, "audio/webm", "webm", _WEBM),
        ],
        "flv": [_Package("muxed", 34, "video/x-flv", "flv", {})],
        "mpegts": [_Package("muxed", 91, "video/mp2t", "mpegts", {})],
        "hls": [_Package("muxed", 92, "video/mp2t", "hls", _HLS)],
        "packed": [
            _Package("video", 93, "video/mp2t", "hls", _HLS),
            _Package("audio", 94, "audio/aac", "adts", {}),
        ],
        "ladder": [
            *(_Package("video", itag, "video/mp4", "mp4", _SEPARATE_VIDEO, n) for n, itag in enumerate(_LADDER_ITAGS)),
            _Package("audio", 140, "audio/mp4", "mp4", _SEPARATE_AUDIO),
        ],
    }
    return packages[spec.kind]


def write_clip(spec: ClipSpec, sources: dict[str, Path], folder: Path) -> Clip:
    """Write the files of a clip into `folder`, its sources cut to its length."""
    found = [sources[name] for name in source_names(spec)]
    inputs = {"video": found[:1], "audio": found[-1:], "muxed": found}
    streams = []
    for package in _packages(spec):
        chosen = inputs[package.kind] if package.source is None else [found[package.source]]
        streams.append(_write_stream(spec, package, chosen, folder))
    return Clip(spec.name, spec.kind, spec.duration_s, tuple(streams))


def _write_stream(spec: ClipSpec, package: _Package, sources: Sequence[Path], folder: Path) -> ClipStream:
    path = folder / f"{package.itag}.{_SUFFIXES.get(package.format, package.format)}"
    per_second: Counter[int] = Counter()
    containers = [av.open(str(source)) for source in sources]
    try:
        with av.open(str(path), "w", format=package.format, options=package.options) as output:
            queues = [
                _packets(container, output.add_stream_from_template(container.streams[0]), spec.duration_s)
                for container in containers
            ]
            for second, packet in heapq.merge(*queues, key=lambda pair: pair[0]):
                per_second[int(second)] += packet.size
                output.mux(packet)
        picture = containers[0].streams[0].codec_context
        size_px = (picture.width, picture.height) if isinstance(picture, VideoCodecContext) else (None, None)
        codecs = ", ".join(_codec_string(container.streams[0]) for container in containers)
    finally:
        for container in containers:
            container.close()
    path, cuts = _cut(path, package)
    size_bytes = path.stat().st_size
    has_video, has_audio = package.kind != "audio", package.kind != "video"
    init_range, index_range = _ranges(path.read_bytes(), package)
    return ClipStream(
        kind=package.kind,
        itag=package.itag,
        path=path,
        size_bytes=size_bytes,
        duration_s=spec.duration_s,
        mime=package.mime,
        codecs=codecs,
        bitrate_bps=8 * max(per_second.values()),
        average_bitrate_bps=round(8 * size_bytes / spec.duration_s),
        width_px=size_px[0],
        height_px=size_px[1],
        frame_rate_fps=FRAME_RATE_FPS if has_video else None,
        sample_rate_hz=(48_000 if spec.kind == "webm" else AUDIO_RATE_HZ) if has_audio else None,
        channels=2 if has_audio else None,
        init_range=init_range,
        index_range=index_range,
        cuts=cuts,
    )


def _cut(path: Path, package: _Package) -> tuple[Path, tuple[tuple[int, int, float], ...]]:
    """Return the media file that was written, and the segments that are not in an index of its own."""
    if package.format == "hls":
        return path.with_suffix(".ts"), read_written_cuts(path.read_text(encoding="utf-8"))
    if package.format == "adts":
        packed, cuts = pack_audio(path.read_bytes(), AUDIO_RATE_HZ)
        path.write_bytes(packed)
        return path, cuts
    return path, ()


def _packets(container: InputContainer, target: Stream, duration_s: float) -> Iterator[tuple[float, Packet[Stream]]]:
    """Yield (seconds, packet) up to `duration_s`, the first one at 0: the coder's priming would start below it."""
    source = container.streams[0]
    assert source.time_base is not None
    origin: int | None = None
    for packet in container.demux(source):
        if packet.dts is None or packet.pts is None:
            continue  # the demuxer's last, empty packet
        origin = packet.dts if origin is None else origin
        packet.pts -= origin
        packet.dts -= origin
        second = float(packet.dts * source.time_base)
        if second >= duration_s - 1e-6:
            return
        packet.stream = target
        yield second, packet


def _codec_string(stream: Stream) -> str:
    """Return the codec's name as players know it. Source: RFC 6381, and ISO/IEC 14496-15 for `avc1`."""
    context = stream.codec_context
    if context.name == "h264":
        return "avc1." + (context.extradata or b"")[1:4].hex()
    return {"aac": "mp4a.40.2", "vp9": "vp9", "opus": "opus"}[context.name.removeprefix("lib")]


def _ranges(content: bytes, package: _Package) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Return the byte ranges of the header and of the segment index. None and None when a player reads it otherwise."""
    if package.kind == "muxed" or package.format in {"hls", "adts"}:
        return None, None
    if package.format == "webm":
        cues = next(element for element in ebml_elements(content) if element.name == "Cues")
        return (0, cues.start - 1), (cues.start, cues.end - 1)
    boxes = {box.name: box for box in mp4_boxes(content) if box.name in ("moov", "sidx")}
    return (0, boxes["moov"].end - 1), (boxes["sidx"].start, boxes["sidx"].end - 1)
