"""Paced demand: whole segments, the buffer goal, the playhead, and what a window then takes."""

from __future__ import annotations

import io
import socket
import struct
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import DownloadResult, MediaFormat
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.pacing import HEAD_BYTES, MAX_REQUEST_BYTES, Playhead, StreamPace, common_spans
from pytomo_scrapy.measure.window.plan import WindowPlan, window_mode
from tests.measure.window.window_media import FILE, INIT_BYTES, SEGMENT_BYTES, SEGMENT_COUNT, SEGMENT_S, box, end_of
from tests.measure.window.window_servers import Request, answer, serve_range, serving

HOST = "rr1---sn-test.example"


def make_pace(
    directory: Path, received_bytes: int = HEAD_BYTES, goal_s: float = 10.0, body: bytes = FILE
) -> StreamPace:
    path = directory / "spool"
    path.write_bytes(body[:received_bytes])
    pace = StreamPace(SEGMENT_S * SEGMENT_COUNT, goal_s)
    pace.read_head(str(path), received_bytes, len(body))
    return pace


def test_pace_before_the_index_asks_for_the_head() -> None:
    assert StreamPace(40.0, 10.0).next_range(0, None, 0.0) == (0, HEAD_BYTES - 1)


def test_pace_with_a_cut_index_asks_for_more_of_the_head(tmp_path: Path) -> None:
    pace = make_pace(tmp_path, received_bytes=INIT_BYTES - 1)
    assert pace.next_range(INIT_BYTES - 1, len(FILE), 0.0) == (INIT_BYTES - 1, INIT_BYTES - 1 + HEAD_BYTES - 1)


def test_pace_asks_for_whole_segments_that_begin_before_the_goal(tmp_path: Path) -> None:
    pace = make_pace(tmp_path)
    # Goal 10 s: segments that begin at 0, 2, 4, 6 and 8 s; the sixth begins at 10 s.
    assert pace.next_range(HEAD_BYTES, len(FILE), 0.0) == (HEAD_BYTES, end_of(5))


def test_pace_with_the_goal_reached_asks_for_nothing(tmp_path: Path) -> None:
    pace = make_pace(tmp_path)
    received = end_of(5) + 1
    assert pace.media_s(received, len(FILE)) == 10.0
    assert pace.next_range(received, len(FILE), 0.0) is None
    assert pace.next_range(received, len(FILE), 0.1) == (received, end_of(6))


def test_pace_of_a_far_goal_asks_for_twelve_seconds_at_most(tmp_path: Path) -> None:
    pace = make_pace(tmp_path, goal_s=100.0)
    assert pace.next_range(HEAD_BYTES, len(FILE), 0.0) == (HEAD_BYTES, end_of(6))


def test_pace_counts_whole_segments_only(tmp_path: Path) -> None:
    pace = make_pace(tmp_path)
    assert pace.media_s(end_of(1), len(FILE)) == 0.0
    assert pace.media_s(end_of(1) + 1, len(FILE)) == 2.0


def test_pace_without_an_index_steps_through_the_duration(tmp_path: Path) -> None:
    body = box(b"ftyp", bytes(8)) + box(b"moov", bytes(100)) + box(b"mdat", bytes(999_876))
    pace = make_pace(tmp_path, body=body)
    size = len(body)
    assert size == 1_000_008
    # 40 s in steps of 5 s, 125 001 bytes each; two begin before 10 s.
    assert pace.next_range(HEAD_BYTES, size, 0.0) == (HEAD_BYTES, 250_001)
    assert pace.media_s(size // 4, size) == pytest.approx(10.0)
    assert pace.next_range(size // 4, size, 0.0) is None
    assert pace.next_range(250_002, size, 0.5) == (250_002, 375_002)


def test_pace_without_any_clue_takes_what_comes(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    path.write_bytes(b"FLV" + bytes(1000))
    pace = StreamPace(None, 10.0)
    pace.read_head(str(path), 1003, None)
    assert pace.next_range(1003, None, 0.0) is not None


@pytest.mark.parametrize("length", [0, (1 << 62) + 5, (1 << 64) - 1])
def test_pace_of_a_file_with_a_hostile_box_goes_without_an_index(tmp_path: Path, length: int) -> None:
    hostile = struct.pack(">I4sQ", 1, b"moov", length) if length else struct.pack(">I4sQ", 0, b"moov", 0)
    pace = make_pace(tmp_path, body=box(b"ftyp", bytes(8)) + hostile + bytes(2 * HEAD_BYTES))
    assert pace.segments == ()
    assert pace.next_range(HEAD_BYTES, 100_000, 0.0) is not None


def test_playhead_starts_plays_stalls_and_resumes() -> None:
    head = Playhead()
    assert head.advance(1.0, 1.9, is_all_there=False) == 0.0
    assert head.advance(2.0, 2.0, is_all_there=False) == 0.0  # starts now
    assert head.advance(3.0, 2.0, is_all_there=False) == pytest.approx(1.0)
    assert head.advance(5.0, 2.0, is_all_there=False) == pytest.approx(2.0)  # ran dry
    assert not head.is_playing
    assert head.advance(6.0, 2.9, is_all_there=False) == pytest.approx(2.0)
    assert head.advance(7.0, 3.0, is_all_there=False) == pytest.approx(2.0)  # resumes with a second
    assert head.advance(7.5, 3.0, is_all_there=False) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], []),
        ([[(0.0, 1.0)]], [(0.0, 1.0)]),
        ([[(0.0, 2.0), (3.0, 5.0)], [(1.0, 4.0)]], [(1.0, 2.0), (3.0, 4.0)]),
        ([[(0.0, 1.0)], []], []),
    ],
)
def test_common_spans_are_where_all_are_idle(
    spans: list[list[tuple[float, float]]], expected: list[tuple[float, float]]
) -> None:
    assert common_spans(spans) == expected


