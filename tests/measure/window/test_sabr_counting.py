"""A body over SABR of which curl's bytes are only counted: the figures are those of a body that is handed over."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytomo_scrapy.items import MediaSegment
from pytomo_scrapy.measure.sabr.messages import SabrErrorPart
from pytomo_scrapy.measure.sabr.sabr_session import SabrSession
from pytomo_scrapy.measure.sabr.ump import MAX_PARTS, UmpReader
from pytomo_scrapy.measure.window.stream import NEAR_CAP_BYTES, STOP
from tests.measure.sabr.ump_answers import AUDIO, SEGMENT_BYTES, VIDEO, header, initialised, media, number, part
from tests.measure.window.sabr_machine import UMP_HEAD, SabrWindow, cold_start

FAR_BYTES = 4 * NEAR_CAP_BYTES


def counting_window(folder: Path, **settings: object) -> SabrWindow:
    """A window whose spools are full and whose cap is far, at the first byte of an answer's body."""
    window = SabrWindow(folder, **{"max_bytes": FAR_BYTES, **settings})
    for stream in window.streams:
        stream.spool.room_bytes = 0
    assert window.head(0.1, *UMP_HEAD) == []
    return window


def in_parts(rng: random.Random, sequences: tuple[int, ...]) -> bytes:
    """Return a first answer whose segments come in parts of random sizes, other tracks' and unknown ones between."""
    parts = [initialised(VIDEO), initialised(AUDIO)]
    for sequence in sequences:
        left_bytes = {1: SEGMENT_BYTES, 2: SEGMENT_BYTES}
        parts += [header(VIDEO, sequence, 1), header(AUDIO, sequence, 2)]
        while left_bytes:
            header_id = rng.choice(list(left_bytes))
            for _ in range(rng.choice((1, 1, 4))):
                size_bytes = min(rng.randrange(1, 400), left_bytes[header_id])
                left_bytes[header_id] -= size_bytes
                parts.append(media(header_id, bytes(size_bytes)))
            parts += [part(99, b"unknown")] * (rng.random() < 0.2)
            if not left_bytes[header_id]:
                del left_bytes[header_id]
                parts.append(part(22, number(header_id)))
    return b"".join(parts)


def play(window: SabrWindow, body: bytes, rng: random.Random, take: Callable[[bytes], int | None]) -> object:
    """Give a body in pieces of random sizes, noted as often as the loop would, and return what is known of it."""
    at = 0
    while at < len(body):
        size_bytes = rng.choice((1, 3, 50, 400, 1500))
        assert take(body[at : at + size_bytes]) is None
        at += size_bytes
        if rng.random() < 0.3:
            window.request.channel.count(0)
        assert window.request.received_bytes == min(at, len(body))
    window.request.channel.count(0)
    window.end(0.2)
    session: SabrSession = window.state.session
    segments: dict[str, list[MediaSegment]] = {kind: track.segments for kind, track in session.tracks.items()}
    received = [stream.received_bytes for stream in window.streams]
    return segments, received, session.figures.overhead_bytes, session.segments.repeated_bytes, window.row


