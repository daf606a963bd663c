"""The walk over hand-made boxes and elements: every field of a `sidx`, cut files, and lengths that lie."""

from __future__ import annotations

import io
import struct
from itertools import accumulate

import pytest

from pytomo_scrapy.items import MediaSegment
from pytomo_scrapy.measure.media import boxes as module
from pytomo_scrapy.measure.media import ebml
from pytomo_scrapy.measure.media.boxes import read_layout
from pytomo_scrapy.measure.media.layout import Layout
from pytomo_scrapy.measure.media.segment_index import Sidx, parse_sidx, segments_of_indexes
from pytomo_scrapy.measure.media.sniffing import sniff

FTYP = struct.pack(">I4s", 16, b"ftyp") + b"isom\0\0\2\0"  # 16 bytes


def box(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def sidx(*references: tuple[int, int], version: int = 0, timescale: int = 1000, first_offset: int = 0) -> bytes:
    """Return a segment index; each reference is (bytes, ticks)."""
    wide = ">QQ" if version else ">II"
    body = bytes([version, 0, 0, 0]) + struct.pack(">II", 1, timescale) + struct.pack(wide, 0, first_offset)
    body += struct.pack(">HH", 0, len(references))
    return box(b"sidx", body + b"".join(struct.pack(">III", size, ticks, 1 << 31) for size, ticks in references))


def layout_of(content: bytes, received_bytes: int | None = None, size_bytes: int | None = None) -> Layout:
    received = len(content) if received_bytes is None else received_bytes
    return read_layout(io.BytesIO(content[:received]), received, size_bytes)


# Which container it is.


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (FTYP, "mp4"),
        (box(b"moof"), "mp4"),  # a fragment without its start
        (box(b"wide"), "mp4"),
        (b"\x1a\x45\xdf\xa3" + bytes(8), "webm"),
        (b"FLV\x01\x05", "flv"),
        (b"G" + bytes(187), "mpegts"),
        ((b"G" + bytes(187)) * 3, "mpegts"),
        ((b"G" + bytes(187)) * 2 + b"H", None),  # the third packet does not begin with its mark
        (b"G" + bytes(186) + b"GG", "mpegts"),  # the mark of the second packet stands at 188
        (b"G" + bytes(187) + b"H", None),
        (b"<!doctype html>", None),
        (b"", None),
        (b"\x1a\x45\xdf", None),  # too short to tell
    ],
)
def test_sniff_tells_the_container_by_its_first_bytes(head: bytes, container: str | None) -> None:
    assert sniff(head) == container


@pytest.mark.parametrize("content", [b"", b"<!doctype html>", b"FLV\x01\x05", b"G" + bytes(187)])
def test_layout_without_an_index_that_we_read_is_empty(content: bytes) -> None:
    layout = layout_of(content)
    assert (layout.boxes, layout.segments, layout.fragments, layout.init_bytes) == ([], (), (), 0)
    assert layout.is_index_missing is False


# The boxes of an MP4 file.


@pytest.mark.parametrize(
    ("content", "received_bytes", "found"),
    [
        (FTYP + box(b"free", bytes(4)), None, [(b"ftyp", 0, 16), (b"free", 16, 28)]),
        # Of the last box only the header has arrived: its end is what it declares.
        (FTYP + box(b"mdat", bytes(100)), 24, [(b"ftyp", 0, 16), (b"mdat", 16, 124)]),
        (FTYP + box(b"mdat", bytes(100)), 23, [(b"ftyp", 0, 16)]),
        # Size 1: the length follows in 64 bits. 16 + 24 = 40.
        (
            FTYP + struct.pack(">I4sQ", 1, b"mdat", 24) + bytes(8) + box(b"free"),
            None,
            [(b"ftyp", 0, 16), (b"mdat", 16, 40), (b"free", 40, 48)],
        ),
        # Size 0: to the end of the file, wherever that is.
        (FTYP + struct.pack(">I4s", 0, b"mdat"), None, [(b"ftyp", 0, 16), (b"mdat", 16, 16 + (1 << 62))]),
        # A box cannot be smaller than its header: the walk would never end.
        (FTYP + struct.pack(">I4s", 7, b"mdat") + box(b"free"), None, [(b"ftyp", 0, 16)]),
        (FTYP + struct.pack(">I4sQ", 1, b"mdat", 3), None, [(b"ftyp", 0, 16)]),
        # Size 1, and the file ends before the 64 bits.
        (FTYP + struct.pack(">I4s", 1, b"mdat"), None, [(b"ftyp", 0, 16)]),
        # A length beyond what a file can seek to.
        (FTYP + struct.pack(">I4sQ", 1, b"mdat", 2**64 - 1), None, [(b"ftyp", 0, 16), (b"mdat", 16, 16 + 2**64 - 1)]),
    ],
)
def test_boxes_of_the_top_level_are_found_as_far_as_they_have_arrived(
    content: bytes, received_bytes: int | None, found: list[tuple[bytes, int, int]]
) -> None:
    assert layout_of(content, received_bytes).boxes == found


