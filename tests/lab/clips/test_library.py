"""The lab's clips: that they are what they claim, and that the cache survives races and damage."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import av
import pytest

from pytomo_scrapy.lab.clips import library
from pytomo_scrapy.lab.clips.clip import CLIPS, Clip, ClipSpec, ClipStream
from pytomo_scrapy.lab.clips.file_parts import ebml_elements, mp4_boxes
from pytomo_scrapy.lab.clips.library import load_clip, prepare_clips

SHORT = ClipSpec("short", "flv", 2)  # which is encoded in a moment
STREAM_KINDS = {
    "muxed": {"muxed"},
    "muxed_index_last": {"muxed"},
    "separate": {"video", "audio"},
    "webm": {"video", "audio"},
    "flv": {"muxed"},
    "mpegts": {"muxed"},
    "hls": {"muxed"},
    "packed": {"video", "audio"},
    "ladder": {"video", "audio"},
}


def counted(found: list[tuple[str, float, int]], stream: ClipStream) -> Counter[str]:
    """Return the counts by the packets alone: one a frame, and as much sound as until the last one's start."""
    sounds = [second for kind, second, _ in found if kind == "audio"]
    samples = (max(sounds) - min(sounds)) * (stream.sample_rate_hz or 0) if sounds else 0
    return Counter({"video": sum(kind == "video" for kind, _, _ in found), "samples": round(samples)})


@pytest.fixture(scope="module")
def all_clips() -> dict[str, Clip]:
    return prepare_clips()


def decoded_counts(stream: ClipStream) -> Counter[str]:
    counts: Counter[str] = Counter()
    with av.open(str(stream.path)) as container:
        for frame in container.decode():
            counts["video" if isinstance(frame, av.VideoFrame) else "samples"] += (
                1 if isinstance(frame, av.VideoFrame) else frame.samples
            )
    return counts


def packets(stream: ClipStream) -> list[tuple[str, float, int]]:
    """Return (type, seconds, bytes) of every packet of a file."""
    with av.open(str(stream.path)) as container:
        return [
            (packet.stream.type, float(packet.pts * packet.time_base), packet.size)
            for packet in container.demux()
            if packet.pts is not None and packet.time_base is not None
        ]


# Decoding is what the test of a clip costs, and the encoder of all of a kind is the same: the shortest of each pattern.
DECODED = {
    min((spec for spec in CLIPS.values() if (spec.kind, spec.pattern) == made), key=lambda spec: spec.duration_s).name
    for made in {(spec.kind, spec.pattern) for spec in CLIPS.values()}
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CLIPS))
def test_clip_decoded_whole_lasts_as_long_as_it_says(name: str, all_clips: dict[str, Clip]) -> None:
    clip = all_clips[name]
    assert {stream.kind for stream in clip.streams} == STREAM_KINDS[clip.kind]
    for stream in clip.streams:
        # Of a ladder the lowest rung.
        lowest_px = min(other.height_px or 0 for other in clip.streams if other.kind == stream.kind)
        is_decoded = name in DECODED and (clip.kind != "ladder" or (stream.height_px or 0) == lowest_px)
        counts = decoded_counts(stream) if is_decoded else counted(packets(stream), stream)
        if stream.kind != "audio":
            assert counts["video"] == clip.duration_s * stream.frame_rate_fps
        if stream.kind != "video":
            assert counts["samples"] / stream.sample_rate_hz == pytest.approx(clip.duration_s, abs=0.06)
        assert stream.size_bytes == stream.path.stat().st_size
        assert stream.average_bitrate_bps <= 1.5 * stream.bitrate_bps


@pytest.mark.parametrize("name", sorted(name for name, spec in CLIPS.items() if spec.kind != "mpegts"))
def test_clip_first_timestamp_of_each_type_is_zero(name: str, all_clips: dict[str, Clip]) -> None:
    for stream in all_clips[name].streams:
        first: dict[str, float] = {}
        for kind, second, _ in packets(stream):
            first.setdefault(kind, second)
        assert all(second == pytest.approx(0.0, abs=0.01) for second in first.values())


def test_muxed_clip_has_its_index_where_its_kind_says(all_clips: dict[str, Clip]) -> None:
    def order(name: str) -> list[str]:
        content = all_clips[name].streams[0].path.read_bytes()
        return [box.name for box in mp4_boxes(content) if box.name in ("moov", "mdat")]

    assert order("muxed_40") == ["moov", "mdat"]
    assert order("muxed_index_last_40") == ["mdat", "moov"]


