"""Media files of the kinds that the wire brings, encoded here, and the boxes of an MP4 file taken apart."""

from __future__ import annotations

import hashlib
import struct
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av

WIDTH_PX, HEIGHT_PX, RATE_FPS, SAMPLE_RATE_HZ = 64, 48, 10, 48000
SAMPLES = SAMPLE_RATE_HZ // RATE_FPS
_OPTIONS = {
    "libx264": {"preset": "ultrafast", "x264-params": "bframes=3:b-adapt=0:b-pyramid=normal:threads=1:scenecut=0"},
    "libx265": {"preset": "ultrafast", "x265-params": "bframes=3:b-adapt=0:log-level=none:pools=1:frame-threads=1"},
    "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime"},
    "mpeg4": {"bf": "2", "b_strategy": "0"},
    "mpeg2video": {"bf": "2", "b_strategy": "0"},
}
# As fast as they go: a search for what sounds best would be most of the time of a clip.
OPTIONS_OF_SOUND = {
    "aac": {"aac_coder": "fast", "aac_tns": "0", "aac_pns": "0"},
    "libopus": {"compression_level": "0"},
}
IN_ORDER = {"x264-params": "bframes=0:threads=1:scenecut=0", "preset": "ultrafast"}

# Beside what pytest keeps between runs.
_KEPT = Path(__file__).resolve().parents[3] / ".pytest_cache" / "clips"

