"""Small clips of every container, made here: with B-frames, so that decoding and presentation order differ."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from tests.measure.media.made_clips import OPTIONS_OF_SOUND, encoded_once

WIDTH_PX, HEIGHT_PX, RATE_FPS, SAMPLE_RATE_HZ = 128, 72, 25, 48000

FRAGMENTED = "frag_keyframe+empty_moov+default_base_moof"
INDEXED = "dash+global_sidx+frag_keyframe+default_base_moof"

# name: (kind, file ending, format, codecs, muxer options, B-frames)
CLIPS: dict[str, tuple[str, str, str, tuple[str | None, str | None], dict[str, str], int]] = {
    "index_first": ("muxed", "mp4", "mp4", ("libx264", "aac"), {"movflags": "faststart"}, 2),
    "uneven": ("muxed", "mp4", "mp4", ("libx264", "aac"), {"movflags": "faststart", "max_interleave_delta": "0"}, 2),
    "index_last": ("muxed", "mp4", "mp4", ("libx264", "aac"), {}, 2),
    "fragmented": ("muxed", "mp4", "mp4", ("libx264", "aac"), {"movflags": FRAGMENTED}, 2),
    "indexed_video": ("video", "mp4", "mp4", ("libx264", None), {"movflags": INDEXED}, 0),
    "indexed_audio": ("audio", "mp4", "mp4", (None, "aac"), {"movflags": INDEXED, "frag_duration": "2000000"}, 0),
    "webm_muxed": ("muxed", "webm", "webm", ("libvpx-vp9", "libopus"), {}, 0),
    "webm_video": ("video", "webm", "webm", ("libvpx-vp9", None), {"dash": "1"}, 0),
    "webm_audio": ("audio", "webm", "webm", (None, "libopus"), {"dash": "1"}, 0),
    "flv": ("muxed", "flv", "flv", ("libx264", "aac"), {}, 2),
    "mpegts": ("muxed", "ts", "mpegts", ("libx264", "aac"), {}, 2),
}
DURATION_S = 6


def make_clip(name: str, folder: Path) -> tuple[Path, str]:
    """Put the named clip into `folder`; return its path and kind."""
    kind, ending = CLIPS[name][:2]
    path = folder / f"{name}.{ending}"
    path.write_bytes(encoded_once(name, Path(__file__), lambda place: _encode(name, place)))
    return path, kind


def _encode(name: str, path: Path) -> None:
    _, _, container, (video_codec, audio_codec), options, b_frames = CLIPS[name]
    with av.open(str(path), "w", format=container, options=options) as output:
        video = _add_video(output, video_codec, b_frames) if video_codec else None
        audio = output.add_stream(audio_codec, rate=SAMPLE_RATE_HZ, layout="mono") if audio_codec else None
        if audio is not None:
            audio.options = OPTIONS_OF_SOUND.get(audio_codec or "", {})
        packets: list[Any] = []
        for number in range(DURATION_S * RATE_FPS):
            packets += video.encode(_picture(number)) if video is not None else []
            packets += audio.encode(_sound(number)) if audio is not None else []
        packets += video.encode(None) if video is not None else []
        packets += audio.encode(None) if audio is not None else []
        if name == "uneven":  # a second of video, then a second of audio: the muxer is given them so
            packets.sort(key=lambda packet: (int(packet.dts * packet.time_base), packet.stream.index))
        for packet in packets:
            output.mux(packet)


def _add_video(output: Any, codec: str, b_frames: int) -> Any:
    video = output.add_stream(codec, rate=RATE_FPS)
    video.width, video.height, video.pix_fmt, video.gop_size = WIDTH_PX, HEIGHT_PX, "yuv420p", RATE_FPS * 2
    if codec == "libx264":
        video.options = {"bf": str(b_frames), "preset": "veryfast", "threads": "1", "b-pyramid": "normal"}
    else:
        video.options = {"cpu-used": "8", "deadline": "realtime"}
    return video


def _picture(number: int) -> av.VideoFrame:
    frame = av.VideoFrame(WIDTH_PX, HEIGHT_PX, "yuv420p")
    for plane_index, plane in enumerate(frame.planes):
        period = 13 + number % 5
        plane.update(
            _repeated([number * 7 + i * i % period + plane_index * 40 for i in range(period)], plane.buffer_size)
        )
    frame.pts, frame.time_base = number, Fraction(1, RATE_FPS)
    return frame


def _sound(number: int) -> av.AudioFrame:
    samples = SAMPLE_RATE_HZ // RATE_FPS
    frame = av.AudioFrame("s16", "mono", samples)
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, number * samples, Fraction(1, SAMPLE_RATE_HZ)
    frame.planes[0].update(_repeated([number * i % 251 for i in range(251)], frame.planes[0].buffer_size))
    return frame


def _repeated(values: list[int], size: int) -> bytes:
    once = bytes(value & 255 for value in values)
    return (once * (size // len(once) + 1))[:size]
