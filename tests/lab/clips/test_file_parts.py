"""Parts of hand-made files, and the damage that is done to them."""

from __future__ import annotations

import pytest

from pytomo_scrapy.lab.clips.file_parts import Part, ebml_elements, mp4_boxes
from pytomo_scrapy.lab.faults import media_wrong_files as module
from pytomo_scrapy.lab.faults.media_wrong_files import damage


def box(name: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4, "big") + name + body


def element(identity: int, body: bytes) -> bytes:
    return identity.to_bytes((identity.bit_length() + 7) // 8, "big") + bytes([0x80 | len(body)]) + body


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", []),
        (b"\0\0\0\x10ft", []),  # the header is cut
        (box(b"ftyp", b"isom"), [Part("ftyp", 0, 8, 12)]),
        (
            box(b"ftyp", b"isom") + box(b"moov", b"abc"),
            [Part("ftyp", 0, 8, 12), Part("moov", 12, 20, 23)],
        ),
        # Size 1: 64 bits follow. Size 0: to the end of the file.
        (b"\0\0\0\1mdat" + (20).to_bytes(8, "big") + b"wxyz", [Part("mdat", 0, 16, 20)]),
        (box(b"ftyp", b"") + b"\0\0\0\0mdat" + b"rest", [Part("ftyp", 0, 8, 8), Part("mdat", 8, 16, 20)]),
        (b"\0\0\0\1mdat" + bytes(8) + box(b"free", b""), [Part("mdat", 0, 16, 24)]),  # 64 bits of 0 too
    ],
)
def test_boxes_of_a_file_are_where_their_sizes_say(content: bytes, parts: list[Part]) -> None:
    assert list(mp4_boxes(content)) == parts


def test_elements_are_the_header_and_the_children_of_the_segment() -> None:
    children = element(0x1549A966, b"info") + element(0x1654AE6B, b"tr") + element(0xEC, b"") + element(0xBF, b"x")
    content = element(0x1A45DFA3, b"webm") + element(0x18538067, children)
    # 4 + 1 + 4 = 9; the segment's body begins 5 later; Info 5 + 4, Tracks 5 + 2, Void 2; an unknown one has its number.
    assert list(ebml_elements(content)) == [
        Part("EBML", 0, 5, 9),
        Part("Info", 14, 19, 23),
        Part("Tracks", 23, 28, 30),
        Part("Void", 30, 32, 32),
        Part("BF", 32, 34, 35),
    ]


MP4 = box(b"ftyp", b"isom") + box(b"moov", bytes(40)) + box(b"mdat", bytes(40)) + box(b"sidx", bytes(40))
WEBM = element(0x1A45DFA3, b"webm") + element(0x18538067, element(0x1549A966, bytes(20)) + element(0xEC, bytes(20)))
FLV = b"FLV\1\5" + bytes(60)


def changed(content: bytes) -> list[int]:
    """Return the places at which damage changed something; all of them were 0."""
    after = damage(content, "seed")
    assert len(after) == len(content)
    return [place for place, (old, new) in enumerate(zip(content, after, strict=True)) if old != new]


@pytest.mark.parametrize(
    ("content", "spans"),
    [
        (MP4, [(20, 60), (116, 156)]),  # moov and sidx; not ftyp, and not the media themselves
        (WEBM, [(19, 39)]),  # Info; not Void
        (FLV, [(16, 65)]),  # all but the signature
        (b"FLV", []),
    ],
)
def test_damage_hits_every_part_that_tells_the_structure_and_no_other(
    content: bytes, spans: list[tuple[int, int]]
) -> None:
    places = changed(content)
    assert all(any(first <= place < end for first, end in spans) for place in places)
    # A byte of noise is the old one once in 256 times: three in four of each span are surely changed.
    assert all(sum(first <= place < end for place in places) > (end - first) * 0.75 for first, end in spans)


def test_damage_of_a_long_part_ends_after_its_first_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DAMAGE_MAX_BYTES", 10)
    assert set(changed(MP4)) <= {*range(20, 30), *range(116, 126)}


def test_damage_of_one_seed_is_the_same_and_of_another_is_not() -> None:
    assert damage(MP4, "a") == damage(MP4, "a") != damage(MP4, "b")