def test_window_mode_draws_one_in_so_many_with_the_seed() -> None:
    config = DownloadConfig(mode="paced", bulk_every=10)
    modes = [window_mode(WindowPlan((), {}, seed=f"7:{number}"), config) for number in range(2000)]
    assert modes == [window_mode(WindowPlan((), {}, seed=f"7:{number}"), config) for number in range(2000)]
    assert 150 < modes.count("bulk") < 250
    assert window_mode(WindowPlan((), {}), DownloadConfig(mode="paced", bulk_every=0)) == "paced"
    assert window_mode(WindowPlan((), {}), DownloadConfig(mode="paced", bulk_every=1)) == "bulk"
    assert window_mode(WindowPlan((), {}), DownloadConfig(mode="bulk")) == "bulk"


def serve_file(connection: socket.socket, request: Request) -> None:
    if request.range is not None and request.range[0] >= len(FILE):
        connection.sendall(answer("416 Range Not Satisfiable"))
    else:
        serve_range(connection, request, FILE)


def fetch(directory: Path, port: int, window_s: float, goal_s: float, **overrides: object) -> DownloadResult:
    media = MediaFormat("video", "134", f"http://{HOST}:{port}/v", HOST, port, **overrides)  # type: ignore[arg-type]
    plan = WindowPlan((media,), {HOST: "127.0.0.1"}, spool_directory=str(directory), duration_s=40.0)
    config = DownloadConfig(
        window_s=window_s,
        mode="paced",
        bulk_every=0,
        buffer_goal_s=goal_s,
        loaded_probes_per_s=0,
        path=PathConfig(is_private_allowed=True),
    )
    return download_window(plan, config)


@pytest.mark.process
def test_paced_window_takes_window_and_goal_and_a_segment_at_most(tmp_path: Path) -> None:
    with serving(serve_file) as server:
        result = fetch(tmp_path, server.port, 3.0, 4.0)
        connection_count = server.connection_count
    assert (result.mode, result.ended_by, result.failure) == ("paced", "deadline", None)
    # Goal 4 s: two segments at once, then one whenever less than 4 s are ahead: at about 0 and 2 s of play.
    assert result.received_bytes == INIT_BYTES + 4 * SEGMENT_BYTES
    assert result.received_bytes <= INIT_BYTES + (3.0 + 4.0 + SEGMENT_S) / SEGMENT_S * SEGMENT_BYTES
    assert connection_count == 1
    assert result.throughput.no_demand_s is not None and result.throughput.no_demand_s > 1.5
    assert result.throughput.active_s is not None and result.throughput.active_s < 1.5
    (stream,) = result.streams
    assert stream.no_demand[-1][1] == pytest.approx(result.elapsed_s, abs=0.3)
    assert [row.range_end_bytes for row in result.requests] == [HEAD_BYTES - 1, *(end_of(n) for n in (2, 3, 4))]


@pytest.mark.process
def test_paced_window_of_a_short_file_is_complete(tmp_path: Path) -> None:
    with serving(serve_file) as server:
        result = fetch(tmp_path, server.port, 3.0, 60.0)
    assert (result.ended_by, result.failure, result.received_bytes) == ("complete", None, len(FILE))
    assert result.streams[0].is_complete
    assert Path(result.streams[0].spool_path or "").read_bytes() == FILE


@pytest.mark.process
def test_paced_window_against_a_server_without_ranges_takes_the_file(tmp_path: Path) -> None:
    def whole(connection: socket.socket, request: Request) -> None:
        connection.sendall(answer("200 OK", "Content-Type: video/mp4", body=FILE))

    with serving(whole) as server:
        result = fetch(tmp_path, server.port, 3.0, 4.0)
    assert (result.ended_by, result.failure, result.received_bytes) == ("complete", None, len(FILE))


def test_file_of_these_tests_has_the_index_that_they_say() -> None:
    from pytomo_scrapy.measure.media.boxes import read_layout

    layout = read_layout(io.BytesIO(FILE), len(FILE), len(FILE))
    assert len(layout.segments) == SEGMENT_COUNT
    assert (layout.segments[0].start_byte, layout.segments[0].duration_s) == (INIT_BYTES, SEGMENT_S)


# Files whose index says little: a window asks for media, never in steps of its own.


def indexed(*references: tuple[int, int]) -> bytes:
    rows = b"".join(struct.pack(">III", size, ticks, 0x90000000) for size, ticks in references)
    return box(b"sidx", struct.pack(">IIIIIHH", 0, 1, 1000, 0, 0, 0, len(references)) + rows)


