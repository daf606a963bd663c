"""Traces and timelines: what is stored is what was simulated."""

from __future__ import annotations

import random

import pytest

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.items import DownloadResult, MediaSegment, MediaTimeline, StreamDownload
from pytomo_scrapy.items.precision import round_timeline, round_trace
from pytomo_scrapy.storage.measurements.blobs import (
    decode_timeline,
    decode_trace,
    encode_timeline,
    encode_trace,
)


def make_window(arrival_s: tuple[float, ...], arrival_bytes: tuple[int, ...]) -> DownloadResult:
    stream = StreamDownload("video", "136", arrival_s=arrival_s, arrival_bytes=arrival_bytes)
    return DownloadResult(streams=(stream,))


def random_arrivals(count: int, seed: int = 1, window_s: float = 30.0) -> tuple[tuple[float, ...], tuple[int, ...]]:
    draw = random.Random(seed)
    total, sums = 0, []
    for _ in range(count):
        total += draw.choice([16384, 1400 * draw.randint(1, 12)])
        sums.append(total)
    return tuple(sorted(draw.uniform(0, window_s) for _ in range(count))), tuple(sums)


@pytest.mark.parametrize("count", [0, 1, 500, 5999, 30_000])
def test_rounded_trace_survives_storing_exactly(count: int) -> None:
    stream = round_trace(make_window(*random_arrivals(count))).streams[0]
    assert decode_trace(encode_trace(stream.arrival_s, stream.arrival_bytes)) == (
        stream.arrival_s,
        stream.arrival_bytes,
    )
    assert round_trace(DownloadResult(streams=(stream,))).streams[0] == stream


def test_typical_window_costs_under_20_kilobytes() -> None:
    # 30 s at 10 Mbit/s in reads of about 12 kB: 3000 arrivals of video; audio about a tenth; 4 min of packets each.
    video = round_trace(make_window(*random_arrivals(3000))).streams[0]
    audio = round_trace(make_window(*random_arrivals(300, seed=2))).streams[0]
    draw = random.Random(3)
    sizes = [int(draw.lognormvariate(8.5, 0.6)) for _ in range(1500)]
    offsets = tuple(sum(sizes[: i + 1]) for i in range(len(sizes)))
    timeline = MediaTimeline("video", "packets", offsets, tuple((i + 1) / 25 for i in range(len(sizes))))
    cost = sum(len(encode_trace(s.arrival_s, s.arrival_bytes)) for s in (video, audio)) + len(encode_timeline(timeline))
    assert cost < 20_000


def test_rounded_timeline_survives_storing_exactly() -> None:
    timeline = round_timeline(
        MediaTimeline(
            "video",
            "segments",
            offset_bytes=(100, 5000, 4_000_000_000),
            complete_s=(1 / 3, 2 / 3, 7201.0000004),
            segments=(MediaSegment(0, 100, 0.0, 1 / 3), MediaSegment(100, 5000, 1 / 3, 1 / 3)),
        )
    )
    assert timeline.complete_s == (0.333333, 0.666667, 7201.0)
    assert decode_timeline(encode_timeline(timeline)) == (
        timeline.offset_bytes,
        timeline.complete_s,
        timeline.segments,
    )
    assert round_timeline(timeline) == timeline


def test_times_that_run_backwards_survive() -> None:
    assert decode_trace(encode_trace((2.0, 1.0), (5, 3))) == ((2.0, 1.0), (5, 3))


@pytest.mark.parametrize("kept", [3, 10, -1])
def test_blob_that_was_damaged_is_an_error_of_the_database(kept: int) -> None:
    blob = encode_trace(tuple(map(float, range(50))), tuple(range(50)))
    with pytest.raises(StorageError, match="damaged"):
        decode_trace(blob[:kept])


def test_blob_of_another_version_is_refused() -> None:
    blob = encode_trace((1.0,), (1,))
    with pytest.raises(StorageError, match="reads only"):
        decode_trace(blob[:2] + b"\x09" + blob[3:])
    with pytest.raises(StorageError, match="reads only"):
        decode_timeline(blob)
