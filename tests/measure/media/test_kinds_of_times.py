"""Times as files bring them: no decoding times, clocks that start anywhere, gaps that are no damage."""

from __future__ import annotations

import dataclasses
import struct
from bisect import bisect_right
from pathlib import Path

import pytest

from pytomo_scrapy.items import MediaTimeline
from pytomo_scrapy.measure.media.timeline import read_timeline
from tests.measure.media.made_clips import IN_ORDER, Recipe, make, without_decoding_times

# Its clips are encoded here, which takes seconds.
pytestmark = pytest.mark.slow


def read(path: Path, kind: str = "muxed", received_bytes: int | None = None, **more: float) -> MediaTimeline:
    size_bytes = path.stat().st_size
    return read_timeline(str(path), kind, received_bytes or size_bytes, size_bytes, **more)  # type: ignore[arg-type]


def complete_at(timeline: MediaTimeline, byte: int) -> float:
    count = bisect_right(timeline.offset_bytes, byte)
    return timeline.complete_s[count - 1] if count else 0.0


def check_cuts(path: Path, withheld_s: float) -> None:
    """A cut file claims no more than the whole one proves, and withholds little of it."""
    size_bytes = path.stat().st_size
    whole = read(path)
    for byte in range(size_bytes // 10, size_bytes, size_bytes // 10):
        cut = read(path, received_bytes=byte)
        claimed_s = cut.complete_s[-1] if cut.complete_s else 0.0
        proven_s = complete_at(whole, byte)
        assert proven_s - withheld_s <= claimed_s <= proven_s + 1e-9, byte


# Pictures that are shown in another order than they are stored in, and no decoding times.
REORDERED = {
    "h264.mkv": Recipe("matroska"),
    "h264-with-sound.mkv": Recipe("matroska", audio="aac"),
    "hevc.mkv": Recipe("matroska", "libx265"),
    "mpeg4.mkv": Recipe("matroska", "mpeg4"),
    "live.mkv": Recipe("matroska", muxer={"live": "1"}),
}


@pytest.mark.parametrize("name", REORDERED)
def test_pictures_out_of_order_without_decoding_times_are_all_media(name: str, tmp_path: Path) -> None:
    path = make(REORDERED[name], tmp_path / name)
    timeline = read(path)
    assert (timeline.failure, timeline.method) == (None, "packets")
    assert timeline.complete_s[-1] == pytest.approx(20.0, abs=0.1)
    assert complete_at(timeline, path.stat().st_size // 2) == pytest.approx(10.0, abs=3.0)
    check_cuts(path, 1.0)


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_transport_stream_with_presentation_times_alone_is_all_media(codec: str, tmp_path: Path) -> None:
    path = make(Recipe("mpegts", codec), tmp_path / "clip.ts")
    with_both = read(path)
    path.write_bytes(without_decoding_times(path.read_bytes()))
    timeline = read(path)
    assert timeline.complete_s[-1] == pytest.approx(20.0, abs=0.11)
    assert timeline.complete_s[-1] == pytest.approx(with_both.complete_s[-1], abs=0.01)
    check_cuts(path, 1.0)


# A clock that does not start at 0.
LATE = {
    "fragmented": Recipe("mp4", audio="aac", muxer={"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
    "webm": Recipe("webm", "libvpx-vp9", "libopus"),
    "ogg": Recipe("ogg", None, "libopus"),
}


@pytest.mark.parametrize("start_s", [10, 600, 80_000])
@pytest.mark.parametrize("container", ["mpegts", "matroska", "flv", "mp4", "fragmented", "webm", "ogg"])
def test_clock_may_start_anywhere(container: str, start_s: int, tmp_path: Path) -> None:
    recipe = LATE.get(container, Recipe(container, audio="aac"))
    path = make(dataclasses.replace(recipe, start_s=start_s), tmp_path / "clip")
    timeline = read(path)
    assert timeline.failure is None
    assert timeline.complete_s[-1] == pytest.approx(20.0, abs=0.25)  # sound and pictures start two pictures apart
    assert timeline.duration_s == pytest.approx(20.0, abs=0.25)


def test_clock_of_33_bits_may_run_over(tmp_path: Path) -> None:
    path = make(Recipe("mpegts", audio="aac", start_s=95_440), tmp_path / "clip.ts")  # 2^33 / 90 000 = 95 443.7 s
    assert read(path).complete_s[-1] == pytest.approx(20.0, abs=0.15)


def test_first_picture_without_a_decoding_time_does_not_move_the_clock(tmp_path: Path) -> None:
    path = make(Recipe("mpegts", start_s=600), tmp_path / "clip.ts")
    content = path.read_bytes()
    at = content.index(b"\0\0\1\xe0") + 188  # the first picture alone loses its decoding time
    path.write_bytes(without_decoding_times(content[:at]) + content[at:])
    timeline = read(path)
    assert timeline.complete_s[-1] == pytest.approx(20.0, abs=0.11)
    check_cuts(path, 1.0)


# A gap that is no damage.
STILL = [*range(100), *range(250, 400)]  # the picture at 9.9 s stands until 25 s
SLIDES = [0, 120, 260, 380]  # four pictures in 40 s
STANDING = {
    "still.mp4": Recipe("mp4", audio="aac", seconds=40, shown=STILL, muxer={"movflags": "faststart"}),
    "still.webm": Recipe("webm", "libvpx-vp9", "libopus", seconds=40, shown=STILL),
    "still.mkv": Recipe("matroska", audio="aac", seconds=40, shown=STILL),
    "still.ts": Recipe("mpegts", audio="aac", seconds=40, shown=STILL),
    "still.flv": Recipe("flv", audio="aac", seconds=40, shown=STILL),
    "slides.mp4": Recipe("mp4", audio="aac", seconds=40, shown=SLIDES, muxer={"movflags": "faststart"}),
    "slides.webm": Recipe("webm", "libvpx-vp9", "libopus", seconds=40, shown=SLIDES),
    "silent.webm": Recipe("webm", "libvpx-vp9", seconds=40, shown=STILL, muxer={"live": "1"}),
    "sparse-sound.mkv": Recipe("matroska", audio="pcm_s16le", seconds=40, sounds=[*range(100), *range(250, 400)]),
    "fragmented.mp4": Recipe("mp4", seconds=40, shown=STILL, muxer={"movflags": "frag_keyframe+empty_moov"}),
}


@pytest.mark.parametrize("name", STANDING)
def test_picture_that_stands_is_no_damage(name: str, tmp_path: Path) -> None:
    timeline = read(make(STANDING[name], tmp_path / name))
    assert timeline.failure is None
    assert timeline.complete_s[-1] == pytest.approx(40.0, abs=0.15 if "slides" not in name else 2.1)


def test_pictures_before_the_cut_of_an_edit_list_are_not_part_of_the_movie(tmp_path: Path) -> None:
    # The first second is decoded and not shown: the movie's header says 19 s, and 19 s it is.
    path = make(Recipe("mp4", seconds=20, muxer={"movflags": "faststart"}), tmp_path / "clip.mp4")
    content = bytearray(path.read_bytes())
    edit = content.index(b"elst") + 12
    scale = int.from_bytes(content[(at := content.index(b"mdhd")) + 16 : at + 20], "big")
    content[edit : edit + 8] = (19_000).to_bytes(4, "big") + (
        scale + int.from_bytes(content[edit + 4 : edit + 8], "big")
    ).to_bytes(4, "big")
    header = content.index(b"mvhd") + 20
    content[header : header + 4] = (19_000).to_bytes(4, "big")
    path.write_bytes(content)
    assert read(path).complete_s[-1] == pytest.approx(19.0, abs=0.11)


def test_header_that_says_too_little_hides_nothing_of_what_was_announced(tmp_path: Path) -> None:
    path = make(Recipe("matroska", audio="aac"), tmp_path / "clip.mkv")
    content = bytearray(path.read_bytes())
    at = content.index(b"\x44\x89\x88") + 3  # Duration, a double
    content[at : at + 8] = struct.pack(">d", 12_000.0)
    path.write_bytes(content)
    assert read(path, declared_duration_s=20.0).complete_s[-1] == pytest.approx(20.0, abs=0.1)
    # Nothing but the header says how long it is: what lies beyond its end may be damage.
    assert read(path).complete_s[-1] == pytest.approx(12.0, abs=0.2)


def test_time_lapse_without_sound_or_length_reaches_what_was_announced(tmp_path: Path) -> None:
    shown = range(0, 1200, 120)  # ten pictures in 120 s
    path = make(Recipe("mpegts", encoder=IN_ORDER, shown=shown), tmp_path / "clip.ts")
    assert read(path, declared_duration_s=120.0).complete_s[-1] == pytest.approx(120.0, abs=12.1)