HEAD = box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", bytes(100))
FRAGMENT = box(b"moof", bytes(92)) + box(b"mdat", bytes(SEGMENT_BYTES - 108))


@pytest.mark.parametrize("received_bytes", [HEAD_BYTES, 2 * HEAD_BYTES, 400_000])
def test_pace_with_an_index_before_every_fragment_asks_for_seconds_of_media(
    tmp_path: Path, received_bytes: int
) -> None:
    body = HEAD + (indexed((SEGMENT_BYTES, 2000)) + FRAGMENT) * SEGMENT_COUNT
    pace = make_pace(tmp_path, received_bytes, body=body)
    asked = pace.next_range(received_bytes, len(body), 10.0)
    assert asked is not None and asked[0] == received_bytes
    # 40 s of media: 5 s are an eighth of the file.
    assert asked[1] - asked[0] >= len(body) // 8 - received_bytes % (len(body) // 8)
    assert pace.media_s(len(body) // 4, len(body)) == pytest.approx(10.0, abs=0.1)


def test_pace_behind_the_last_segment_asks_for_the_rest_at_once(tmp_path: Path) -> None:
    body = FILE + box(b"mfra", bytes(20_000))
    pace = make_pace(tmp_path, body=body)
    assert pace.next_range(len(FILE), len(body), 39.0) == (len(FILE), len(FILE) + MAX_REQUEST_BYTES - 1)


@pytest.mark.parametrize(("rest_bytes", "is_joined"), [(238, True), (20_000, True), (MAX_REQUEST_BYTES, False)])
def test_pace_of_the_last_segment_takes_a_short_rest_of_the_file_with_it(
    tmp_path: Path, rest_bytes: int, is_joined: bool
) -> None:
    # 20 000 bytes behind segments of 50 000 are no media that the index leaves out.
    pace = make_pace(tmp_path, body=FILE + box(b"mfra", bytes(min(rest_bytes, 20_000) - 8)))
    size_bytes = len(FILE) + rest_bytes
    received_bytes = end_of(SEGMENT_COUNT - 1) + 1
    last = size_bytes - 1 if is_joined else end_of(SEGMENT_COUNT)
    assert pace.next_range(received_bytes, size_bytes, 38.0) == (received_bytes, last)


def test_pace_of_an_index_of_single_pictures_asks_for_two_seconds_at_least(tmp_path: Path) -> None:
    picture = box(b"moof", bytes(92)) + box(b"mdat", bytes(892))  # 1000 bytes, 0.04 s: 50 are 2 s
    body = HEAD + indexed(*[(1000, 40)] * 500) + picture * 500
    pace = make_pace(tmp_path, body=body)
    first = len(body) - 500_000
    at = first + 250_000  # 10 s of media, the goal at the start
    assert pace.next_range(at, len(body), 0.0) is None
    assert pace.next_range(at, len(body), 0.05) == (at, at + 50_000 - 1)


def test_pace_of_a_long_header_asks_for_ever_more_of_it(tmp_path: Path) -> None:
    body = box(b"ftyp", bytes(8)) + box(b"moov", bytes(900_000)) + box(b"mdat", bytes(100_000))
    received, requests = 0, 0
    pace = StreamPace(40.0, 10.0)
    while not pace.is_head_read:
        _, last = pace.next_range(received, len(body), 0.0) or (0, 0)
        received, requests = min(last + 1, len(body)), requests + 1
        (tmp_path / "spool").write_bytes(body[:received])
        pace.read_head(str(tmp_path / "spool"), received, len(body))
    assert requests == 6  # 32, 64, 128, 256, 512 KiB and 1 MiB in all


@pytest.mark.parametrize(("before", "is_read"), [(box(b"mdat", b""), False), (box(b"mdat", bytes(100)), True)])
def test_pace_looks_for_the_index_behind_an_empty_media_box_only(tmp_path: Path, before: bytes, is_read: bool) -> None:
    path = tmp_path / "spool"
    path.write_bytes(box(b"ftyp", bytes(8)) + before + box(b"free", bytes(500)))
    pace = StreamPace(40.0, 10.0)
    pace.read_head(str(path), path.stat().st_size, 1_000_000)
    assert pace.is_head_read is is_read


@pytest.mark.process
def test_paced_window_on_an_index_before_every_fragment_asks_as_a_player_would(tmp_path: Path) -> None:
    body = HEAD + (indexed((SEGMENT_BYTES, 2000)) + FRAGMENT) * SEGMENT_COUNT

    def serve(connection: socket.socket, request: Request) -> None:
        serve_range(connection, request, body)

    with serving(serve) as server:
        result = fetch(tmp_path, server.port, 2.0, 20.0)
    asked = [row.received_bytes or 0 for row in result.requests]
    # The head, then 5 s at least, which are an eighth of the file: what the head left of the first, then whole ones.
    assert asked[0] == HEAD_BYTES
    assert all(received >= len(body) // 8 - HEAD_BYTES for received in asked[1:])
    assert len(asked) <= 5