def test_boxes_that_are_said_to_have_arrived_and_are_not_there_end_the_walk() -> None:
    assert read_layout(io.BytesIO(FTYP + b"\0\0"), 1000, None).boxes == [(b"ftyp", 0, 16)]


def test_boxes_beyond_the_bound_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BOXES", 3)
    assert len(layout_of(FTYP + box(b"free") * 5).boxes) == 3


MOOV, MDAT = box(b"moov", bytes(20)), box(b"mdat", bytes(50))


@pytest.mark.parametrize(
    ("content", "received_bytes", "index_end_bytes", "is_index_missing"),
    [
        (FTYP + MOOV + MDAT, None, None, False),  # the index first: nothing to go and fetch
        (FTYP + MDAT + MOOV, None, 16 + 58 + 28, False),  # behind the media: fetched from there
        (FTYP + MDAT + MOOV, 16 + 58 + 27, None, True),  # a byte of it is missing
        (FTYP + MDAT, None, None, True),
        (FTYP + MOOV, 16 + 27, None, True),
        (FTYP, None, None, False),  # neither media nor index so far
    ],
)
def test_index_of_the_file_is_whole_behind_the_media_or_missing(
    content: bytes, received_bytes: int | None, index_end_bytes: int | None, is_index_missing: bool
) -> None:
    layout = layout_of(content, received_bytes)
    assert (layout.index_end_bytes, layout.is_index_missing) == (index_end_bytes, is_index_missing)


def test_fragments_without_an_index_are_pairs_of_header_and_media() -> None:
    moof, mdat = box(b"moof", bytes(12)), box(b"mdat", bytes(22))  # 20 and 30 bytes
    layout = layout_of(FTYP + MOOV + moof + mdat + box(b"free") + moof + mdat + moof)
    # 16 + 28 = 44; 44 + 50 = 94; `free` takes 8; 102 + 50 = 152; the last header has no media yet.
    assert layout.fragments == ((44, 94), (102, 152))
    assert (layout.init_bytes, layout.segments, layout.duration_s) == (44, (), None)


def test_segments_of_an_index_are_where_it_ends_and_give_start_and_duration() -> None:
    index = sidx((100, 2000), (300, 1500))  # 12 + 8 + 8 + 4 + 2 x 12 = 56 bytes with its header
    assert len(index) == 56
    layout = layout_of(FTYP + MOOV + index + MDAT)
    # 16 + 28 + 56 = 100
    assert layout.segments == (MediaSegment(100, 200, 0.0, 2.0), MediaSegment(200, 500, 2.0, 1.5))
    assert (layout.init_bytes, layout.duration_s) == (100, 3.5)


@pytest.mark.parametrize(
    ("content", "received_bytes", "segment_count"),
    [
        (FTYP + sidx((100, 1000)) + sidx((7, 1000), (7, 1000)), None, 1),  # the first that can be read counts
        (FTYP + sidx((100, 0)) + sidx((7, 1000), (7, 1000)), None, 2),
        (FTYP + sidx((100, 1000)), 16 + 43, 0),  # 44 bytes of index, of which one has not arrived
        (FTYP + sidx((100, 1000)), 16 + 44, 1),
    ],
)
def test_first_whole_index_of_several_counts(content: bytes, received_bytes: int | None, segment_count: int) -> None:
    assert len(layout_of(content, received_bytes).segments) == segment_count


def test_index_longer_than_the_bound_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_INDEX_BYTES", 43)
    assert layout_of(FTYP + sidx((100, 1000))).segments == ()


# The segment index itself.


def listed(index: bytes, anchor_byte: int) -> tuple[MediaSegment, ...]:
    found = parse_sidx(index, anchor_byte)
    return segments_of_indexes([Sidx(0, found)]) if found else ()


@pytest.mark.parametrize("version", [0, 1])
def test_sidx_of_either_version_counts_from_its_anchor_and_its_first_offset(version: int) -> None:
    index = sidx((10, 90), (20, 45), version=version, timescale=90, first_offset=5)
    # Anchor 1000 + 5; ticks of 1/90 s.
    assert listed(index, 1000) == (MediaSegment(1005, 1015, 0.0, 1.0), MediaSegment(1015, 1035, 1.0, 0.5))


