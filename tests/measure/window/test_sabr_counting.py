"""A body over SABR of which curl's bytes are only counted: the figures are those of a body that is handed over."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytomo_scrapy.items import MediaSegment
from pytomo_scrapy.measure.sabr.messages import SabrErrorPart
from pytomo_scrapy.measure.sabr.sabr_errors import BrokenBody
from pytomo_scrapy.measure.sabr.sabr_session import PASSED, SabrSession
from pytomo_scrapy.measure.sabr.ump import MAX_PARTS, Skimmed, UmpReader, find_media
from pytomo_scrapy.measure.window.events import DeadlineReached, Tick
from pytomo_scrapy.measure.window.sabr_request import TELL_S
from pytomo_scrapy.measure.window.stream import NEAR_CAP_BYTES, STOP
from tests.measure.sabr.ump_answers import (
    AUDIO,
    SEGMENT_BYTES,
    VIDEO,
    header,
    initialised,
    media,
    number,
    part,
    segment,
    start_policy,
)
from tests.measure.window.sabr_machine import UMP_HEAD, SabrWindow, cold_start

FAR_BYTES = 4 * NEAR_CAP_BYTES
END, OTHER_HEADER = part(22, number(5)), header(VIDEO, 2, 6)
BETWEEN_BYTES = len(END + OTHER_HEADER)


def counting_window(folder: Path, **settings: object) -> SabrWindow:
    """A window whose spools are full and whose cap is far, at the first byte of an answer's body."""
    window = SabrWindow(folder, **{"max_bytes": FAR_BYTES, **settings})
    for stream in window.streams:
        stream.spool.room_bytes = 0
    assert window.head(0.1, *UMP_HEAD) == []
    return window


def in_parts(rng: random.Random, sequences: tuple[int, ...]) -> bytes:
    """Return a first answer whose segments come in parts of random sizes, other tracks' and unknown ones between."""
    parts = [start_policy(), initialised(VIDEO), initialised(AUDIO)]
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
    """Give a body in pieces of random sizes, and return what is known of it. Ticks and notes come when they like."""
    at, loop = 0, random.Random(rng.random())
    while at < len(body):
        size_bytes = rng.choice((1, 3, 50, 400, 1500))
        window.now_s = 0.1 + at / 1000
        assert take(body[at : at + size_bytes]) is None
        at += size_bytes
        if loop.random() < 0.3:
            window.request.channel.count(0)
        if loop.random() < 0.1:
            window.state.handle(Tick(window.now_s))
        assert window.request.received_bytes == min(at, len(body))
    window.end(window.now_s)
    return played(window)


def played(window: SabrWindow) -> object:
    """Return what a session tells of what came, and when."""
    session: SabrSession = window.state.session
    segments: dict[str, list[MediaSegment]] = {kind: track.segments for kind, track in session.tracks.items()}
    received = [stream.received_bytes for stream in window.streams]
    figures = session.figures, session.segments.repeated_bytes, session.demand.longest_ahead_s
    return segments, received, figures, session.demand.playhead_s, window.row


@settings(max_examples=20, deadline=None)
@given(st.integers(), st.sampled_from([(1, 2, 3), (2, 1, 3), (3, 1, 2), (1, 1, 2), (1, 2, 1, 3)]))
def test_body_that_is_counted_has_the_figures_of_one_that_is_handed_over(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sequences: tuple[int, ...]
) -> None:
    body = in_parts(random.Random(seed), sequences)
    folder = tmp_path_factory.mktemp("spool")
    handed, counted = counting_window(folder), counting_window(folder)
    expected = play(handed, body, random.Random(seed), handed.request.channel.receive)
    assert play(counted, body, random.Random(seed), counted.request.channel.counter) == expected
    assert counted.streams[0].received_bytes == 100 + max(sequences) * SEGMENT_BYTES


def test_body_may_be_counted_and_handed_over_in_turn(tmp_path: Path) -> None:
    body = in_parts(random.Random(11), (1, 2, 3))
    handed, mixed = counting_window(tmp_path), counting_window(tmp_path)
    expected = play(handed, body, random.Random(12), handed.request.channel.receive)
    ways, rng = (mixed.request.channel.receive, mixed.request.channel.counter), random.Random(13)
    assert play(mixed, body, random.Random(12), lambda read: rng.choice(ways)(read)) == expected


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


def test_counted_bytes_are_stamped_when_they_are_noted_and_told_at_a_later_tick(tmp_path: Path) -> None:
    window = counting_window(tmp_path)
    body = b"".join([*cold_start(()), header(VIDEO, 1), part(21, number(1) + bytes(900))])
    channel = window.request.channel
    assert channel.counter(body[:-800]) is None
    window.now_s = 1.0
    assert channel.counter(body[-800:-1]) is None
    channel.count(0)
    window.now_s = 1.0 + 0.9 * TELL_S
    window.state.handle(Tick(window.now_s))
    assert window.streams[0].received_bytes == 100 + 100
    window.now_s = 1.5
    window.state.handle(Tick(1.5))
    assert window.streams[0].received_bytes == 100 + 899
    arrival_s, arrival_bytes = window.streams[0].trace.finish(window.clock() - 1.5, window.streams[0].received_bytes)
    assert (arrival_s[-1], arrival_bytes[-1]) == (1.0, 999)


