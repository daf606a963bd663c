"""How much media is complete after each byte, from packets made by hand: every number can be checked on paper."""

from __future__ import annotations

from typing import Any

import pytest

from pytomo_scrapy.measure.media.packet_times import (
    StreamPackets,
    complete_ticks,
    cut_streams,
    fill_times,
    merge_streams,
)

Packets = list[tuple[int, int, int]]  # dts, pts, duration; each packet is ten bytes


def make_stream(packets: Packets, *, tick_s: float = 1.0, is_whole: bool = True, **more: Any) -> StreamPackets:
    dts, pts, duration = (list(column) for column in zip(*packets, strict=True)) if packets else ([], [], [])
    ends = [10 * (place + 1) for place in range(len(packets))]
    return StreamPackets("video", tick_s, ends, dts, pts, duration, is_whole, **more)


IN_ORDER: Packets = [(0, 0, 1), (1, 1, 1), (2, 2, 1)]
# Decoding order I P B B: the third and fourth packets are shown before the second.
REORDERED: Packets = [(0, 1, 1), (1, 4, 1), (2, 2, 1), (3, 3, 1), (4, 5, 1)]


@pytest.mark.parametrize(
    ("packets", "is_whole", "complete"),
    [
        (IN_ORDER, True, [1, 2, 3]),
        (IN_ORDER, False, [1, 2, 3]),
        ([(0, 0, 1), (1, 1, 1), (5, 5, 1)], True, [1, 2, 6]),  # a hole: complete only up to it
        ([(0, 0, 2), (1, 1, 2)], True, [1, 3]),  # a packet that lasts into the next one
        # After I (1 to 2) all before the 2 to come; after P too; after the first B the 3; after both 5; then the end.
        (REORDERED, True, [2, 2, 3, 5, 6]),
        # Cut: what lies beyond the last packet may be shown from its decoding time + 1 = 5 on, which the last one is.
        (REORDERED, False, [2, 2, 3, 5, 6]),
        # Cut after P: no more than what its decoding time leaves certain, 1 + 1 = 2.
        (REORDERED[:2], False, [2, 2]),
        (REORDERED[:2], True, [2, 5]),  # whole: nothing is to come
        # Decoding ends at 4 + 4 = 8; the packet shown from 7 on is within half a length of it, and goes on to 11.
        ([(0, 7, 4), (4, 4, 4)], False, [4, 11]),
    ],
)
def test_media_are_complete_up_to_the_earliest_time_still_to_come(
    packets: Packets, is_whole: bool, complete: list[int]
) -> None:
    assert complete_ticks(make_stream(packets, is_whole=is_whole)) == complete


@pytest.mark.parametrize(
    ("packets", "kept"),
    [
        (IN_ORDER, 3),
        (REORDERED, 5),
        ([(0, 0, 1), (1, 1, 1), (0, 2, 1)], 2),  # decoding goes back
        ([(0, 0, 1), (11, 11, 1)], 1),  # a jump of more than 10 s
        ([(0, 0, 1), (10, 10, 1)], 2),
        ([(0, 0, 1), (1, 0, 1), (2, 2, 1)], 1),  # shown before it is decoded
        ([(0, 11, 1), (1, 1, 1)], 0),  # shown more than 10 s after
    ],
)
def test_packets_from_the_first_damaged_time_on_are_dropped(packets: Packets, kept: int) -> None:
    stream = make_stream(packets)
    stream.cut_at_damage()
    assert (len(stream.pts), len(stream.end_bytes), len(stream.duration)) == (kept, kept, kept)
    assert stream.is_whole == (kept == len(packets)), "what lost its end is no longer whole"


@pytest.mark.parametrize("place", [0, 2, 3, 9])
def test_cut_drops_what_lies_behind_a_place(place: int) -> None:
    stream = make_stream(IN_ORDER)
    stream.cut(place)
    assert (len(stream.dts), stream.is_whole) == (min(place, 3), place >= 3)


@pytest.mark.parametrize(
    ("packets", "dts", "pts", "duration"),
    [
        # A duration is the step to the next packet; the last one's is the shortest of late.
        ([(0, 0, None), (2, 2, None), (5, 5, None)], [0, 2, 5], [0, 2, 5], [2, 3, 2]),
        ([(0, 0, 4), (2, 2, 0), (4, 4, 0)], [0, 2, 4], [0, 2, 4], [4, 2, 2]),
        # One step alone shows no length that holds.
        ([(0, 0, None), (40, 40, None)], [0, 40], [0, 40], [40, 0]),
        # Three frames share each of the first two times, one has the last: it lasts a third of a step.
        (
            [(t, None, None) for first in (0, 6) for t in (first, None, None)] + [(12, None, None)],
            [0, 6, 12],
            [0, 6, 12],
            [6, 6, 2],
        ),
        # Of pictures at uneven times the shortest step counts.
        ([(0, 0, None), (20, 20, None), (60, 60, None)], [0, 20, 60], [0, 20, 60], [20, 40, 20]),
        ([(0, 0, None)], [0], [0], [0]),
        # A decoding time is that of the packet before, a presentation time its own decoding time.
        ([(0, 3, 1), (None, 1, 1), (4, None, 1)], [0, 0, 4], [3, 1, 4], [1, 1, 1]),
        # A clock starts anywhere: no time before the first known one is made up.
        ([(None, None, 1), (None, 2, 1)], [2], [2], [1]),
        ([(None, 600, 1), (599, 602, 1), (600, 601, 1)], [599, 599, 600], [600, 602, 601], [1, 1, 1]),
        # A packet without any time shares that of the one before, and lasts as long as both.
        ([(0, 0, 2), (None, None, 2), (4, 4, 2)], [0, 4], [0, 4], [4, 2]),
    ],
)
def test_times_that_a_container_leaves_out_are_filled_in(
    packets: Any, dts: list[int], pts: list[int], duration: list[int]
) -> None:
    stream = make_stream(packets)
    fill_times(stream)
    assert (stream.dts, stream.pts, stream.duration) == (dts, pts, duration)


