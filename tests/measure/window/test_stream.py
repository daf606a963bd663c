"""The arrival trace, the spool and the order of ranges."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pytomo_scrapy.items import MediaFormat
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.window.stream import Allowance, ArrivalTrace, Spool, Stream


def make_stream(directory: Path, **overrides: object) -> Stream:
    values: dict[str, object] = {"kind": "video", "format_id": "134", "url": "http://h.example/v", "host": "h.example"}
    media = MediaFormat(**{**values, "port": 80, **overrides})  # type: ignore[arg-type]
    return Stream(0, media, read_target(media.url), Spool(str(directory), 1000), time.monotonic, Allowance(10**9))


def trace_of(arrivals: list[tuple[float, int]], **limits: float) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Play (t_s, total bytes) to a trace as the write callback does."""
    trace, before = ArrivalTrace(**limits), 0  # type: ignore[arg-type]
    for t_s, total in arrivals:
        if t_s >= trace.until_s:
            trace.begin(t_s, before)
        trace.last_s, before = t_s, total
    return trace.finish(0.0, before)


def test_trace_merges_what_arrives_within_a_millisecond() -> None:
    times, totals = trace_of([(0.1, 10), (0.1004, 20), (0.1008, 30), (0.1013, 40), (0.1025, 50)])
    # The first keeps its own time; the next entry runs from 0.1004 and takes all before 0.1014.
    assert times == (0.1, 0.1013, 0.1025)
    assert totals == (10, 40, 50)


def test_trace_without_arrivals_is_empty() -> None:
    assert trace_of([]) == ((), ())


def test_trace_stays_within_its_bound_and_keeps_true_pairs() -> None:
    times, totals = trace_of([(number * 0.002, number) for number in range(1000)], max_entries=10)
    assert 5 <= len(times) <= 10
    assert totals[-1] == 999
    assert all(total == round(t_s / 0.002) for t_s, total in zip(times, totals, strict=True))


def test_spool_without_a_byte_leaves_no_file(tmp_path: Path) -> None:
    make_stream(tmp_path).close(0.0)
    assert list(tmp_path.iterdir()) == []


def test_stream_without_chunks_asks_for_the_whole(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    assert stream.next_range() is None
    stream.close(0.0)


@pytest.mark.parametrize(
    ("declared_bytes", "size_bytes", "received_bytes", "expected"),
    [
        (None, None, 0, (0, 99)),
        (250, None, 200, (200, 249)),
        (250, 230, 200, (200, 229)),  # the server knows better
        (150, None, 150, (150, 249)),  # the announcement was too small
    ],
)
def test_stream_ranges_follow_in_chunks(
    tmp_path: Path,
    declared_bytes: int | None,
    size_bytes: int | None,
    received_bytes: int,
    expected: tuple[int, int],
) -> None:
    stream = make_stream(tmp_path, chunk_bytes=100, declared_size_bytes=declared_bytes)
    stream.size_bytes = size_bytes
    stream.received_bytes = received_bytes
    assert stream.next_range() == expected
    stream.close(0.0)


@pytest.mark.parametrize(("size_bytes", "is_wrong"), [(1000, False), (1050, False), (1051, True), (500, True)])
def test_stream_length_may_differ_by_a_twentieth(tmp_path: Path, size_bytes: int, is_wrong: bool) -> None:
    stream = make_stream(tmp_path, declared_size_bytes=1000)
    stream.size_bytes = size_bytes
    assert (stream.close(0.0).failure == "wrong_length") is is_wrong


def test_spool_on_a_full_disk_keeps_counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> int:
        raise OSError(28, "No space left on device")

    stream = make_stream(tmp_path)
    monkeypatch.setattr("os.writev", no_space)
    stream.is_discarding = False
    for _ in range(200):
        stream.receive(b"x")
    result = stream.close(0.0)
    assert (result.received_bytes, result.spooled_bytes, result.spool_path) == (200, 0, None)
    assert result.spool_lost_bytes >= 64, "a batch at least; how many more would have come is not known"


def test_spool_that_a_disk_takes_in_part_says_what_it_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = make_stream(tmp_path)
    stream.is_discarding = False
    monkeypatch.setattr("os.writev", lambda file, parts: os.write(file, b"".join(parts)[:10]))
    for _ in range(64):
        stream.receive(b"x")
    result = stream.close(0.0)
    # 64 bodies of one byte are a batch, of which 10 found room.
    assert (result.spooled_bytes, result.spool_lost_bytes) == (10, 54)


def test_spool_without_a_folder_loses_everything_and_keeps_counting(tmp_path: Path) -> None:
    stream = make_stream(tmp_path / "gone")
    stream.is_discarding = False
    stream.receive(b"abc")
    result = stream.close(0.0)
    assert (result.received_bytes, result.spooled_bytes, result.spool_lost_bytes, result.spool_path) == (3, 0, 3, None)
