"""The container reader against plain demultiplexing of every prefix, and against damage."""

from __future__ import annotations

import random
from bisect import bisect_right
from pathlib import Path

import av
import pytest

from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.items import MediaTimeline
from pytomo_scrapy.measure.media.timeline import read_timeline
from tests.measure.media.container_clips import CLIPS, DURATION_S, make_clip

# Its clips are encoded here, which takes seconds.
pytestmark = pytest.mark.slow

READABLE_CUT = [name for name in CLIPS if name != "index_last"]


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("clips")
    return {name: make_clip(name, folder) for name in CLIPS}


def read_whole(path: Path, kind: str) -> MediaTimeline:
    size_bytes = path.stat().st_size
    return read_timeline(str(path), kind, size_bytes, size_bytes)


def complete_at(timeline: MediaTimeline, byte: int) -> float:
    count = bisect_right(timeline.offset_bytes, byte)
    return timeline.complete_s[count - 1] if count else 0.0


def playable_seconds(path: Path, whole: Path) -> float:
    """Return how far the whole pictures and sounds of a cut file reach without a hole, by plain demultiplexing."""
    with av.open(str(whole)) as media:
        origin_s = max(0.0, min(_times(media, stream.index)[0][0] for stream in media.streams if not media.seek(0)))
    with av.open(str(path)) as media:
        return min(_reach(media, stream.index, origin_s) for stream in media.streams)


def _times(media: av.container.InputContainer, index: int) -> list[tuple[float, float]]:
    media.seek(0)
    packets = [p for p in media.demux(media.streams[index]) if p.size and not p.is_corrupt and p.pts is not None]
    return sorted((float(p.pts * p.time_base), float((p.pts + (p.duration or 0)) * p.time_base)) for p in packets)


def _reach(media: av.container.InputContainer, index: int, origin_s: float) -> float:
    end_s = None
    for start_s, stop_s in _times(media, index):
        if end_s is not None and start_s > end_s + 0.03:
            break
        end_s = max(end_s or stop_s, stop_s)
    return (end_s or origin_s) - origin_s


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIPS)
def test_timeline_of_whole_file_reaches_its_end_and_never_goes_back(
    name: str, clips: dict[str, tuple[Path, str]]
) -> None:
    path, kind = clips[name]
    timeline = read_whole(path, kind)
    assert timeline.failure is None and timeline.method == "packets"
    assert timeline.complete_s[-1] == pytest.approx(DURATION_S, abs=0.1)
    assert list(timeline.offset_bytes) == sorted(set(timeline.offset_bytes))
    assert list(timeline.complete_s) == sorted(set(timeline.complete_s))
    assert timeline.offset_bytes[-1] <= path.stat().st_size
    assert timeline.duration_s == pytest.approx(DURATION_S, abs=0.1)


# The tolerance is one audio frame and one picture; a transport stream tells the end of a frame only by the next one's
# start, and Matroska without an index may leave the last block's duration open.
@pytest.mark.parametrize(("name", "tolerance_s"), [(n, 0.13 if n == "mpegts" else 0.045) for n in READABLE_CUT])
def test_timeline_at_byte_n_equals_what_a_file_cut_there_plays(
    name: str, tolerance_s: float, clips: dict[str, tuple[Path, str]], tmp_path: Path
) -> None:
    path, kind = clips[name]
    content = path.read_bytes()
    timeline = read_whole(path, kind)
    cut = tmp_path / path.name
    for share in (0.15, 0.3, 0.333, 0.5, 0.61, 0.75, 0.9, 0.97):
        byte = int(len(content) * share)
        cut.write_bytes(content[:byte])
        assert complete_at(timeline, byte) == pytest.approx(playable_seconds(cut, path), abs=tolerance_s), share