def test_counted_bytes_are_told_at_once_where_they_come_near_the_cap(tmp_path: Path) -> None:
    window = counting_window(tmp_path, max_bytes=NEAR_CAP_BYTES + 1500)
    body = b"".join([*cold_start(()), header(VIDEO, 1), part(21, number(1) + bytes(900))])
    channel = window.request.channel
    assert channel.counter(body[:-900]) is None
    assert channel.counter(body[-900:-500]) is None
    channel.count(0)
    assert channel.may_be_counted
    assert window.streams[0].received_bytes == 100
    window.streams[0].count(500)
    assert channel.counter(body[-500:-1]) is None
    channel.count(0)
    assert window.streams[0].received_bytes == 100 + 500 + 899
    assert not channel.may_be_counted


def test_segment_is_whole_when_its_end_came_not_when_it_is_told(tmp_path: Path) -> None:
    window = counting_window(tmp_path)
    channel = window.request.channel
    begun = b"".join([*cold_start(()), segment(AUDIO, 1), header(VIDEO, 1, 5), media(5, bytes(SEGMENT_BYTES))])
    assert channel.counter(begun[:-10]) is None
    window.now_s = 2.0
    assert channel.counter(begun[-10:] + END + header(VIDEO, 2, 6) + media(6, bytes(SEGMENT_BYTES))[:20]) is None
    window.now_s = 5.0
    session: SabrSession = window.state.session
    assert session.tracks["video"].segments == []
    window.state.handle(Tick(5.0))
    assert len(session.tracks["video"].segments) == 1
    assert session.demand._playhead.t_s == 2.0


def test_segment_that_is_longer_than_announced_ends_a_transfer_that_is_counted(tmp_path: Path) -> None:
    window = counting_window(tmp_path)
    channel = window.request.channel
    begun = b"".join([*cold_start(()), header(VIDEO, 1, 5), media(5, bytes(SEGMENT_BYTES))])
    assert channel.counter(begun[:-10]) is None
    assert channel.counter(begun[-10:] + media(5, bytes(50))[:20]) is None
    channel.count(0)
    window.now_s = 0.2 + TELL_S
    window.state.handle(Tick(window.now_s))
    assert not channel.may_be_counted
    assert channel.counter(bytes(5)) == STOP
    assert window.request.received_bytes == len(begun) + 25
    window.end(0.2)
    assert window.failures == {"bad_response"}


@pytest.mark.parametrize("is_cut", [True, False])
def test_broken_part_that_was_only_counted_is_found_when_the_transfer_is_over(tmp_path: Path, is_cut: bool) -> None:
    window = counting_window(tmp_path)
    begun = b"".join([*cold_start(()), header(VIDEO, 1, 5), media(5, bytes(SEGMENT_BYTES))])
    for read in (begun[:-10], begun[-10:] + media(5, bytes(50))[:20]):
        assert window.request.channel.counter(read) is None
    if is_cut:
        window.state.handle(DeadlineReached())
        window.cut(0.2)
    else:
        window.end(0.2)
    assert window.failures == {"bad_response"}
    assert window.row.failure == "bad_response"


def test_broken_parts_end_a_transfer_that_is_counted(tmp_path: Path) -> None:
    window = counting_window(tmp_path)
    body = b"".join([*cold_start((1,)), part(44, SabrErrorPart("sabr.x", 3))])
    assert window.request.channel.counter(body) == STOP
    assert not window.request.channel.may_be_counted
    window.end(0.2)
    assert window.failures == {"sabr_error"}


@pytest.mark.parametrize(
    ("behind", "expected"),  # where the next part of media begins, where its media do, and how many they are
    [
        (media(5, bytes(300)), (0, 4, 300)),
        (media(6, bytes(300)), (0, 4, 300)),
        (END + OTHER_HEADER + media(6, bytes(300)), (BETWEEN_BYTES, BETWEEN_BYTES + 4, 300)),
        (END + media(6, bytes(300)), (3, 7, 300)),
        (END + OTHER_HEADER + media(6, bytes(90)), None),  # ends in this read
        (media(5, bytes(30)), None),
        (media(200, bytes(300)), None),  # the header's number takes two bytes
        (END + OTHER_HEADER, None),
        (END, None),
        (END[:-1], None),
        (END[:1], None),
        (b"", None),
        (part(44, SabrErrorPart("sabr.x", 3)) + media(6, bytes(300)), None),
        (END + part(99, b"unknown") + media(6, bytes(300)), None),
        (part(20, bytes(128)) + media(6, bytes(300)), None),  # its size takes two bytes
        (END + OTHER_HEADER + part(21), None),
        (part(21, number(300) + bytes(300)), None),
    ],
)
def test_media_are_found_only_where_nothing_but_ends_and_headers_is_before_them(
    behind: bytes, expected: tuple[int, int, int] | None
) -> None:
    data = bytes(10) + behind[:200]
    moved = None if expected is None else (10 + expected[0], 10 + expected[1], expected[2])
    assert find_media(data, 10, PASSED) == moved


def test_heads_without_end_are_broken_however_they_are_taken() -> None:
    reader = UmpReader((20, 22))
    reader.feed(media(5, bytes(100))[:-10])
    reader.part_count = MAX_PARTS
    with pytest.raises(BrokenBody, match="parts"):
        reader.pass_media(Skimmed(0.0, 0, 10, 10, 1, 0))
    with pytest.raises(BrokenBody, match="parts"):
        reader.begin_media(6, 300, 1)


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
