"""A stored ladder: nothing of it is lost but the addresses, and it is small."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.items import Ladder, MediaTrack, TrackSegment
from pytomo_scrapy.items.precision import round_ladder
from pytomo_scrapy.storage.measurements.ladder_blob import decode_ladder, encode_ladder


def track(kind: str, rate_bps: int, count: int, chance: Random, segment_s: float = 5.005) -> MediaTrack:
    segments, start_byte = [], 1500
    for number in range(count):
        size = round(rate_bps / 8 * segment_s * chance.uniform(0.3, 1.9))
        segments.append(TrackSegment(number * segment_s, segment_s, size, start_byte))
        start_byte += size
    return MediaTrack(
        kind, str(rate_bps), float(rate_bps), tuple(segments), height_px=rate_bps // 4000, width_px=640,
        frame_rate_fps=25.0, codec="avc1.64001f", size_bytes=start_byte, init_bytes=1500,
    )  # fmt: skip


def ten_minutes() -> Ladder:
    """Eight rungs of a video of ten minutes: six of video, two of sound."""
    chance = Random(18)
    video = [track("video", rate, 120, chance) for rate in (110_000, 250_000, 560_000, 1_050_000, 2_300_000, 4_400_000)]
    audio = [track("audio", rate, 60, chance, 10.0053) for rate in (50_000, 130_000)]
    return round_ladder(Ladder(tuple(video), tuple(audio)))


def test_a_ladder_comes_back_as_it_was() -> None:
    assert decode_ladder(encode_ladder(ten_minutes())) == ten_minutes()


def test_eight_rungs_of_ten_minutes_take_less_than_6_kb() -> None:
    assert len(encode_ladder(ten_minutes())) < 6000


def test_unknown_sizes_and_segments_by_url_come_back_without_their_addresses() -> None:
    by_url = MediaTrack(
        "video",
        "hls-720",
        2_000_000.0,
        tuple(TrackSegment(6.0 * n, 6.0, None, url=f"https://cdn/{n}?sig=x") for n in range(3)),
        "playlist",
        init_url="https://cdn/init?sig=x",
        url="https://cdn/list?sig=x",
    )
    apart = replace(by_url, segments=(TrackSegment(0.0, 4.0, 10, 100), TrackSegment(5.0, 4.0, 20, 300)), source="index")
    blob = encode_ladder(round_ladder(Ladder((by_url, apart))))
    assert b"sig" not in blob
    first, second = decode_ladder(blob).video
    assert (first.url, first.init_url, first.is_one_file) == (None, None, False)
    assert [(one.start_s, one.size_bytes, one.start_byte) for one in first.segments] == [
        (0.0, None, None),
        (6.0, None, None),
        (12.0, None, None),
    ]
    assert [(one.start_s, one.start_byte) for one in second.segments] == [(0.0, 100), (5.0, 300)]


def test_other_bytes_are_refused() -> None:
    with pytest.raises(StorageError, match="A stored ladder starts with b'PM"):
        decode_ladder(b"PM\x01xyz")