@given(st.integers())
def test_body_that_is_counted_has_the_figures_of_one_that_is_handed_over(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    body = in_parts(random.Random(seed), (1, 2, 3))
    folder = tmp_path_factory.mktemp("spool")
    handed, counted = counting_window(folder), counting_window(folder)
    expected = play(handed, body, random.Random(seed), handed.request.channel.receive)
    assert play(counted, body, random.Random(seed + 1), counted.request.channel.counter) == expected
    assert counted.streams[0].received_bytes == 100 + 3 * SEGMENT_BYTES


def test_bodies_are_counted_once_no_stream_wants_them_and_none_before(tmp_path: Path) -> None:
    window = SabrWindow(tmp_path, max_bytes=FAR_BYTES)
    channel = window.request.channel
    assert not channel.may_be_counted  # the head may still be that of a page
    window.head(0.1, *UMP_HEAD)
    assert not channel.may_be_counted
    window.streams[0].spool.room_bytes = 0
    assert not channel.may_be_counted
    window.streams[1].spool.room_bytes = 0
    assert channel.may_be_counted


def test_bodies_are_handed_over_near_the_byte_cap(tmp_path: Path) -> None:
    assert not counting_window(tmp_path, max_bytes=NEAR_CAP_BYTES).request.channel.may_be_counted


def test_counted_bytes_are_stamped_when_they_are_noted(tmp_path: Path) -> None:
    window = counting_window(tmp_path)
    body = b"".join([*cold_start(()), header(VIDEO, 1), part(21, number(1) + bytes(900))])
    channel = window.request.channel
    assert channel.counter(body[:-800]) is None
    window.now_s = 1.0
    assert channel.counter(body[-800:-1]) is None
    assert window.streams[0].received_bytes == 100 + 100
    channel.count(0)
    assert window.streams[0].received_bytes == 100 + 899
    arrival_s, arrival_bytes = window.streams[0].trace.finish(window.clock() - 1.0, window.streams[0].received_bytes)
    assert (arrival_s[-1], arrival_bytes[-1]) == (1.0, 999)


def test_broken_parts_end_a_transfer_that_is_counted(tmp_path: Path) -> None:
    window = counting_window(tmp_path)
    body = b"".join([*cold_start((1,)), part(44, SabrErrorPart("sabr.x", 3))])
    assert window.request.channel.counter(body) == STOP
    assert not window.request.channel.may_be_counted
    window.end(0.2)
    assert window.failures == {"sabr_error"}


@pytest.mark.parametrize(
    ("behind", "most_bytes", "expected"),
    [
        (media(5, bytes(300)), 300, (4, 300)),
        (media(5, bytes(300)), 299, None),  # more than the segment has
        (media(6, bytes(300)), 300, None),  # another segment's
        (part(22, number(5)), 300, None),
        (media(5, bytes(30)), 300, None),  # ends in this read
        (part(21), 300, None),
    ],
)
def test_next_part_of_a_segment_is_passed_to_only_where_nothing_else_follows(
    behind: bytes, most_bytes: int, expected: tuple[int, int] | None
) -> None:
    reader = UmpReader((20, 22))
    reader.feed(media(5, bytes(100))[:-10])
    data = bytes(10) + behind[:200]
    found = reader.next_media(data, 10, most_bytes)
    assert found == (None if expected is None else (10 + expected[0], expected[1]))
    assert reader.media_left == ((5, 300) if expected else (5, 10))
    assert reader.part_count == (2 if expected else 1)


END, OTHER_HEADER = part(22, number(5)), header(VIDEO, 2, 6)


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        (END + OTHER_HEADER + media(6, bytes(300)), [22, 20]),
        (END + media(6, bytes(300)), [22]),
        (OTHER_HEADER + media(5, bytes(300)), [20]),
        (END + OTHER_HEADER + media(6, bytes(90)), None),  # ends in this read
        (END + OTHER_HEADER, None),
        (END[:-1], None),
        (END + part(99, b"unknown") + media(6, bytes(300)), None),
        (part(20, bytes(128)) + media(6, bytes(300)), None),  # its size takes two bytes
        (END + OTHER_HEADER + part(21), None),
        (END + OTHER_HEADER + part(21, number(300) + bytes(300)), None),
    ],
)
def test_next_segment_is_passed_to_only_where_nothing_but_short_parts_is_between(
    behind: bytes, expected: list[int] | None
) -> None:
    reader = UmpReader((20, 22))
    reader.feed(media(5, bytes(100))[:-10])
    data = bytes(10) + behind[:200]
    before = reader.media_left, reader.media_bytes, reader.part_count
    found = reader.next_segment(data, 10)
    if expected is None:
        assert found is None
        assert (reader.media_left, reader.media_bytes, reader.part_count) == before
        return
    assert found is not None
    assert [one.kind for one in found.parts] == expected
    assert (found.ended_id, reader.media_left[1], reader.part_count) == (5, 300, 2 + len(expected))
    assert 10 + found.head_bytes + found.media_bytes == len(data)
    assert reader.media_bytes == 100  # of the first, as a whole


def test_heads_without_end_are_left_to_the_reader_that_counts_them() -> None:
    reader = UmpReader((20, 22))
    reader.feed(media(5, bytes(100))[:-10])
    reader.part_count = MAX_PARTS + 1
    assert reader.next_segment(bytes(10) + END + media(6, bytes(300))[:200], 10) is None


@pytest.mark.parametrize("take", ["receive", "counter"])
def test_broken_part_between_two_segments_leaves_the_same_figures_however_bytes_are_taken(
    tmp_path: Path, take: str
) -> None:
    window = counting_window(tmp_path)
    channel = window.request.channel
    begun = b"".join([*cold_start((1,)), header(VIDEO, 2, 5), media(5, bytes(SEGMENT_BYTES))])
    assert getattr(channel, take)(begun[:-100]) is None
    behind = END + part(44, SabrErrorPart("sabr.x", 3)) + header(VIDEO, 3, 6) + media(6, bytes(SEGMENT_BYTES))[:50]
    assert getattr(channel, take)(begun[-100:] + behind) == STOP
    assert window.request.received_bytes == len(begun) + len(behind)
    assert window.streams[0].received_bytes == 100 + 2 * SEGMENT_BYTES
    window.end(0.2)
    session: SabrSession = window.state.session
    assert window.failures == {"sabr_error"}
    assert session.media_bytes == 100 + 100 + 3 * SEGMENT_BYTES + 46
