"""The containers that a browser or a media player would play: read where no decoder is needed, else named."""

from __future__ import annotations

import random
from bisect import bisect_right
from pathlib import Path

import pytest

from pytomo_scrapy.items import MediaTimeline
from pytomo_scrapy.measure.media.sniffing import SNIFF_BYTES, sniff, tag_bytes
from pytomo_scrapy.measure.media.timeline import read_timeline
from tests.measure.media.made_clips import Recipe, make

# Its clips are encoded here, which takes seconds.
pytestmark = pytest.mark.slow

READABLE = {
    "ogg": ("ogg", Recipe("ogg", None, "libopus")),
    "oga": ("ogg", Recipe("ogg", None, "flac")),
    "mp3": ("mp3", Recipe("mp3", None, "mp3")),
    "mp2": ("mp3", Recipe("mp2", None, "mp2")),
    "aac": ("adts", Recipe("adts", None, "aac")),
    "avi": ("avi", Recipe("avi", "mpeg4", "mp3", encoder={"bf": "0"})),
    "reordered.avi": ("avi", Recipe("avi", "libx264", "mp3")),
    "m2ts": ("m2ts", Recipe("mpegts", "libx264", "aac", muxer={"mpegts_m2ts_mode": "1"})),
    "ts": ("mpegts", Recipe("mpegts", "libx264", "mp2")),
    "mpg": ("mpegps", Recipe("mpeg", "mpeg2video", "mp2")),
    "wav": ("wav", Recipe("wav", None, "pcm_s16le")),
    "flac": ("flac", Recipe("flac", None, "flac")),
}


def read(path: Path, received_bytes: int | None = None, kind: str = "muxed") -> MediaTimeline:
    size_bytes = path.stat().st_size
    return read_timeline(str(path), kind, received_bytes or size_bytes, size_bytes, declared_duration_s=20.0)


def complete_at(timeline: MediaTimeline, byte: int) -> float:
    count = bisect_right(timeline.offset_bytes, byte)
    return timeline.complete_s[count - 1] if count else 0.0


@pytest.mark.parametrize("name", READABLE)
def test_container_is_read_packet_by_packet(name: str, tmp_path: Path) -> None:
    container, recipe = READABLE[name]
    path = make(recipe, tmp_path / f"clip.{name}")
    timeline = read(path)
    assert (timeline.failure, timeline.method, timeline.container) == (None, "packets", container)
    assert timeline.complete_s[-1] == pytest.approx(20.0, abs=0.4)
    assert timeline.duration_s == pytest.approx(20.0, abs=0.4)
    assert list(timeline.offset_bytes) == sorted(set(timeline.offset_bytes))
    assert timeline.offset_bytes[-1] <= path.stat().st_size
    assert len(timeline.offset_bytes) > 10