STEADY: Packets = [(tick, tick, 1) for tick in range(20)]


@pytest.mark.parametrize(
    ("packets", "kept"),
    [
        # The picture at 19 stands for a minute; then 20 more.
        ([*STEADY, *((tick + 80, tick + 80, 1) for tick in range(20))], 40),
        # For an hour: another programme.
        ([*STEADY, *((tick + 3600, tick + 3600, 1) for tick in range(20))], 20),
        # One packet far ahead, at the start, in the middle or at the end.
        ([(0, 0, 1), *((tick + 80, tick + 80, 1) for tick in range(20))], 1),
        ([*STEADY, (80, 80, 1), *((tick, tick, 1) for tick in range(20, 40))], 20),
        ([*STEADY, (80, 80, 1)], 20),
    ],
)
def test_jump_that_nothing_declares_is_believed_with_steady_packets_on_either_side(packets: Packets, kept: int) -> None:
    for is_stated in (True, False):
        stream = make_stream(packets)
        stream.dts = stream.dts if is_stated else []
        stream.cut_at_damage()
        assert len(stream.pts) == kept


def test_jump_is_believed_where_another_stream_goes_on_meanwhile() -> None:
    still = make_stream([(0, 0, 1), (15, 15, 1)])
    sound = make_stream([(tick, tick, 1) for tick in range(16)])
    cut_streams([still, sound], None, None)
    assert (len(still.pts), len(sound.pts)) == (2, 16)
    # Sound that begins where the pictures jump to says nothing of the time between.
    still, sound = make_stream([(0, 0, 1), (150, 150, 1)]), make_stream([(tick, tick, 1) for tick in range(150, 170)])
    cut_streams([still, sound], None, None)
    assert len(still.pts) == 1


def at_bytes(stream: StreamPackets, *ends: int) -> StreamPackets:
    stream.end_bytes = list(ends)
    return stream


@pytest.mark.parametrize(
    ("streams", "offsets", "seconds"),
    [
        ([make_stream(IN_ORDER)], [10, 20, 30], [1.0, 2.0, 3.0]),
        ([make_stream(IN_ORDER, tick_s=0.5)], [10, 20, 30], [0.5, 1.0, 1.5]),
        # The second packet completes nothing: no step.
        ([make_stream(REORDERED)], [10, 30, 40, 50], [1.0, 2.0, 4.0, 5.0]),
        # Times count from the first presentation time.
        ([make_stream([(5, 5, 1), (6, 6, 1)])], [10, 20], [1.0, 2.0]),
        # The lesser of both streams, at the bytes where it rises.
        (
            [
                at_bytes(make_stream(IN_ORDER, is_whole=False), 10, 30, 50),
                at_bytes(make_stream(IN_ORDER, is_whole=False), 20, 40, 60),
            ],
            [20, 40, 60],
            [1.0, 2.0, 3.0],
        ),
        # A stream that has come to its end (1 s at byte 15) no longer holds the other back.
        (
            [at_bytes(make_stream(IN_ORDER), 10, 20, 30), at_bytes(make_stream([(0, 0, 1)]), 15)],
            [15, 20, 30],
            [1.0, 2.0, 3.0],
        ),
        # The same, cut: the second stream may go on, so nothing beyond its second is complete.
        (
            [at_bytes(make_stream(IN_ORDER), 10, 20, 30), at_bytes(make_stream([(0, 0, 1)], is_whole=False), 15)],
            [15],
            [1.0],
        ),
        # Cut, but the index says that it ends there, within 2 ms.
        (
            [
                at_bytes(make_stream(IN_ORDER), 10, 20, 30),
                at_bytes(make_stream([(0, 0, 1)], is_whole=False, declared_end_s=1.002), 15),
            ],
            [15, 20, 30],
            [1.0, 2.0, 3.0],
        ),
        # Sound before the video's start alone: nothing of the media.
        ([make_stream([(-2, -2, 1)])], [], []),
        # Packets out of order in the file: complete when the last byte of all before is there.
        ([at_bytes(make_stream(IN_ORDER), 10, 40, 30)], [10, 40], [1.0, 3.0]),
    ],
)
def test_streams_together_are_as_complete_as_the_least_of_them(
    streams: list[StreamPackets], offsets: list[int], seconds: list[float]
) -> None:
    found_offsets, found_seconds = merge_streams(streams)
    assert found_offsets == offsets and found_seconds == pytest.approx(seconds)
