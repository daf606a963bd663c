"""Media time by the headers of segments, where no file can be read."""

from __future__ import annotations

from pytomo_scrapy.items import MediaSegment, MediaTimeline
from pytomo_scrapy.measure.media.announced import announced_timeline

SEGMENTS = (MediaSegment(100, 600, 0.0, 4.0), MediaSegment(700, 1700, 4.0, 5.0))  # a second init segment in between
UNREAD = MediaTimeline("video", "linear", failure="unreadable_container", failure_detail="no index", height_px=240)


def test_segments_tell_the_time_of_their_last_byte() -> None:
    timeline = announced_timeline(UNREAD, SEGMENTS)
    assert (timeline.method, timeline.failure) == ("headers", None)
    assert (timeline.offset_bytes, timeline.complete_s) == ((600, 1700), (4.0, 9.0))
    assert timeline.init_bytes == 100 and timeline.segments == SEGMENTS
    # 1500 bytes in 9 s.
    assert timeline.bitrate_bps == 8 * 1500 / 9
    assert timeline.height_px == 240


def test_segments_out_of_order_or_without_a_length_are_left_out() -> None:
    odd = (*SEGMENTS, MediaSegment(1700, 1800, 2.0, 1.0), MediaSegment(1800, 1900, 9.0, 0.0))
    assert announced_timeline(UNREAD, odd).complete_s == (4.0, 9.0)


def test_nothing_announced_leaves_what_the_file_told() -> None:
    assert announced_timeline(UNREAD, ()) is UNREAD
