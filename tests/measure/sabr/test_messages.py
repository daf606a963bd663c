"""Messages: bytes quoted from logs, and bytes that are none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytomo_scrapy.measure.sabr.messages import (
    FormatId,
    MediaHeader,
    PlaybackStartPolicy,
    ProtectionStatus,
    ReadaheadPolicy,
    TimeRange,
    read_message,
    write_message,
)
from pytomo_scrapy.measure.sabr.sabr_errors import BrokenBody
from tests.texts import CHARACTERS


def test_quoted_start_policy_is_read() -> None:
    # 1 {1: 0, 2: 1200}, 2 {2: 6000}: as a user quoted it from the wire (VacuumTube#189).
    told = read_message(PlaybackStartPolicy, bytes.fromhex("0a05080010b009120310f02e"))
    assert told.start == [ReadaheadPolicy(0, 1200)]
    assert told.resume == [ReadaheadPolicy(None, 6000)]


def test_quoted_protection_status_is_read() -> None:
    assert read_message(ProtectionStatus, bytes.fromhex("0803100a")) == ProtectionStatus(3, 10)


def test_hand_made_header_is_read() -> None:
    # Field 1 number 5; 6 number 300 (ac 02); 8 number 1; 13 a message {1: 134, 3: "x"}; 15 a message {1: 1, 3: 1000}.
    body = bytes.fromhex("080530ac0240016a060886011a01787a05080118e807")
    told = read_message(MediaHeader, body)
    assert (told.header_id, told.start_range, told.is_init_segment) == (5, 300, True)
    assert told.format_id == FormatId(134, None, "x")
    assert told.time_range == TimeRange(1, None, 1000)


def test_unknown_fields_are_passed_over() -> None:
    assert read_message(ProtectionStatus, bytes.fromhex("0802fa02036162639d0100000000")).status == 2


@pytest.mark.parametrize(
    "body",
    [
        b"\x08",  # a number without its bytes
        b"\x08" + b"\xff" * 11,  # and one without an end
        b"\x0a\x7f",  # text of another wire type, longer than there is
        b"\x0b\x0c",  # a group
        b"\x0e",  # no wire type
        b"\x80",
    ],
)
def test_bytes_that_are_no_message_are_refused(body: bytes) -> None:
    with pytest.raises(BrokenBody):
        read_message(ProtectionStatus, body)


def test_text_that_is_none_is_refused() -> None:
    with pytest.raises(BrokenBody):
        read_message(FormatId, b"\x1a\x02\xff\xff")


def test_number_without_an_end_costs_no_time() -> None:
    with pytest.raises(BrokenBody):
        read_message(ProtectionStatus, b"\x08" + b"\xff" * 30_000)


_NUMBERS = (
    st.none()
    | st.integers(0, 2**64 - 1)
    | st.sampled_from([2**power + more for power in (7, 14, 21, 28, 35) for more in (-1, 0)])
)


@settings(max_examples=50, deadline=None)
@given(st.lists(_NUMBERS, min_size=6, max_size=6), st.none() | st.text(CHARACTERS, max_size=200))
def test_numbers_and_texts_of_every_length_are_read(numbers: list[int | None], text: str | None) -> None:
    lmt, start_range, sequence, start_ms, length, ticks = numbers
    told = MediaHeader(3, text, 134, lmt, text, start_range, sequence_number=sequence, start_ms=start_ms)
    told.format_id, told.content_length, told.time_range = FormatId(134, lmt, text), length, TimeRange(ticks, ticks, 7)
    assert read_message(MediaHeader, write_message(told)) == told


def test_header_that_is_cut_anywhere_is_refused_or_shorter() -> None:
    whole = MediaHeader(3, "abcdefghijk", 134, 7, None, 2**40, content_length=2**20, format_id=FormatId(134, 7, None))
    body = write_message(whole)
    for kept in range(len(body)):
        try:
            told = read_message(MediaHeader, body[:kept])
        except BrokenBody:
            continue
        assert told != whole
        assert write_message(told) == body[:kept]


def test_message_that_was_written_is_read() -> None:
    told = MediaHeader(header_id=3, format_id=FormatId(140, 2**53, None), content_length=2**40)
    assert read_message(MediaHeader, write_message(told)) == told
