"""How long media last where a file says it falsely, or not at all: an index that counts too little, sound in lumps."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytomo_scrapy.items import MediaTimeline
from pytomo_scrapy.measure.media.timeline import read_timeline
from tests.measure.media.made_clips import IN_ORDER, Recipe, box, boxes_of, make, sidx

# Its clips are encoded here, which takes seconds.
pytestmark = pytest.mark.slow

INDEXED = Recipe(
    "mp4", encoder=IN_ORDER, muxer={"movflags": "dash+global_sidx+frag_keyframe+default_base_moof+empty_moov"}
)


def read(path: Path, kind: str = "muxed", received_bytes: int | None = None) -> MediaTimeline:
    size_bytes = path.stat().st_size
    return read_timeline(str(path), kind, received_bytes or size_bytes, size_bytes)


# Indexes that count too little, and what the header says of all fragments.


def fragments_last(moov: bytes, duration_s: float, version: int) -> bytes:
    """Let the header of the fragments say how long all of them last."""
    inner = b""
    for kind, whole in boxes_of(moov[8:]):
        if kind == b"mvhd":
            (timescale,) = struct.unpack_from(">I", whole, 20)
        if kind == b"mvex":
            ticks = struct.pack(">Q" if version else ">I", round(duration_s * timescale))
            whole = box(b"mvex", box(b"mehd", bytes([version, 0, 0, 0]) + ticks) + whole[8:])
        inner += whole
    return box(b"moov", inner)


def counted_as(content: bytes, segment_ms: int, *, is_one: bool, header: tuple[float, int] | None) -> bytes:
    """Give a clip an index that counts each of its segments, or all of them as one, as so long."""
    parts = boxes_of(content)
    runs = [body for kind, body in parts if kind in {b"moof", b"mdat"}]
    lengths = [len(first) + len(second) for first, second in zip(runs[::2], runs[1::2], strict=True)]
    rows = [(sum(lengths), segment_ms, False)] if is_one else [(length, segment_ms, False) for length in lengths]
    (moov,) = [body for kind, body in parts if kind == b"moov"]
    return parts[0][1] + (fragments_last(moov, *header) if header else moov) + sidx(*rows) + b"".join(runs)


@pytest.mark.parametrize(("segment_ms", "is_one"), [(1040, True), (1000, False), (1800, False)])
@pytest.mark.parametrize("header", [(20.0, 0), (20.0, 1), (110.0, 0)])
def test_index_that_counts_too_little_gives_way_to_the_fragments(
    segment_ms: int, is_one: bool, header: tuple[float, int], tmp_path: Path
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(counted_as(make(INDEXED, path).read_bytes(), segment_ms, is_one=is_one, header=header))
    timeline = read(path)
    assert timeline.complete_s[-1] == pytest.approx(20.0, abs=0.01)
    assert timeline.duration_s == pytest.approx(20.0, abs=0.01)
    assert [segment.start_s for segment in timeline.segments] == pytest.approx([2.0 * n for n in range(10)])


@pytest.mark.parametrize("segment_ms", [500, 1000])
def test_index_that_nothing_contradicts_bounds_the_media(segment_ms: int, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(counted_as(make(INDEXED, path).read_bytes(), segment_ms, is_one=False, header=None))
    assert read(path).complete_s[-1] <= segment_ms / 100 + 0.1


def test_index_that_counts_rightly_stays_whatever_the_header_says(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(counted_as(make(INDEXED, path).read_bytes(), 2000, is_one=False, header=(600.0, 0)))
    timeline = read(path)
    assert len(timeline.segments) == 10
    assert timeline.duration_s == pytest.approx(20.0)
    assert timeline.complete_s[-1] == pytest.approx(20.0, abs=0.01)


@pytest.mark.parametrize(("segment_ms", "is_first"), [(200_000, True), (200_000, False), (1_000, True)])
def test_index_of_a_track_that_is_neither_picture_nor_sound_says_nothing(
    segment_ms: int, is_first: bool, tmp_path: Path
) -> None:
    path = tmp_path / "clip.mp4"
    content = make(INDEXED, path).read_bytes()
    at = content.find(b"sidx") - 4
    (length,) = struct.unpack_from(">I", content, at)
    own, behind = content[at : at + length], content[at + length :]
    foreign = sidx(*[(len(behind) // 10, segment_ms, False)] * 10, track_id=9, first_offset=length * is_first)
    if not is_first:
        own = bytearray(own)
        struct.pack_into(">Q" if own[8] else ">I", own, 28 if own[8] else 24, len(foreign))
    path.write_bytes(content[:at] + (foreign + own if is_first else bytes(own) + foreign) + behind)
    timeline = read(path)
    assert timeline.duration_s == pytest.approx(20.0, abs=0.01)
    assert [segment.start_s for segment in timeline.segments] == pytest.approx([2.0 * n for n in range(10)])


# Sound whose packets hold several frames each, the last one fewer.


def _crc(section: bytes) -> bytes:
    """Return the check sum of a section. Source: ISO/IEC 13818-1, annex A."""
    value = 0xFFFFFFFF
    for byte in section:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 1 << 31 else value << 1) & 0xFFFFFFFF
    return struct.pack(">I", value)


def _programme_maps(content: bytes) -> Iterator[int]:
    for start in range(0, len(content), 188):
        if content[start + 1] & 0x40 and content[start + 4 : start + 6] == b"\0\x02":  # without adaptation field
            yield start + 5


def as_stream_type(content: bytes, stream_type: int) -> bytes:
    """Let the programme map name another codec for its only stream."""
    out = bytearray(content)
    for section in _programme_maps(content):
        length = 3 + (struct.unpack_from(">H", out, section + 1)[0] & 0xFFF)
        skipped = struct.unpack_from(">H", out, section + 10)[0] & 0xFFF
        out[section + 12 + skipped] = stream_type
        out[section + length - 4 : section + length] = _crc(bytes(out[section : section + length - 4]))
    return bytes(out)


def lumps(seconds: float, payload_bytes: int) -> Recipe:
    muxer = {"pes_payload_size": str(payload_bytes), "max_delay": "10000000"}
    return Recipe("mpegts", None, "aac", muxer=muxer, sounds=range(round(seconds * 10)))


LONGEST_ADDED_S = 3 * 1024 / 48000  # by an encoder, at the ends


@pytest.mark.parametrize("seconds", [4.1, 4.7, 10.3])
@pytest.mark.parametrize("payload_bytes", [1000, 2930, 8000])
def test_last_lump_of_sound_lasts_as_long_as_its_frames(payload_bytes: int, seconds: float, tmp_path: Path) -> None:
    path = make(lumps(seconds, payload_bytes), tmp_path / "clip.ts")
    assert seconds - 0.05 <= read(path, "audio").complete_s[-1] <= seconds + LONGEST_ADDED_S


@pytest.mark.parametrize("stream_type", [0x2D, 0x2E, 0x7E])  # MPEG-H, its further streams, and a private one
@pytest.mark.parametrize(("seconds", "known_s"), [(0.6, 0.0), (1.0, 0.8), (2.0, 1.7)])
def test_sound_that_the_programme_map_names_otherwise_claims_no_time_that_it_lacks(
    stream_type: int, seconds: float, known_s: float, tmp_path: Path
) -> None:
    # One lump alone, two and three.
    path = make(lumps(seconds, 8000), tmp_path / "clip.ts")
    path.write_bytes(as_stream_type(path.read_bytes(), stream_type))
    timeline = read(path, "audio")
    claimed_s = timeline.complete_s[-1] if timeline.complete_s else 0.0
    assert known_s <= claimed_s <= seconds + LONGEST_ADDED_S
    assert timeline.failure == (None if known_s else "unreadable_container")