@pytest.mark.parametrize(
    "index",
    [
        sidx((10, 90), timescale=0),  # a tick of no length
        sidx((10 | 1 << 31, 90)),  # refers to a further index
        sidx((0, 90)),
        sidx((10, 0)),
        sidx((10, 90), (10, 0)),
        sidx((10, 90))[:-1],  # cut within the last reference
        sidx((10, 90))[:8],  # no version
        sidx((10, 90))[:20],  # no offset
        sidx((10, 90), version=1)[:30],
        b"",
    ],
)
def test_sidx_that_is_damaged_or_nested_has_no_segments(index: bytes) -> None:
    assert listed(index, 1000) == ()


def test_sidx_without_references_has_no_segments() -> None:
    assert listed(sidx(), 1000) == ()


# WebM.


def number(value: int, length: int = 1) -> bytes:
    """Return an EBML size of so many bytes."""
    return (value | 1 << 7 * length).to_bytes(length, "big")


def element(identity: int, body: bytes, size: bytes | None = None) -> bytes:
    return identity.to_bytes((identity.bit_length() + 7) // 8, "big") + (size or number(len(body), 4)) + body


HEADER = element(0x1A45DFA3, b"webm")  # 4 + 4 + 4 = 12 bytes
BASE = 12 + 8  # the first byte of the segment's body
UNKNOWN = b"\x01\xff\xff\xff\xff\xff\xff\xff"  # 8 bytes: a segment of unknown size, as live encoders write
SCALE, DURATION, TIMECODE = 0x2AD7B1, 0x4489, 0xE7


def info(duration: bytes = struct.pack(">d", 9000.0), scale_ns: int = 1_000_000) -> bytes:
    return element(0x1549A966, element(SCALE, scale_ns.to_bytes(4, "big")) + element(DURATION, duration))


def cluster(ticks: int, byte_count: int = 10) -> bytes:
    return element(0x1F43B675, element(TIMECODE, ticks.to_bytes(2, "big")) + element(0xA3, bytes(byte_count)))


def cue(ticks: int, position: int) -> bytes:
    where = element(0xB7, element(0xF1, position.to_bytes(4, "big")))
    return element(0xBB, element(0xB3, ticks.to_bytes(2, "big")) + where)


def webm(*parts: bytes, size: bytes | None = None) -> bytes:
    return HEADER + element(0x18538067, b"".join(parts), size)


def starts_of(*parts: bytes) -> list[int]:
    """Return where each part lies in the segment's body, and where the last ends."""
    return list(accumulate((len(part) for part in parts), initial=0))


def test_webm_clusters_are_fragments_with_the_times_that_they_say() -> None:
    parts = (info(), cluster(0), cluster(4000), cluster(8000))
    places = [BASE + start for start in starts_of(*parts)]
    layout = layout_of(webm(*parts))
    assert (layout.container, layout.duration_s, layout.segments) == ("webm", 9.0, ())
    assert layout.fragment_s == (0.0, 4.0, 8.0)
    assert layout.fragments == ((places[1], places[2]), (places[2], places[3]), (places[3], places[4]))
    assert layout.init_bytes == places[1]


def test_webm_cues_before_the_media_are_segments_up_to_the_end_of_the_file() -> None:
    head = info()
    length = len(element(0x1C53BB6B, cue(0, 0) + cue(4000, 0)))
    first = len(head) + length  # from the segment's body on, as cues count
    media = (cluster(0), cluster(4000))
    cues = element(0x1C53BB6B, cue(0, first) + cue(4000, first + len(media[0])))
    content = webm(head, cues, *media)
    layout = layout_of(content, received_bytes=BASE + first)  # of the media nothing has arrived
    second = BASE + first + len(media[0])
    # 9 s long: the second segment lasts from 4 s to there.
    assert layout.segments == (
        MediaSegment(BASE + first, second, 0.0, 4.0),
        MediaSegment(second, len(content), 4.0, 5.0),
    )
    assert layout.init_bytes == BASE + first


def test_webm_cues_behind_the_media_end_the_last_segment() -> None:
    head, media = info(), (cluster(0), cluster(4000))
    starts = starts_of(head, *media)
    cues = element(0x1C53BB6B, cue(0, starts[1]) + cue(4000, starts[2]))
    layout = layout_of(webm(head, *media, cues, element(0xEC, bytes(50))))
    assert [segment.end_byte - BASE for segment in layout.segments] == [starts[2], starts[3]]


@pytest.mark.parametrize(
    ("points", "count"),
    [
        (((0, 100), (4000, 200)), 2),
        (((0, 100), (0, 100), (4000, 200)), 2),  # one cue a track: the same cluster
        (((4000, 100), (4000, 200)), 0),  # times that do not rise
        (((0, 200), (4000, 100)), 0),  # bytes that do not rise
        (((0, 100), (9000, 200)), 0),  # the last begins at the end of the video
        ((), 0),
    ],
)
def test_webm_cues_that_do_not_rise_are_no_index(points: tuple[tuple[int, int], ...], count: int) -> None:
    cues = element(0x1C53BB6B, b"".join(cue(*point) for point in points))
    assert len(layout_of(webm(info(), cues, element(0xEC, bytes(500)))).segments) == count


def test_webm_cues_without_a_duration_are_no_index() -> None:
    cues = element(0x1C53BB6B, cue(0, 100) + cue(4000, 200))
    assert layout_of(webm(info(b""), cues, element(0xEC, bytes(500)))).segments == ()


def test_webm_cues_that_have_not_arrived_whole_are_no_index() -> None:
    head, cues = info(), element(0x1C53BB6B, cue(0, 100) + cue(4000, 200))
    content, end = webm(head, cues, element(0xEC, bytes(500))), BASE + len(head) + len(cues)
    assert layout_of(content, end - 1).segments == ()
    assert len(layout_of(content, end).segments) == 2


def test_webm_cue_points_without_a_place_and_other_children_are_left_out() -> None:
    no_place = element(0xBB, element(0xB3, b"\x0f\xa0"))
    no_time = element(0xBB, element(0xB7, element(0xF1, b"\x01")))
    cues = element(0x1C53BB6B, cue(0, 100) + no_place + no_time + element(0xEC, b"") + cue(4000, 200))
    assert len(layout_of(webm(info(), cues, element(0xEC, bytes(500)))).segments) == 2


def test_webm_of_unknown_size_ends_with_the_file_or_what_has_arrived() -> None:
    head = info()
    cues = element(0x1C53BB6B, cue(0, 100) + cue(4000, 200))
    content = webm(head, cues, element(0xEC, bytes(500)), size=UNKNOWN)
    assert layout_of(content, size_bytes=9999).segments[-1].end_byte == 9999
    assert layout_of(content).segments[-1].end_byte == len(content)


@pytest.mark.parametrize(
    ("duration", "scale_ns", "duration_s"),
    [
        (struct.pack(">d", 9000.0), 1_000_000, 9.0),
        (struct.pack(">f", 9000.0), 1_000_000, 9.0),
        (struct.pack(">d", 90.0), 100_000_000, 9.0),
        (struct.pack(">d", 9000.0), 0, 9.0),  # no scale: that of the standard, a millisecond
        (struct.pack(">d", 0.0), 1_000_000, None),
        (struct.pack(">d", -5.0), 1_000_000, None),
        (struct.pack(">d", float("nan")), 1_000_000, None),
        (struct.pack(">d", 1e10), 1_000_000, None),  # 1e7 s: 115 days
        (b"\0\0", 1_000_000, None),
        (b"", 1_000_000, None),
    ],
)
def test_webm_duration_is_read_in_its_scale(duration: bytes, scale_ns: int, duration_s: float | None) -> None:
    assert layout_of(webm(info(duration, scale_ns))).duration_s == duration_s


@pytest.mark.parametrize(
    "content",
    [
        HEADER,  # nothing behind the header
        HEADER + element(0x1F43B675, b""),  # no segment
        b"\x1a\x45\xdf\xa3" + UNKNOWN,  # a header without an end
        b"\x1a\x45\xdf\xa3",
        b"\x1a\x45\xdf\xa3\x00",  # a size cannot begin with eight zeros
        b"\x1a\x45\xdf\xa3\x08\x00",  # cut within the size
    ],
)
def test_webm_that_is_cut_before_its_segment_has_nothing(content: bytes) -> None:
    layout = layout_of(content)
    assert (layout.container, layout.fragments, layout.segments, layout.init_bytes) == ("webm", (), (), 0)


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (element(0x1F43B675, element(TIMECODE, b"\1"), size=UNKNOWN), "its end is unknown"),
        (element(0x1F43B675, element(0xA3, bytes(40))), "it does not begin with its time"),
        (b"\x00" * 20, "no element begins so"),
    ],
)
def test_webm_walk_ends_at_an_element_that_it_cannot_use(part: bytes, reason: str) -> None:
    assert layout_of(webm(info(), cluster(0), part, cluster(4000))).fragment_s == (0.0,), reason


def test_webm_elements_beyond_the_bound_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ebml, "MAX_ELEMENTS", 2)
    assert layout_of(webm(*[cluster(number) for number in range(5)])).fragment_s == (0.0, 0.001)