@pytest.mark.parametrize("name", READABLE_CUT)
def test_timeline_of_cut_file_claims_no_more_than_the_whole_file_proves(
    name: str, clips: dict[str, tuple[Path, str]], tmp_path: Path
) -> None:
    path, kind = clips[name]
    content = path.read_bytes()
    whole = read_whole(path, kind)
    cut = tmp_path / path.name
    for byte in range(len(content) // 10, len(content), len(content) // 10):
        cut.write_bytes(content[:byte])
        timeline = read_timeline(str(cut), kind, byte, len(content))
        proven_s = complete_at(whole, byte)
        claimed_s = timeline.complete_s[-1] if timeline.complete_s else 0.0
        assert claimed_s <= proven_s + 1e-9
        assert claimed_s == pytest.approx(proven_s, abs=0.13)
        shared = [index for index, offset in enumerate(timeline.offset_bytes) if offset in whole.offset_bytes]
        assert len(shared) >= len(timeline.offset_bytes) - 8  # only the last reordered pictures may differ


def test_bytes_beyond_those_received_are_not_read(clips: dict[str, tuple[Path, str]]) -> None:
    path, kind = clips["index_first"]
    size_bytes = path.stat().st_size
    timeline = read_timeline(str(path), kind, size_bytes // 2, size_bytes)
    assert timeline.offset_bytes[-1] <= size_bytes // 2
    assert 1.0 < timeline.complete_s[-1] < 5.0


def test_sidx_gives_every_segment_though_the_file_is_cut(clips: dict[str, tuple[Path, str]], tmp_path: Path) -> None:
    path, kind = clips["indexed_audio"]
    content = path.read_bytes()
    whole = read_whole(path, kind)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(content[:3000])
    timeline = read_timeline(str(cut), kind, 3000, len(content))
    assert timeline.segments == whole.segments
    assert timeline.init_bytes == whole.segments[0].start_byte
    assert sum(segment.duration_s for segment in whole.segments) == pytest.approx(DURATION_S, abs=0.05)
    assert whole.segments[-1].end_byte <= len(content)


@pytest.mark.parametrize("name", ["fragmented", "webm_video"])
def test_fragments_stand_in_where_there_is_no_sidx(name: str, clips: dict[str, tuple[Path, str]]) -> None:
    # Key frames every 2 s: three fragments (the encoder may add a short one), that follow one another.
    timeline = read_whole(*clips[name])
    assert len(timeline.segments) >= 3
    for before, after in zip(timeline.segments, timeline.segments[1:], strict=False):
        assert after.start_byte == before.end_byte
        assert after.start_s == pytest.approx(before.start_s + before.duration_s)


def test_index_last_plays_nothing_before_the_index_is_there(clips: dict[str, tuple[Path, str]]) -> None:
    path, kind = clips["index_last"]
    size_bytes = path.stat().st_size
    whole = read_whole(path, kind)
    assert whole.is_index_last and complete_at(whole, size_bytes - 1) == 0.0
    assert complete_at(whole, size_bytes) == pytest.approx(DURATION_S, abs=0.1)
    cut = read_timeline(str(path), kind, size_bytes // 2, size_bytes)
    assert cut.failure == "unreadable_container" and "moov" in (cut.failure_detail or "")


def test_linear_model_stands_in_marked_where_duration_and_size_are_known(clips: dict[str, tuple[Path, str]]) -> None:
    path, kind = clips["index_last"]
    size_bytes = path.stat().st_size
    cut = read_timeline(str(path), kind, size_bytes // 2, size_bytes, declared_duration_s=6.0)
    assert cut.method == "linear" and cut.failure is None and "moov" in (cut.fallback_reason or "")
    assert complete_at(cut, size_bytes // 2) == pytest.approx(3.0, abs=0.01)


def test_metadata_are_read_from_the_file(clips: dict[str, tuple[Path, str]]) -> None:
    timeline = read_whole(*clips["index_first"])
    assert (timeline.container, timeline.video_codec, timeline.audio_codec) == ("mp4", "h264", "aac")
    assert (timeline.width_px, timeline.height_px, timeline.frame_rate_fps) == (128, 72, 25.0)
    size_bytes = clips["index_first"][0].stat().st_size
    assert timeline.bitrate_bps == pytest.approx(size_bytes * 8 / 6.0, rel=0.01)


@pytest.mark.parametrize(
    ("content", "failure"),
    [
        (b"", "no_media_data"),
        (b"<!DOCTYPE html><html><body>Sorry</body></html>" * 30, "wrong_content"),
        (b'{"error": 403}', "wrong_content"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "wrong_content"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "wrong_content"),
        (b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 12, "no_media_data"),
        (b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 12 + b"\xff" * 200_000, "unreadable_container"),
        (b"\x1a\x45\xdf\xa3" + b"\xff" * 200_000, "unreadable_container"),
        (b"FLV\x01\x05\x00\x00\x00\x09" + b"\x00" * 20, "no_media_data"),
    ],
)
def test_what_cannot_be_read_is_a_classed_failure(content: bytes, failure: str, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(content)
    timeline = read_timeline(str(path), "muxed", len(content), 10_000_000)
    assert timeline.failure == failure
    assert timeline.complete_s == ()


@pytest.mark.parametrize("last_byte", [None, 40])
def test_whole_file_without_media_time_is_not_charged_to_the_line(
    last_byte: int | None, clips: dict[str, tuple[Path, str]], tmp_path: Path
) -> None:
    # A header without any packet behind it, and a box of an index that is longer than the file.
    path, kind = clips["fragmented"]
    whole = path.read_bytes()
    content = whole[: whole.index(b"moof") - 4][:last_byte]
    body = tmp_path / "body"
    body.write_bytes(content)
    assert read_timeline(str(body), kind, len(content), len(content)).failure == "unreadable_container"
    assert read_timeline(str(body), kind, len(content), len(whole)).failure == "no_media_data"


def test_missing_file_is_a_classed_failure(tmp_path: Path) -> None:
    assert read_timeline(str(tmp_path / "none"), "video", 100, 1000).failure == "no_media_data"


def test_budget_ends_a_long_analysis_with_what_is_certain(clips: dict[str, tuple[Path, str]]) -> None:
    path, kind = clips["index_first"]
    size_bytes = path.stat().st_size
    readings = iter([0.0, *[100.0] * 1000])  # the clock runs out right after the start
    timeline = read_timeline(str(path), kind, size_bytes, size_bytes, clock=lambda: next(readings))
    assert timeline.failure is None or timeline.failure in ("unreadable_container", "no_media_data")


def test_damage_in_the_middle_keeps_what_came_before(clips: dict[str, tuple[Path, str]], tmp_path: Path) -> None:
    path, kind = clips["webm_muxed"]
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
    damaged = tmp_path / "damaged.webm"
    damaged.write_bytes(content)
    timeline = read_timeline(str(damaged), kind, len(content), len(content))
    assert timeline.failure is None
    assert 1.5 < timeline.complete_s[-1] < 4.5


@pytest.mark.parametrize("name", CLIPS)
def test_damaged_files_never_break_what_a_timeline_promises(
    name: str, clips: dict[str, tuple[Path, str]], tmp_path: Path
) -> None:
    """A short run; benchmarks/fuzz_container.py does the same ten thousand times, in processes of their own."""
    path, kind = clips[name]
    rng = random.Random(name)
    damaged = tmp_path / path.name
    for _ in range(10):
        content = bytearray(path.read_bytes())
        for _ in range(rng.choice((1, 4, 20))):
            content[rng.randrange(rng.choice((2000, len(content))))] = rng.choice((0, 0x7F, 0xFF))
        damaged.write_bytes(content)
        timeline = read_timeline(str(damaged), kind, len(content), len(content))
        assert timeline.failure is None or timeline.failure in FAILURES
        assert list(timeline.offset_bytes) == sorted(set(timeline.offset_bytes))
        assert list(timeline.complete_s) == sorted(timeline.complete_s)
        assert not timeline.offset_bytes or timeline.offset_bytes[-1] <= len(content)
