"""Indexes and boxes in the orders and numbers that the standard allows, and what a segment player makes of them."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

import av
import pytest

from pytomo_scrapy.items import MediaTimeline, PlaybackResult
from pytomo_scrapy.measure.media.timeline import read_timeline
from pytomo_scrapy.measure.playback.player_model import StreamTrace
from pytomo_scrapy.measure.playback.simulation import simulate_playback
from tests.measure.media.made_clips import (
    IN_ORDER,
    Recipe,
    box,
    boxes_of,
    insert_before_moov,
    make,
    picture,
    sidx,
    with_chunks,
    with_cover,
)

# Its clips are encoded here, which takes seconds.
pytestmark = pytest.mark.slow


def read(path: Path, kind: str = "muxed", received_bytes: int | None = None, **more: float) -> MediaTimeline:
    size_bytes = path.stat().st_size
    return read_timeline(str(path), kind, received_bytes or size_bytes, size_bytes, **more)  # type: ignore[arg-type]


def complete_at(timeline: MediaTimeline, byte: int) -> float:
    count = bisect_right(timeline.offset_bytes, byte)
    return timeline.complete_s[count - 1] if count else 0.0


def play(timeline: MediaTimeline, size_bytes: int, rate_bps: float, player: str = "dashjs") -> PlaybackResult:
    """Play a stream that arrives at a steady rate."""
    step = rate_bps / 8 / 10
    count = int(size_bytes / step) + 1
    arrivals = [(number / 10, min(size_bytes, int(number * step))) for number in range(1, count + 1)]
    at_s, at_bytes = zip(*arrivals, strict=True)
    return simulate_playback([StreamTrace(at_s, at_bytes, timeline, True)], player, horizon_s=60.0)


FRAGMENT = "frag_keyframe+default_base_moof+empty_moov"
ONE_INDEX = Recipe("mp4", encoder=IN_ORDER, muxer={"movflags": "dash+global_sidx+" + FRAGMENT})
EACH = Recipe("mp4", encoder=IN_ORDER, muxer={"movflags": "dash+" + FRAGMENT})


@pytest.fixture(scope="module")
def one_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(ONE_INDEX, tmp_path_factory.mktemp("one") / "clip.mp4")


def rebuilt(whole: bytes, form: str) -> bytes:
    """Give the fragments of a file with one index another form of index."""
    parts = boxes_of(whole)
    head = b"".join(body for kind, body in parts if kind in {b"ftyp", b"moov"})
    runs = [body for kind, body in parts if kind in {b"moof", b"mdat"}]
    media = [first + second for first, second in zip(runs[::2], runs[1::2], strict=True)]
    lengths = [len(one) for one in media]
    if form == "each":
        return head + b"".join(sidx((len(one), 2000, False)) + one for one in media)
    if form == "each for two tracks":
        second = [sidx((len(one), 2000, False), track_id=2) for one in media]
        return head + b"".join(
            sidx((len(one), 2000, False), first_offset=len(other)) + other + one
            for one, other in zip(media, second, strict=True)
        )
    if form == "for two tracks":
        rows = [(length, 2000, False) for length in lengths]
        other = sidx(*rows, track_id=2)
        return head + sidx(*rows, first_offset=len(other)) + other + b"".join(media)
    if form == "chain":
        body, behind_ms = b"", 0
        for first in range(len(media) - 2, -1, -2):
            rows = [(length, 2000, False) for length in lengths[first : first + 2]]
            link = [(len(body), behind_ms, True)] if body else []
            body = sidx(*rows, *link) + b"".join(media[first : first + 2]) + body
            behind_ms += 4000
        return head + body
    # An index of indexes: each lists two segments.
    groups = [
        sidx(*((length, 2000, False) for length in lengths[first : first + 2])) + b"".join(media[first : first + 2])
        for first in range(0, len(media), 2)
    ]
    return head + sidx(*((len(group), 4000, True) for group in groups)) + b"".join(groups)


FORMS = ["each", "each for two tracks", "for two tracks", "chain", "of indexes"]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_index_gives_the_segments_of_one(form: str, one_index: Path, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(rebuilt(one_index.read_bytes(), form))
    wanted, found = read(one_index), read(path)
    assert len(wanted.segments) == 10
    assert [segment.start_s for segment in found.segments] == pytest.approx([2.0 * n for n in range(10)])
    assert found.duration_s == pytest.approx(20.0, abs=0.01)
    assert found.bitrate_bps == pytest.approx(path.stat().st_size * 8 / 20.0)
    assert all(after.start_byte >= before.end_byte for before, after in pairwise(found.segments))
    assert found.complete_s[-1] == wanted.complete_s[-1]


@pytest.mark.parametrize("form", FORMS)
def test_segment_player_plays_to_the_end_whatever_the_form_of_index(form: str, one_index: Path, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(rebuilt(one_index.read_bytes(), form))
    rate_bps = 0.9 * one_index.stat().st_size * 8 / 20
    wanted = play(read(one_index), one_index.stat().st_size, rate_bps)
    found = play(read(path), path.stat().st_size, rate_bps)
    assert wanted.played_s == found.played_s == pytest.approx(20.0, abs=0.01)
    assert found.stall_count == wanted.stall_count
    assert found.stalled_s == pytest.approx(wanted.stalled_s or 0.0, abs=0.5)


@pytest.mark.parametrize("form", FORMS)
def test_cut_file_with_indexes_here_and_there_is_as_long_as_announced(
    form: str, one_index: Path, tmp_path: Path
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(rebuilt(one_index.read_bytes(), form))
    half = path.stat().st_size // 2
    timeline = read(path, received_bytes=half, declared_duration_s=20.0)
    assert timeline.duration_s == pytest.approx(20.0, abs=0.01)
    assert timeline.segments[0].duration_s == pytest.approx(2.0)
    assert 6.0 < timeline.complete_s[-1] < 14.0


def test_index_before_every_fragment_as_a_muxer_writes_it(tmp_path: Path) -> None:
    path = make(EACH, tmp_path / "clip.mp4")
    assert path.read_bytes().count(b"sidx") >= 10
    timeline = read(path)
    assert [segment.duration_s for segment in timeline.segments] == pytest.approx([2.0] * 10)


# Fragments that are shorter than what a player asks for.
SHORT = {
    "picture.mp4": Recipe("mp4", muxer={"movflags": "frag_every_frame+empty_moov+default_base_moof"}),
    "picture-with-index.mp4": Recipe("mp4", muxer={"movflags": "dash+frag_every_frame+empty_moov+default_base_moof"}),
    "sound.mp4": Recipe(
        "mp4", None, "aac", muxer={"movflags": "empty_moov+default_base_moof", "frag_duration": "50000"}
    ),
    "keys.mp4": Recipe("mp4", muxer={"movflags": FRAGMENT}, gop=4),
    "clusters.webm": Recipe("webm", "libvpx-vp9", muxer={"cluster_time_limit": "200", "live": "1"}),
    "long-group.mp4": Recipe("mp4", muxer={"movflags": "frag_every_frame+empty_moov+default_base_moof"}, gop=200),
}


@pytest.mark.parametrize("name", SHORT)
def test_short_fragments_are_joined_to_segments_of_a_player(name: str, tmp_path: Path) -> None:
    path = make(SHORT[name], tmp_path / name)
    timeline = read(path)
    assert timeline.complete_s[-1] == pytest.approx(20.0, abs=0.1)
    assert all(segment.duration_s >= 1.9 for segment in timeline.segments[:-1])
    assert all(segment.duration_s <= 20.1 for segment in timeline.segments)
    end_s = sum(segment.duration_s for segment in timeline.segments)
    assert not timeline.segments or end_s == pytest.approx(20.0, abs=0.5)
    # A line of a hundred times the media's rate: nothing stalls.
    size_bytes = path.stat().st_size
    for player in ("dashjs", "shaka"):
        result = play(timeline, size_bytes, size_bytes * 8 / 20 * 100, player)
        assert (result.stall_count, result.is_ended) == (0, True)
        assert result.played_s == pytest.approx(20.0, abs=0.3)


@pytest.mark.parametrize("name", ["picture.mp4", "picture-with-index.mp4"])
def test_cut_inside_a_fragments_header_keeps_what_came_before(name: str, tmp_path: Path) -> None:
    path = make(SHORT[name], tmp_path / name)
    content, whole = path.read_bytes(), read(path)
    header = content.index(b"moof", len(content) // 2) - 4
    cut = tmp_path / "cut.mp4"
    for byte in range(header - 60, header + 120, 3):
        cut.write_bytes(content[:byte])
        timeline = read_timeline(str(cut), "video", byte, len(content))
        assert timeline.failure is None, byte
        assert complete_at(whole, byte) - 0.5 <= timeline.complete_s[-1] <= complete_at(whole, byte) + 1e-9


# Boxes before the index.
FIRST = Recipe("mp4", audio="aac", muxer={"movflags": "faststart"})
LAST = Recipe("mp4", audio="aac")
BEFORE = {
    "empty": box(b"mdat"),
    "two empty ones": box(b"mdat") * 2 + box(b"free", bytes(20)),
    "of 64 bits": b"\0\0\0\1mdat" + (16).to_bytes(8, "big"),
    "of a preview": box(b"mdat", bytes(3000)),
}


@pytest.mark.parametrize("name", BEFORE)
def test_media_box_before_the_index_does_not_delay_the_start(name: str, tmp_path: Path) -> None:
    plain = make(FIRST, tmp_path / "plain.mp4")
    path = tmp_path / "clip.mp4"
    path.write_bytes(insert_before_moov(plain.read_bytes(), BEFORE[name]))
    wanted, found = read(plain), read(path)
    shift = len(BEFORE[name])
    assert found.is_index_last is False
    assert found.offset_bytes == tuple(offset + shift for offset in wanted.offset_bytes)
    assert found.complete_s == wanted.complete_s
    half = path.stat().st_size // 2
    assert read(path, received_bytes=half).complete_s[-1] == pytest.approx(complete_at(found, half), abs=0.4)


def test_index_between_media_gives_at_once_what_lies_before_it(tmp_path: Path) -> None:
    content = make(LAST, tmp_path / "clip.mp4").read_bytes()
    parts = dict(boxes_of(content))
    start = content.index(b"mdat") + 4
    body, moov = parts[b"mdat"][8:], parts[b"moov"]
    near = len(body) // 3
    # A chunk's own start, so that none is torn apart.
    offsets: list[int] = []
    with_chunks(moov, lambda at: offsets.append(at) or at)
    middle = min((at for at in offsets if at - start >= near), default=start) - start
    shift = len(moov) + 8
    index = with_chunks(moov, lambda at: at + shift if at >= start + middle else at)
    head = content[: start - 8]
    path = tmp_path / "between.mp4"
    path.write_bytes(head + box(b"mdat", body[:middle]) + index + box(b"mdat", body[middle:]))
    timeline = read(path)
    index_end = len(head) + 8 + middle + len(moov)
    assert timeline.is_index_last is True
    assert (complete_at(timeline, index_end - 1), timeline.offset_bytes[0]) == (0.0, index_end)
    assert 3.0 < complete_at(timeline, index_end) < 17.0
    assert timeline.complete_s[-1] == pytest.approx(20.0, abs=0.1)
    assert len(timeline.offset_bytes) > 20, "the rest follows step by step"


# Pictures that are no video.
@pytest.mark.parametrize("kind", ["muxed", "video"])
def test_cover_before_the_tracks_is_not_taken_for_the_video(kind: str, tmp_path: Path) -> None:
    path = make(FIRST, tmp_path / "clip.mp4")
    path.write_bytes(with_cover(path.read_bytes()))
    whole = read(path, kind)
    assert (whole.video_codec, whole.complete_s[-1]) == ("h264", pytest.approx(20.0, abs=0.1))
    half = path.stat().st_size // 2
    cut = read(path, kind, half)
    assert cut.failure is None and cut.complete_s[-1] == pytest.approx(complete_at(whole, half), abs=0.4)


def test_cover_of_a_song_is_no_video(tmp_path: Path) -> None:
    path = make(Recipe("mp4", None, "aac", muxer={"movflags": "faststart"}), tmp_path / "song.m4a")
    path.write_bytes(with_cover(path.read_bytes()))
    cut = read(path, "muxed", path.stat().st_size // 2)
    assert (cut.failure, cut.video_codec) == (None, None)
    assert cut.complete_s[-1] > 8.0


def test_cover_in_the_tag_of_an_mp3_is_no_video(tmp_path: Path) -> None:
    path = make(Recipe("mp3", None, "mp3", muxer={"id3v2_version": "0"}), tmp_path / "song.mp3")
    picture = b"\xff\xd8\xff\xe0" + bytes(9000) + b"\xff\xd9"
    frame_body = b"\0image/jpeg\0\3\0" + picture
    frame = b"APIC" + len(frame_body).to_bytes(4, "big") + b"\0\0" + frame_body
    size = len(frame)
    tag = b"ID3\3\0\0" + bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0)) + frame
    path.write_bytes(tag + path.read_bytes())
    whole = read(path)
    assert (whole.failure, whole.container, whole.video_codec) == (None, "mp3", None)
    assert whole.complete_s[-1] == pytest.approx(20.0, abs=0.2)
    assert whole.offset_bytes[0] > len(tag)


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_stills_of_chapters_before_the_video_are_no_video(container: str, tmp_path: Path) -> None:
    path = tmp_path / "clip"
    with av.open(str(path), "w", format=container) as output:
        stills, video = output.add_stream("mjpeg", rate=1), output.add_stream("libx264", rate=10)
        for stream, layout in ((stills, "yuvj420p"), (video, "yuv420p")):
            stream.width, stream.height, stream.pix_fmt = 64, 48, layout
        video.options = IN_ORDER
        output.mux(stills.encode(picture(0, "yuvj420p")))
        for tenth in range(200):
            output.mux(video.encode(picture(tenth)))
        output.mux([*stills.encode(None), *video.encode(None)])
    timeline = read(path)
    assert timeline.video_codec == "h264"
    assert timeline.complete_s[-1] == pytest.approx(20.0, abs=0.1)
    assert len(timeline.offset_bytes) > (100 if container == "matroska" else 0)
