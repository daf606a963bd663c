"""UMP: hand-made vectors, any cut of the bytes, and what is refused."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytomo_scrapy.measure.sabr.sabr_errors import BodyCut, BrokenBody
from pytomo_scrapy.measure.sabr.ump import MAX_CONTROL_BYTES, MAX_PARTS, ControlPart, MediaPiece, UmpReader, read_number
from tests.measure.sabr.ump_answers import media, number, part

# Five bytes of each length, worked out by hand: the leading ones of the first byte are the further bytes, what is left
# of it are the lowest bits, and the others follow, the lowest first. 0xAD = 10 101101: 45 | 5 << 6 = 365.
VECTORS = [
    ("00", 0),
    ("7f", 127),
    ("ad05", 365),
    ("bf01", 127),  # longer than it needs to be
    ("d52205", 0x15 | 0x22 << 5 | 0x05 << 13),
    ("e0688909", 0x68 << 4 | 0x89 << 12 | 0x09 << 20),
    ("f0ffffffff", 2**32 - 1),
    ("ff01000000", 1),  # the low bits of the first byte say nothing
]


@pytest.mark.parametrize(("written", "value"), VECTORS)
def test_number_of_every_length_is_read(written: str, value: int) -> None:
    data = bytes.fromhex(written)
    assert read_number(data) == (value, len(data))
    assert all(read_number(data[:length]) is None for length in range(len(data)))


def test_recorded_numbers_are_read(shared: Path) -> None:
    vectors = json.loads((shared / "sabr" / "ump_vectors" / "varints.json").read_text())["read"]
    assert [(read_number(bytes.fromhex(written)) or (None,))[0] for written, _ in vectors] == [
        value for _, value in vectors
    ]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_number_that_was_written_is_read(value: int) -> None:
    for length in range(1, 6):
        if length == 5 or value < 1 << 7 * length:
            assert read_number(number(value, length)) == (value, length)


def read(data: bytes, cuts: list[int], wanted: tuple[int, ...] = (20, 22, 35)) -> list[ControlPart | MediaPiece]:
    """Read `data` in pieces; media that came in several are put together again."""
    reader, at = UmpReader(wanted), 0
    found: list[ControlPart | MediaPiece] = []
    for cut in [*sorted(cuts), len(data)]:
        for one in reader.feed(data[at:cut]):
            before = found[-1] if found else None
            if isinstance(one, MediaPiece) and isinstance(before, MediaPiece):
                found[-1] = MediaPiece(one.header_id, before.body + one.body)
            else:
                found.append(one)
        at = cut
    reader.finish()
    return found


BODY = part(35, b"\x08\x01") + part(99, b"x" * 300) + part(20, b"head") + media(200, b"abc" * 100) + part(22, b"\x05")
EXPECTED = [
    ControlPart(35, b"\x08\x01"),
    ControlPart(20, b"head"),
    MediaPiece(200, b"abc" * 100),
    ControlPart(22, b"\x05"),
]


def test_parts_come_out_whatever_the_cut() -> None:
    for cut in range(len(BODY)):
        assert read(BODY, [cut]) == EXPECTED
    assert read(BODY, list(range(len(BODY)))) == EXPECTED


@settings(deadline=None)
@given(st.integers())
def test_parts_come_out_of_random_cuts(seed: int) -> None:
    rng = random.Random(seed)
    assert read(BODY, [rng.randrange(len(BODY)) for _ in range(rng.randrange(20))]) == EXPECTED


def test_longer_numbers_than_needed_are_read() -> None:
    assert read(number(22, 3) + number(1, 5) + b"\x05", []) == [ControlPart(22, b"\x05")]


def test_media_are_handed_on_before_their_part_is_whole() -> None:
    reader = UmpReader(())
    assert isinstance(reader.feed(media(3, b"x" * 1000)[:500])[0], MediaPiece)
    assert reader.media_bytes == 500 - 4  # type, size in two bytes, header id


def test_empty_part_comes_out_at_once() -> None:
    assert UmpReader((35,)).feed(part(35)) == [ControlPart(35, b"")]
    assert read(part(99) + part(35), []) == [ControlPart(35, b"")]


@pytest.mark.parametrize("kept", [1, 3, 10, 330, len(BODY) - 1])
def test_body_that_ends_in_a_part_is_cut(kept: int) -> None:
    reader = UmpReader((20, 22, 35))
    reader.feed(BODY[:kept])
    with pytest.raises(BodyCut):
        reader.finish()


def test_huge_control_part_is_refused_before_its_bytes_come() -> None:
    with pytest.raises(BrokenBody):
        UmpReader((35,)).feed(number(35) + number(MAX_CONTROL_BYTES + 1))


def test_huge_unknown_part_is_passed_over_and_kept_nowhere() -> None:
    reader = UmpReader((35,))
    assert reader.feed(number(99) + number(2**32 - 1)) == []
    assert reader.feed(bytes(1000)) == []
    assert reader._rest == b""


@pytest.mark.parametrize("body", [number(21) + number(0), number(21) + number(1) + b"\xbf\x01"])
def test_media_without_a_header_id_are_refused(body: bytes) -> None:
    with pytest.raises(BrokenBody):
        UmpReader(()).feed(body)


def test_part_without_a_body_that_is_the_last_is_read() -> None:
    reader = UmpReader((46,))
    assert reader.feed(part(46)) == [ControlPart(46, b"")]
    reader.finish()
    assert reader.part_count == 1


@pytest.mark.parametrize("one", [part(99), media(1, b"x"), part(35, b"\x08\x01")])
def test_answer_of_nothing_but_heads_is_broken_before_it_costs_much(one: bytes) -> None:
    reader, count = UmpReader((35,)), 0
    with pytest.raises(BrokenBody, match="parts"):
        while count <= 2 * MAX_PARTS:
            reader.feed(one * 1000)
            count += 1000
    assert count == MAX_PARTS
