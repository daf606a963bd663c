"""Files that `simulate` plays: what is read of them, found beside them, and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.exchange.trace_files import read_ladder, read_trace_file
from pytomo_scrapy.measure.media import timeline
from tests.factories import make_timeline

SEGMENTS = [
    {"start_s": 0, "duration_s": 4, "start_byte": 1000, "end_byte": 3999},
    {"start_s": 4, "duration_s": 2.5, "start_byte": 4000, "end_byte": 5999},
]
RUNG = {
    "file": "v1.mp4", "bandwidth_bps": 8000, "segments": SEGMENTS, "bytes": 6000, "init": [0, 699], "index": [700, 999],
    "height": 360, "width": 640, "codecs": "avc1.4d401e",
}  # fmt: skip


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write a file of JSON, and return its path. Media are not looked into."""
    monkeypatch.setattr(timeline, "read_timeline", lambda media, kind, *_: make_timeline(kind=kind))

    def write_json(name: str, value: Any) -> Path:
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return path

    return write_json


def a_trace(*arrivals: Any, media: str = "clip.mp4") -> dict[str, Any]:
    return {"media": media, "arrivals": list(arrivals)}


def test_one_stream_is_a_file_of_picture_and_sound_and_two_are_one_of_each(write: Any, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(bytes(100))
    one = read_trace_file(write("one.json", {"window_s": 5, "streams": [a_trace([1, 50])]}))
    two = read_trace_file(write("two.json", {"window_s": "5.5", "streams": [a_trace([1, 50]), a_trace([2, 100])]}))
    assert [stream.timeline.kind for stream in one.streams] == ["muxed"] and one.window_s == 5.0
    assert [stream.timeline.kind for stream in two.streams] == ["video", "audio"] and two.window_s == 5.5
    assert [stream.is_complete for stream in two.streams] == [False, True], "all of its 100 bytes came"
    assert one.source.ladder is None


@pytest.mark.parametrize(
    ("arrivals", "arrival_s", "arrival_bytes"),
    [
        ([], (), ()),
        ([[0.5, 10], [1, 30]], (0.5, 1.0), (10, 30)),
        # Clocks of several threads: what had arrived stays arrived, and time does not run back.
        ([[1, 30], [0.9, 40], [2, 20]], (1.0, 1.0, 2.0), (30, 40, 40)),
        ([["1.5", "10"]], (1.5,), (10,)),
        ([[1, 10.9]], (1.0,), (10,)),
    ],
)
def test_arrivals_rise(
    write: Any, tmp_path: Path, arrivals: list[Any], arrival_s: tuple[float, ...], arrival_bytes: tuple[int, ...]
) -> None:
    (tmp_path / "clip.mp4").write_bytes(bytes(100))
    (stream,) = read_trace_file(write("t.json", {"window_s": 5, "streams": [a_trace(*arrivals)]})).streams
    assert (stream.arrival_s, stream.arrival_bytes) == (arrival_s, arrival_bytes)


@pytest.mark.parametrize(
    "text",
    [
        '{"window_s": NaN, "streams": []}',
        '{"window_s": Infinity, "streams": []}',
        '{"window_s": 1e999, "streams": []}',
        '{"window_s": 5, "streams": [{"media": "clip.mp4", "arrivals": [[NaN, 1]]}]}',
        '{"window_s": 5, "streams": [{"media": "clip.mp4", "arrivals": [[1, -Infinity]]}]}',
        '{"window_s": 5, "streams": [{"media": "clip.mp4", "arrivals": [[1, 1e999]]}]}',
    ],
)
def test_number_that_is_none_is_refused(write: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / "clip.mp4").write_bytes(bytes(100))
    with pytest.raises(ValueError, match="is no number of seconds or bytes"):
        read_trace_file(write("t.json", text))


def test_media_are_those_that_the_path_names_and_else_those_beside_the_trace(
    write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    path = write("t.json", {"window_s": 5, "streams": [a_trace([1, 60])]})
    with pytest.raises(FileNotFoundError):
        read_trace_file(path)
    (tmp_path / "clip.mp4").write_bytes(bytes(50))
    assert read_trace_file(path).streams[0].is_complete
    (here / "clip.mp4").write_bytes(bytes(100))
    assert not read_trace_file(path).streams[0].is_complete


def test_ladder_is_its_rungs_with_the_bytes_of_each_segment_and_of_what_lies_before(write: Any) -> None:
    bare = {"file": "a1.mp4", "bandwidth_bps": "2000", "segments": SEGMENTS[:1], "bytes": 4000}
    ladder = read_ladder(write("ladder.json", {"video": [RUNG], "audio": [bare]}))
    (video,), (audio,) = ladder.video, ladder.audio
    assert (video.format_id, video.bitrate_bps, video.height_px, video.width_px, video.codec) == (
        "v1.mp4", 8000.0, 360, 640, "avc1.4d401e",
    )  # fmt: skip
    # Both ends are of the segment: 1000 to 3999 are 3000 bytes.
    assert [(one.start_s, one.duration_s, one.size_bytes) for one in video.segments] == [(0, 4, 3000), (4, 2.5, 2000)]
    assert (video.init_bytes, video.index_bytes, video.size_bytes) == (700, 300, 6000)
    assert (audio.init_bytes, audio.index_bytes, audio.height_px) == (0, 0, None)


def test_session_is_played_from_the_ladder_beside_it(write: Any) -> None:
    write("ladder.json", {"video": [RUNG], "audio": []})
    session = {
        "window_s": 45,
        "ladder": "ladder.json",
        "files": {"video": "v1.mp4"},
        "arrivals": {"video": [[1, 6000]]},
    }
    found = read_trace_file(write("session.json", session))
    (stream,) = found.streams
    assert found.source.ladder is not None and [one.format_id for one in found.source.ladder.video] == ["v1.mp4"]
    assert (stream.timeline.kind, stream.is_complete, found.window_s) == ("video", True, 45.0)
    # A file that the ladder does not know has no size, and so no end.
    session["files"] = {"video": "other.mp4"}
    assert not read_trace_file(write("other.json", session)).streams[0].is_complete


@pytest.mark.parametrize(
    ("session", "kind"),
    [
        ({"window_s": 45, "ladder": "ladder.json"}, KeyError),
        ({"window_s": 45, "ladder": "ladder.json", "arrivals": {"video": []}}, KeyError),
        ({"window_s": 45, "ladder": "none.json", "arrivals": {}}, FileNotFoundError),
        ({"window_s": 45, "ladder": 5, "arrivals": {}}, TypeError),
        ({"ladder": "ladder.json", "arrivals": {}}, KeyError),
        ([], TypeError),
        ("text", TypeError),
        (None, TypeError),
    ],
)
def test_session_that_lacks_something_is_none(write: Any, session: Any, kind: type[Exception]) -> None:
    write("ladder.json", {"video": [RUNG], "audio": []})
    with pytest.raises(kind):
        read_trace_file(write("session.json", json.dumps(session)))


@pytest.mark.parametrize("lacks", ["file", "bandwidth_bps", "segments", "bytes"])
def test_rung_that_lacks_something_is_none(write: Any, lacks: str) -> None:
    rung = {name: value for name, value in RUNG.items() if name != lacks}
    with pytest.raises(KeyError, match=lacks):
        read_ladder(write("ladder.json", {"video": [rung]}))
