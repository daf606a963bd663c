"""Encoding of the lab's clips: moving patterns with noise, and tones, made without any input."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pytomo_scrapy.lab.clips.clip import ClipSpec

WIDTH_PX, HEIGHT_PX, FRAME_RATE_FPS = 426, 240, 25
KEYFRAME_INTERVAL = 50  # frames: 2 s
CONSTANT_BPS = 600_000
AUDIO_BPS = 96_000
# Seconds of still picture and of noise that a varying clip alternates.
STILL_S, NOISY_S = 10, 5
_NOISE = random.Random(2011).randbytes(1 << 18)

_X264 = "keyint=50:min-keyint=50:scenecut=0:bframes=0:threads=1:"
# The rungs of a ladder: width and bit rate by height. Each is padded to its rate, so that it is what it says.
RUNGS: dict[int, tuple[int, int]] = {
    144: (256, 100_000),
    240: (426, 250_000),
    360: (640, 500_000),
    480: (854, 1_000_000),
    720: (1280, 2_200_000),
    1080: (1920, 4_500_000),
}
_RUNG = "h264_rung_"
# Coder, options and bit rate (None: constant quality) by the source's name.
_VIDEO_CODERS: dict[str, tuple[str, dict[str, str], int | None]] = {
    "h264_constant": (
        "libx264",
        {"preset": "ultrafast", "x264-params": _X264 + "vbv-maxrate=600:vbv-bufsize=300"},
        CONSTANT_BPS,
    ),
    "h264_varying": ("libx264", {"preset": "ultrafast", "x264-params": _X264 + "crf=35"}, None),
    "vp9_constant": (
        "libvpx-vp9",
        {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "threads": "1"},
        CONSTANT_BPS,
    ),
}
_AUDIO_CODERS = {"aac": ("aac", 44_100), "opus": ("libopus", 48_000)}


def source_names(spec: ClipSpec) -> tuple[str, ...]:
    """Return which video and audio sources a clip is packed from, the sound last."""
    if spec.kind == "ladder":
        return (*(f"{_RUNG}{height_px}" for height_px in RUNGS), "aac")
    if spec.kind == "webm":
        return f"vp9_{spec.pattern}", "opus"
    return f"h264_{spec.pattern}", "aac"


def encode_sources(specs: Iterable[ClipSpec], folder: Path) -> dict[str, Path]:
    """Encode each source once, as long as the longest clip needs it, into MP4 files of `folder`."""
    lengths: dict[str, float] = {}
    for spec in specs:
        for name in source_names(spec):
            lengths[name] = max(lengths.get(name, 0.0), spec.duration_s)
    # The coders release the interpreter's lock, so threads use every core; the longest work goes first.
    order = sorted(lengths, key=lambda name: (not name.startswith("h264"), -lengths[name]))
    paths = {name: folder / f"{name}.mp4" for name in order}
    with ThreadPoolExecutor(max_workers=2) as pool:
        done = [pool.submit(_encode_source, name, lengths[name], paths[name]) for name in order]
        for future in done:
            future.result()
    return paths


def _encode_source(name: str, duration_s: float, path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        if name in _AUDIO_CODERS:
            coder, rate_hz = _AUDIO_CODERS[name]
            audio = container.add_stream(coder, rate=rate_hz)
            assert isinstance(audio, AudioStream)
            audio.layout = "stereo"
            audio.bit_rate = AUDIO_BPS
            for tone in _tones(audio, duration_s):
                container.mux(audio.encode(tone))
            container.mux(audio.encode(None))
            return
        size_px, (coder, options, bit_rate) = _video_coder(name)
        video = container.add_stream(coder, rate=FRAME_RATE_FPS, options=options)
        assert isinstance(video, VideoStream)
        (video.width, video.height), video.pix_fmt = size_px, "yuv420p"
        video.codec_context.gop_size = KEYFRAME_INTERVAL
        if bit_rate is not None:
            video.bit_rate = bit_rate
        for frame in _pictures(name.endswith("varying"), duration_s, size_px):
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


def _video_coder(name: str) -> tuple[tuple[int, int], tuple[str, dict[str, str], int | None]]:
    """Return the size of a source's pictures, and its coder, options and bit rate."""
    if not name.startswith(_RUNG):
        return (WIDTH_PX, HEIGHT_PX), _VIDEO_CODERS[name]
    height_px = int(name.removeprefix(_RUNG))
    width_px, rate_bps = RUNGS[height_px]
    kbps = rate_bps // 1000
    options = _X264 + f"nal-hrd=cbr:vbv-maxrate={kbps}:vbv-bufsize={kbps}"
    return (width_px, height_px), ("libx264", {"preset": "ultrafast", "x264-params": options}, rate_bps)


def _pictures(is_varying: bool, duration_s: float, size_px: tuple[int, int]) -> Iterator[VideoFrame]:
    """Yield a ramp that moves, with a band of noise; in a varying clip a still ramp, then a broad band of noise."""
    random_source = random.Random(1)
    width_px, height_px = size_px
    first_row = height_px * 5 // 12
    for index in range(round(duration_s * FRAME_RATE_FPS)):
        frame = VideoFrame(width_px, height_px, "yuv420p")
        stride = frame.planes[0].line_size
        second = index // FRAME_RATE_FPS
        is_noisy = not is_varying or second % (STILL_S + NOISY_S) >= STILL_S
        shift = 0 if is_varying else 2 * index
        luma = bytearray(bytes((x + shift) % 256 for x in range(stride)) * height_px)
        if is_noisy:
            count = (48 if is_varying else 24) * stride
            start = random_source.randrange(len(_NOISE) - count)
            luma[first_row * stride : first_row * stride + count] = _NOISE[start : start + count]
        frame.planes[0].update(bytes(luma))
        for plane in frame.planes[1:]:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts = index
        frame.time_base = Fraction(1, FRAME_RATE_FPS)
        yield frame


def _tones(stream: AudioStream, duration_s: float) -> Iterator[AudioFrame]:
    """Yield a second of two tones with some noise, again and again, in the coder's own sample format."""
    rate_hz = stream.rate
    noise = random.Random(2)
    samples = array("h")
    for index in range(rate_hz):
        for tone_hz in (440, 660):
            wave = 8000 * math.sin(2 * math.pi * tone_hz * index / rate_hz)
            samples.append(int(wave) + noise.randrange(-2000, 2000))
    resampler = AudioResampler(format=stream.format, layout=stream.layout, rate=rate_hz, frame_size=stream.frame_size)
    for second in range(math.ceil(duration_s)):
        frame = AudioFrame(format="s16", layout="stereo", samples=rate_hz)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate = rate_hz
        frame.pts = second * rate_hz
        yield from resampler.resample(frame)
