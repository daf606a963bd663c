"""The ladder of a video: where segments lie, and what is known of them."""

from pytomo_scrapy.items import Ladder, MediaTrack, TrackSegment

BY_RANGE = MediaTrack(
    "video",
    "136",
    800_000,
    (TrackSegment(0.0, 4.0, 400_000, 1000), TrackSegment(4.0, 4.0, 380_000, 401_000)),
)
BY_URL = MediaTrack(
    "audio", "audio", 64_000, tuple(TrackSegment(6.0 * n, 6.0, None, url=f"a{n}") for n in range(3)), "playlist"
)


def test_a_segment_by_byte_range_ends_where_the_next_one_begins():
    assert BY_RANGE.segments[0].end_byte == 1000 + 400_000 == BY_RANGE.segments[1].start_byte
    assert BY_RANGE.segments[1].end_s == BY_RANGE.duration_s == 8.0


def test_a_segment_of_unknown_size_has_that_of_the_mean_bitrate():
    # 6 s of 64 kbit/s are 6 x 64000 / 8 = 48000 bytes.
    assert BY_URL.segments[0].end_byte is None
    assert BY_URL.segment_bytes(0) == 48_000
    assert BY_RANGE.segment_bytes(1) == 380_000


def test_a_media_time_lies_in_one_segment_and_none_behind_the_end():
    found = [BY_RANGE.number_at(media_s) for media_s in (0.0, 3.999, 4.0, 7.9, 8.0)]
    assert found == [0, 0, 1, 1, None]


def test_a_ladder_lasts_as_long_as_all_its_kinds():
    ladder = Ladder((BY_RANGE,), (BY_URL,))
    assert ladder.kinds == ("video", "audio")
    assert ladder.duration_s == 8.0
    assert Ladder((BY_RANGE,)).kinds == ("video",)
    assert Ladder(()).duration_s == 0.0