@pytest.mark.parametrize("name", READABLE)
def test_cut_file_claims_no_more_than_the_whole_one_proves(name: str, tmp_path: Path) -> None:
    path = make(READABLE[name][1], tmp_path / f"clip.{name}")
    content, whole, cut = path.read_bytes(), read(path), tmp_path / f"cut.{name}"
    for byte in range(len(content) // 5, len(content), len(content) // 5):
        cut.write_bytes(content[:byte])
        timeline = read_timeline(str(cut), "muxed", byte, len(content), declared_duration_s=20.0)
        assert timeline.failure is None
        proven_s = complete_at(whole, byte)
        assert proven_s - 1.2 <= timeline.complete_s[-1] <= proven_s + 1e-9, byte


def tagged(content: bytes, picture_bytes: int) -> bytes:
    """Put a tag before a file, long enough for a picture."""
    return (
        b"ID3\4\0\0" + bytes(picture_bytes >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(picture_bytes) + content
    )


@pytest.mark.parametrize("name", ["mp3", "aac", "flac"])
@pytest.mark.parametrize("picture_bytes", [100, 300_000])
def test_tag_before_a_file_hides_nothing_of_it(name: str, picture_bytes: int, tmp_path: Path) -> None:
    container, recipe = READABLE[name]
    path = make(recipe, tmp_path / f"clip.{name}")
    content = tagged(path.read_bytes(), picture_bytes)
    path.write_bytes(content)
    timeline = read(path)
    assert (timeline.failure, timeline.container) == (None, container)
    assert timeline.complete_s[-1] == pytest.approx(20.0, abs=0.2)
    cut = read_timeline(str(path), "muxed", picture_bytes // 2, len(content))
    assert cut.failure in {"no_media_data", "unreadable_container"}


@pytest.mark.parametrize("name", ["mp3", "mp2", "aac"])
@pytest.mark.parametrize("missing_bytes", [1, 100, 300])
def test_sound_that_begins_within_a_frame_is_read_from_the_next_one_on(
    name: str, missing_bytes: int, tmp_path: Path
) -> None:
    container, recipe = READABLE[name]
    path = make(recipe, tmp_path / f"clip.{name}")
    content = path.read_bytes()
    path.write_bytes(content[tag_bytes(content) + missing_bytes :])
    timeline = read(path)
    assert (timeline.failure, timeline.container) == (None, container)
    assert timeline.complete_s[-1] == pytest.approx(20.0, abs=0.2)


def test_pages_and_pictures_are_no_sound() -> None:
    texts = ["<!DOCTYPE html><html>Sorry</html>" * 300, "{" + '"error": 403,' * 900, "\xff\xfb" * 4000]
    for body in [*(text.encode(coding) for text in texts for coding in ("utf-8", "utf-16", "latin-1")), bytes(9000)]:
        assert sniff(body[:SNIFF_BYTES]) is None
    assert sniff((b"\xff\xd8\xff\xe0" + random.Random(1).randbytes(9000))[:SNIFF_BYTES]) is None


def test_hole_between_the_pages_of_an_ogg_file_hides_only_what_is_in_it(tmp_path: Path) -> None:
    path = make(READABLE["ogg"][1], tmp_path / "clip.ogg")
    content = path.read_bytes()
    pages = [at for at in range(len(content)) if content.startswith(b"OggS", at)]
    path.write_bytes(content[: pages[8]] + bytes(700) + content[pages[8] :])
    assert read(path).complete_s[-1] == pytest.approx(20.0, abs=1.1)


def test_page_of_ogg_gives_its_packets_when_it_is_whole(tmp_path: Path) -> None:
    path = make(READABLE["ogg"][1], tmp_path / "clip.ogg")
    content, timeline = path.read_bytes(), read(path)
    pages = [at for at in range(len(content)) if content.startswith(b"OggS", at)] + [len(content)]
    # Every step is the end of a page, which is the start of the next.
    assert set(timeline.offset_bytes) <= set(pages)


UNREADABLE = {
    "asf": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c",
    "realmedia": b".RMF\0\0\0\x12\0\1",
    "aiff": b"FORM\0\1\0\0AIFFCOMM",
    "amr": b"#!AMR\n",
    "ivf": b"DKIF\0\0\x20\0VP90",
    "ac3": b"\x0b\x77\x12\x34",
    "caf": b"caff\0\1\0\0",
    "wavpack": b"wvpk\0\0\1\0",
    "w64": b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0",
    "tta": b"TTA1\1\0",
    "musepack": b"MPCKSH\x0f",
    "dsf": b"DSD \x1c\0\0\0",
    "dts": b"\x7f\xfe\x80\1\xfc\x3c",
    "cdxa": b"RIFF\0\0\0\0CDXAfmt ",
    "h264": b"\0\0\0\1\x09\xf0\0\0\0\1\x67",
    "hevc": b"\0\0\1\x46\1\x50",
    "av1": b"\x12\0\x0a\x0b",
    "nsv": b"NSVf\0\0",
}


@pytest.mark.parametrize("container", UNREADABLE)
def test_media_file_that_cannot_be_read_is_no_wrong_content(container: str, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(UNREADABLE[container] + bytes(10_000))
    size_bytes = path.stat().st_size
    bare = read_timeline(str(path), "muxed", size_bytes, size_bytes)
    assert (bare.failure, bare.container) == ("unreadable_container", container)
    assert container in (bare.failure_detail or "")
    announced = read_timeline(str(path), "muxed", size_bytes // 2, size_bytes, declared_duration_s=20.0)
    assert (announced.failure, announced.method) == (None, "linear")
    assert complete_at(announced, size_bytes // 2) == pytest.approx(10.0, abs=0.03)


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (
            b"ID3\4\0\0\0\0\2\0" + bytes(256) + b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9),
            "mp3",
        ),  # one frame tells nothing
        (b"ID3\4\0\0\0\0\2\0" + bytes(256) + (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)) * 2, "adts"),
        (b"ID3\4\0\0\0\0\2\0" + bytes(256) + b"fLaC", "flac"),
        (bytes(40) + (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)) * 2, "adts"),  # padding before the first frame
        ((b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)) + b"ID3", "adts"),  # a tag between frames
        (b"ID3\4\0\0\0\x7f\x7f\0" + bytes(500), "mp3"),  # the tag has not arrived whole
        (bytes(4) + (b"G" + bytes(191)) * 3, "m2ts"),
        ((b"G" + bytes(203)) * 3, "mpegts204"),
        (bytes(99) + (b"G" + bytes(187)) * 9, "mpegts"),  # begins within a packet
        (bytes(99) + (b"G" + bytes(187)) * 5, None),
        (b"RIFF\0\0\0\0WEBPVP8 ", None),  # a picture
        (b"GIF89a" + bytes(300), None),
        (b"\xff\xfe<\0h\0t\0m\0l\0>\0" * 300, None),  # a page in UTF-16
        (b"G" * 100, None),  # a text
        (b"\xff\xd8\xff\xe0" + bytes(300), None),
        (b"%PDF-1.7", None),
    ],
)
def test_first_bytes_tell_media_from_what_looks_alike(head: bytes, container: str | None) -> None:
    assert sniff(head) == container