# Pictures and sounds are pieces of it, each from another place.
_PATTERN = bytes((i * (i % 7) + i // 50) & 255 for i in range(32_768))


@dataclass(frozen=True)
class Recipe:
    """What a clip is made of. `shown` are the pictures' times in tenths of a second."""

    container: str
    video: str | None = "libx264"
    audio: str | None = None
    seconds: int = 20
    muxer: dict[str, str] = field(default_factory=dict)
    encoder: dict[str, str] | None = None
    shown: Sequence[int] | None = None
    sounds: Sequence[int] | None = None
    start_s: int = 0
    gop: int = 20

    def __hash__(self) -> int:
        return hash(repr(self))


def make(recipe: Recipe, path: Path) -> Path:
    """Encode a clip, its packets in the order of their decoding times."""
    path.write_bytes(_encoded(recipe))
    return path


@cache
def _encoded(recipe: Recipe) -> bytes:
    return encoded_once(f"{recipe}", Path(__file__), lambda path: _encode(recipe, path))


def encoded_once(recipe: str, made_by: Path, encode: Callable[[Path], None]) -> bytes:
    """Return what `encode` writes, or wrote in an earlier run: of this recipe, by this code and these encoders."""
    kept = _KEPT / hashlib.sha256(f"{av.__version__} {recipe}".encode() + made_by.read_bytes()).hexdigest()
    if not kept.exists():
        _KEPT.mkdir(parents=True, exist_ok=True)
        # Some muxers open their file once more, to put the index first.
        with tempfile.TemporaryDirectory(dir=_KEPT) as folder:
            path = Path(folder) / "clip"
            encode(path)
            path.replace(kept)
    return kept.read_bytes()


def _encode(recipe: Recipe, path: Path) -> None:
    packets: list[Any] = []
    with av.open(str(path), "w", format=recipe.container, options=recipe.muxer) as output:
        tenths = range(recipe.seconds * RATE_FPS)
        if recipe.video is not None:
            video = output.add_stream(recipe.video, rate=RATE_FPS)
            video.width, video.height, video.pix_fmt, video.gop_size = WIDTH_PX, HEIGHT_PX, "yuv420p", recipe.gop
            video.options = recipe.encoder if recipe.encoder is not None else _OPTIONS.get(recipe.video, {})
            for tenth in recipe.shown if recipe.shown is not None else tenths:
                packets += video.encode(picture(tenth))
            packets += video.encode(None)
        if recipe.audio is not None:
            audio = output.add_stream(recipe.audio, rate=SAMPLE_RATE_HZ, layout="mono")
            audio.options = OPTIONS_OF_SOUND.get(recipe.audio, {})
            for tenth in recipe.sounds if recipe.sounds is not None else tenths:
                packets += audio.encode(_sound(tenth))
            packets += audio.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            shift = int(recipe.start_s / packet.time_base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            output.mux(packet)


def picture(tenth: int, layout: str = "yuv420p") -> av.VideoFrame:
    frame = av.VideoFrame(WIDTH_PX, HEIGHT_PX, layout)
    for number, plane in enumerate(frame.planes):
        start = (tenth * 11 + number * 40) % 4096
        plane.update(_PATTERN[start : start + plane.buffer_size])
    frame.pts, frame.time_base = tenth, Fraction(1, RATE_FPS)
    return frame


def _sound(tenth: int) -> av.AudioFrame:
    frame = av.AudioFrame("s16", "mono", SAMPLES)
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, tenth * SAMPLES, Fraction(1, SAMPLE_RATE_HZ)
    start = tenth * 97 % 4096
    frame.planes[0].update(_PATTERN[start : start + frame.planes[0].buffer_size])
    return frame


# MP4 boxes.


def box(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def boxes_of(content: bytes) -> list[tuple[bytes, bytes]]:
    """Take a run of boxes apart: (type, whole box) of each."""
    found, position = [], 0
    while position + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, position)
        found.append((kind, content[position : position + size]))
        position += size
    return found


def with_chunks(moov: bytes, moved: Any) -> bytes:
    """Return the index with every chunk at `moved(offset)`."""
    out = bytearray(moov)
    place = out.find(b"stco")
    while place >= 0:
        (count,) = struct.unpack_from(">I", out, place + 8)
        for entry in range(place + 12, place + 12 + 4 * count, 4):
            struct.pack_into(">I", out, entry, moved(struct.unpack_from(">I", out, entry)[0]))
        place = out.find(b"stco", place + 4)
    return bytes(out)


def insert_before_moov(content: bytes, extra: bytes) -> bytes:
    """Put boxes before the index of a file whose index comes first."""
    parts = boxes_of(content)
    out = b""
    for kind, whole in parts:
        out += extra + with_chunks(whole, lambda at: at + len(extra)) if kind == b"moov" else whole
    return out


def with_cover(content: bytes) -> bytes:
    """Put a cover picture before the tracks in the index of a file whose index comes first, as tagging programs do."""
    picture = b"\xff\xd8\xff\xe0" + bytes(2000) + b"\xff\xd9"
    data = box(b"data", struct.pack(">II", 13, 0) + picture)
    handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    udta = box(b"udta", box(b"meta", bytes(4) + handler + box(b"ilst", box(b"covr", data))))
    out = b""
    for kind, whole in boxes_of(content):
        if kind == b"moov":
            (_, mvhd), *rest = boxes_of(whole[8:])
            tracks = b"".join(part for _, part in rest)
            whole = with_chunks(box(b"moov", mvhd + udta + tracks), lambda at: at + len(udta))
        out += whole
    return out


def sidx(*references: tuple[int, int, bool], track_id: int = 1, timescale: int = 1000, first_offset: int = 0) -> bytes:
    """Return a segment index; each reference is (bytes, ticks, whether it leads to a further index)."""
    body = struct.pack(">IIIII", 0, track_id, timescale, 0, first_offset) + struct.pack(">HH", 0, len(references))
    rows = (struct.pack(">III", size | further << 31, ticks, 1 << 31) for size, ticks, further in references)
    return box(b"sidx", body + b"".join(rows))


def without_decoding_times(stream: bytes, packet_bytes: int = 188) -> bytes:
    """Take the decoding times out of a transport stream: each becomes stuffing, as 13818-1 allows."""
    out = bytearray(stream)
    for start in range(0, len(out) - packet_bytes + 1, packet_bytes):
        if not out[start + 1] & 0x40:  # no packet of the stream begins here
            continue
        pes = start + 4 + (1 + out[start + 4] if out[start + 3] & 0x20 else 0)
        if out[pes : pes + 3] == b"\0\0\1" and out[pes + 3] & 0xF0 == 0xE0 and out[pes + 7] >> 6 == 3:
            out[pes + 7] = out[pes + 7] & 0x3F | 0x80
            out[pes + 9] = out[pes + 9] & 0x0F | 0x20
            out[pes + 14 : pes + 19] = b"\xff" * 5
    return bytes(out)