@pytest.mark.parametrize("name", ["separate_20", "separate_90", "separate_vbr_40"])
def test_separate_clip_has_one_index_that_points_to_every_fragment(name: str, all_clips: dict[str, Clip]) -> None:
    for stream in all_clips[name].streams:
        content = stream.path.read_bytes()
        boxes = list(mp4_boxes(content))
        fragments = [box for box in boxes if box.name == "moof"]
        assert stream.init_range is not None and stream.index_range is not None
        assert [box.name for box in boxes].count("sidx") == 1
        first, last = stream.index_range
        assert content[first + 4 : first + 8] == b"sidx" and stream.init_range == (0, first - 1)
        assert last + 1 == fragments[0].start
        # sidx version 1 has 40 bytes before its references, version 0 has 32; each reference has 12.
        references = int.from_bytes(content[last - 12 * len(fragments) - 1 : last - 12 * len(fragments) + 1], "big")
        assert references == len(fragments) == -(-int(stream.duration_s) // 4)


def test_webm_clip_has_cues_before_its_clusters(all_clips: dict[str, Clip]) -> None:
    for stream in all_clips["webm_40"].streams:
        parts = list(ebml_elements(stream.path.read_bytes()))
        names = [part.name for part in parts]
        cues = parts[names.index("Cues")]
        assert names.index("Cues") < names.index("Cluster")
        assert stream.index_range == (cues.start, cues.end - 1)
        assert parts[-1].end == stream.size_bytes


def test_varying_clip_alternates_between_rates_a_constant_one_does_not(all_clips: dict[str, Clip]) -> None:
    def spread(name: str) -> float:
        per_window: Counter[int] = Counter()
        for kind, second, size in packets(all_clips[name].streams[0]):
            per_window[int(second // 5)] += size if kind == "video" else 0
        return max(per_window.values()) / min(per_window.values())

    assert spread("separate_vbr_40") > 20
    assert spread("muxed_vbr_40") > 20
    assert spread("separate_40") < 1.3


def test_clip_mean_rate_is_within_the_lab_s_range(all_clips: dict[str, Clip]) -> None:
    for clip in (clip for clip in all_clips.values() if clip.kind != "ladder"):
        assert 400_000 <= clip.mean_bps <= 1_000_000
        total = sum(stream.size_bytes for stream in clip.streams)
        assert clip.mean_bps == pytest.approx(8 * total / clip.duration_s)


def test_stream_by_itag_that_clip_lacks_is_none(all_clips: dict[str, Clip]) -> None:
    clip = all_clips["separate_20"]
    assert clip.stream(140) is not None and clip.stream(140).mime_type == 'audio/mp4; codecs="mp4a.40.2"'
    assert clip.stream(18) is None


@pytest.mark.process
def test_prepare_clips_from_two_processes_at_once_gives_one_whole_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code = f"""
from pytomo_scrapy.lab.clips.clip import CLIPS, ClipSpec
from pytomo_scrapy.lab.clips.library import load_clip
CLIPS["short"] = {SHORT!r}
print(load_clip("short").streams[0].path)
"""
    monkeypatch.setitem(CLIPS, "short", SHORT)
    children = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)]
    answers = [child.communicate(timeout=60)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert answers[0] == answers[1] != b""
    assert decoded_counts(load_clip("short").streams[0])["video"] == 50
    assert len(list((tmp_path / "pytomo_scrapy" / "lab").iterdir())) == 1


@pytest.mark.slow
def test_prepare_clips_with_damaged_file_makes_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(CLIPS, "short", SHORT)
    stream = load_clip("short").streams[0]
    stream.path.write_bytes(b"cut")
    assert load_clip("short").streams[0].path.stat().st_size == stream.size_bytes


def test_cache_directory_without_writable_home_falls_back_to_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocker))
    monkeypatch.setattr(library.tempfile, "gettempdir", lambda: str(tmp_path))
    assert library.cache_directory().parent == tmp_path


def test_prepare_clips_with_unknown_name_raises_key_error() -> None:
    with pytest.raises(KeyError, match="no_such_clip"):
        prepare_clips(["no_such_clip"])
