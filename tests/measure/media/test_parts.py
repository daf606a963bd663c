"""Streams that came in segments: their media time by their own bytes, by the list of segments, and across runs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from pytomo_scrapy.items import MediaSegment, MediaTimeline, StreamPart
from pytomo_scrapy.lab.clips.clip import ClipStream
from pytomo_scrapy.lab.clips.cuts import Cut, cuts_of
from pytomo_scrapy.lab.clips.library import load_clip
from pytomo_scrapy.measure.media.parts import segments_of_parts
from pytomo_scrapy.measure.media.timeline import read_timeline


def file_of(name: str, kind: str) -> ClipStream:
    return next(stream for stream in load_clip(name).streams if stream.kind == kind)


def laid_out(
    cuts: tuple[Cut, ...], header: int = 0, run: int = 0, start_byte: int = 0, start_s: float = 0.0
) -> list[StreamPart]:
    """Return the parts of segments that came whole, end to end behind a header."""
    parts = [StreamPart(start_byte, start_byte + header, start_s, None, run, is_whole=True)] if header else []
    start_byte += header
    for cut in cuts:
        end_byte = start_byte + cut.end - cut.start
        parts.append(StreamPart(start_byte, end_byte, start_s, cut.duration_s, run, is_whole=True))
        start_byte, start_s = end_byte, start_s + cut.duration_s
    return parts


def read(
    path: Path, kind: str, parts: list[StreamPart], received: int | None = None, *, is_whole: bool = False
) -> MediaTimeline:
    size = path.stat().st_size
    return read_timeline(str(path), kind, received or size, size if is_whole else None, parts=parts)


@pytest.mark.parametrize(
    ("clip", "kind"),
    [
        ("hls_20", "muxed"),
        ("packed_40", "video"),
        ("packed_40", "audio"),
        ("separate_20", "video"),
        ("separate_20", "audio"),
    ],
)
def test_whole_stream_has_the_segments_of_its_list_and_each_is_complete_at_its_last_byte(
    clip: str, kind: str, tmp_path: Path
) -> None:
    stream = file_of(clip, kind)
    cuts = cuts_of(stream)
    header = cuts[0].start
    content = stream.path.read_bytes()
    path = tmp_path / "media"
    path.write_bytes(content[:header] + b"".join(content[cut.start : cut.end] for cut in cuts))
    parts = laid_out(cuts, header)
    timeline = read(path, kind, parts, is_whole=True)
    assert (timeline.failure, timeline.method, timeline.init_bytes) == (None, "packets", header)
    assert timeline.duration_s == pytest.approx(load_clip(clip).duration_s, abs=0.05)
    assert timeline.complete_s[-1] == pytest.approx(load_clip(clip).duration_s, abs=0.1)
    assert [(s.start_byte, s.end_byte) for s in timeline.segments] == [
        (part.start_byte, part.end_byte) for part in parts if part.duration_s
    ]
    # What a segment's list says is there by its last byte, but for the last picture, which the next one shows whole.
    for segment in timeline.segments:
        known = [
            s
            for offset, s in zip(timeline.offset_bytes, timeline.complete_s, strict=True)
            if offset <= segment.end_byte
        ]
        assert known[-1] == pytest.approx(segment.start_s + segment.duration_s, abs=0.15)


def test_cut_stream_gives_the_segments_that_did_not_come_the_mean_rate() -> None:
    parts = [
        StreamPart(0, 100, 0.0, None, is_whole=True),
        StreamPart(100, 1100, 0.0, 4.0, is_whole=True),
        StreamPart(1100, 3100, 4.0, 4.0, is_whole=True),
        StreamPart(3100, 3300, 8.0, 4.0),  # 200 bytes of it
        StreamPart(3300, 3300, 12.0, 2.0),
    ]
    # 3 000 bytes in 8 s: 375 bytes a second, so 1 500 for 4 s and 750 for 2 s.
    assert segments_of_parts(parts) == (
        MediaSegment(100, 1100, 0.0, 4.0),
        MediaSegment(1100, 3100, 4.0, 4.0),
        MediaSegment(3100, 4600, 8.0, 4.0),
        MediaSegment(4600, 5350, 12.0, 2.0),
    )


def test_header_in_mid_stream_counts_to_the_segment_behind_it() -> None:
    parts = [
        StreamPart(0, 100, 0.0, None, is_whole=True),
        StreamPart(100, 1100, 0.0, 4.0, is_whole=True),
        StreamPart(1100, 1150, 4.0, None, 1, is_whole=True),
        StreamPart(1150, 2150, 4.0, 4.0, 1, is_whole=True),
    ]
    assert segments_of_parts(parts) == (MediaSegment(100, 1100, 0.0, 4.0), MediaSegment(1100, 2150, 4.0, 4.0))


def test_list_says_how_long_the_video_is_where_only_its_start_came(tmp_path: Path) -> None:
    stream = file_of("hls_20", "muxed")
    cuts = cuts_of(stream)
    path = tmp_path / "media"
    path.write_bytes(stream.path.read_bytes()[: cuts[1].end + 1000])
    came = laid_out(cuts[:2])
    rest = [StreamPart(cuts[1].end, cuts[1].end + 1000 * (n == 2), 4.0 * n, 4.0) for n in range(2, 5)]
    timeline = read(path, "muxed", [*came, *rest])
    assert (timeline.duration_s, len(timeline.segments)) == (20.0, 5)
    assert timeline.complete_s[-1] == pytest.approx(8.0, abs=0.2)
    # 388 972 + 383 144 bytes in 8 s.
    assert timeline.bitrate_bps == pytest.approx(8 * (388_972 + 383_144) / 8.0, rel=0.05)


@pytest.mark.parametrize("clip", ["hls_20", "separate_20"])
def test_media_time_goes_on_behind_a_discontinuity_whose_clock_begins_anew(clip: str, tmp_path: Path) -> None:
    kind = "muxed" if clip == "hls_20" else "video"
    stream = file_of(clip, kind)
    cuts = cuts_of(stream)
    header, content = cuts[0].start, stream.path.read_bytes()
    first, second = cuts[2:4], cuts[:2]  # 8 to 16 s of the clock, then 0 to 8 s
    path = tmp_path / "media"
    path.write_bytes(content[:header] + b"".join(content[cut.start : cut.end] for cut in (*first, *second)))
    before = laid_out(first, header)
    parts = [*before, *laid_out(second, 0, 1, before[-1].end_byte, 8.0)]
    timeline = read(path, kind, parts, is_whole=True)
    assert (timeline.failure, timeline.method) == (None, "packets")
    assert timeline.complete_s[-1] == pytest.approx(16.0, abs=0.1)
    assert all(earlier < later for earlier, later in pairwise(timeline.complete_s))
    # Without the list the clock runs back at byte 8 s, and nothing behind is certain.
    alone = read_timeline(str(path), kind, path.stat().st_size, path.stat().st_size)
    assert alone.complete_s[-1] < 9.0


def test_second_header_leaves_the_time_to_the_list(tmp_path: Path) -> None:
    stream = file_of("separate_20", "video")
    cuts = cuts_of(stream)
    header, content = cuts[0].start, stream.path.read_bytes()
    one = content[: cuts[0].end]
    path = tmp_path / "media"
    path.write_bytes(one + one)
    before = laid_out(cuts[:1], header)
    parts = [*before, *laid_out(cuts[:1], header, 1, len(one), 4.0)]
    timeline = read(path, "video", parts, is_whole=True)
    assert (timeline.method, timeline.container, timeline.fallback_reason) == ("segments", "mp4", None)
    assert list(zip(timeline.offset_bytes, timeline.complete_s, strict=True)) == [(len(one), 4.0), (2 * len(one), 8.0)]


def test_damaged_segments_are_stood_in_for_by_their_list(tmp_path: Path) -> None:
    path = tmp_path / "media"
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(4000))
    parts = [StreamPart(0, 1000, 0.0, 4.0, is_whole=True), StreamPart(1000, 3000, 4.0, 4.0, is_whole=True)]
    timeline = read(path, "muxed", parts, is_whole=True)
    assert (timeline.method, timeline.failure) == ("segments", None) and timeline.fallback_reason
    assert (timeline.offset_bytes, timeline.complete_s) == ((1000, 3000), (4.0, 8.0))


def test_page_in_place_of_the_first_segment_is_no_media(tmp_path: Path) -> None:
    path = tmp_path / "media"
    path.write_bytes(b"<html>" * 500)
    timeline = read(path, "muxed", [StreamPart(0, 3000, 0.0, 4.0, is_whole=True)], is_whole=True)
    assert timeline.failure == "wrong_content"
